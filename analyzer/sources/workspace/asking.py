"""Workspaces in, their rows of our own tally query in the table `groups` out: the workspace counts, a few rows travel.

Each workspace or resource is one source of the intake, with the queries, rows and bytes that it took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

import duckdb

from analyzer.errors import SourceError, UsageError
from analyzer.model import Window
from analyzer.sources import tallied
from analyzer.sources.careful import LogFile
from analyzer.sources.items import Record, Reject
from analyzer.sources.paths import Found
from analyzer.sources.shapes import Shape
from analyzer.sources.workspace.answer import Answer
from analyzer.sources.workspace.auth import client
from analyzer.sources.workspace.client import QueryClient
from analyzer.sources.workspace.errors import Kind, QueryFailed, words
from analyzer.sources.workspace.places import Place, Workspaces
from analyzer.sources.workspace.queries import AROUND, diagnostics, newest, tally, told
from analyzer.sources.workspace.retry import Gate
from analyzer.sources.workspace.windows import BASIC, DAY, Piece, Run, joined, pieces, without

Progress = Callable[[str, int, int], None]

USUAL = timedelta(days=7)
"""What is asked for where the user says no time."""
_ROWS_AT_ONCE = 20_000
_SKEW = timedelta(minutes=2)
_LOOKED_BACK = timedelta(days=90)


@dataclass(slots=True, kw_only=True)
class Source:
    """What came of one place."""

    place: Place
    file: LogFile
    asked: list[Window] = field(default_factory=list)  # what was answered
    failed: list[tuple[Window, QueryFailed]] = field(default_factory=list)
    queries: int = 0
    rows: int = 0
    size: int = 0  # bytes
    basic: bool = False
    denied: bool = False
    empty: str = ""  # why there is no record, where there is none

    def told(self) -> tuple[tuple[str, Window], ...]:
        """What was asked and answered, as a saved tally keeps it."""
        return tuple((self.place.name, window) for window in joined(self.asked))


Asked = tuple[Source, ...]


def nothing_asked(sources: Sequence[Source]) -> None:
    """Raise SourceError where no place gave a record, and nothing else was read."""
    if any(source.rows for source in sources):
        return
    first = next((s for s in sources if s.file.unreadable), sources[0])
    rest = f" (and {len(sources) - 1} more without a record)" if len(sources) > 1 else ""
    raise SourceError(f"{first.place.name}: {first.file.unreadable or first.empty}{rest}")


def closed(window: Window, now: datetime) -> Window:
    """The window that workspaces are asked for: up to now, and from USUAL before that, where it is open. Raises UsageError."""
    end = window.end or now
    start = window.start or end - USUAL
    if start >= end:
        raise UsageError(f"--from {start:%Y-%m-%dT%H:%MZ} lies ahead: no workspace has a record of that time")
    return Window(start=start, end=end)


def ask(
    db: duckdb.DuckDBPyConnection,
    workspaces: Workspaces,
    *,
    first: int,
    window: Window,
    now: datetime,
    done: Sequence[tuple[str, Window]] = (),
    on_progress: Progress | None = None,
) -> tuple[Source, ...]:
    """Ask all places for a window and add their rows to `groups`, whose column `file` goes on from `first`.

    Where the window is open, it ends `now`, and begins USUAL before that. `done`: what need not be asked again, by a place's name. `on_progress` hears of queries. What a place does not answer is said
    in its file's `unreadable`. Raises SourceError where the sign-in lacks something that the environment should say.
    """
    usual, window = window.start is None, closed(window, now)
    sources = {place: Source(place=place, file=_file(place)) for place in dict.fromkeys(workspaces.places)}
    positions = {place: first + number for number, place in enumerate(sources)}
    left = {p: without(window, [w for name, w in done if name == p.name]) for p in sources}
    asker = QueryClient(client(workspaces), workspaces.patience)

    def cut(place: Place, length: timedelta) -> list[Window]:
        return [piece for part in left[place] for piece in pieces(part, workspaces.slice or length)]

    def ask_one(piece: Piece) -> Answer:
        insights = piece.place.insights
        query = tally(piece.window, basic=piece.basic, insights=insights)
        around = AROUND if insights else timedelta()
        return asker.ask(piece.place, query, piece.window, search=piece.basic, around=around)

    run = Run(
        ask=ask_one,
        gate=Gate(workspaces.patience),
        basic=lambda place: cut(place, BASIC),
        on_progress=lambda done, total: on_progress("asking, queries", done, total) if on_progress else None,
    )
    try:
        for one in run.over([Piece(place=p, window=w) for p in sources for w in cut(p, DAY)]):
            source = sources[one.piece.place]
            source.basic = source.basic or one.piece.basic
            if one.failed is not None:
                source.failed.append((one.piece.window, one.failed))
            elif one.answer is not None:
                _add(db, positions[source.place], source, one.answer)
                source.asked.append(one.piece.window)
        for source in sources.values():
            _conclude(source, workspaces, asker, window, now)
            if usual:
                source.file.notes.append(
                    f"Workspaces were asked for the last {USUAL.days} days; --last asks for another time."
                )
    finally:
        asker.close()
    return tuple(sources.values())


def _add(db: duckdb.DuckDBPyConnection, position: int, source: Source, answer: Answer) -> None:
    source.queries += 1
    source.rows += len(answer.rows)
    source.size += answer.size
    source.denied = source.denied or answer.denied
    records = (Record(line=number, value=row, inside="tables") for number, row in enumerate(answer.dicts(), start=1))

    def good() -> Iterator[dict[str, str]]:
        for one in tallied.checked(records):
            if isinstance(one, Reject):
                source.file.reject(one)
            else:
                yield {key: str(value) for key, value in one.value.items()}

    rows = good()
    while several := list(islice(rows, _ROWS_AT_ONCE)):
        tallied.insert(db, position, several)


def _conclude(source: Source, workspaces: Workspaces, asker: QueryClient, window: Window, now: datetime) -> None:
    """Say what was not seen, and name the source's shape after what it took."""
    file, place = source.file, source.place
    file.shape = replace(
        file.shape,
        name=f"Log Analytics{', Basic plan' if source.basic else ''}: {source.rows:,} rows, {_bytes(source.size)}, "
        f"{source.queries:,} {'query' if source.queries == 1 else 'queries'}",
    )
    if source.failed:
        first = source.failed[0][1]
        why = words(first, place, workspaces.auth, workspaces.cloud)
        if source.basic and first.kind is Kind.REFUSED:
            why = f"the API refused the search of a table on the Basic plan ({first.detail}); queries/failures-tally-basic.kql in the portal says more"
        whole = len(source.failed) + len(source.asked)
        missing = (
            f"{len(source.failed)} of {whole} queries were not answered ({spans([w for w, _ in source.failed])}): "
        )
        file.unreadable = (missing if source.asked else "") + why
        return
    if source.asked and not source.rows:
        source.empty = _empty(source, asker, window, now)
        file.notes.append(f"{place.name}: {source.empty}.")
        return
    if place.insights:
        file.notes.append(f"{place.name} may keep a sample of what happened: its numbers are estimates then.")
    if source.basic:
        _tell_strays(source, asker, window)
    if source.denied:
        file.notes.append(
            f"The credential may not see all of the {place.name}: what is kept from it was not counted (Log Analytics Reader sees all)."
        )
    if asker.skew is not None and abs(asker.skew) > _SKEW:
        file.notes.append(
            f"This machine's clock differs by {abs(asker.skew).total_seconds() / 60:.0f} minutes from the query API's: "
            "--last was taken by this machine's."
        )


def _empty(source: Source, asker: QueryClient, window: Window, now: datetime) -> str:
    """What to say of a place that has no record of this time: when its newest one is of."""
    none = f"it has no gateway record of {spans([window])}"
    setting = "see that the API Management service has a diagnostic setting that sends GatewayLogs there; the first records take some 15 minutes"
    if source.place.insights:
        return f"{none}: see that the API Management service logs to an Application Insights resource of this workspace"
    if source.basic:
        return f"{none}; whether it has any of another time was not looked for, because that costs on the Basic plan: {setting}"
    ever = Window(start=now - _LOOKED_BACK, end=now)
    try:
        found = told(asker.ask(source.place, newest(ever), ever))
    except QueryFailed:
        return f"{none}; whether it has any of another time could not be asked: {setting}"
    if found:
        return f"{none}; the newest in {found[0].table} is of {found[0].newest:%Y-%m-%d %H:%M} UTC: ask for that time by --from and --to"
    return f"{none}, nor of the last {_LOOKED_BACK.days} days: {setting}"


def _tell_strays(source: Source, asker: QueryClient, window: Window) -> None:
    """Say what the other table holds: no query may join it with one on the Basic plan, so it is not counted."""
    try:
        found = told(asker.ask(source.place, diagnostics(window), window))
    except QueryFailed:
        return
    for one in found:
        source.file.notes.append(
            f"{source.place.name}: AzureDiagnostics has {one.records:,} gateway records of this time too; they were not counted, because "
            "no query may hold them against a table on the Basic plan."
        )


def spans(windows: Sequence[Window]) -> str:
    """The spans of closed windows, those that touch as one; the first few."""
    told = [f"{w.start:%Y-%m-%d %H:%M} to {w.end:%Y-%m-%d %H:%M} UTC" for w in joined(windows)]
    return ", ".join(told[:3]) + (f" and {len(told) - 3} more spans" if len(told) > 3 else "")


def _bytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB" if size >= 1_000_000 else f"{size / 1_000:,.1f} kB"


def _file(place: Place) -> LogFile:
    return LogFile(
        found=Found(name=place.name, address=place.id, origin=place.name),
        shape=Shape(name="Log Analytics", tells=lambda _: False, items=lambda _: iter(()), tallied=True),
        plain=False,
    )
