"""A certificate as its issuer would write it again: what would differ in, the certificate to judge out; the signature counts as made.

Only what is said to differ differs: names of subject and issuer, keys and all else stay. So a chain can be judged as it would be
with a renewed leaf, without the CA's key.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from analyzer.trust import extensions as ext
from analyzer.trust import names
from analyzer.trust.decoded import Decoded, Extension
from analyzer.trust.der import Malformed
from analyzer.trust.extensions import GeneralName, Kind
from analyzer.trust.usage import APPLICATION_POLICIES

_SERVER_AUTH = bytes.fromhex("300a06082b06010505070301")  # a SEQUENCE of the one OID 1.3.6.1.5.5.7.3.1


_ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reissue:
    """What is put right in one certificate."""

    dates: bool = False  # it is valid at the moment that is judged
    host: str | None = None  # a name that it covers besides those it has; None: its names stay
    serves: bool = False  # its extended key usages allow serverAuth
    authority: bool = False  # it is a CA that may sign, with as many CAs below it as there are
    unconstrained: bool = False  # it limits no names
    understood: bool = False  # no critical extension that is not known


@lru_cache(maxsize=1024)  # the same object again, so that its signatures need not be tried again
def reissued(certificate: Decoded, how: Reissue) -> Decoded:
    """The certificate with that put right; where a host has no form that a certificate could carry, its names stay."""
    changes: dict[str, Any] = {}
    extensions = certificate.extensions
    if how.dates:
        changes |= {"not_before": _ALWAYS[0], "not_after": _ALWAYS[1]}
    if how.serves:
        gone = (ext.EXTENDED_KEY_USAGE, APPLICATION_POLICIES)
        extensions = tuple(e for e in extensions if e.oid not in gone)
        extensions += (Extension(oid=ext.EXTENDED_KEY_USAGE, critical=False, value=_SERVER_AUTH),)
    if how.host is not None:
        added = _general_name(how.host)
        if added is not None:
            extensions = _with_name(extensions, added)
            changes["names"] = (*(certificate.names or ()), added)
    if how.authority:
        changes |= {"ca": True, "path_length": None, "key_usage": None}
    if how.unconstrained:
        changes["constraints"] = None
    if how.understood:
        changes["unsupported_critical"] = False
    return replace(certificate, extensions=extensions, **changes)


def _with_name(extensions: tuple[Extension, ...], added: GeneralName) -> tuple[Extension, ...]:
    """The alternative names with one more; what was there and cannot be read is replaced."""
    before = next((e for e in extensions if e.oid == ext.SUBJECT_ALTERNATIVE_NAME), None)
    parts = [] if before is None else _parts(before.value)
    value = _element(0x30, b"".join((*parts, _element(added.kind.value, added.value))))
    rest = tuple(e for e in extensions if e.oid != ext.SUBJECT_ALTERNATIVE_NAME)
    return (*rest, Extension(oid=ext.SUBJECT_ALTERNATIVE_NAME, critical=False, value=value))


def _parts(value: bytes) -> list[bytes]:
    try:
        return [_element(n.kind.value, n.value) for n in ext.general_names(value)]
    except Malformed:
        return []


def _general_name(host: str) -> GeneralName | None:
    """The host as a certificate carries it: an address, or a DNS name in its ASCII form, without the dot of the root."""
    try:
        return GeneralName(kind=Kind.IP, value=ipaddress.ip_address(host.partition("%")[0]).packed)
    except ValueError:
        pass
    wire = names.to_ascii(host.removesuffix("."))
    return GeneralName(kind=Kind.DNS, value=wire.encode("ascii")) if wire else None


def _element(tag: int, content: bytes) -> bytes:
    """One DER element (X.690 section 8.1)."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
