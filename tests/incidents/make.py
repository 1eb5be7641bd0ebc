"""Findings for incidents: certificates that were really signed, really judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from analyzer.attribution import Anchors, attribute
from analyzer.model import (
    Attribution,
    Backend,
    CauseName,
    Evidence,
    Finding,
    Gateway,
    Outcome,
    Reason,
    Remedy,
    Tier,
    TierFrom,
    Verdict,
    cluster_id,
)
from tests import build, make
from tests.build import NOW, TRUST, handshake

BEFORE, LATER = NOW - timedelta(days=300), NOW + timedelta(days=90)
TRUSTED = make.ca("Trusted Root", not_before=BEFORE, not_after=LATER)
PRIVATE = make.ca("Contoso Root", not_before=BEFORE, not_after=LATER)
ISSUING = make.intermediate("Contoso Issuing CA", PRIVATE, not_before=BEFORE, not_after=LATER)


def gateway(name: str = "gw", tier: Tier = Tier.CLASSIC, tier_from: TierFrom = TierFrom.SKU) -> Gateway:
    return Gateway(id=name, name=name, region="West Europe", tier=tier, tier_from=tier_from)


def leaf(host: str, issuer: make.Issued | None, **changes: Any) -> make.Issued:
    return make.leaf(host, issuer, **{"not_before": BEFORE, "not_after": LATER, **changes})


def cluster(host: str, of: Gateway, text: str | None = TRUST, port: int = 443, **changes: Any) -> Any:
    backend = Backend(scheme="https", host=host, port=port, backend_ids=(f"be-{host}",))
    made = build.cluster(text, gateway=of.id, backend=backend, **changes)
    return build.cluster(text, gateway=of.id, backend=backend, id=cluster_id(of.id, backend, made.family), **changes)


def evidence(host: str, sent: Sequence[bytes], *, address: str = "8.8.8.8", **changes: Any) -> Evidence:
    shaken = handshake(chain=tuple(sent)) if sent else handshake(Outcome.CONNECT_TIMEOUT)
    return build.evidence(shaken, host=host, server_name=host, address=address, vantage="gateway", **changes)


def judged(
    host: str,
    sent: Sequence[bytes],
    *,
    of: Gateway | None = None,
    known: Sequence[bytes] = (),
    address: str = "8.8.8.8",
    **changes: Any,
) -> Finding:
    """What the analyzer really makes of a backend that sends this chain."""
    mine = of or gateway()
    seen = evidence(host, sent, address=address)
    return attribute(cluster(host, mine, **changes), mine, [seen], anchors=Anchors(roots=(TRUSTED.der,)), known=known)


def told(
    cause: CauseName,
    host: str = "api.contoso.example",
    *,
    of: Gateway | None = None,
    verdict: Verdict = Verdict.CONFIRMED,
    seen: Evidence | None = None,
    began: datetime | None = None,
    remedies: tuple[Remedy, ...] = (),
    **changes: Any,
) -> Finding:
    """A finding whose conclusion is given: for what needs no certificate."""
    at = {"first_seen": began} if began else {}
    reasons = (Reason(origin="log", text="It says so."),)
    return Finding(
        cluster=cluster(host, of or gateway(), **at, **changes),
        attributions=(Attribution(cause=cause, verdict=verdict, reasons=reasons),),
        evidence=(seen,) if seen else (),
        remedies=remedies,
    )
