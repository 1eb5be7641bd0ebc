"""The whole flow, from sources to a report: the only place that knows the order of the steps."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer import evidence as evidence_file
from analyzer import probing, trust
from analyzer.aim import LEFT_OUT, Aim, targets_of
from analyzer.attribution import Anchors, attribute
from analyzer.clusters import cluster_id, clusters_of
from analyzer.evidence import EvidenceFile
from analyzer.gateway import gateways_of, with_settings, without_effect
from analyzer.incidents import incidents_of
from analyzer.interception import interceptions
from analyzer.model import (
    Backend,
    Cluster,
    Collected,
    DateOrder,
    Evidence,
    Family,
    Finding,
    Gateway,
    Outcome,
    Report,
    Rest,
    State,
    Tier,
    TierFrom,
    Window,
)
from analyzer.probing import Policy, Proxy, Target, x509
from analyzer.sources import read
from analyzer.witnesses import age

if TYPE_CHECKING:
    from analyzer.tally import Tally

Prober = Callable[[Sequence[Target]], Iterable[Evidence]]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

MOST_JUDGED = 1000
"""Clusters beyond the worst thousand are counted, not judged: they stand in clusters.csv and nowhere else."""

DEADLINE = 10.0
"""Seconds for all connections to one backend together."""


def probe_backends(
    targets: Sequence[Target],
    *,
    policy: Policy | None = None,
    deadline: float = DEADLINE,
    vantage: str = "unstated",
    request: bool = True,
    proxy: Proxy | None = None,
    fetch: bool = True,
    ca_files: Sequence[str | Path] = (),
    on_progress: Progress | None = None,
) -> tuple[Evidence, ...]:
    """Ask each target in its gateway's voice, from this machine, now; in their order, one Evidence for each address asked.

    `deadline`: seconds for all connections to one backend; `vantage`: "gateway" where this machine stands in the
    gateway's network, else "outside" or "unstated"; `request`: whether an HTTP request may follow a TLS 1.3 handshake;
    `fetch`: whether an issuer that neither the server sends nor the root stores and `ca_files` hold is fetched. A backend
    that cannot be reached is evidence, not an error.
    """

    def on_done(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress("probing", done, total)

    collected = Collected(
        host=platform.node() or "this machine",
        at=datetime.now(UTC),
        tool=probing.TOOL,
        version=probing.VERSION,
        resolver=probing.resolver(),
        vantage=vantage,
    )
    entries = probing.probe(
        targets,
        policy=policy or Policy(),
        deadline=deadline,
        on_done=on_done,
        request=request,
        proxy=proxy,
        fetch=fetch,
        issuers=subjects_of(anchors_of(ca_files)) if fetch else frozenset(),
    )
    return evidence_file.of(entries, collected)


def subjects_of(anchors: Anchors) -> frozenset[bytes]:
    """The raw subject names of certificates that the gateway has: their issuing is not looked for."""
    return frozenset(n.subject for n in map(x509.read, (*anchors.roots, *anchors.intermediates)) if n is not None)


def analyze(
    sources: Sequence[str | Path],
    *,
    probe: Prober | None = probe_backends,
    gateway: Tier | str = "auto",
    settings: Mapping[str, str] | None = None,
    window: Window = Window(),  # noqa: B008  frozen
    date_order: DateOrder | str = DateOrder.AUTO,
    tz: tzinfo = UTC,
    evidence: Sequence[str | Path | EvidenceFile] = (),
    ca_files: Sequence[str | Path] = (),
    aim: Aim = Aim(),  # noqa: B008  frozen
    not_probed: str = "probing was switched off",
    keep_ip: bool = False,
    now: datetime | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Read the sources, probe each failing backend, judge every cause, and return the report.

    `sources` are files, folders, globs or "-"; `window` is half-open, UTC; `date_order` and `tz` say how times are written
    where the files do not (see `sources.read`); `ca_files` hold certificates that were given to the gateway; `probe` None:
    no probing, and `not_probed` says why; `settings` are the gateway's own, as in customProperties (see `probing.settings`),
    and hold for every gateway of the run; `keep_ip`: the report says which client addresses are hit. Raises SourceError,
    EvidenceError, CertificateFileError, and UsageError where the settings leave a gateway no TLS version.
    """
    now = now or datetime.now(UTC)
    anchors = anchors_of(ca_files)
    recorded = recorded_in(evidence, now)
    tally = read(
        [str(s) for s in sources], window=window, date_order=date_order, tz=tz, keep_ip=keep_ip, on_progress=on_progress
    )
    gateways = gateways_of(tally, None if gateway == "auto" else Tier(gateway), settings or {})
    tiers = {g.id: g for g in gateways}
    judged, rest = clusters_of(tally, MOST_JUDGED)
    aims = targets_of(judged, tiers, aim)
    targets = tuple(dict.fromkeys(t for t in aims.values() if isinstance(t, Target)))
    fresh = tuple(probe(targets)) if probe is not None and targets else ()
    findings = attribute_all(judged, tiers, aims, (*recorded, *fresh), anchors=anchors, not_probed=not_probed)
    return Report(
        made_at=now,
        asked=window,
        found=tally.found,
        intake=tally.intake,
        gateways=gateways,
        findings=findings,
        rest=rest,
        incidents=incidents_of(findings),
        caveats=(*_left_out(judged, aims), *caveats_of(tally, rest, gateways, findings, anchors, settings or {})),
        evidence=(*recorded, *fresh),
    )


def recorded_in(files: Sequence[str | Path | EvidenceFile], now: datetime) -> list[Evidence]:
    """What was collected elsewhere, file by file, in their order; EvidenceError where one cannot be read."""
    return [
        one
        for file in files
        for one in evidence_file.read(file if isinstance(file, EvidenceFile) else Path(file), now=now)
    ]


def attribute_all(
    clusters: Sequence[Cluster],
    gateways: Mapping[str, Gateway],
    aims: Mapping[str, Target | str],
    evidence: Sequence[Evidence],
    *,
    anchors: Anchors,
    not_probed: str,
) -> tuple[Finding, ...]:
    """One finding per cluster, in the clusters' order; certificates that any backend sent are known to all.

    Evidence about hosts without a cluster counts too: a public host shows who signs it between the probe and the backends.
    """
    by_place: dict[tuple[str, int], list[Evidence]] = defaultdict(list)
    for one in evidence:
        by_place[one.host, one.port].append(one)
    fetched = (a.der for one in evidence for a in one.aia if a.der is not None)
    known = tuple(dict.fromkeys((*(der for one in evidence for der in one.chain[1:]), *fetched)))
    intercepted = interceptions(evidence, anchors.public)
    found = []
    for cluster in clusters:
        target = aims[cluster.id]
        mine = by_place.get((target.host, target.port), []) if isinstance(target, Target) else []
        why = target if isinstance(target, str) else not_probed
        found.append(
            attribute(
                cluster,
                gateways[cluster.gateway],
                mine,
                anchors=anchors,
                known=known,
                not_probed=why,
                intercepted=intercepted,
            )
        )
    return tuple(found)


def anchors_of(ca_files: Sequence[str | Path]) -> Anchors:
    """The default roots joined with what was given to the gateway; CertificateFileError where a file holds none."""
    given = [der for path in ca_files for der in trust.read_certificates(Path(path))]
    roots, intermediates = trust.split_given(given)
    public = trust.load_anchors()
    only_given = tuple(root for root in roots if root not in set(public))
    return Anchors(roots=(*public, *roots), intermediates=tuple(intermediates), given=only_given)


def caveats_of(
    tally: Tally,
    rest: Rest,
    gateways: Sequence[Gateway],
    findings: Sequence[Finding],
    anchors: Anchors,
    settings: Mapping[str, str],
) -> tuple[str, ...]:
    """What the report did not see or had to assume, one sentence each."""
    intake, found = tally.intake, list[str]()
    if intake.rejected:
        found.append(
            f"{intake.rejected} lines or elements could not be read as a record; the first are listed with their source."
        )
    found += [
        f"{s.name} was not read: {s.shape}."
        for s in intake.sources
        if s.shape.startswith(("unreadable", "not a gateway log"))
    ]
    found += [f"{s.name} is empty." for s in intake.sources if s.shape in ("empty file", "empty answer")]
    failing = {f.cluster.gateway for f in findings}
    assumed = [g.name or g.id for g in gateways if g.tier_from is TierFrom.ASSUMED and g.id in failing]
    if assumed:
        found.append(
            f"Nothing says which tier {', '.join(assumed)} is: classic was assumed, and remedies are given per tier (--gateway sets it)."
        )
    for g in gateways:
        unused = without_effect(g, settings) if g.id in failing else ()
        if unused:
            found.append(
                f"Not a setting of the {g.tier.value} tier, so without effect for {g.name or g.id}: {_list(unused)}."
            )
    if rest.clusters:
        found.append(
            f"{rest.clusters:,} more clusters with {rest.failures:,} failures were counted, not judged: see clusters.csv. "
            f"Only the worst {len(findings):,} are judged."
        )
    barred = {
        f.cluster.backend.label: all(_forbidden(e) for e in f.evidence)
        for f in findings
        if any(_forbidden(e) for e in f.evidence)
    }
    for wholly, whose in ((True, "their addresses"), (False, "some of their addresses")):
        labels = [label for label, every in barred.items() if every is wholly]
        if labels:
            found.append(f"Not probed, because the policy forbids {whose} (--allow-address allows): {_list(labels)}.")
    older = [f.cluster.backend.label for f in findings if f.evidence and age(f.evidence[0].collected, f.cluster)]
    if older:
        found.append(
            f"The evidence is older than the last failure, and what changed since was not seen: {_list(older)}."
        )
    unseen = [f.cluster.backend.label for f in findings if not f.evidence]
    if unseen:
        found.append(f"Not probed: {_list(unseen)}; their causes are read from the log alone.")
    if any(f.chain for f in findings):
        found.append(
            f"Which roots the gateway has was not read from it: {len(anchors.roots)} roots were taken as its own "
            "(certifi, this system's, and those given with --ca-file), not Microsoft's list."
        )
    found += tally.caveats
    return tuple(found)


def _left_out(clusters: Sequence[Cluster], aims: Mapping[str, Target | str]) -> tuple[str, ...]:
    places = {(c.backend.host, c.backend.port) for c in clusters if aims[c.id] == LEFT_OUT}
    if not places:
        return ()
    return (f"{len(places):,} backends with fewer failures were not probed: {LEFT_OUT}.",)


def _forbidden(evidence: Evidence) -> bool:
    return evidence.first is not None and evidence.first.outcome is Outcome.FORBIDDEN


def _list(labels: Iterable[str]) -> str:
    unique = list(dict.fromkeys(labels))
    return ", ".join(unique[:5]) + (f" and {len(unique) - 5} more" if len(unique) > 5 else "")


def check(
    targets: Sequence[Target],
    *,
    probe: Prober = probe_backends,
    tier: Tier | None = None,
    settings: Mapping[str, str] | None = None,
    evidence: Sequence[str | Path | EvidenceFile] = (),
    ca_files: Sequence[str | Path] = (),
    now: datetime | None = None,
) -> tuple[Finding, ...]:
    """Without logs: probe each target now and judge it for a gateway of that tier (None: classic is assumed).

    `evidence` are files of what was collected elsewhere; what is nearer to the gateway is believed. Raises EvidenceError,
    CertificateFileError.
    """
    now = now or datetime.now(UTC)
    supposed = tier or Tier.CLASSIC
    gateway = Gateway(
        id="",
        name="",
        region="",
        tier=supposed,
        tier_from=TierFrom.OPTION if tier else TierFrom.ASSUMED,
    )
    gateway = with_settings(gateway, settings or {})
    recorded = recorded_in(evidence, now)
    anchors = anchors_of(ca_files)
    fresh = tuple(probe(targets))
    clusters = {t: _unlogged(t, now) for t in targets}
    return attribute_all(
        tuple(clusters.values()),
        {"": gateway},
        {c.id: t for t, c in clusters.items()},
        (*recorded, *fresh),
        anchors=anchors,
        not_probed="the probe gave no evidence",
    )


def _unlogged(target: Target, now: datetime) -> Cluster:
    """A cluster for a backend that no log speaks of: no failures, no message."""
    backend = Backend(scheme="https" if target.tls else "http", host=target.host, port=target.port)
    return Cluster(
        id=cluster_id("", backend, Family.TLS),
        gateway="",
        backend=backend,
        family=Family.TLS,
        failures=0,
        requests=None,
        state=State.UNKNOWN,
        first_seen=now,
        last_seen=now,
        last_success=None,
        messages=(),
    )
