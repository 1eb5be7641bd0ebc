"""Backends in, findings out, without a log: asked now, or read from what was collected elsewhere, and judged.

What `pipeline` does once it knows whom to ask; nothing here needs what reads logs, so that `check` starts quickly.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from analyzer import evidence as evidence_file
from analyzer import probing
from analyzer.anchors import Anchors, anchors_of
from analyzer.attribution import attribute
from analyzer.configuration import Configuration, configuration_of, settings_caveats, with_settings_findings
from analyzer.errors import SettingsError
from analyzer.evidence import EvidenceFile
from analyzer.gateway import with_settings
from analyzer.given import Given
from analyzer.interception import interceptions
from analyzer.model import (
    Backend,
    Cluster,
    Collected,
    Evidence,
    Family,
    Finding,
    Gateway,
    Intake,
    Neighbours,
    Report,
    State,
    Tier,
    TierFrom,
    Window,
    cluster_id,
)
from analyzer.probing import Policy, Proxy, Target, x509
from analyzer.settings import Settings

Prober = Callable[[Sequence[Target]], Iterable[Evidence]]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

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
    trust_store: str = "default",
    on_progress: Progress | None = None,
) -> tuple[Evidence, ...]:
    """Ask each target in its gateway's voice, from this machine, now; in their order, one Evidence for each address asked.

    `deadline`: seconds for all connections to one backend; `vantage`: "gateway" where this machine stands in the
    gateway's network, else "outside" or "unstated"; `request`: whether an HTTP request may follow a TLS 1.3 handshake;
    `fetch`: whether an issuer that neither the server sends nor `trust_store` and `ca_files` hold is fetched. A backend
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
        issuers=subjects_of(anchors_of(ca_files, trust_store)) if fetch else frozenset(),
    )
    return evidence_file.of(entries, collected)


def subjects_of(anchors: Anchors) -> frozenset[bytes]:
    """The raw subject names of certificates that the gateway has: their issuing is not looked for."""
    return frozenset(n.subject for n in map(x509.read, (*anchors.roots, *anchors.intermediates)) if n is not None)


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
    configuration: Configuration | None = None,
    given: Mapping[str, Given] | None = None,
    neighbours: Mapping[str, Neighbours] | None = None,
) -> tuple[Finding, ...]:
    """One finding per cluster, in the clusters' order; certificates that any backend sent are known to all.

    `anchors` are what a gateway without settings is taken to have, `given` by Gateway.id what the settings give the others.

    Evidence about hosts without a cluster counts too: a public host shows who signs it between the probe and the backends.
    """
    by_place: dict[tuple[str, int], list[Evidence]] = defaultdict(list)
    for one in evidence:
        by_place[one.host, one.port].append(one)
    fetched = [a.der for one in evidence for a in one.aia if a.der is not None]
    met = certificates_seen(evidence)
    by_tier = {tier: anchors.of(tier).holding(met) for tier in {g.tier for g in gateways.values()}}
    withheld = (der for one in (given or {}).values() for der in one.withheld)
    known = tuple(dict.fromkeys((*(der for one in evidence for der in one.chain[1:]), *fetched, *withheld)))
    intercepted = interceptions(evidence, anchors.holding(met).public)
    found = []
    for cluster in clusters:
        target = aims[cluster.id]
        mine = _of_target(by_place, target) if isinstance(target, Target) else []
        why = target if isinstance(target, str) else not_probed
        gateway = gateways[cluster.gateway]
        found.append(
            attribute(
                cluster,
                gateway,
                mine,
                anchors=given[gateway.id].anchors if given and gateway.id in given else by_tier[gateway.tier],
                known=known,
                not_probed=why,
                intercepted=intercepted,
                route=configuration.route(cluster) if configuration else None,
                neighbours=(neighbours or {}).get(cluster.id, Neighbours()),
            )
        )
    return tuple(found)


def _of_target(by_place: Mapping[tuple[str, int], Sequence[Evidence]], target: Target) -> Sequence[Evidence]:
    """The evidence about a target: where it was asked under several names, as policies differ, that under its own."""
    found = by_place.get((target.host, target.port), ())
    return [e for e in found if e.server_name == target.server_name] or found


def certificates_seen(evidence: Iterable[Evidence]) -> tuple[bytes, ...]:
    """Every certificate that was met, as DER, each once."""
    met = (der for one in evidence for der in (*one.chain, *(a.der for a in one.aia if a.der is not None)))
    return tuple(dict.fromkeys(met))


def check(
    targets: Sequence[Target],
    *,
    probe: Prober = probe_backends,
    tier: Tier | None = None,
    settings: Mapping[str, str] | None = None,
    config: Settings | None = None,
    evidence: Sequence[str | Path | EvidenceFile] = (),
    ca_files: Sequence[str | Path] = (),
    trust_store: str = "default",
    now: datetime | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[Finding, ...]:
    """Without logs: probe each target now and judge it for a gateway of that tier (None: classic is assumed).

    `config` are one service's exported settings (see `unlogged_gateway`); `say` is told what was assumed of them.
    `evidence` are files of what was collected elsewhere; what is nearer to the gateway is believed; `trust_store` as for
    `anchors.anchors_of`. Raises EvidenceError,
    CertificateFileError.
    """
    now = now or datetime.now(UTC)
    configuration = unlogged_gateway(tier, settings, config)
    (gateway,) = configuration.gateways
    recorded = recorded_in(evidence, now)
    anchors = anchors_of(ca_files, trust_store)
    fresh = tuple(probe(targets))
    clusters = {t: unlogged(t, now) for t in targets}
    everything = (*recorded, *fresh)
    given = configuration.given(anchors, certificates_seen(everything))
    findings = attribute_all(
        tuple(clusters.values()),
        {"": gateway},
        {c.id: t for t, c in clusters.items()},
        everything,
        anchors=anchors,
        not_probed="the probe gave no evidence",
        configuration=configuration,
        given=given,
    )
    if say is not None:
        for text in settings_caveats(configuration, given, [gateway.id]):
            say(text)
    return with_settings_findings(findings, configuration)[0]


def checked(findings: Sequence[Finding], gateways: Sequence[Gateway], caveats: Sequence[str], now: datetime) -> Report:
    """What `check` found and had to assume, as a report of no records: for programs, in the contract that every report has."""
    return Report(
        made_at=now,
        asked=Window(),
        found=Window(),
        intake=Intake(),
        gateways=tuple(gateways),
        findings=tuple(findings),
        caveats=tuple(caveats),
        evidence=tuple(e for f in findings for e in f.evidence),
    )


def unlogged_gateway(tier: Tier | None, settings: Mapping[str, str] | None, config: Settings | None) -> Configuration:
    """The one gateway of a run without logs, which has no name; SettingsError where the settings leave open which it is."""
    tier_from = TierFrom.OPTION if tier else TierFrom.ASSUMED
    gateway = Gateway(id="", name="", region="", tier=tier or Tier.CLASSIC, tier_from=tier_from)
    if config is None:
        return Configuration(gateways=(with_settings(gateway, settings or {}),))
    if len(config.services) != 1:
        names = ", ".join(s.name or "(unnamed)" for s in config.services) or "none"
        raise SettingsError(
            f"--apim-config: check, probe and kit take the settings of one service; these are of: {names}"
        )
    return configuration_of((gateway,), config, settings)


def unlogged(target: Target, now: datetime) -> Cluster:
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
