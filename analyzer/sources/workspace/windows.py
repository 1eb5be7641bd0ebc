"""A window in, the windows of single queries out, and the run over them: a few at once, halved where an answer is too large or too slow."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from analyzer.model import Window
from analyzer.sources.workspace.answer import Answer
from analyzer.sources.workspace.errors import WILL_NOT_PASS, Kind, QueryFailed
from analyzer.sources.workspace.places import Place
from analyzer.sources.workspace.retry import Ended, Gate

AT_ONCE, AT_ONCE_BASIC = 5, 2
"""Queries of one user that the service runs together; more of them queue: https://learn.microsoft.com/azure/azure-monitor/service-limits"""

DAY, BASIC = timedelta(days=1), timedelta(hours=4)
_MOST_PIECES = 400
_SLOWEST = 4  # times that a window is halved because it takes too long: each try may take ten minutes
_GIVEN_UP = 3  # queries of a place, where none was answered
_HOUR, _SHORTEST = timedelta(hours=1), timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Ask = Callable[["Piece"], Answer]
"""Asks once; raises QueryFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One query to ask."""

    place: Place
    window: Window  # closed on both sides
    basic: bool = False  # of a table on the Basic plan: never halved, because each scan is billed
    slow: int = 0  # how often its time was halved because an answer did not come, or not all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a piece that is not asked any more."""

    piece: Piece
    answer: Answer | None = None  # None: it failed
    failed: QueryFailed | None = None  # None: it was answered


def pieces(window: Window, length: timedelta) -> tuple[Window, ...]:
    """A closed window cut at multiples of `length` since midnight UTC, so that the same hours are cut alike every time.

    Where that were too many, they are longer.
    """
    start, end = _closed(window)
    while (end - start) / length > _MOST_PIECES:
        length *= 2
    edge = _EPOCH + ((start - _EPOCH) // length + 1) * length
    found = []
    while edge < end:
        found.append(Window(start=start, end=edge))
        start, edge = edge, edge + length
    return (*found, Window(start=start, end=end))


def halves(window: Window) -> tuple[Window, Window] | None:
    """Both halves of a closed window, cut on the hour where it has more than one; None where it is too short to be halved."""
    start, end = _closed(window)
    unit = _HOUR if end - start >= 2 * _HOUR else _SHORTEST
    middle = _EPOCH + ((start + (end - start) / 2 - _EPOCH) // unit) * unit
    if middle <= start:
        middle += unit
    if middle >= end:
        return None
    return Window(start=start, end=middle), Window(start=middle, end=end)


def without(window: Window, done: Sequence[Window]) -> tuple[Window, ...]:
    """What of a closed window lies in none of the windows that are done."""
    left = [_closed(window)]
    for one in done:
        start, end = _closed(one)
        left = [part for a, b in left for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]]
    return tuple(Window(start=a, end=b) for a, b in left)


def joined(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Closed windows in their order, those that touch or overlap as one."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(map(_closed, windows)):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(Window(start=a, end=b) for a, b in found)


def _closed(window: Window) -> tuple[datetime, datetime]:
    if window.start is None or window.end is None:
        raise ValueError("an open window cannot be asked for")
    return window.start, window.end


@dataclass(slots=True)
class _State:
    """How far a place is."""

    basic: bool = False
    answered: int = 0
    failed: int = 0
    slow: bool = False  # halving did not help: what does not come in time is given up
    stopped: bool = False


@dataclass(slots=True, kw_only=True)
class Run:
    """The run over all pieces of all places: a generator of what came of each, in the order in which they end.

    `basic` gives the pieces of a place anew, once it shows that its table is on the Basic plan. The first piece goes alone: it
    signs in, and shows what no other piece need find out again.
    """

    ask: Ask
    gate: Gate
    basic: Callable[[Place], Sequence[Window]]
    on_progress: Callable[[int, int], None]  # queries that ended, queries in all
    done: int = 0
    total: int = 0
    asked: int = 0  # queries that were sent
    _heard: bool = False  # whether any query was answered, however
    _waiting: deque[Piece] = field(default_factory=deque)
    _running: list[Piece] = field(default_factory=list)
    _ended: queue.SimpleQueue[tuple[Piece, Answer | BaseException]] = field(default_factory=queue.SimpleQueue)
    _states: dict[Place, _State] = field(default_factory=dict)

    def over(self, all_pieces: Sequence[Piece]) -> Iterator[Told]:
        """Ask for all; whatever ends this ends the queries that are under way as well."""
        self._waiting.extend(all_pieces)
        self._states = {piece.place: _State() for piece in all_pieces}
        self.total = len(all_pieces)
        self.on_progress(0, self.total)
        try:
            while self._waiting or self._running:
                self._start()
                piece, said = self._next()
                self._running.remove(piece)
                self._heard = True
                for told in self._told(piece, said):
                    self.done += 1
                    yield told
                self.on_progress(self.done, self.total)
        finally:
            self.gate.end()

    def _start(self) -> None:
        for _ in range(len(self._waiting)):
            if len(self._running) >= (AT_ONCE if self._heard else 1):
                return
            piece = self._waiting.popleft()
            if piece.basic and sum(p.basic for p in self._running) >= AT_ONCE_BASIC:
                self._waiting.append(piece)
                continue
            self._running.append(piece)
            self.asked += 1
            threading.Thread(target=self._ask, args=(piece,), name="query", daemon=True).start()

    def _ask(self, piece: Piece) -> None:
        try:
            self._ended.put((piece, self.gate.run(lambda: self.ask(piece))))
        except BaseException as error:  # noqa: BLE001  raised again where the run is
            self._ended.put((piece, error))

    def _next(self) -> tuple[Piece, Answer | BaseException]:
        while True:
            try:
                return self._ended.get(timeout=0.5)  # on Windows, Ctrl-C is heard between two waits only
            except queue.Empty:
                continue

    def _told(self, piece: Piece, said: Answer | BaseException) -> Iterator[Told]:
        state = self._states[piece.place]
        if isinstance(said, Answer):
            if not (said.is_truncated or said.incomplete):
                state.answered += 1
                yield Told(piece=piece, answer=said)
                return
            said = QueryFailed(Kind.TRUNCATED if said.is_truncated else Kind.INCOMPLETE, said.incomplete)
        if isinstance(said, Ended) or not isinstance(said, QueryFailed):
            raise said
        if said.kind is Kind.BASIC and not (piece.basic or piece.place.also or piece.place.insights):
            self._turn_basic(piece.place, state)
            return
        if both := self._halved(piece, said, state):
            self._waiting.extendleft(reversed(both))
            self.total += 1
            return
        state.failed += 1
        yield Told(piece=piece, failed=said)
        hopeless = said.kind in WILL_NOT_PASS or (state.failed >= _GIVEN_UP and not state.answered)
        if hopeless and not state.stopped:
            state.stopped = True
            yield from self._drop(piece.place, said)

    def _halved(self, piece: Piece, why: QueryFailed, state: _State) -> tuple[Piece, ...]:
        """The halves of a piece, where asking for them may help; else none."""
        slow = why.kind in (Kind.TIMED_OUT, Kind.INCOMPLETE)
        if piece.basic or not (slow or why.kind is Kind.TRUNCATED):
            return ()
        if slow and (state.slow or piece.slow >= _SLOWEST):
            state.slow = True
            return ()
        both = halves(piece.window) or ()
        return tuple(Piece(place=piece.place, window=half, slow=piece.slow + slow) for half in both)

    def _turn_basic(self, place: Place, state: _State) -> None:
        self.total -= 1
        if state.basic:  # another query was under way when the first one showed it
            return
        state.basic = True
        kept = [p for p in self._waiting if p.place != place]
        self.total -= len(self._waiting) - len(kept)
        made = [Piece(place=place, window=window, basic=True) for window in self.basic(place)]
        self._waiting = deque([*made, *kept])
        self.total += len(made)

    def _drop(self, place: Place, why: QueryFailed) -> Iterator[Told]:
        dropped = [p for p in self._waiting if p.place == place]
        self._waiting = deque(p for p in self._waiting if p.place != place)
        return (Told(piece=p, failed=why) for p in dropped)
