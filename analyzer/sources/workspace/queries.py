"""Which of the shipped queries is sent for a window, and what its answer says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from analyzer import kql
from analyzer.model import Window
from analyzer.sources.workspace.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What a workspace holds of gateway logs in some time."""

    table: str
    records: int
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What a table took in, by the Usage table."""

    table: str
    gigabytes: float
    least: int  # records that this may be
    most: int


AROUND = timedelta(minutes=10)
"""What the query of Application Insights looks at on both sides of its window: an operation's rows have several times."""


def tally(window: Window, *, basic: bool = False, insights: bool = False) -> str:
    """The query that counts a window; `basic`: its form for a table on the Basic plan, whose time the request says."""
    if insights:
        return _rendered("app-insights-tally", window)
    return kql.text("failures-tally-basic") if basic else _rendered("failures-tally", window)


def newest(window: Window) -> str:
    """The query for which tables hold gateway records of a window."""
    return _rendered("which-tables", window)


def diagnostics(window: Window) -> str:
    """The query for what AzureDiagnostics holds of a window."""
    return _rendered("newest-diagnostics", window)


def usage(window: Window) -> str:
    """The query for how many megabytes the tables took in."""
    return _rendered("usage-estimate", window)


def taken_in(answer: Answer) -> tuple[TakenIn, ...]:
    """What an answer to that says, by table."""
    return tuple(
        TakenIn(
            table=str(row["Table"]),
            gigabytes=float(row["Megabytes"] or 0) / 1000,
            least=int(row.get("RecordsAtLeast") or 0),
            most=int(row.get("RecordsAtMost") or 0),
        )
        for row in sorted(answer.dicts(), key=lambda row: str(row.get("Table")))
        if {"Table", "Megabytes"} <= row.keys()
    )


def told(answer: Answer) -> tuple[Newest, ...]:
    """What an answer to one of these two says, newest first."""
    found = [
        Newest(
            table=str(row.get("Table", "AzureDiagnostics")), records=int(row["Records"]), newest=_moment(row["Newest"])
        )
        for row in answer.dicts()
        if {"Records", "Newest"} <= row.keys() and row["Newest"]
    ]
    return tuple(sorted(found, key=lambda one: one.newest, reverse=True))


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _rendered(name: str, window: Window) -> str:
    ends = {"window_start": window.start, "window_end": window.end}
    return kql.render(name, {parameter: moment for parameter, moment in ends.items() if moment is not None})
