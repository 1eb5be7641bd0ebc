"""The nouns of the diagnosis and their enums: frozen, no I/O, no clock; every step imports these and nothing downstream of itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from analyzer.vocabulary import (
    EXPORTED,
    OTHER_VOICES,
    SCENARIOS,
    CauseName,
    DateOrder,
    Family,
    Fetched,
    Kind,
    Outcome,
    Stage,
    State,
    Tier,
    TierFrom,
    Verdict,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EXPORTED",
    "OTHER_VOICES",
    "SCENARIOS",
    "Aia",
    "Attribution",
    "Backend",
    "CauseName",
    "Certificate",
    "Cluster",
    "Collected",
    "DateOrder",
    "Evidence",
    "Family",
    "Fetched",
    "Finding",
    "Gateway",
    "Handshake",
    "Hour",
    "Incident",
    "Intake",
    "Judgement",
    "Kind",
    "Message",
    "Outcome",
    "Reason",
    "Remedy",
    "Report",
    "Rest",
    "Share",
    "SourceIntake",
    "Stage",
    "State",
    "Tier",
    "TierFrom",
    "Verdict",
    "WhatIf",
    "Window",
    "cluster_id",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where the gateway wanted to connect."""

    scheme: str  # "https", "http", …; "" where the log does not say
    host: str  # lower case, no brackets around IPv6; "" where the log names only a backend entity, or nothing
    port: int | None  # None where the log does not say
    backend_ids: tuple[str, ...] = ()  # backend entities seen with it

    @property
    def label(self) -> str:
        """`host:port`, else the backend entity, else words that say that the log does not name it."""
        if self.host:
            host = f"[{self.host}]" if ":" in self.host else self.host
            return f"{host}:{self.port}" if self.port else host
        if self.backend_ids:
            return f"backend entity {', '.join(self.backend_ids)}"
        return "(backend not named in the log)"


def cluster_id(gateway: str, backend: Backend, family: Family) -> str:
    """First 12 hex digits of SHA-256 over gateway, backend and family: the same in every run."""
    name = backend.host or ",".join(backend.backend_ids)
    parts = (gateway, backend.scheme, name, str(backend.port or ""), family.value)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One masked error text of a cluster."""

    text: str
    kind: Kind
    also: tuple[Kind, ...] = ()  # other kinds that the same text is known to cover
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One value of an affected dimension and its failures."""

    value: str
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of a timeline."""

    start: datetime  # UTC, on the hour
    failures: int
    requests: int | None  # None: the source has no successes to count


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Gateway × backend × family of failure: its rows of the tally, read as one incident."""

    id: str  # 12 hex digits of SHA-256 over gateway, backend and family
    gateway: str  # Gateway.id
    backend: Backend
    family: Family
    failures: int
    requests: int | None  # None: the source has no successes to count
    state: State
    first_seen: datetime
    last_seen: datetime
    last_success: datetime | None  # None: none in the window, or the source has no successes
    messages: tuple[Message, ...]  # most frequent first
    apis: tuple[Share, ...] = ()
    operations: tuple[Share, ...] = ()
    products: tuple[Share, ...] = ()
    subscriptions: tuple[Share, ...] = ()
    callers: tuple[Share, ...] = ()  # client addresses; empty unless they were asked for
    correlation_ids: tuple[str, ...] = ()
    timeline: tuple[Hour, ...] = ()
    elapsed: tuple[tuple[int, int], ...] = ()  # (upper edge of the bucket in ms, failures); -1: not logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One gateway and what it offers and trusts."""

    id: str
    name: str
    region: str  # "" where the log does not say
    tier: Tier
    tier_from: TierFrom
    profile: str = ""  # the hello it speaks, by its settings (probing/profiles.py); "": its tier's own
    told: tuple[str, ...] = ()  # switches of the hello that its settings speak of; the others are taken as the default

    def __post_init__(self) -> None:
        if not self.profile:
            object.__setattr__(self, "profile", self.tier.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a report and a cause need to know of one certificate; made by `trust`, from DER."""

    der: bytes
    subject: str  # RFC 4514
    issuer: str  # RFC 4514
    common_name: str  # "" where there is none
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    is_ca: bool
    self_issued: bool  # subject equals issuer
    self_signed: bool  # and its own key made the signature
    usages: tuple[str, ...] | None  # extended key usages as dotted OIDs; None: no such extension, any usage
    aia: tuple[str, ...]  # http(s)/ldap addresses of the issuer, as written
    key: str  # "RSA 2048", "EC secp256r1", …
    signature: str  # "sha256WithRSAEncryption", …
    sha256: str  # fingerprint, lower-case hex
    public_looking: bool  # carries embedded SCTs or a policy of the CA/Browser Forum: a public CA issued it, or one that copies them


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a .NET client makes of one chain (`trust.judge`)."""

    accepted: bool
    statuses: frozenset[str]  # X509ChainStatusFlags names, plus "RemoteCertificateNameMismatch" and "Unreadable"
    path: tuple[bytes, ...] = ()  # DER, leaf first, as far as a path could be built


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What one connection returned."""

    offer: str  # which ClientHello: "gateway", the diagnostic one's name, or another tool (`OTHER_VOICES`)
    outcome: Outcome
    stage: Stage
    version: str | None = None  # "TLS 1.2"; None: the server did not get as far as choosing
    suite: str | None = None  # IANA name; None likewise
    group: str | None = None  # IANA name of the key-exchange group; None: not seen, or the suite has none
    chain: tuple[bytes, ...] = ()  # DER as sent, leaf first; empty: none was seen
    client_cert_requested: bool | None = None  # None: this handshake could not tell (TLS 1.3 hides it)
    client_cert_required: bool | None = None  # True: an empty one was refused; False: accepted; None: not asked
    alert: str | None = None  # name of the server's alert (RFC 8446 section 6)
    versions: tuple[str, ...] = ()  # what another tool's hello was held to; empty: what its offer has
    accepts: tuple[str, ...] = ()  # every suite the server takes in this version; empty: only `suite` is known
    chain_whole: bool = True  # False: the server may have sent more than `chain`
    named: bool | None = True  # whether SNI carried the server's name (moot for an address); None: not known
    detail: str | None = None  # one printable line: the foreign protocol, the local error
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Who observed, where and when."""

    host: str
    at: datetime
    tool: str
    version: str
    resolver: str | None = None  # None: not recorded
    vantage: str = "unstated"  # "gateway": inside the gateway's network; "outside"; "unstated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aia:
    """What one address of the extension authority information access gave (RFC 5280 section 4.2.2.1)."""

    url: str
    outcome: Fetched
    der: bytes | None = None  # None: no certificate; an answer with several gives one of these for each
    detail: str | None = None
    address: str | None = None  # IP address of the server that answered; None: none did


_STEPS = tuple(Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was observed about one address of one backend, from one place at one time; no verdicts."""

    host: str  # the backend's host, as the log has it
    port: int
    server_name: str  # SNI sent and name judged: the host, or what --host-header says
    address: str | None  # the address that was connected to; None: there was none
    addresses: tuple[str, ...] = ()  # all that the name resolved to
    profile: str = "classic"  # whose ClientHello was spoken
    handshakes: tuple[Handshake, ...] = ()
    collected: Collected
    pinned: bool = False  # --connect-to chose the address
    allowed: bool = False  # --allow-address was needed for, and named, the address
    proxy: str | None = None  # host:port of the proxy that the connections went through; None: none
    aia: tuple[Aia, ...] = ()  # empty: no issuer was missing, or none was asked for

    @property
    def first(self) -> Handshake | None:
        """The handshake in the gateway's own voice: of several tries the one that stood, else the one that got furthest; None: none was made."""
        return min(self.tries, key=lambda h: (h.outcome is not Outcome.COMPLETED, -_STEPS.index(h.stage)), default=None)

    @property
    def tries(self) -> tuple[Handshake, ...]:
        """Every handshake in the gateway's own voice: more than one where the first failed as by accident."""
        return tuple(h for h in self.handshakes if h.offer == self.handshakes[0].offer)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates as sent, from the first handshake that saw any."""
        return next((h.chain for h in self.handshakes if h.chain), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One observation that bears on a verdict, and where it was made."""

    origin: str  # "log", "probe" or "settings"; `from` in report.json
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One thing that one owner can do."""

    owner: str  # "backend", "gateway" or "network"
    text: str
    tier: Tier | None = None  # None: the same for every tier
    command: str | None = None
    caution: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A change, and whether the connection would then stand; None: not known from what was observed."""

    change: str
    connects: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """One cause's answer for one cluster."""

    cause: CauseName
    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def scenario(self) -> str | None:
        """The article's scenario number; None where the cause belongs to none."""
        return SCENARIOS.get(self.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A cluster with everything that was concluded about it."""

    cluster: Cluster
    attributions: tuple[Attribution, ...]  # strongest first; every cause is here
    what_if: tuple[WhatIf, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    evidence: tuple[Evidence, ...] = ()  # the one that was believed first
    chain: tuple[Certificate, ...] = ()  # of the evidence that was believed
    root: Certificate | None = None  # where that chain ends, wherever the root was seen; None: it was not

    @property
    def lead(self) -> Attribution:
        """The strongest attribution."""
        return self.attributions[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Clusters that one change would mend."""

    cause: CauseName
    clusters: tuple[str, ...]
    shared: str  # what they share: a certificate fingerprint or an address, in words
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIntake:
    """One source and what was read of it; read = records + rejected."""

    name: str
    shape: str
    records: int
    failures: int
    rejected: int
    lookalikes: int = 0
    first_rejected: tuple[str, ...] = ()  # "file:line: why", then ": " and a redacted excerpt where the line is at hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What was read: records = failures + lookalikes + others."""

    sources: tuple[SourceIntake, ...] = ()
    lookalike_reasons: tuple[Share, ...] = ()  # what the look-alikes were, and how many of each
    send_request: tuple[Share, ...] = ()  # hosts that send-request policies failed to reach

    @property
    def records(self) -> int:
        """Records read, of all sources."""
        return sum(s.records for s in self.sources)

    @property
    def failures(self) -> int:
        """Records of a failed backend connection."""
        return sum(s.failures for s in self.sources)

    @property
    def lookalikes(self) -> int:
        """Records of failures that only look like one."""
        return sum(s.lookalikes for s in self.sources)

    @property
    def others(self) -> int:
        """All other records."""
        return self.records - self.failures - self.lookalikes

    @property
    def rejected(self) -> int:
        """Lines or elements that are not one record."""
        return sum(s.rejected for s in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open span of time, UTC; None: open on that side, or nothing was found."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The clusters beyond the worst: counted, not judged."""

    clusters: int = 0
    failures: int = 0
    timeline: tuple[Hour, ...] = ()  # of all of them together
    each: tuple[Cluster, ...] = ()  # most failures first, without messages, timeline and state; not in report.json


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the outputs show."""

    made_at: datetime
    asked: Window
    found: Window
    intake: Intake
    gateways: tuple[Gateway, ...]
    findings: tuple[Finding, ...]  # worst first
    rest: Rest = field(default=Rest())  # clusters that are only counted
    incidents: tuple[Incident, ...] = ()
    caveats: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = field(default=())

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """The report as small pandas frames: clusters, timeline, attributions, messages, handshakes, rest (see `report.frames`)."""
        from analyzer.report.frames import frames_of

        return frames_of(self)
