"""From a reader of gateway logs to a week's summary: the week and the weeks before it are read, held together, judged and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from analyzer.anchors import anchors_of
from analyzer.checking import Progress, recorded_in
from analyzer.model import Finding, Kind, Run, Summary, Week
from analyzer.weekly.history import History
from analyzer.weekly.judging import Judging, judge
from analyzer.weekly.reading import SOURCES, Kept, Reader, earlier_weeks, this_week
from analyzer.weekly.runs import runs_of
from analyzer.weekly.summary import affected_of, availability_of, heat_of, trend_of
from analyzer.weekly.timeline import timeline_of

MOST_JUDGED = 500
"""Runs beyond the worst five hundred are counted, not judged and not listed."""

WEEKS = 8
_SAMPLED = (
    "Diagnostic settings may sample answered calls while every failure is logged: shares of calls lost are at most what "
    "they say, availability is at least."
)


def weekly(
    read: Reader,
    *,
    week: Week,
    zone: tzinfo,
    now: datetime,
    weeks: int = WEEKS,
    history: History | None = None,
    once: bool = False,
    judging: Judging = Judging(),  # noqa: B008  frozen
    on_progress: Progress | None = None,
) -> Summary:
    """The summary of a week, held against the `weeks` - 1 before it, which come from the history, else from the sources.

    `once`: the sources can be read only once (standard input), so that earlier weeks come from the history alone. What was
    read is kept in the history, so that doing a week again gives the same; a tally that counts fewer records than the one
    that was kept does not replace it. Raises SourceError, EvidenceError, CertificateFileError, OutputError, UsageError.
    """
    seen_to = min(week.end, now)
    anchors, recorded = anchors_of(judging.ca_files, judging.trust_store), recorded_in(judging.evidence, now)
    caveats: list[str] = []
    tally, mine = this_week(read, week, seen_to, history, caveats)
    known = [*earlier_weeks(read, week, max(weeks - 1, 0), history, zone, once, on_progress), mine]
    if history is not None:
        for one in known:
            if one.tally is not None and one.origin == SOURCES and one.week.end <= now:
                history.keep(one.week, one.tally)
    timeline = timeline_of([(one.week, one.tally) for one in known])
    runs = runs_of(timeline, seen_to)
    listed, counted = runs[:MOST_JUDGED], runs[MOST_JUDGED:]
    found = judge(
        judging,
        timeline,
        tally,
        [one.tally for one in known if one.tally is not None],
        listed,
        anchors=anchors,
        recorded=recorded,
        now=now,
    )
    told = _told(listed, found.findings, history, week)
    return Summary(
        made_at=now,
        week=week,
        seen_to=seen_to,
        found=tally.found,
        intake=tally.intake,
        gateways=found.gateways,
        runs=told,
        counted=len(counted),
        availability=availability_of(timeline),
        apis=affected_of(tally, "api"),
        products=affected_of(tally, "product"),
        subscriptions=affected_of(tally, "subscription"),
        trend=trend_of(timeline, [one.tally for one in known], [one.origin for one in known], seen_to, weeks),
        heat=heat_of(timeline, {g.id: g.name or g.id for g in found.gateways}),
        outlook=found.outlook,
        caveats=(*caveats, *_about(week, seen_to, known[-weeks:], len(counted)), *found.caveats),
    )


def _told(
    runs: Sequence[Run], findings: Mapping[tuple[str, str, Kind], Finding], history: History | None, week: Week
) -> tuple[Run, ...]:
    """The runs with what was concluded about them, now or in an earlier week's report."""
    reports = history.concluded(week) if history is not None else {}
    return tuple(
        replace(
            run,
            finding=findings.get((run.gateway, run.backend.label, run.kind)) if run.lost else None,
            known_from=reports.get((run.gateway, run.backend.label, run.kind.value), ""),
        )
        for run in runs
    )


def _about(week: Week, seen_to: datetime, known: Sequence[Kept], counted: int) -> list[str]:
    """What the comparison had to assume."""
    told = [_SAMPLED]
    if seen_to < week.end:
        told.append(f"{week.label} is not over: it was read up to {seen_to:%Y-%m-%d %H:%M} UTC.")
    gone: dict[str, list[str]] = {}
    for one in known[:-1]:
        if one.tally is None:
            gone.setdefault("the history has no record of it" if one.origin == "history" else one.origin, []).append(
                one.week.label
            )
    told += [f"Nothing is known of {', '.join(labels)}: {why}." for why, labels in gone.items()]
    if counted:
        told.append(f"{counted:,} more runs of failure are counted in the trend, not judged and not listed.")
    return told
