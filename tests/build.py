"""Builders of the nouns with plausible defaults, for tests that say only what they are about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from analyzer import messages
from analyzer.model import (
    Backend,
    Cluster,
    Collected,
    Evidence,
    Family,
    Gateway,
    Handshake,
    Message,
    Outcome,
    Stage,
    State,
    Tier,
    TierFrom,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""When the probe runs in these tests; the failures lie in the day before."""

TRUST = "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
SECURE_CHANNEL = "The request was aborted: Could not create SSL/TLS secure channel."


def message(text: str = TRUST, failures: int = 10) -> Message:
    match = messages.classify(text)
    return Message(text=text, kind=match.kind, also=match.also, failures=failures)


def cluster(text: str | None = TRUST, **changes: Any) -> Cluster:
    messages_ = (message(text),) if text is not None else ()
    defaults: dict[str, Any] = {
        "id": "0123456789ab",
        "gateway": "gw@west europe",
        "backend": Backend(scheme="https", host="api.contoso.example", port=443),
        "family": messages.family_of(messages_[0].kind) if messages_ else Family.TLS,
        "failures": 10,
        "requests": None,
        "state": State.ONGOING,
        "first_seen": NOW - timedelta(hours=20),
        "last_seen": NOW - timedelta(hours=1),
        "last_success": None,
        "messages": messages_,
    }
    return Cluster(**{**defaults, **changes})


def gateway(tier: Tier = Tier.CLASSIC, tier_from: TierFrom = TierFrom.SKU, **changes: Any) -> Gateway:
    return Gateway(id="gw@west europe", name="gw", region="West Europe", tier=tier, tier_from=tier_from, **changes)


def handshake(outcome: Outcome = Outcome.COMPLETED, **changes: Any) -> Handshake:
    stages = {
        Outcome.COMPLETED: Stage.CERTIFICATE,
        Outcome.NAME_NOT_FOUND: Stage.RESOLVE,
        Outcome.RESOLVER_FAILED: Stage.RESOLVE,
        Outcome.REFUSED: Stage.CONNECT,
        Outcome.UNREACHABLE: Stage.CONNECT,
        Outcome.CONNECT_TIMEOUT: Stage.CONNECT,
        Outcome.FORBIDDEN: Stage.CONNECT,
    }
    defaults: dict[str, Any] = {"offer": "gateway", "outcome": outcome, "stage": stages.get(outcome, Stage.HELLO)}
    if outcome is Outcome.COMPLETED:
        defaults |= {
            "version": "TLS 1.2",
            "suite": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "group": "x25519",
            "client_cert_requested": False,
        }
    return Handshake(**{**defaults, **changes})


def evidence(*handshakes: Handshake, at: datetime = NOW, vantage: str = "unstated", **changes: Any) -> Evidence:
    defaults: dict[str, Any] = {
        "host": "api.contoso.example",
        "port": 443,
        "server_name": "api.contoso.example",
        "address": "8.8.8.8",  # stands for any public address; nothing connects to it
        "handshakes": handshakes,
        "collected": Collected(host="probe-vm", at=at, tool="apim-triage", version="0", vantage=vantage),
    }
    return Evidence(**{**defaults, **changes})
