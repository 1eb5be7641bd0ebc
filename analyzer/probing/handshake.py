"""One handshake as evidence/1 has it: the words for how it ended and how far it got, and the JSON-ready entry."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Dict, List, Optional, Sequence

MOST_CERTIFICATES = 100  # of one chain; no honest server comes near

Entry = Dict[str, Any]


class Outcome:
    """How one connection ended; the words are those of `model.Outcome`, which says what each means."""

    COMPLETED = "completed"
    WRONG_VERSION = "wrong_version"
    WRONG_SUITE = "wrong_suite"
    ALERT = "alert"
    CLOSED = "closed"
    RESET = "reset"
    SILENT = "silent"
    NOT_TLS = "not_tls"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    NAME_NOT_FOUND = "name_not_found"
    RESOLVER_FAILED = "resolver_failed"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_FAILED = "connect_failed"
    PROXY_FAILED = "proxy_failed"
    FORBIDDEN = "forbidden"


class Stage:
    """The last step a connection reached; the words are those of `model.Stage`."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    HELLO = "hello"
    CERTIFICATE = "certificate"
    FINISHED = "finished"
    APPLICATION = "application"


class NoConnection(Exception):
    """TCP never connected: how that ended, at which stage, in words, and which address was tried (None: none was)."""

    def __init__(self, outcome: str, stage: str, detail: str, address: Optional[str] = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.stage = stage
        self.detail = detail
        self.address = address


def digests(chain: Sequence[bytes]) -> List[str]:
    """The SHA-256 of each certificate, in lower-case hex: whoever reads the evidence can tell what was damaged on the way."""
    return [hashlib.sha256(der).hexdigest() for der in chain]


def entry(
    offer: str,
    outcome: str,
    stage: str,
    *,
    version: Optional[str] = None,
    suite: Optional[str] = None,
    group: Optional[str] = None,
    chain: Sequence[bytes] = (),
    client_cert_requested: Optional[bool] = None,
    client_cert_required: Optional[bool] = None,
    alert: Optional[str] = None,
    detail: Optional[str] = None,
    seconds: float = 0.0,
) -> Entry:
    """The entry of one connection; `chain`: DER as sent, leaf first, of which the first 100 are kept."""
    chain = chain[:MOST_CERTIFICATES]
    return {
        "offer": offer,
        "outcome": outcome,
        "stage": stage,
        "version": version,
        "suite": suite,
        "group": group,
        "chain_b64": [base64.b64encode(der).decode("ascii") for der in chain],
        "chain_sha256": digests(chain),
        "client_cert_requested": client_cert_requested,
        "client_cert_required": client_cert_required,
        "alert": alert,
        "detail": detail,
        "seconds": round(seconds, 6),
    }


def failed(offer: str, failure: NoConnection, seconds: float) -> Entry:
    """The entry of a connection that did not come about."""
    return entry(offer, failure.outcome, failure.stage, detail=failure.detail, seconds=seconds)
