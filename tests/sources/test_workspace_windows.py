"""Windows are cut without gap or overlap, asked for a few at once, halved where they have to be, and never on the Basic plan."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.model import Window
from analyzer.sources.workspace.answer import Answer
from analyzer.sources.workspace.errors import WILL_NOT_PASS, Kind, QueryFailed
from analyzer.sources.workspace.places import Patience, Place
from analyzer.sources.workspace.retry import Ended, Gate, wait
from analyzer.sources.workspace.windows import AT_ONCE, AT_ONCE_BASIC, Piece, Run, Told, halves, joined, pieces, without

START = datetime(2026, 11, 16, tzinfo=UTC)
PLACE, SECOND = Place(id="a"), Place(id="b")
HASTY = Patience(pause=0.0)


def window(start: float, end: float) -> Window:
    """Between two times in hours."""
    return Window(start=START + timedelta(hours=start), end=START + timedelta(hours=end))


moments = st.integers(min_value=0, max_value=60 * 24 * 40).map(lambda m: START + timedelta(minutes=m, seconds=m % 60))


@given(moments, moments, st.sampled_from([1, 4, 24, 24 * 7]))
def test_pieces_cover_the_window_once(one: datetime, other: datetime, hours: int) -> None:
    start, end = sorted((one, other + timedelta(seconds=1) if one == other else other))
    if start == end:
        return
    cut = pieces(Window(start=start, end=end), timedelta(hours=hours))
    edges = [p.start for p in cut] + [cut[-1].end]
    assert (edges[0], edges[-1]) == (start, end)
    assert [p.end for p in cut] == edges[1:]
    assert len(cut) <= 402
    assert all(
        e is not None and (e - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(hours=1) == timedelta()
        for e in edges[1:-1]
    )


@given(moments, st.integers(min_value=1, max_value=10**6))
def test_halves_cover_the_whole_once(start: datetime, seconds: int) -> None:
    whole = Window(start=start, end=start + timedelta(seconds=seconds))
    both = halves(whole)
    if both is None:
        assert seconds <= 120
        return
    first, second = both
    assert (first.start, first.end, second.end) == (whole.start, second.start, whole.end)
    assert first.start < first.end < second.end  # type: ignore[operator]


def test_halves_are_cut_on_the_hour() -> None:
    assert halves(window(0, 3)) == (window(0, 1), window(1, 3))
    assert halves(window(0, 1)) == (window(0, 0.5), window(0.5, 1))
    assert halves(Window(start=START, end=START + timedelta(seconds=40))) is None


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ([], [window(0, 24)]),
        ([window(0, 24)], []),
        ([window(-5, 30)], []),
        ([window(0, 6)], [window(6, 24)]),
        ([window(6, 12)], [window(0, 6), window(12, 24)]),
        ([window(6, 12), window(10, 18)], [window(0, 6), window(18, 24)]),
        ([window(30, 40)], [window(0, 24)]),
    ],
)
def test_what_is_done_is_not_asked_again(done: list[Window], left: list[Window]) -> None:
    assert list(without(window(0, 24), done)) == left


def test_windows_that_touch_are_one() -> None:
    assert joined([window(4, 6), window(0, 2), window(2, 3), window(5, 8)]) == (window(0, 3), window(4, 8))
    assert joined([]) == ()


ONE = Answer(columns=("n",), types=("long",), rows=((1,),))


def run(
    ask: Callable[[Piece], Answer],
    all_pieces: list[Piece],
    *,
    patience: Patience = HASTY,
    basic: tuple[Window, ...] = (),
    progress: list[tuple[int, int]] | None = None,
) -> list[Told]:
    heard = progress if progress is not None else []
    made = Run(
        ask=ask, gate=Gate(patience), basic=lambda _: basic, on_progress=lambda done, total: heard.append((done, total))
    )
    return list(made.over(all_pieces))


def cut(hours: int, of: Place = PLACE, *, basic: bool = False) -> list[Piece]:
    return [Piece(place=of, window=window(h, h + 1), basic=basic) for h in range(hours)]


def test_what_is_too_large_is_halved_and_nothing_is_lost() -> None:
    def ask(piece: Piece) -> Answer:
        start, end = piece.window.start, piece.window.end
        assert start
        assert end
        return Answer(columns=("n",), is_truncated=end - start > timedelta(hours=2))

    heard: list[tuple[int, int]] = []
    told = run(ask, [Piece(place=PLACE, window=window(0, 24))], progress=heard)
    assert all(one.failed is None for one in told)
    spans = sorted((one.piece.window.start, one.piece.window.end) for one in told)  # type: ignore[type-var]
    assert spans[0][0] == window(0, 24).start
    assert spans[-1][1] == window(0, 24).end
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert heard[-1] == (len(told), len(told))


def test_what_cannot_be_halved_any_more_fails_and_the_rest_goes_on() -> None:
    def ask(piece: Piece) -> Answer:
        if piece.window.start == window(0, 1).start:
            raise QueryFailed(Kind.TRUNCATED)
        return ONE

    told = run(ask, cut(3))
    failed = [one for one in told if one.failed]
    assert [one.failed.kind for one in failed if one.failed] == [Kind.TRUNCATED]
    assert failed[0].piece.window.end == START + timedelta(minutes=1)
    assert sum(one.answer is not None for one in told) > 5


@pytest.mark.parametrize("kind", [Kind.TIMED_OUT, Kind.INCOMPLETE])
def test_what_takes_too_long_is_halved_four_times_and_then_given_up(kind: Kind) -> None:
    asked: list[Piece] = []

    def ask(piece: Piece) -> Answer:
        asked.append(piece)
        if piece.place == SECOND:
            return ONE
        raise QueryFailed(kind)

    day = [Piece(place=PLACE, window=window(24 * n, 24 * n + 24)) for n in range(20)]
    told = run(ask, [*day, *cut(2, SECOND)])
    assert sum(piece.place == PLACE for piece in asked) <= 30  # each may take ten minutes
    whole = joined([one.piece.window for one in told if one.failed])
    assert whole == (window(0, 24 * 20),)  # nothing is passed over in silence
    assert sum(one.answer is not None for one in told) == 2


def test_a_service_that_is_out_of_order_is_given_up() -> None:
    asked: list[Piece] = []

    def ask(piece: Piece) -> Answer:
        asked.append(piece)
        raise QueryFailed(Kind.SERVICE)

    told = run(ask, cut(50), patience=Patience(pause=0.0, repeats=1))
    assert len(told) == 50
    assert len(asked) < 12


def test_a_timeout_is_never_repeated_as_it_is() -> None:
    asked: list[Window] = []

    def ask(piece: Piece) -> Answer:
        asked.append(piece.window)
        raise QueryFailed(Kind.TIMED_OUT)

    run(ask, cut(1))
    assert len(asked) == len({(w.start, w.end) for w in asked})


def test_the_first_goes_alone_and_then_five_at_once() -> None:
    under_way, most, lock = 0, list[int](), threading.Lock()
    together = threading.Barrier(AT_ONCE)
    first = threading.Event()

    def ask(piece: Piece) -> Answer:
        nonlocal under_way
        with lock:
            under_way += 1
            most.append(under_way)
        if first.is_set():
            together.wait(10)
        first.set()
        with lock:
            under_way -= 1
        return ONE

    told = run(ask, cut(1 + 3 * AT_ONCE))
    assert len(told) == 1 + 3 * AT_ONCE
    assert most[0] == 1
    assert max(most) == AT_ONCE


def test_of_a_basic_table_two_at_once_are_asked_and_none_is_halved() -> None:
    under_way, most, lock = 0, list[int](), threading.Lock()
    asked: list[Piece] = []

    def ask(piece: Piece) -> Answer:
        nonlocal under_way
        with lock:
            under_way += 1
            most.append(under_way)
            asked.append(piece)
        try:
            if not piece.basic:
                raise QueryFailed(Kind.BASIC)
            return Answer(columns=("n",), is_truncated=piece.window == window(4, 8))
        finally:
            with lock:
                under_way -= 1

    told = run(ask, cut(6), basic=tuple(window(4 * n, 4 * n + 4) for n in range(6)))
    assert [one.failed.kind for one in told if one.failed] == [Kind.TRUNCATED]
    assert sum(piece.basic for piece in asked) == len(told) == 6  # each is billed, and asked once
    assert max(most) <= AT_ONCE_BASIC


@pytest.mark.parametrize("kind", sorted(WILL_NOT_PASS - {Kind.BASIC}))
def test_what_meets_every_window_is_asked_once(kind: Kind) -> None:
    asked = list[Piece]()

    def ask(piece: Piece) -> Answer:
        asked.append(piece)
        if piece.place == PLACE:
            raise QueryFailed(kind)
        return ONE

    told = run(ask, [*cut(4), *cut(2, SECOND)], patience=Patience(pause=0.0, attempts=1))
    assert [p.place for p in asked].count(PLACE) == 1
    assert sum(one.failed is not None for one in told) == 4  # all are told of
    assert sum(one.answer is not None for one in told) == 2


def test_a_fault_of_ours_is_raised() -> None:
    def ask(piece: Piece) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(ask, cut(3))


def test_giving_up_ends_what_waits() -> None:
    gate = Gate(Patience(pause=3600.0))
    ended = threading.Event()

    def ask() -> Answer:
        raise QueryFailed(Kind.SERVICE)

    def waits() -> None:
        with pytest.raises(Ended):
            gate.run(ask)
        ended.set()

    waiting = threading.Thread(target=waits)
    waiting.start()
    gate.end()
    waiting.join(10)
    assert ended.is_set()


@pytest.mark.parametrize(
    ("kind", "retry_after", "waits"),
    [
        (Kind.THROTTLED, None, [2.0, 4.0, 8.0, 16.0, 32.0, None]),
        (Kind.THROTTLED, 7.0, [7.0] * 5 + [None]),
        (Kind.THROTTLED, 3600.0, [None]),
        (Kind.SERVICE, None, [2.0, 4.0, None]),
        (Kind.BROKEN, None, [2.0, 4.0, None]),
        (Kind.TIMED_OUT, None, [None]),
        (Kind.FORBIDDEN, None, [None]),
    ],
)
def test_each_kind_has_its_patience(kind: Kind, retry_after: float | None, waits: list[float | None]) -> None:
    failed = QueryFailed(kind, retry_after=retry_after)
    assert [wait(Patience(), failed, attempt) for attempt in range(1, len(waits) + 1)] == waits


def test_one_that_is_throttled_is_asked_again_until_it_is_answered() -> None:
    left = [QueryFailed(Kind.THROTTLED), QueryFailed(Kind.THROTTLED, retry_after=0.0), QueryFailed(Kind.SERVICE)]

    def ask() -> Answer:
        if left:
            raise left.pop()
        return ONE

    assert Gate(HASTY).run(ask) is ONE
