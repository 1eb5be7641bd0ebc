"""A deadline around a block of awaits: a moment of the loop's time in, `asyncio.TimeoutError` out where the block is not done by then."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import Any, Iterator, cast


@contextmanager
def ends_by(moment: float) -> Iterator[None]:
    """As `asyncio.timeout_at`, which Python has from 3.11 on; `asyncio.wait_for` costs a task each time before 3.12.

    What is at hand already is still taken where the moment is past.
    """
    task = cast("asyncio.Task[Any]", asyncio.current_task())
    late = False

    def stop() -> None:
        nonlocal late
        late = True
        task.cancel()

    timer = asyncio.get_running_loop().call_at(moment, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not late:
            raise  # somebody else's: Ctrl-C
        if hasattr(task, "uncancel"):
            task.uncancel()
        raise TimeoutError from None
    finally:
        timer.cancel()
