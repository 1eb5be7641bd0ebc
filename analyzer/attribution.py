"""From a cluster and the evidence about its backend to a finding: every cause judged, what-if, remedies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyzer import trust
from analyzer.causes import CAUSES, Case, cause
from analyzer.gateway import PLATFORMS
from analyzer.model import Attribution, CauseName, Cluster, Evidence, Finding, Gateway, Judgement, Reason, Verdict
from analyzer.whatif import what_if

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_ORDER = {one.name: order for order, one in enumerate(CAUSES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """What the gateway is taken to trust, as DER."""

    roots: tuple[bytes, ...]  # the default store and the roots that were given to the gateway
    intermediates: tuple[bytes, ...] = ()  # CA certificates that were given to the gateway and are no roots


def attribute(
    cluster: Cluster,
    gateway: Gateway,
    evidence: Sequence[Evidence],
    *,
    anchors: Anchors,
    known: Sequence[bytes] = (),
    not_probed: str = "",
) -> Finding:
    """Judge every cause for one cluster, strongest first.

    `evidence` is all there is about the backend; the nearest to the gateway is believed. `known` are certificates that
    other backends sent. `not_probed` says why there is no evidence.
    """
    believed = sorted(
        evidence,
        key=lambda e: (e.collected.vantage != "gateway", e.profile != gateway.tier.value, -e.collected.at.timestamp()),
    )
    case = case_of(
        cluster, gateway, believed[0] if believed else None, anchors=anchors, known=known, not_probed=not_probed
    )
    answers = sorted(
        (one.judge(case) for one in CAUSES),
        key=lambda a: (
            _RANK[a.verdict],
            a.cause is not CauseName.UNKNOWN if a.verdict is Verdict.UNKNOWN else False,
            _ORDER[a.cause],
        ),
    )
    answers = _settle_unknown(answers)
    lead = answers[0]
    return Finding(
        cluster=cluster,
        attributions=tuple(answers),
        what_if=what_if(case, anchors.roots, anchors.intermediates),
        remedies=cause(lead.cause).remedies(case),
        evidence=tuple(believed),
        chain=case.chain,
        root=case.root,
    )


def case_of(
    cluster: Cluster,
    gateway: Gateway,
    evidence: Evidence | None,
    *,
    anchors: Anchors,
    known: Sequence[bytes] = (),
    not_probed: str = "",
) -> Case:
    """Everything a cause may read, with the chain judged as of the last failure.

    A leaf issued between the last failure and the probe is judged as of the probe: it is not the one that failed.
    """
    sent = evidence.chain if evidence else ()
    chain = tuple(c for c in map(trust.describe, sent) if c is not None)
    probed_at = evidence.collected.at if evidence else cluster.last_seen
    renewed = bool(chain) and cluster.last_seen < chain[0].not_before <= probed_at
    judged_at = probed_at if renewed else cluster.last_seen
    judgements: list[Judgement] = []
    if evidence is not None and sent:
        judgements = [
            trust.judge(
                sent,
                host=evidence.server_name,
                at=judged_at,
                anchors=anchors.roots,
                intermediates=anchors.intermediates,
                platform=platform,
            )
            for platform in PLATFORMS[gateway.tier]
        ]
    return Case(
        cluster=cluster,
        gateway=gateway,
        evidence=evidence,
        not_probed="" if evidence else (not_probed or "there is no evidence about it"),
        chain=chain,
        judgement=judgements[-1] if judgements else None,
        platforms_agree=len({(j.accepted, j.statuses) for j in judgements}) <= 1,
        judged_at=judged_at,
        shape=trust.shape(sent, anchors=anchors.roots, given_intermediates=anchors.intermediates, known=known)
        if chain
        else None,
        renewed=renewed,
    )


def _settle_unknown(answers: list[Attribution]) -> list[Attribution]:
    """`unknown` leads where nothing is confirmed or likely, and is ruled out where something is."""
    if answers[0].verdict in (Verdict.UNKNOWN, Verdict.RULED_OUT):
        return answers
    settled = Reason(origin="probe", text=f"{answers[0].cause.value} is {answers[0].verdict.value}.")
    rest = [a for a in answers if a.cause is not CauseName.UNKNOWN]
    unknown = next(a for a in answers if a.cause is CauseName.UNKNOWN)
    return [*rest, replace(unknown, verdict=Verdict.RULED_OUT, reasons=(settled,))]
