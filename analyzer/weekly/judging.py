"""A week's runs and its tally in, what is concluded about each out, and the outlook: the steps of `pipeline`, for a week."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from analyzer.aim import Aim, targets_of
from analyzer.anchors import Anchors
from analyzer.checking import Prober, attribute_all, certificates_seen
from analyzer.clusters import clusters_of
from analyzer.configuration import configuration_of, settings_caveats, with_settings_findings
from analyzer.evidence import EvidenceFile
from analyzer.gateway import gateways_of
from analyzer.model import (
    CauseName,
    Cluster,
    Evidence,
    Family,
    Finding,
    Gateway,
    Kind,
    Outlook,
    Remedy,
    Rest,
    Run,
    State,
    Tier,
    cluster_id,
)
from analyzer.neighbours import neighbours_of
from analyzer.pipeline import caveats_of
from analyzer.probing import Target
from analyzer.settings import Settings
from analyzer.tally import FAILURES, Tally, typed
from analyzer.weekly.outlook import outlook_of
from analyzer.weekly.timeline import Place, Timeline, plainer_kinds

Key = tuple[str, str, Kind]
"""Gateway.id, a backend's label, what the log says."""

_HARMLESS = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*(?::\d+)?")
"""A backend's label that may stand in a command."""

OUTSIDE = "lie outside the window and were not counted."
"""How the sentence ends that reading has for every week but the one that was asked for: of a week it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What the runs are judged with, as `pipeline.analyze` has it."""

    gateway: Tier | None = None  # None: each gateway's own is looked for
    settings: Mapping[str, str] | None = None
    config: Settings | None = None  # exported ones, each of its own gateway (`settings.load`); None: there are none
    ca_files: Sequence[str | Path] = ()
    trust_store: str = "default"  # see `anchors.anchors_of`
    evidence: Sequence[str | Path | EvidenceFile] = ()
    aim: Aim = Aim()  # noqa: RUF009  frozen
    probe: Prober | None = None  # None: nobody is asked
    probe_all: bool = False  # healthy backends too
    not_probed: str = "weekly probes only with --probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was concluded about a week."""

    gateways: tuple[Gateway, ...]
    findings: Mapping[Key, Finding]
    outlook: Outlook
    caveats: tuple[str, ...]


def judge(
    judging: Judging,
    timeline: Timeline,
    tally: Tally,
    tallies: Sequence[Tally],
    runs: Sequence[Run],
    *,
    anchors: Anchors,
    recorded: Sequence[Evidence],
    now: datetime,
) -> Judged:
    """Probe whom the options name, and judge each gateway, backend and kind of the runs; `tallies`: of all known weeks, the last is `tally`."""
    configuration = configuration_of(
        _gateways(judging, {r.gateway for r in runs}, tallies), judging.config, judging.settings
    )
    gateways = {g.id: g for g in configuration.gateways}
    clusters = _clusters(tally, {(r.gateway, r.backend.label, r.kind) for r in runs if r.lost})
    failing, healthy = tuple(clusters.values()), _of_traffic(timeline, gateways, now)
    routes = {c.id: route for c in (*failing, *healthy) if (route := configuration.route(c)) is not None}
    aims = targets_of(failing, gateways, judging.aim, routes)
    all_aims = targets_of(
        healthy, gateways, judging.aim if judging.probe_all else replace(judging.aim, most=None), routes
    )
    asked = (*aims.values(), *(all_aims.values() if judging.probe_all else ()))
    targets = tuple(dict.fromkeys(t for t in asked if isinstance(t, Target)))
    fresh = tuple(judging.probe(targets)) if judging.probe is not None and targets else ()
    evidence = (*recorded, *fresh)
    given = configuration.given(anchors, certificates_seen(evidence))
    made, _ = with_settings_findings(
        attribute_all(
            failing,
            gateways,
            aims,
            evidence,
            anchors=anchors,
            not_probed=judging.not_probed,
            configuration=configuration,
            given=given,
            neighbours=neighbours_of(tally, failing, gateways),
        ),
        configuration,
    )
    backends = {c.backend.label for c in healthy}
    outlook = Outlook(of=len(backends), why_not=judging.not_probed)
    if evidence:
        seen = attribute_all(
            healthy,
            gateways,
            all_aims,
            evidence,
            anchors=anchors,
            not_probed="it was not asked",
            configuration=configuration,
            given=given,
        )
        lost: Counter[str] = Counter()
        for run in runs:
            lost[run.backend.label] += run.lost
        outlook = outlook_of(
            [f for f in seen if f.evidence or judging.probe_all],
            gateways,
            anchors,
            given={id_: one.anchors for id_, one in given.items()},
            now=now,
            of=len(backends),
            lost=lost,
        )
    told = (
        *caveats_of(tally, Rest(), configuration.gateways, made, anchors, judging.settings or {}, now),
        *settings_caveats(configuration, given, [f.cluster.gateway for f in made]),
    )
    return Judged(
        gateways=configuration.gateways,
        findings=dict(zip(clusters, map(_with_a_next_step, made), strict=True)),
        outlook=outlook,
        caveats=tuple(caveat for caveat in told if not caveat.endswith(OUTSIDE)),
    )


def _with_a_next_step(finding: Finding) -> Finding:
    """What would decide a cause that is not known, by commands that a week's summary can follow: there is no report.json here."""
    backend = finding.cluster.backend
    if finding.lead.cause is not CauseName.UNKNOWN or not backend.host or backend.host.startswith("*."):
        return finding
    named = backend.label if _HARMLESS.fullmatch(backend.label) else "HOST:PORT"
    step = Remedy(
        owner="network",
        text=f"Ask it from a machine in the gateway's network: apim-triage check {named}, or this summary again there with "
        "--probe --vantage gateway; what was collected elsewhere goes in with --evidence.",
    )
    return replace(finding, remedies=(step,))


def _id(cluster: Cluster, kind: Kind) -> str:
    """A cluster of one kind is not the same as the cluster of its family."""
    return hashlib.sha256(f"{cluster.id}\x1f{kind.value}".encode()).hexdigest()[:12]


def _gateways(judging: Judging, needed: set[str], tallies: Sequence[Tally]) -> tuple[Gateway, ...]:
    """The gateways of the last week, and of earlier ones where a run speaks of them."""
    own = (judging.settings or {}) if judging.config is None else {}
    found: dict[str, Gateway] = {}
    for position, tally in enumerate(reversed(tallies)):
        if position and needed <= set(found):
            break
        for one in gateways_of(tally, judging.gateway, own):
            if position == 0 or one.id in needed:
                found.setdefault(one.id, one)
    return tuple(found.values())


def _clusters(tally: Tally, wanted: set[Key]) -> dict[Key, Cluster]:
    """The week's failures of each gateway, backend and kind as one cluster, most failures first."""
    kinds = plainer_kinds(tally.failures)
    found: dict[Key, Cluster] = {}
    for kind in sorted({kind for _, _, kind in wanted}):
        mine = tally.failures[kinds == kind.value].assign(kind=kind.value)
        clusters, _ = clusters_of(replace(tally, failures=typed(mine, FAILURES)))
        keys = (((c.gateway, c.backend.label, kind), c) for c in clusters)
        found |= {key: replace(c, id=_id(c, kind)) for key, c in keys if key in wanted and c.failures}
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
