"""The format apim-triage/evidence/1: the probe's entries or a document in, `model.Evidence` out; and Evidence in, the file's bytes out.

A file may come from anywhere, so reading one is strict: schema, size, base64, and certificates that parse. Only a certificate that the
server sent broken may be broken: its digest, recorded when it was collected, proves that. Without digests, a certificate damaged on the
way (a truncated paste) would be judged as the server's fault; without the exception, one hostile server would make a whole file unreadable.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

from analyzer.errors import EvidenceError
from analyzer.model import Aia, Collected, Evidence, Fetched, Handshake, Outcome, Stage
from analyzer.probing.handshake import digests
from analyzer.probing.profiles import offer
from analyzer.probing.target import is_address

SCHEMA = "apim-triage/evidence/1"
MOST_CERTIFICATES = 100  # of a chain, as the probe keeps them
MOST_HANDSHAKES = 100  # of a backend: no plan asks a tenth of it
MOST_ADDRESSES = 1000  # of a name
AHEAD = timedelta(days=1)  # how far a collecting machine's clock may be ahead


class _Handshake(msgspec.Struct, kw_only=True):
    offer: str
    outcome: Outcome
    stage: Stage
    version: str | None = None
    suite: str | None = None
    group: str | None = None
    chain_b64: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MOST_CERTIFICATES)] = ()  # base64 in JSON
    chain_sha256: Annotated[
        tuple[str, ...], msgspec.Meta(max_length=MOST_CERTIFICATES)
    ] = ()  # lower-case hex, in the chain's order; empty: not recorded
    client_cert_requested: bool | None = None
    client_cert_required: bool | None = None
    alert: str | None = None
    versions: Annotated[tuple[str, ...], msgspec.Meta(max_length=10)] = ()
    accepts: Annotated[tuple[str, ...], msgspec.Meta(max_length=500)] = ()
    chain_whole: bool = True
    named: bool | None = True
    detail: str | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0


_SHARED = tuple(f.name for f in fields(Handshake) if f.name != "chain")
"""What a handshake of the file and one of the model call by the same name."""


class _Aia(msgspec.Struct, kw_only=True):
    url: str
    outcome: Fetched
    der_b64: bytes | None = None
    detail: str | None = None
    address: str | None = None


class _Backend(msgspec.Struct, kw_only=True):
    host: Annotated[str, msgspec.Meta(max_length=1000)]
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    sni: str | None = None  # None: none was sent
    server_name: str | None = None  # None: the SNI, else the host
    address: str | None = None
    addresses: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_ADDRESSES)] = ()
    profile: str = "classic"
    pinned: bool = False
    allowed: bool = False
    handshakes: Annotated[tuple[_Handshake, ...], msgspec.Meta(max_length=MOST_HANDSHAKES)] = ()
    proxy: str | None = None
    aia: Annotated[tuple[_Aia, ...], msgspec.Meta(max_length=MOST_CERTIFICATES)] = ()
    collected: Collected | None = None  # None: that of the document


class _Document(msgspec.Struct, kw_only=True):
    schema: str
    collected: Collected | None = None
    backends: tuple[_Backend, ...] = ()


class _Head(msgspec.Struct):
    schema: str


def parse(path: Path, data: bytes, *, now: datetime | None = None) -> tuple[Evidence, ...]:
    """The evidence in a document, in its order, each once; unknown fields are ignored. `path` names it in errors.

    Raises EvidenceError where it is not evidence/1, holds a broken certificate, or was observed after `now` (None: any time).
    """
    document = _decode(path, data)
    found = []
    for backend in document.backends:
        _check(path, backend)
        collected = backend.collected or document.collected
        if collected is None or collected.at.tzinfo is None:
            raise EvidenceError(
                f"{path}: {_label(backend)}: `collected` must say who observed it, and when with a time zone"
            )
        try:
            at = collected.at.astimezone(UTC)
        except OverflowError:  # within a day of the calendar's ends
            raise EvidenceError(
                f"{path}: {_label(backend)}: `collected` is outside the years 1 to 9999 of UTC"
            ) from None
        if now is not None and at > now + AHEAD:
            raise EvidenceError(
                f"{path}: {_label(backend)}: was observed at {at:%Y-%m-%d %H:%M} UTC, which is still to come; "
                "mend the clock of the machine that collected it, and collect it again"
            )
        found.append(_evidence(backend, replace(collected, at=at)))
    return tuple(dict.fromkeys(found))


def of(entries: Sequence[Mapping[str, Any]], collected: Collected) -> tuple[Evidence, ...]:
    """The probe's entries as Evidence, in their order; certificates stay as the server sent them, also broken ones."""
    return tuple(_evidence(backend, collected) for backend in msgspec.convert(entries, tuple[_Backend, ...]))


def dumps(evidence: Sequence[Evidence]) -> bytes:
    """The document evidence.json, in UTF-8; `read` gives the same evidence back.

    `collected` stands at the top, of the first backend; where they differ, it stands in each backend too.
    """
    same = all(one.collected == evidence[0].collected for one in evidence)
    document = _Document(
        schema=SCHEMA,
        collected=evidence[0].collected if evidence else None,
        backends=tuple(_backend(one, collected=None if same else one.collected) for one in evidence),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _decode(path: Path, data: bytes) -> _Document:
    try:
        schema = msgspec.json.decode(data, type=_Head).schema
        name, _, major = schema.rpartition("/")
        if name == SCHEMA.rpartition("/")[0] and major != "1":
            raise EvidenceError(
                f"{path}: has the schema {schema[:60]!r}, and this version reads {SCHEMA}; use a newer apim-triage"
            )
        if schema != SCHEMA:
            raise EvidenceError(f"{path}: is not an evidence file; name one that `apim-triage probe --out` wrote")
        return msgspec.json.decode(data, type=_Document)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"{path}: is not {SCHEMA}: {error}; collect it again with `apim-triage probe --out`"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise EvidenceError(f"{path}: is not JSON; name one that `apim-triage probe --out` wrote") from None


def _check(path: Path, backend: _Backend) -> None:
    try:
        offer(backend.profile)
    except ValueError as error:
        raise EvidenceError(f"{path}: {_label(backend)}: {error}") from None
    for handshake in backend.handshakes:
        place = _damaged(handshake)
        if place is not None:
            where = f"certificate {place + 1} of the handshake {handshake.offer[:60]!r}"
            raise EvidenceError(f"{path}: {_label(backend)}: {where} is broken; copy the file again, whole")


def _damaged(handshake: _Handshake) -> int | None:
    """The place of the first certificate that is not as it was collected: by its digest where that was recorded, else by its parsing."""
    if handshake.chain_sha256:
        pairs = zip_longest(digests(handshake.chain_b64), handshake.chain_sha256)
        return next((place for place, (now, then) in enumerate(pairs) if now != then), None)
    return next((place for place, der in enumerate(handshake.chain_b64) if not _parses(der)), None)


def _parses(der: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # whether it is odd is for others to judge
        try:
            x509.load_der_x509_certificate(der)
        except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
            return False
    return True


def _label(backend: _Backend) -> str:
    return f"backend {backend.host[:255]!r} port {backend.port}"


def _evidence(backend: _Backend, collected: Collected) -> Evidence:
    return Evidence(
        host=backend.host,
        port=backend.port,
        server_name=backend.server_name or backend.sni or backend.host,
        address=backend.address,
        addresses=backend.addresses,
        profile=backend.profile,
        handshakes=tuple(Handshake(chain=h.chain_b64, **_shared(h)) for h in backend.handshakes),
        collected=collected,
        pinned=backend.pinned,
        allowed=backend.allowed,
        proxy=backend.proxy,
        aia=tuple(
            Aia(url=a.url, outcome=a.outcome, der=a.der_b64, detail=a.detail, address=a.address) for a in backend.aia
        ),
    )


def _backend(evidence: Evidence, *, collected: Collected | None) -> _Backend:
    return _Backend(
        host=evidence.host,
        port=evidence.port,
        sni=None if is_address(evidence.server_name) else evidence.server_name,
        server_name=evidence.server_name,
        address=evidence.address,
        addresses=evidence.addresses,
        profile=evidence.profile,
        pinned=evidence.pinned,
        allowed=evidence.allowed,
        handshakes=tuple(
            _Handshake(chain_b64=h.chain, chain_sha256=tuple(digests(h.chain)), **_shared(h))
            for h in evidence.handshakes
        ),
        proxy=evidence.proxy,
        aia=tuple(
            _Aia(url=a.url, outcome=a.outcome, der_b64=a.der, detail=a.detail, address=a.address) for a in evidence.aia
        ),
        collected=collected,
    )


def _shared(handshake: Handshake | _Handshake) -> dict[str, Any]:
    return {name: getattr(handshake, name) for name in _SHARED}
