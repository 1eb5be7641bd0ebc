"""A result of SSL Labs in, evidence out: one per address, with one handshake per protocol and every suite the server takes in it.

Read from the fields of the API's `analyze` call, versions 3 and 4 (github.com/ssllabs/ssllabs-scan, ssllabs-api-docs-v3.md).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from analyzer import trust
from analyzer.errors import EvidenceError
from analyzer.model import Collected, Evidence, Handshake, Outcome, Stage
from analyzer.probing import iana

TOOL = "SSL Labs"
MOST_ENDPOINTS = 100

_UNREACHED = {
    "unable to connect to the server": (Outcome.CONNECT_FAILED, Stage.CONNECT),
    "no secure protocols supported": (Outcome.CLOSED, Stage.HELLO),
}


class _Suite(msgspec.Struct):
    name: str
    id: int = -1
    namedGroupName: str | None = None  # noqa: N815  the API's names


class _Suites(msgspec.Struct):
    protocol: int
    list: tuple[_Suite, ...] = ()
    preference: bool | None = None


class _Protocol(msgspec.Struct):
    id: int


class _Chain(msgspec.Struct):
    certIds: tuple[str, ...] = ()  # noqa: N815
    noSni: bool = False  # noqa: N815


class _Details(msgspec.Struct):
    protocols: tuple[_Protocol, ...] = ()
    suites: tuple[_Suites, ...] = ()
    certChains: tuple[_Chain, ...] = ()  # noqa: N815


class _Endpoint(msgspec.Struct):
    ipAddress: str | None = None  # noqa: N815
    statusMessage: str = ""  # noqa: N815
    details: _Details | None = None


class _Certificate(msgspec.Struct):
    id: str
    raw: str = ""


class _Host(msgspec.Struct):
    host: str
    status: str
    port: int = 443
    statusMessage: str = ""  # noqa: N815
    testTime: int | None = None  # noqa: N815  milliseconds since 1970
    engineVersion: str = ""  # noqa: N815
    endpoints: tuple[_Endpoint, ...] = ()
    certs: tuple[_Certificate, ...] = ()


class _Sign(msgspec.Struct):
    host: Any
    status: Any
    endpoints: Any = None
    engineVersion: Any = None  # noqa: N815


def is_one(data: bytes) -> bool:
    """Whether the JSON is a result of SSL Labs, or a list of them."""
    try:
        found = msgspec.json.decode(data, type=_Sign | list[_Sign])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    signs = found if isinstance(found, list) else [found]
    return bool(signs) and all(s.endpoints is not None or s.engineVersion is not None for s in signs)


def parse(path: Path, data: bytes) -> tuple[Evidence, ...]:
    """The evidence of every endpoint; EvidenceError where the result is unfinished, failed, or lacks a field."""
    try:
        found = msgspec.json.decode(data, type=_Host | list[_Host])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(
            f"{path}: is not a result of SSL Labs: {error}; save the API's answer again, whole"
        ) from None
    return tuple(one for host in (found if isinstance(found, list) else [found]) for one in _evidence(path, host))


def _evidence(path: Path, host: _Host) -> list[Evidence]:
    if host.status != "READY":
        why = f": {host.statusMessage[:200]!r}" if host.statusMessage else ""
        raise EvidenceError(
            f"{path}: SSL Labs has no result for {host.host[:255]!r} (status {host.status[:20]!r}{why}); ask again until it is READY"
        )
    if host.testTime is None or not 0 < host.port < 65536 or not 0 < host.testTime < 4e12:
        raise EvidenceError(
            f"{path}: does not say when or where SSL Labs asked (testTime, port); save its answer again, whole"
        )
    if not host.endpoints or len(host.endpoints) > MOST_ENDPOINTS:
        raise EvidenceError(
            f"{path}: holds {len(host.endpoints)} endpoints, not 1 to {MOST_ENDPOINTS}; save SSL Labs' answer again"
        )
    at = datetime.fromtimestamp(host.testTime / 1000, UTC)
    collected = Collected(host="SSL Labs", at=at, tool=TOOL, version=host.engineVersion[:40], vantage="outside")
    certificates = {c.id: c.raw for c in host.certs}
    name = host.host.lower()
    addresses = tuple(e.ipAddress for e in host.endpoints if e.ipAddress)
    return [
        Evidence(
            host=name,
            port=host.port,
            server_name=name,
            address=endpoint.ipAddress,
            addresses=addresses,
            handshakes=_handshakes(path, endpoint, certificates),
            collected=collected,
        )
        for endpoint in host.endpoints
    ]


def _handshakes(path: Path, endpoint: _Endpoint, certificates: dict[str, str]) -> tuple[Handshake, ...]:
    details = endpoint.details
    if details is None or not details.protocols:
        outcome, stage = _UNREACHED.get(endpoint.statusMessage.lower(), (Outcome.CONNECT_FAILED, Stage.CONNECT))
        said = f"SSL Labs says: {endpoint.statusMessage[:200] or 'nothing'}"
        return (Handshake(offer="ssllabs", outcome=outcome, stage=stage, detail=said),)
    chains = [c for c in details.certChains if not c.noSni]
    chain, whole = _chain(path, chains[0] if chains else None, certificates)
    several = f"the server has {len(chains)} chains, of which this is the first" if len(chains) > 1 else None
    suites = {s.protocol: s for s in details.suites}
    made = []
    for protocol in sorted({p.id for p in details.protocols} & set(iana.VERSIONS), reverse=True):
        taken = suites.get(protocol, _Suites(protocol=protocol))
        first = taken.list[0] if taken.list and taken.preference else None
        made.append(
            Handshake(
                offer="ssllabs",
                outcome=Outcome.COMPLETED,
                stage=Stage.FINISHED,
                version=iana.version_name(protocol),
                suite=_suite(first) if first else None,
                group=first.namedGroupName if first else None,
                accepts=tuple(map(_suite, taken.list[:500])),
                chain=chain,
                chain_whole=whole,
                detail=several,
            )
        )
    return tuple(made)


def _suite(suite: _Suite) -> str:
    return iana.SUITES.get(suite.id, suite.name[:100])


def _chain(path: Path, chain: _Chain | None, certificates: dict[str, str]) -> tuple[tuple[bytes, ...], bool]:
    """The certificates as sent, and whether the file has all of them."""
    ids = chain.certIds[:100] if chain else ()
    found: list[bytes] = []
    for one in ids:
        raw = certificates.get(one, "")
        der = trust.certificates_in(raw.encode())
        if raw and len(der) != 1:
            raise EvidenceError(f"{path}: the certificate {one[:64]!r} is broken; save SSL Labs' answer again, whole")
        found += der
    return tuple(found), len(found) == len(ids)
