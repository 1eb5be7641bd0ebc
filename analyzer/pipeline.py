"""The whole flow, from sources to a report: the only place that knows the order of the steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.aim import LEFT_OUT, Aim, targets_of
from analyzer.anchors import Anchors, anchors_of, told
from analyzer.checking import (
    Prober,
    Progress,
    attribute_all,
    certificates_seen,
    probe_backends,
    recorded_in,
)
from analyzer.clusters import clusters_of
from analyzer.configuration import configuration_of, settings_caveats, with_settings_findings
from analyzer.evidence import EvidenceFile
from analyzer.gateway import gateways_of, without_effect
from analyzer.incidents import incidents_of
from analyzer.model import (
    Cluster,
    DateOrder,
    Evidence,
    Finding,
    Gateway,
    Outcome,
    Report,
    Rest,
    Tier,
    TierFrom,
    Window,
)
from analyzer.neighbours import neighbours_of
from analyzer.probing import Target
from analyzer.settings import Settings
from analyzer.sources import read
from analyzer.tally_file import write as write_tally
from analyzer.witnesses import age

if TYPE_CHECKING:
    from analyzer.sources.workspace.places import Workspaces
    from analyzer.tally import Tally

MOST_JUDGED = 1000
"""Clusters beyond the worst thousand are counted, not judged: they stand in clusters.csv and nowhere else."""


def analyze(
    sources: Sequence[str | Path],
    *,
    probe: Prober | None = probe_backends,
    gateway: Tier | str = "auto",
    settings: Mapping[str, str] | None = None,
    config: Settings | None = None,
    window: Window = Window(),  # noqa: B008  frozen
    date_order: DateOrder | str = DateOrder.AUTO,
    tz: tzinfo = UTC,
    evidence: Sequence[str | Path | EvidenceFile] = (),
    ca_files: Sequence[str | Path] = (),
    trust_store: str = "default",
    aim: Aim = Aim(),  # noqa: B008  frozen
    not_probed: str = "probing was switched off",
    keep_ip: bool = False,
    now: datetime | None = None,
    on_progress: Progress | None = None,
    workspaces: Workspaces | None = None,
    save_tally: Path | None = None,
) -> Report:
    """Read the sources, probe each failing backend, judge every cause, and return the report.

    `sources` are files, folders, globs or "-"; `window` is half-open, UTC; `date_order` and `tz` say how times are written
    where the files do not (see `sources.read`); `ca_files` hold certificates that were given to the gateway; `trust_store` names the roots that it is
    taken to have besides (see `anchors.anchors_of`); `probe` None:
    no probing, and `not_probed` says why; `settings` are the gateway's own, as in customProperties (see `probing.settings`),
    and hold for every gateway of the run; `config` are exported ones (see `settings.load`), each of its own gateway; `keep_ip`: the
    report says which client addresses are hit. `workspaces` are asked for the same window (see `Workspaces.of`);
    `save_tally`: what was counted is kept in that Parquet file, which is a source too, before any probing. Raises SourceError,
    OutputError, EvidenceError, CertificateFileError, and UsageError or SettingsError where the settings leave a gateway no TLS version.
    """
    now = now or datetime.now(UTC)
    anchors = anchors_of(ca_files, trust_store)
    recorded = recorded_in(evidence, now)
    tally = read(
        [str(s) for s in sources],
        window=window,
        date_order=date_order,
        tz=tz,
        keep_ip=keep_ip,
        on_progress=on_progress,
        workspaces=workspaces,
        now=now,
    )
    if save_tally is not None:
        write_tally(tally, save_tally)
    met = gateways_of(tally, None if gateway == "auto" else Tier(gateway), (settings or {}) if config is None else {})
    configuration = configuration_of(met, config, settings)
    gateways = configuration.gateways
    tiers = {g.id: g for g in gateways}
    judged, rest = clusters_of(tally, MOST_JUDGED)
    routes = {c.id: configuration.route(c) for c in judged}
    aims = targets_of(judged, tiers, aim, routes)
    targets = tuple(dict.fromkeys(t for t in aims.values() if isinstance(t, Target)))
    fresh = tuple(probe(targets)) if probe is not None and targets else ()
    given = configuration.given(anchors, certificates_seen((*recorded, *fresh)))
    judgements = attribute_all(
        judged,
        tiers,
        aims,
        (*recorded, *fresh),
        anchors=anchors,
        not_probed=not_probed,
        configuration=configuration,
        given=given,
        neighbours=neighbours_of(tally, judged, tiers),
    )
    proxies = {id_: route.proxies[0] for id_, route in routes.items() if route and len(route.proxies) == 1}
    findings, shown = with_settings_findings(judgements, configuration)
    return Report(
        made_at=now,
        asked=window,
        found=tally.found,
        intake=tally.intake,
        gateways=gateways,
        findings=findings,
        rest=rest,
        incidents=incidents_of(findings, gateways, tally.found.start, proxies),
        caveats=(
            *_left_out(judged, aims),
            *caveats_of(tally, rest, gateways, findings, anchors, settings or {}, now),
            *settings_caveats(configuration, given, [f.cluster.gateway for f in findings]),
        ),
        settings=shown,
        evidence=(*recorded, *fresh),
        trust=anchors.store(),
    )


def caveats_of(
    tally: Tally,
    rest: Rest,
    gateways: Sequence[Gateway],
    findings: Sequence[Finding],
    anchors: Anchors,
    settings: Mapping[str, str],
    now: datetime,
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
        found.append(told(anchors.store(), now))
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
