"""What was observed of a backend: certificates, handshakes, evidence; and what .NET makes of a chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from analyzer.model.vocabulary import Fetched, Outcome, Stage


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
