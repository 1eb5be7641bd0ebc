"""The weeks that a summary speaks of, each with its tally: from the history where that has it, else from the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from analyzer.checking import Progress
from analyzer.errors import SourceError
from analyzer.model import Week, Window
from analyzer.sources.saved import Saved, cut
from analyzer.tally import Tally
from analyzer.weekly.history import History
from analyzer.weekly.weeks import before

SOURCES, HISTORY = "sources", "history"

Reader = Callable[[Window], Tally]
"""Counts what the sources hold of a half-open window; SourceError where they cannot be read."""

FARTHEST = 52
"""Weeks before this one that a history is asked for, so that the beginning of a long run is found."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of one week."""

    week: Week
    tally: Tally | None
    origin: str  # "sources", "history", or why nothing is known


def this_week(
    read: Reader, week: Week, seen_to: datetime, history: History | None, caveats: list[str]
) -> tuple[Tally, Kept]:
    """The week itself: from the sources, or from the history where that has more of it."""
    kept = history.tally(week) if history is not None else None
    try:
        fresh = read(Window(start=week.start, end=seen_to))
    except SourceError as error:
        if kept is None:
            raise
        caveats.append(f"The sources could not be read ({error}); what the history kept of {week.label} stands.")
        return kept, Kept(week, kept, HISTORY)
    if kept is not None and kept.intake.records > fresh.intake.records:
        caveats.append(
            f"The sources hold {fresh.intake.records:,} records of {week.label}, and the history {kept.intake.records:,}: "
            "the history's stand."
        )
        return kept, Kept(week, kept, HISTORY)
    return fresh, Kept(week, fresh, SOURCES)


def earlier_weeks(
    read: Reader,
    week: Week,
    number: int,
    history: History | None,
    zone: tzinfo,
    once: bool,
    on_progress: Progress | None,
) -> list[Kept]:
    """The `number` weeks before, oldest first: from the history, else from the sources; and still earlier ones that the history has."""
    weeks = before(week, zone, number)
    kept = {one: history.tally(one) if history is not None else None for one in weeks}
    missing = [one for one in weeks if kept[one] is None]
    fresh: dict[Week, Tally | str] = {}
    if once:
        fresh = dict.fromkeys(missing, "not in the history, and the source can be read only once")
    else:
        for span in _spans(missing):
            if on_progress is not None:
                on_progress("reading earlier weeks", len(fresh), len(missing))
            fresh |= _read(read, span)
    found = []
    for one in weeks:
        saved, new = kept[one], fresh.get(one)
        if saved is not None:
            found.append(Kept(one, saved if _holds(saved) else None, HISTORY))
        elif isinstance(new, Tally):
            found.append(Kept(one, new, SOURCES))
        else:
            found.append(Kept(one, None, new or "nothing is known of it"))
    return [*_farther(history, weeks[0] if weeks else week, zone), *found] if history is not None else found


def _spans(weeks: Sequence[Week]) -> list[list[Week]]:
    """Weeks that are read in one go: those that follow each other and meet on the hour, as a tally counts; else one by one."""
    spans: list[list[Week]] = []
    for week in weeks:
        whole = week.start.minute == week.start.second == 0
        if spans and whole and spans[-1][-1].end == week.start:
            spans[-1].append(week)
        else:
            spans.append([week])
    return spans


def _read(read: Reader, span: Sequence[Week]) -> dict[Week, Tally | str]:
    """Each week of a span, or why nothing is known of it."""
    try:
        whole = read(Window(start=span[0].start, end=span[-1].end))
    except SourceError as error:
        return {week: str(error) for week in span}
    of = Saved(name="What was read of several weeks", tally=whole)
    parts = {week: cut(of, week.window) if len(span) > 1 else whole for week in span}
    return {week: part if _holds(part) else "the sources hold no record of it" for week, part in parts.items()}


def _farther(history: History, first: Week, zone: tzinfo) -> list[Kept]:
    """Still earlier weeks of the history, back to the first that it does not have."""
    found: list[Kept] = []
    for week in reversed(before(first, zone, FARTHEST)):
        tally = history.tally(week)
        if tally is None or not _holds(tally):
            break
        found.insert(0, Kept(week, tally, HISTORY))
    return found


def _holds(tally: Tally) -> bool:
    return bool(len(tally.failures) or len(tally.traffic))
