"""Evidence about the backends in the traffic in, what their chains will do out: which certificate ends, and whether the chain breaks.

A certificate is spoken of within the lesser of 30 days and a sixth of its lifetime: automatic renewal comes long before (Let's
Encrypt's 90 days are renewed with a third left: https://letsencrypt.org/docs/integration-guide/), and must not cry wolf.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analyzer import trust
from analyzer.anchors import Anchors
from analyzer.gateway import PLATFORMS
from analyzer.model import (
    CauseName,
    Certificate,
    Change,
    Evidence,
    Finding,
    Forecast,
    Gateway,
    Judgement,
    Outlook,
    Verdict,
)

LONGEST = timedelta(days=30)
SHARE = 6  # of a lifetime
_SECOND = timedelta(seconds=1)


def horizon(certificate: Certificate) -> timedelta:
    """How long before its end a certificate is spoken of."""
    return min(LONGEST, (certificate.not_after - certificate.not_before) / SHARE)


def outlook_of(
    findings: Sequence[Finding],
    gateways: Mapping[str, Gateway],
    anchors: Anchors,
    *,
    now: datetime,
    of: int,
    lost: Mapping[str, int],
    given: Mapping[str, Anchors] | None = None,
) -> Outlook:
    """What the chains that these findings saw will do, soonest first; certificates that several backends send are one forecast.

    `findings`: one for each backend in the traffic, healthy ones too; `of`: how many backends with TLS there are; `lost`:
    failures of the week by a backend's label; `given`: by Gateway.id what a gateway has by its own settings, else `anchors`.
    """
    forecasts: dict[tuple[Change, str, str], list[tuple[Forecast, str]]] = defaultdict(list)
    judged, unseen = 0, list[str]()
    for finding in findings:
        label = finding.cluster.backend.label
        why = _why_unseen(finding)
        if why:
            unseen.append(f"{label}: {why}")
            continue
        judged += 1
        gateway = gateways[finding.cluster.gateway]
        for one in _of_chain(finding, gateway, (given or {}).get(gateway.id, anchors), now):
            forecasts[one.change, one.sha256, "" if one.sha256 else label].append((one, label))
    merged = (
        replace(
            min((one for one, _ in those), key=lambda f: f.at),
            backends=tuple(sorted({label for _, label in those})),
            failures=sum(lost.get(label, 0) for label in {label for _, label in those}),
        )
        for those in forecasts.values()
    )
    return Outlook(
        asked=sum(bool(f.evidence) for f in findings),
        judged=judged,
        of=of,
        forecasts=tuple(sorted(merged, key=lambda f: (f.change is Change.REFUSED, f.at, f.subject, f.backends))),
        unseen=tuple(dict.fromkeys(unseen)),
    )


@dataclass(frozen=True, slots=True)
class _Chain:
    """One chain as sent, and what its gateway would say of it at any moment."""

    evidence: Evidence
    gateway: Gateway
    anchors: Anchors
    given: tuple[bytes, ...]

    def at(self, moment: datetime) -> Judgement:
        """The judgement of the gateway's platform; of two, the one that refuses."""
        found = [
            trust.judge(
                self.evidence.chain,
                host=self.evidence.server_name,
                at=moment,
                anchors=self.anchors.roots,
                intermediates=self.given,
                platform=platform,
            )
            for platform in PLATFORMS[self.gateway.tier]
        ]
        return next((j for j in found if not j.accepted), found[-1])


def _of_chain(finding: Finding, gateway: Gateway, anchors: Anchors, now: datetime) -> list[Forecast]:
    """What one backend's chain will do."""
    evidence = finding.evidence[0]
    fetched = tuple(a.der for a in evidence.aia if a.der is not None)
    chain = _Chain(evidence, gateway, anchors, (*anchors.intermediates, *fetched))
    seen, today = evidence.collected.at, chain.at(now)
    used = {c.sha256: c for c in map(trust.describe, today.path) if c is not None}
    ends = {c.sha256: c for c in (*finding.chain, *((finding.root,) if finding.root else ()))} | used
    found = []
    # where the settings have the gateway not check it, the finding says that the backend is healthy
    if not today.accepted and finding.lead.cause is not CauseName.NOT_REPRODUCED:
        found.append(_forecast(Change.REFUSED, seen, None, "", tuple(sorted(today.statuses)), seen))
    for certificate in ends.values():
        if not now < certificate.not_after <= now + horizon(certificate):
            continue
        then = chain.at(certificate.not_after + _SECOND)
        breaks = today.accepted and not then.accepted
        if not breaks and certificate.sha256 not in used:
            continue  # nothing of the path that is built now
        role = "server certificate" if certificate is ends[finding.chain[0].sha256] else _role(certificate)
        statuses = tuple(sorted(then.statuses - (frozenset() if today.accepted else today.statuses)))
        change = Change.BREAKS if breaks else Change.EXPIRES
        found.append(_forecast(change, certificate.not_after, certificate, role, statuses, seen))
    return found


def _forecast(
    change: Change, at: datetime, certificate: Certificate | None, role: str, statuses: tuple[str, ...], seen: datetime
) -> Forecast:
    return Forecast(
        change=change,
        at=at,
        subject=(certificate.common_name or certificate.subject) if certificate else "",
        role=role,
        sha256=certificate.sha256 if certificate else "",
        lifetime=certificate.not_after - certificate.not_before if certificate else None,
        statuses=statuses,
        backends=(),
        failures=0,
        seen=seen,
    )


def _role(certificate: Certificate) -> str:
    return "root" if certificate.self_issued else "intermediate"


def _why_unseen(finding: Finding) -> str:
    """Why a backend's chain cannot be judged; "" where it can."""
    if not finding.evidence:
        lead = next((r.text for a in finding.attributions if a.verdict is Verdict.UNKNOWN for r in a.reasons), "")
        return lead or "it was not probed"
    first = finding.evidence[0].first
    if not finding.chain or not finding.evidence[0].chain:
        return first.outcome.value.replace("_", " ") if first else "nothing was tried"
    return ""
