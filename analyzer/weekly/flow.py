"""From a reader of gateway logs to a week's summary: the week and the weeks before it are read, held together, judged and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path

from analyzer.aim import Aim, targets_of
from analyzer.attribution import Anchors
from analyzer.checking import Prober, Progress, anchors_of, attribute_all, recorded_in
from analyzer.clusters import clusters_of
from analyzer.evidence import EvidenceFile
from analyzer.gateway import gateways_of
from analyzer.model import (
    Cluster,
    Evidence,
    Family,
    Finding,
    Gateway,
    Kind,
    Outlook,
    Rest,
    Run,
    State,
    Summary,
    Tier,
    Week,
    cluster_id,
)
from analyzer.pipeline import caveats_of
from analyzer.probing import Target
from analyzer.tally import FAILURES, Tally, typed
from analyzer.weekly.history import History
from analyzer.weekly.outlook import outlook_of
from analyzer.weekly.reading import SOURCES, Kept, Reader, earlier_weeks, this_week
from analyzer.weekly.runs import runs_of
from analyzer.weekly.summary import affected_of, availability_of, heat_of, trend_of
from analyzer.weekly.timeline import Place, Timeline, plainer_kinds, timeline_of
from analyzer.weekly.weeks import before

MOST_JUDGED = 500
"""Runs beyond the worst five hundred are counted, not judged and not listed."""

WEEKS = 8
OUTSIDE = "lie outside the window and were not counted."
"""How the sentence ends that reading has for every week but the one that was asked for: of a week it says nothing."""

_SAMPLED = (
    "Diagnostic settings may sample answered calls while every failure is logged: shares of calls lost are at most what "
    "they say, availability is at least."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What the runs are judged with, as `pipeline.analyze` has it."""

    gateway: Tier | None = None  # None: each gateway's own is looked for
    settings: Mapping[str, str] | None = None
    ca_files: Sequence[str | Path] = ()
    evidence: Sequence[str | Path | EvidenceFile] = ()
    aim: Aim = Aim()  # noqa: RUF009  frozen
    probe: Prober | None = None  # None: nobody is asked
    probe_all: bool = False  # healthy backends too
    not_probed: str = "weekly probes only with --probe"


def weekly(
    read: Reader,
    *,
    week: Week,
    zone: tzinfo,
    now: datetime,
    weeks: int = WEEKS,
    history: History | None = None,
    once: bool = False,
    judging: Judging = Judging(),
    on_progress: Progress | None = None,
) -> Summary:
    """The summary of a week, held against the `weeks` - 1 before it, which come from the history, else from the sources.

    `once`: the sources can be read only once (standard input), so that earlier weeks come from the history alone. What was
    read is kept in the history, so that doing a week again gives the same; a tally that counts fewer records than the one
    that was kept does not replace it. Raises SourceError, EvidenceError, CertificateFileError, OutputError, UsageError.
    """
    seen_to = min(week.end, now)
    anchors, recorded = anchors_of(judging.ca_files), recorded_in(judging.evidence, now)
    caveats: list[str] = []
    tally, mine = this_week(read, week, seen_to, history, caveats)
    known = [*earlier_weeks(read, before(week, zone, max(weeks - 1, 0)), history, zone, once, on_progress), mine]
    if history is not None:
        for one in known:
            if one.tally is not None and one.origin == SOURCES and one.week.end <= now:
                history.keep(one.week, one.tally)
    timeline = timeline_of([(one.week, one.tally) for one in known])
    runs = runs_of(timeline, seen_to)
    listed, counted = runs[:MOST_JUDGED], runs[MOST_JUDGED:]
    gateways = _gateways(judging, {r.gateway for r in runs}, [one.tally for one in known if one.tally is not None])
    by_id = {g.id: g for g in gateways}
    clusters = _clusters(tally, {(r.gateway, r.backend.label, r.kind) for r in listed if r.lost})
    healthy = _of_traffic(timeline, by_id, seen_to)
    failing = targets_of(tuple(clusters.values()), by_id, judging.aim)
    everyone = targets_of(healthy, by_id, replace(judging.aim, most=None))
    asked = {**everyone, **failing} if judging.probe_all else failing
    targets = tuple(dict.fromkeys(t for t in asked.values() if isinstance(t, Target)))
    fresh = tuple(judging.probe(targets)) if judging.probe is not None and targets else ()
    evidence = (*recorded, *fresh)
    judged = attribute_all(
        tuple(clusters.values()), by_id, failing, evidence, anchors=anchors, not_probed=judging.not_probed
    )
    findings = dict(zip(clusters, judged, strict=True))
    told = _told(listed, findings, history, week)
    return Summary(
        made_at=now,
        week=week,
        seen_to=seen_to,
        found=tally.found,
        intake=tally.intake,
        gateways=gateways,
        runs=told,
        counted=len(counted),
        availability=availability_of(timeline),
        apis=affected_of(tally, "api"),
        products=affected_of(tally, "product"),
        subscriptions=affected_of(tally, "subscription"),
        trend=trend_of(timeline, [one.tally for one in known], [one.origin for one in known], seen_to, weeks),
        heat=heat_of(timeline, {g.id: g.name or g.id for g in gateways}),
        outlook=_outlook(healthy, everyone, by_id, evidence, anchors, judging, now, tally),
        caveats=(
            *caveats,
            *_about(week, seen_to, known[-weeks:], len(counted)),
            *(
                caveat
                for caveat in caveats_of(tally, Rest(), gateways, judged, anchors, judging.settings or {})
                if not caveat.endswith(OUTSIDE)
            ),
        ),
    )


def _gateways(judging: Judging, needed: set[str], tallies: Sequence[Tally]) -> tuple[Gateway, ...]:
    """The gateways of the last week, and of earlier ones where a run speaks of them."""
    found: dict[str, Gateway] = {}
    for position, tally in enumerate(reversed(tallies)):
        if position and needed <= set(found):
            break
        for one in gateways_of(tally, judging.gateway, judging.settings or {}):
            if position == 0 or one.id in needed:
                found.setdefault(one.id, one)
    return tuple(found.values())


def _clusters(tally: Tally, wanted: set[tuple[str, str, Kind]]) -> dict[tuple[str, str, Kind], Cluster]:
    """The week's failures of each gateway, backend and kind as one cluster, most failures first."""
    kinds = plainer_kinds(tally.failures)
    found: dict[tuple[str, str, Kind], Cluster] = {}
    for kind in sorted({kind for _, _, kind in wanted}):
        mine = tally.failures[kinds == kind.value].assign(kind=kind.value)
        clusters, _ = clusters_of(replace(tally, failures=typed(mine, FAILURES)))
        keys = (((c.gateway, c.backend.label, kind), c) for c in clusters)
        found |= {key: c for key, c in keys if key in wanted and c.failures}
    return dict(sorted(found.items(), key=lambda item: (-item[1].failures, item[0])))


def _of_traffic(timeline: Timeline, gateways: Mapping[str, Gateway], at: datetime) -> tuple[Cluster, ...]:
    """Every backend with TLS that was called in the week, as a cluster without failures: whom the outlook is about."""
    last = len(timeline.weeks) - 1
    called: dict[Place, int] = {
        place: sum(h.requests for h in hours if h.week == last) for place, hours in timeline.calls.items()
    }
    ranked = sorted((p for p, n in called.items() if n), key=lambda p: (-called[p], str(p)))
    return tuple(
        Cluster(
            id=cluster_id(place[0], timeline.backends[place], Family.TLS),
            gateway=place[0],
            backend=timeline.backends[place],
            family=Family.TLS,
            failures=0,
            requests=called[place],
            state=State.UNKNOWN,
            first_seen=at,
            last_seen=at,
            last_success=None,
            messages=(),
        )
        for place in ranked
        if place[0] in gateways and place[1] not in ("http", "ws") and place[2]
    )


def _outlook(
    healthy: Sequence[Cluster],
    aims: Mapping[str, Target | str],
    gateways: Mapping[str, Gateway],
    evidence: Sequence[Evidence],
    anchors: Anchors,
    judging: Judging,
    now: datetime,
    tally: Tally,
) -> Outlook:
    backends = {c.backend.label for c in healthy}
    if not evidence:
        return Outlook(of=len(backends), why_not=judging.not_probed)
    current = tuple(replace(c, first_seen=now, last_seen=now) for c in healthy)
    findings = attribute_all(current, gateways, aims, evidence, anchors=anchors, not_probed="it was not asked")
    lost: dict[str, int] = {}
    clusters, _ = clusters_of(tally)
    for one in clusters:
        lost[one.backend.label] = lost.get(one.backend.label, 0) + one.failures
    seen = tuple(f for f in findings if f.evidence or judging.probe_all)
    return outlook_of(seen, gateways, anchors, now=now, of=len(backends), lost=lost)


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
