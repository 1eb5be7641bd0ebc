"""How often a query is asked again, and how long all queries wait for that: the service's limits are per user, not per query.

The SDK's own retries are switched off: they repeat a query of ten minutes four times, and give up at once where a 429
does not say how long to wait, which those of Log Analytics never do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from analyzer.sources.workspace.errors import Kind, QueryFailed
from analyzer.sources.workspace.places import Patience

T = TypeVar("T")


def wait(patience: Patience, failed: QueryFailed, attempt: int) -> float | None:
    """Seconds to wait before a query is asked once more, after so many attempts; None: it is not.

    A query that timed out is never repeated as it is: it would take as long again.
    """
    most = {
        Kind.THROTTLED: patience.attempts,
        Kind.SERVICE: patience.repeats,
        Kind.BROKEN: patience.repeats,
    }
    if attempt >= most.get(failed.kind, 1):
        return None
    if failed.retry_after is None:
        return float(min(patience.pause * 2.0 ** (attempt - 1), patience.longest))
    return failed.retry_after if failed.retry_after <= patience.longest else None


class Ended(Exception):
    """The run was given up while a query waited."""


class Gate:
    """What all queries of a run pass: one that is throttled holds the others back as well."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._opens = 0.0  # time.monotonic()

    def end(self) -> None:
        """Let nothing pass any more; what waits raises Ended."""
        self._ended.set()

    def run(self, ask: Callable[[], T]) -> T:
        """What `ask` returns, asked as often as patience has it. Raises QueryFailed, or Ended."""
        attempt = 0
        while True:
            self._pass()
            try:
                return ask()
            except QueryFailed as failed:
                attempt += 1
                seconds = wait(self._patience, failed, attempt)
                if seconds is None:
                    raise
                if failed.kind is Kind.THROTTLED:
                    self._hold(seconds)
                elif self._ended.wait(seconds):
                    raise Ended from None

    def _hold(self, seconds: float) -> None:
        with self._lock:
            self._opens = max(self._opens, time.monotonic() + seconds)

    def _pass(self) -> None:
        while True:
            with self._lock:
                left = self._opens - time.monotonic()
            if self._ended.is_set():
                raise Ended
            if left <= 0:
                return
            self._ended.wait(left)
