"""A saved tally and a window in, what of the tally lies in it out: hours are all that it can be cut by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd

from analyzer.model import Intake, Window
from analyzer.tally import AFFECTED, FAILURES, TRAFFIC, Tally, typed

_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cut(tally: Tally, window: Window) -> Tally:
    """What a tally has of a half-open window, its edges rounded outward to whole hours; the caveats say what could not be cut.

    Who was affected, and what else was taken in, is not counted by the hour: that stays as it is of the whole tally.
    """
    start = window.start and _EPOCH + (window.start - _EPOCH) // _HOUR * _HOUR
    end = window.end and _EPOCH - (_EPOCH - window.end) // _HOUR * _HOUR
    failures, traffic = (_within(frame, start, end) for frame in (tally.failures, tally.traffic))
    if len(failures) == len(tally.failures) and len(traffic) == len(tally.traffic):
        return tally
    edges = [edge for edge in (tally.found.start, start) if edge], [edge for edge in (tally.found.end, end) if edge]
    rounded = (start, end) != (window.start, window.end)
    signatures = failures[["signature"]].drop_duplicates().astype(str)
    return replace(
        tally,
        failures=failures,
        traffic=traffic,
        intake=_without(tally.intake, tally.intake.failures - int(failures["count"].sum())),
        affected=typed(tally.affected[tally.affected["signature"].astype(str).isin(signatures["signature"])], AFFECTED),
        found=Window(start=max(edges[0], default=None), end=min(edges[1], default=None))
        if len(failures) or len(traffic)
        else Window(),
        caveats=(
            *tally.caveats,
            *(("A saved tally counts by the hour: the window's edges were rounded outward.",) if rounded else ()),
            "A saved tally was cut to the window: who is affected, and how many records were read, are of the whole tally.",
        ),
    )


def _without(intake: Intake, failures: int) -> Intake:
    """An intake with so many failures less, and so many records, of one source after the other."""
    sources = []
    for one in intake.sources:
        less = min(failures, one.failures)
        failures -= less
        sources.append(replace(one, failures=one.failures - less, records=one.records - less))
    return replace(intake, sources=tuple(sources))


def _within(frame: pd.DataFrame, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    inside = pd.Series(True, index=frame.index)
    if start is not None:
        inside &= frame["hour"] >= start
    if end is not None:
        inside &= frame["hour"] < end
    return typed(frame[inside], FAILURES if "signature" in frame else TRAFFIC)
