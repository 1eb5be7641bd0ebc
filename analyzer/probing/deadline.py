"""A deadline around a block of awaits: a moment of the loop's time in, `asyncio.TimeoutError` out where the block is not done by then."""

from __future__ import annotations

import asyncio
from typing import Any, Optional, Type, cast


class ends_by:  # noqa: N801  used as a statement
    """As `asyncio.timeout_at`, which Python has from 3.11 on; `asyncio.wait_for` costs a task each time before 3.12.

    What is at hand already is still taken where the moment is past.
    """

    __slots__ = ("_late", "_task", "_timer")

    def __init__(self, moment: float) -> None:
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._late = False
        self._timer = asyncio.get_running_loop().call_at(moment, self._stop)

    def _stop(self) -> None:
        self._late = True
        self._task.cancel()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Optional[Type[BaseException]], error: object, _: object) -> None:
        self._timer.cancel()
        if kind is not None and issubclass(kind, asyncio.CancelledError) and self._late:  # else somebody else's: Ctrl-C
            if hasattr(self._task, "uncancel"):
                self._task.uncancel()
            raise TimeoutError from None
