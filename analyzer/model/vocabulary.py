"""The words the diagnosis is made of, as enums: kinds of message, tiers, stages and outcomes of a connection, verdicts, causes."""

from __future__ import annotations

from enum import StrEnum, auto


class Kind(StrEnum):
    """What a gateway's error text says, before anything was probed (`messages.toml`)."""

    NAME_MISMATCH = auto()
    UNTRUSTED_ROOT = auto()
    INCOMPLETE_CHAIN = auto()
    EXPIRED = auto()
    REVOCATION = auto()
    CHAIN_OTHER = auto()
    TRUST_UNSPECIFIED = auto()
    TLS_VERSION = auto()
    CIPHER = auto()
    TLS_OTHER = auto()
    CLIENT_CERTIFICATE = auto()
    DNS = auto()
    REFUSED = auto()
    UNREACHABLE = auto()
    TIMEOUT = auto()
    RESET = auto()
    SNAT = auto()
    HTTP2 = auto()
    CLIENT_ABORT = auto()
    TRANSFER = auto()  # of the step transfer-response, whatever its words: no text alone has this kind
    OTHER = auto()


class Family(StrEnum):
    """How far a failing connection got; part of a cluster's identity."""

    TLS = auto()  # a TCP connection stood: trust, handshake, reset, other
    NETWORK = auto()  # it never stood: dns, refused, unreachable, timeout, snat
    TRANSFER = auto()  # the backend answered and the body broke off


class State(StrEnum):
    """Whether a cluster's failures go on, as of the end of the window."""

    ONGOING = auto()
    STOPPED = auto()
    INTERMITTENT = auto()
    UNKNOWN = auto()


class Tier(StrEnum):
    """The kinds of gateway that differ in what they offer, trust and can be told."""

    CLASSIC = auto()
    V2 = auto()
    CONSUMPTION = auto()
    SELF_HOSTED = "self-hosted"


class TierFrom(StrEnum):
    """What a gateway's tier was read from; ASSUMED means nothing said it."""

    SETTINGS = auto()
    SKU = auto()
    TEXT = auto()
    OPTION = auto()
    ASSUMED = auto()


class DateOrder(StrEnum):
    """Which comes first in a date whose writing leaves it open, such as 3/4/2026; `AUTO`: the file must tell."""

    AUTO = auto()
    MDY = auto()
    DMY = auto()


class Stage(StrEnum):
    """The last step a connection reached, in order."""

    RESOLVE = auto()
    CONNECT = auto()
    HELLO = auto()  # TCP stood, no usable ServerHello yet
    CERTIFICATE = auto()  # ServerHello read; the server's flight was under way or complete
    FINISHED = auto()  # both sides finished
    APPLICATION = auto()  # bytes of the application protocol were exchanged


class Outcome(StrEnum):
    """How one connection ended; one member per stage and kind of failure, so that the stage is never lost."""

    COMPLETED = auto()  # the server's flight was read to its end (TLS ≤ 1.2), or TLS 1.3 was agreed
    WRONG_VERSION = auto()  # the server chose a version that was not offered
    WRONG_SUITE = auto()  # the server chose a suite that was not offered
    ALERT = auto()  # the server refused with a fatal alert
    CLOSED = auto()  # orderly TCP close before the flight was complete
    RESET = auto()  # TCP reset after the ClientHello
    SILENT = auto()  # TCP stood, nothing more came before the deadline
    NOT_TLS = auto()  # the first bytes are another protocol
    MALFORMED = auto()  # TLS records that break the protocol
    TOO_LARGE = auto()  # more bytes than any honest handshake has
    NAME_NOT_FOUND = auto()  # the resolver says that the name does not exist
    RESOLVER_FAILED = auto()  # no answer from the resolver: says nothing about the name
    REFUSED = auto()
    UNREACHABLE = auto()
    CONNECT_TIMEOUT = auto()
    CONNECT_FAILED = auto()  # another error of the local machine; `detail` has it
    PROXY_FAILED = (
        auto()
    )  # the proxy gave no tunnel: it refused, or could not reach the backend; `detail` has its words
    FORBIDDEN = auto()  # the policy does not allow this address: nothing was sent


EXPORTED = "exported"
OTHER_VOICES: dict[str, str] = {"openssl": "OpenSSL", "ssllabs": "SSL Labs", EXPORTED: "nobody"}
"""Offers of handshakes that other tools made, and who spoke: what the gateway's own hello would have met is not seen.

An exported certificate comes without any handshake: nobody spoke."""


class Fetched(StrEnum):
    """What came of asking one authority information access address for an issuer's certificate."""

    FETCHED = auto()  # certificates came
    NOT_HTTP = auto()  # https, ldap, …: Windows and .NET fetch over plain HTTP alone; nothing was sent
    FORBIDDEN = auto()  # the policy does not allow its address: nothing was sent
    NO_ANSWER = auto()  # the name, the connection or the reply failed, or the server said 5xx; `detail` has it
    NOT_FOUND = auto()  # the server answered with another status than 200; `detail` has it
    NOT_A_CERTIFICATE = auto()  # the reply holds none
    TOO_LARGE = auto()  # more bytes than any such file has
    NOT_ASKED = auto()  # a proxy is in use, or the backend's deadline came first; `detail` says which: nothing is known


class Verdict(StrEnum):
    """A cause's answer, strongest first."""

    CONFIRMED = auto()
    LIKELY = auto()
    UNKNOWN = auto()
    RULED_OUT = auto()


class CauseName(StrEnum):
    """Every explanation that is judged, in the order of the table of scenarios."""

    NAME_MISMATCH = auto()
    UNTRUSTED_ROOT = auto()
    SELF_SIGNED = auto()
    INCOMPLETE_CHAIN = auto()
    EXPIRED = auto()
    NOT_YET_VALID = auto()
    WEAK_SIGNATURE = auto()
    WEAK_KEY = auto()
    WRONG_USAGE = auto()
    CHAIN_CONSTRAINT = auto()
    TLS_VERSION = auto()
    CIPHER_SUITE = auto()
    TLS_PARAMETERS = auto()
    CLIENT_CERTIFICATE = auto()
    SERVER_NAME = auto()
    NOT_TLS = auto()
    HANDSHAKE_ABORTED = auto()
    DNS = auto()
    REFUSED = auto()
    UNREACHABLE = auto()
    HAIRPIN = auto()
    SNAT_EXHAUSTION = auto()
    IDLE_TIMEOUT = auto()
    BODY_TRANSFER = auto()
    TIMEOUT = auto()
    RESET = auto()
    NOT_REPRODUCED = auto()
    UNKNOWN = auto()


SCENARIOS: dict[CauseName, str] = {
    CauseName.NAME_MISMATCH: "1",
    CauseName.UNTRUSTED_ROOT: "2a",
    CauseName.SELF_SIGNED: "2a",
    CauseName.INCOMPLETE_CHAIN: "2b",
    CauseName.EXPIRED: "2",
    CauseName.NOT_YET_VALID: "2",
    CauseName.WEAK_SIGNATURE: "2",
    CauseName.WEAK_KEY: "2",
    CauseName.WRONG_USAGE: "2",
    CauseName.CHAIN_CONSTRAINT: "2",
    CauseName.TLS_VERSION: "3",
    CauseName.CIPHER_SUITE: "3",
    CauseName.TLS_PARAMETERS: "3",
}
"""The article's scenario of each cause; a cause that is absent belongs to none."""
