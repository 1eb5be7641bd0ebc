"""The contract of report.json (`apim-triage/report/1`) as types, keys in the contract's order; what it does not name has a default."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from analyzer.model import (
    Backend,
    CauseName,
    Family,
    Gateway,
    Message,
    Outcome,
    Share,
    Stage,
    State,
    Tier,
    Verdict,
    WhatIf,
)

SCHEMA = "apim-triage/report/1"

Moment = Annotated[datetime, Meta(tz=True)]
ClusterId = Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]


class SpanPart(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    start: Moment | None
    end: Moment | None


class WindowPart(Struct, frozen=True, kw_only=True):
    asked: SpanPart
    found: SpanPart


class SourcePart(Struct, frozen=True, kw_only=True):
    name: str
    shape: str
    records: int
    failures: int
    rejected: int
    first_rejected: tuple[str, ...]
    lookalikes: int = 0


class IntakePart(Struct, frozen=True, kw_only=True):
    records: int
    failures: int
    lookalikes: int
    others: int
    rejected: int
    sources: tuple[SourcePart, ...]
    lookalike_reasons: tuple[Share, ...] = ()
    send_request: tuple[Share, ...] = ()


class ReasonPart(Struct, frozen=True, kw_only=True, rename={"origin": "from"}):
    origin: str
    text: str


class AttributionPart(Struct, frozen=True, kw_only=True):
    cause: CauseName
    scenario: str | None
    verdict: Verdict
    reasons: tuple[ReasonPart, ...]


class RemedyPart(Struct, frozen=True, kw_only=True):
    owner: str
    tier: Tier | None
    text: str
    command: str | None
    caution: str | None


class HandshakePart(Struct, frozen=True, kw_only=True):
    """A handshake without its certificates: those are in evidence.json."""

    offer: str
    outcome: Outcome
    stage: Stage
    version: str | None = None
    suite: str | None = None
    group: str | None = None
    client_cert_requested: bool | None = None
    client_cert_required: bool | None = None
    alert: str | None = None
    detail: str | None = None
    seconds: float = 0.0


class CollectedPart(Struct, frozen=True, kw_only=True):
    host: str
    tool: str
    version: str
    resolver: str | None = None
    vantage: str = "unstated"


class EvidencePart(Struct, frozen=True, kw_only=True):
    vantage: str  # machine and place, in words
    at: Moment
    connections: int
    seconds: float
    address: str | None = None
    addresses: tuple[str, ...] = ()
    server_name: str | None = None  # None: the backend's host
    profile: str = "classic"
    pinned: bool = False
    allowed: bool = False
    proxy: str | None = None  # None: none was gone through
    collected: CollectedPart | None = None
    handshakes: tuple[HandshakePart, ...] = ()


class CertificatePart(Struct, frozen=True, kw_only=True):
    """A certificate as sent, without its DER."""

    subject: str
    issuer: str
    common_name: str
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    not_before: Moment
    not_after: Moment
    is_ca: bool
    self_issued: bool
    self_signed: bool
    usages: tuple[str, ...] | None
    aia: tuple[str, ...]
    key: str
    signature: str
    sha256: str
    public_looking: bool


class HourPart(Struct, frozen=True, kw_only=True):
    start: Moment
    failures: int
    requests: int | None


class AffectedPart(Struct, frozen=True, kw_only=True):
    apis: tuple[Share, ...] = ()
    operations: tuple[Share, ...] = ()
    products: tuple[Share, ...] = ()
    subscriptions: tuple[Share, ...] = ()
    callers: tuple[Share, ...] = ()  # empty without --keep-ip


class ElapsedPart(Struct, frozen=True, kw_only=True):
    up_to_ms: int
    failures: int


class ClusterPart(Struct, frozen=True, kw_only=True):
    id: ClusterId
    gateway: str
    backend: Backend
    failures: int
    requests: int | None
    state: State
    first_seen: Moment
    last_seen: Moment
    last_success: Moment | None
    apis: tuple[str, ...]
    correlation_ids: tuple[str, ...]
    messages: tuple[Message, ...]
    cause: CauseName
    scenario: str | None
    verdict: Verdict
    attributions: Annotated[tuple[AttributionPart, ...], Meta(min_length=1)]
    what_if: tuple[WhatIf, ...]
    remedy: tuple[RemedyPart, ...]
    evidence: tuple[EvidencePart, ...]
    family: Family | None = None  # None: written by a program that knows the contract only
    affected: AffectedPart = AffectedPart()
    timeline: tuple[HourPart, ...] = ()
    elapsed: tuple[ElapsedPart, ...] = ()
    chain: tuple[CertificatePart, ...] = ()
    proof: str = ""


class IncidentPart(Struct, frozen=True, kw_only=True):
    cause: CauseName
    clusters: tuple[ClusterId, ...]
    shared: str
    remedy: tuple[RemedyPart, ...]
    title: str = ""


class SettingsPart(Struct, frozen=True, kw_only=True):
    """What a gateway's exported settings show by themselves."""

    gateway: str
    text: str
    explains: tuple[ClusterId, ...] = ()
    remedy: tuple[RemedyPart, ...] = ()


class RestPart(Struct, frozen=True, kw_only=True):
    """The clusters that were counted and not judged: one by one they stand in clusters.csv."""

    clusters: int = 0
    failures: int = 0
    timeline: tuple[HourPart, ...] = ()


class Document(Struct, frozen=True, kw_only=True):
    schema: str
    window: WindowPart
    intake: IntakePart
    gateways: tuple[Gateway, ...]
    clusters: tuple[ClusterPart, ...]
    incidents: tuple[IncidentPart, ...]
    caveats: tuple[str, ...]
    rest: RestPart = RestPart()  # intake.failures = failures of clusters + rest.failures
    made_at: Moment | None = None
    settings: tuple[SettingsPart, ...] = ()
