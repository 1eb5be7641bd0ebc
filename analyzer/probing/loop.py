"""A coroutine run to its end, in a thread of its own where an event loop runs already, as in a notebook."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any, Callable, Coroutine, Optional, Tuple, TypeVar

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]


def finished(work: Work[T]) -> T:
    """What the coroutine returns or raises; Ctrl-C cancels it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    return _in_thread(work)


def _in_thread(work: Work[T]) -> T:
    result: Future[T] = Future()
    begun: Future[Tuple[asyncio.AbstractEventLoop, Optional[asyncio.Task[T]]]] = Future()

    async def announced() -> T:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work()

    def run() -> None:
        try:
            result.set_result(asyncio.run(announced()))
        except BaseException as error:  # noqa: BLE001  it is raised where the result is asked for
            result.set_exception(error)

    thread = threading.Thread(target=run, name="probe")
    thread.start()
    try:
        return result.result()
    except KeyboardInterrupt:
        loop, task = begun.result()
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        thread.join()
