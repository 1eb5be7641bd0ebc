"""The file format `apim-triage/evidence/1`: JSON in, checked, `Evidence` out; and `Evidence` in, JSON out."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from analyzer.errors import EvidenceError
from analyzer.model import Collected, Evidence, Handshake, Outcome, Stage

SCHEMA = "apim-triage/evidence/1"
MOST_BYTES = 64 * 1024 * 1024
MOST_TEXT = 1000  # characters kept of any one text
_ZONE_REQUIRED = msgspec.Meta(tz=True)


class _Collected(msgspec.Struct):
    host: str
    at: datetime
    tool: str = ""
    version: str = ""
    resolver: str | None = None
    vantage: str = "unstated"


class _Handshake(msgspec.Struct):
    offer: str
    outcome: Outcome
    stage: Stage
    version: str | None = None
    suite: str | None = None
    group: str | None = None
    chain_b64: list[str] = []
    client_cert_requested: bool | None = None
    client_cert_required: bool | None = None
    alert: str | None = None
    detail: str | None = None
    seconds: float = 0.0


class _Backend(msgspec.Struct, omit_defaults=False):
    host: str
    port: int
    server_name: str | None = None  # None: the host
    address: str | None = None
    addresses: list[str] = []
    profile: str = "classic"
    pinned: bool = False
    allowed: bool = False
    handshakes: list[_Handshake] = []
    aia: list[dict[str, Any]] = []
    collected: _Collected | None = None  # None: the document's


class _Document(msgspec.Struct):
    schema: str
    backends: list[_Backend] = []
    collected: _Collected | None = None  # None only where every backend has its own


def of(entries: Sequence[dict[str, Any]], collected: Collected) -> tuple[Evidence, ...]:
    """The probe's entries as Evidence, in their order.

    Certificates stay as the server sent them, also those that no parser reads: judging says so.
    """
    common = _Collected(**{f: getattr(collected, f) for f in _Collected.__struct_fields__})
    return tuple(_evidence(msgspec.convert(entry, _Backend), common) for entry in entries)


def read(path: Path) -> tuple[Evidence, ...]:
    """The evidence of a file, which somebody else may have made: schema, size and every certificate are checked.

    Unknown fields are ignored. Raises EvidenceError, one line: what, where, what to do.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise EvidenceError(f"{path}: is larger than {MOST_BYTES // 2**20} MiB; collect fewer backends per file")
    schema = _schema(content)
    if not re.fullmatch(r"apim-triage/evidence/1(\.\d+)?", schema):
        found = f"its schema is {schema[:80]!r}" if schema else "it has no schema"
        raise EvidenceError(f"{path}: is not {SCHEMA} ({found}); make it with: apim-triage probe --out FILE")
    try:
        document = msgspec.json.decode(content, type=_Document)
        evidence = tuple(_evidence(backend, document.collected) for backend in document.backends)
    except (msgspec.ValidationError, ValueError) as error:
        raise EvidenceError(f"{path}: does not keep to {SCHEMA}: {error}") from error
    for one in evidence:
        _check_certificates(one, path)
    return evidence


def dumps(evidence: Sequence[Evidence]) -> bytes:
    """The document, indented, ending in a newline; `read` gives the same evidence back.

    Where everything was collected by one run, it is said once; else each backend carries its own.
    """
    runs = list(dict.fromkeys(e.collected for e in evidence))
    document = {
        "schema": SCHEMA,
        "collected": _said(runs[0]) if len(runs) == 1 else None,
        "backends": [_entry(e, None if len(runs) == 1 else e.collected) for e in evidence],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _evidence(backend: _Backend, common: _Collected | None) -> Evidence:
    collected = backend.collected or common
    if collected is None:
        raise ValueError(f"nothing says who collected {backend.host}:{backend.port}, and when")
    if collected.at.tzinfo is None:
        raise ValueError(f"collected.at of {backend.host}:{backend.port} has no time zone")
    if not 0 < backend.port < 65536:
        raise ValueError(f"{backend.host}: {backend.port} is not a port")
    return Evidence(
        host=_short(backend.host).lower(),
        port=backend.port,
        server_name=_short(backend.server_name or backend.host),
        address=backend.address and _short(backend.address),
        addresses=tuple(map(_short, backend.addresses[:100])),
        profile=_short(backend.profile),
        handshakes=tuple(map(_handshake, backend.handshakes[:100])),
        pinned=backend.pinned,
        allowed=backend.allowed,
        collected=Collected(
            host=_short(collected.host),
            at=collected.at,
            tool=_short(collected.tool),
            version=_short(collected.version),
            resolver=collected.resolver and _short(collected.resolver),
            vantage=collected.vantage if collected.vantage in ("gateway", "outside") else "unstated",
        ),
    )


def _handshake(raw: _Handshake) -> Handshake:
    try:
        chain = tuple(base64.b64decode(text, validate=True) for text in raw.chain_b64[:100])
    except binascii.Error as error:
        raise ValueError(f"chain_b64 is not base64: {error}") from error
    return Handshake(
        offer=_short(raw.offer),
        outcome=raw.outcome,
        stage=raw.stage,
        version=raw.version and _short(raw.version),
        suite=raw.suite and _short(raw.suite),
        group=raw.group and _short(raw.group),
        chain=chain,
        client_cert_requested=raw.client_cert_requested,
        client_cert_required=raw.client_cert_required,
        alert=raw.alert and _short(raw.alert),
        detail=raw.detail and _short(raw.detail),
        seconds=raw.seconds,
    )


def _entry(evidence: Evidence, collected: Collected | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "host": evidence.host,
        "port": evidence.port,
        "server_name": evidence.server_name,
        "address": evidence.address,
        "addresses": evidence.addresses,
        "profile": evidence.profile,
        "pinned": evidence.pinned,
        "allowed": evidence.allowed,
        "handshakes": [_said_handshake(h) for h in evidence.handshakes],
        "aia": [],
    }
    return entry if collected is None else {**entry, "collected": _said(collected)}


def _said_handshake(h: Handshake) -> dict[str, Any]:
    said = {name: getattr(h, name) for name in _Handshake.__struct_fields__ if name != "chain_b64"}
    return {**said, "chain_b64": [base64.b64encode(der).decode() for der in h.chain]}


def _said(collected: Collected) -> dict[str, Any]:
    return {name: getattr(collected, name) for name in _Collected.__struct_fields__}


def _short(text: str) -> str:
    return text[:MOST_TEXT]


def _schema(content: bytes) -> str:
    class Head(msgspec.Struct):
        schema: str = ""

    try:
        return msgspec.json.decode(content, type=Head).schema
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _check_certificates(evidence: Evidence, path: Path) -> None:
    for handshake in evidence.handshakes:
        for position, der in enumerate(handshake.chain):
            try:
                x509.load_der_x509_certificate(der)
            except ValueError as error:
                where = f"{evidence.host}:{evidence.port}, certificate {position}"
                raise EvidenceError(
                    f"{path}: {where} is not a certificate: {error}; collect the evidence again"
                ) from error
