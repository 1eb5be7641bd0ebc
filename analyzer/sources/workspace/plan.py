"""What would be asked of workspaces, and how much they hold: before anything is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from analyzer.model import Window
from analyzer.sources.workspace.asking import closed, spans
from analyzer.sources.workspace.auth import client, endpoint
from analyzer.sources.workspace.client import QueryClient, timespan, wider
from analyzer.sources.workspace.errors import Kind, QueryFailed, taught
from analyzer.sources.workspace.places import Place, Workspaces
from analyzer.sources.workspace.queries import AROUND, Newest, TakenIn, newest, taken_in, tally, told, usage
from analyzer.sources.workspace.retry import Gate
from analyzer.sources.workspace.windows import DAY, pieces

_FREE = "queries of a table on the Analytics plan cost nothing; on the Basic plan, what they scan is billed by the GB"


def plan(workspaces: Workspaces, window: Window, now: datetime) -> Iterator[Sequence[str]]:
    """For each place the first request that would be made, as lines that can be pasted into the portal. Nothing is sent."""
    cut = pieces(closed(window, now), workspaces.slice or DAY)
    for place in workspaces.places:
        more = f", and {len(cut) - 1:,} more up to {spans([cut[-1]]).split(' to ')[1]}" if len(cut) > 1 else ""
        yield (
            f"// {place.name}: POST {endpoint(workspaces.cloud)}/v1{place.path}/query",
            f"// with timespan {timespan(wider(cut[0], AROUND) if place.insights else cut[0])}{more}",
            *([f"// and workspaces {', '.join(place.also)}"] if place.also else []),
            *tally(cut[0], insights=place.insights).splitlines(),
        )


def estimates(workspaces: Workspaces, window: Window, now: datetime) -> tuple[str, ...]:
    """How many records and gigabytes the places hold of a window, and how many queries would count them. Raises SourceError."""
    whole = closed(window, now)
    queries = len(pieces(whole, workspaces.slice or DAY))
    asker, gate = QueryClient(client(workspaces), workspaces.patience), Gate(workspaces.patience)
    lines: list[str] = []
    try:
        for place in workspaces.places:
            lines.append(f"{place.name}, {spans([whole])}: {queries:,} {'query' if queries == 1 else 'queries'}")
            try:
                lines += [f"  {line}" for line in _of(place, asker, gate, whole)]
            except QueryFailed as failed:
                raise taught(failed, place, workspaces.auth, workspaces.cloud) from None
    finally:
        asker.close()
    return (*lines, _FREE)


def _of(place: Place, asker: QueryClient, gate: Gate, window: Window) -> Iterator[str]:
    sizes = () if place.is_resource else _sizes(place, asker, gate, window)
    basic = False
    try:
        counts: tuple[Newest, ...] = told(gate.run(lambda: asker.ask(place, newest(window), window)))
    except QueryFailed as failed:
        if failed.kind is not Kind.BASIC:
            raise
        basic, counts = True, ()
        yield "ApiManagementGatewayLogs is on the Basic plan: counting its records would cost, and was left"
    for one in counts:
        yield f"{one.table}: {one.records:,} gateway records, the newest of {one.newest:%Y-%m-%d %H:%M} UTC"
    for size in sizes:
        of = " of all services" if size.table == "AzureDiagnostics" else ""
        may_be = f", {size.least:,} to {size.most:,} records by their usual size" if basic and size.most else ""
        yield f"{size.table}: {size.gigabytes:,.3f} GB taken in{of}{may_be}"
    if not counts and not sizes:
        yield "no gateway record"


def _sizes(place: Place, asker: QueryClient, gate: Gate, window: Window) -> tuple[TakenIn, ...]:
    """By table; none where the Usage table does not answer: a credential may see the logs and not it."""
    try:
        return taken_in(gate.run(lambda: asker.ask(place, usage(window), window)))
    except QueryFailed as failed:
        if failed.kind in (Kind.NO_TABLE, Kind.FORBIDDEN):
            return ()
        raise
