"""A certificate's names and a CA's name constraints in, the first objection out (RFC 5280 section 4.2.1.10).

OpenSSL's reading of them (3.0, crypto/x509/v3_ncons.c): the names of the subject and of the subject alternative name, each
against the constraints of its kind, and of a leaf without DNS names those of its common names that look like host names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from analyzer.trust.decoded import Decoded
from analyzer.trust.der import Element
from analyzer.trust.distinguished import COMMON_NAME, EMAIL_ADDRESS, Name
from analyzer.trust.extensions import GeneralName, Kind, NameConstraints, Subtree
from analyzer.trust.status import Status

MOST_COMPARISONS = 1 << 20
"""Names times constraints; above it OpenSSL gives up (NAME_CHECK_MAX). It counts them for each CA, we for the whole path."""

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]+(?<!-)(?:\.(?!-)[A-Za-z0-9_-]+(?<!-))+")
_IA5_STRING = 0x16
_Scope = tuple[Kind, bytes]


class _Unreadable(Exception):
    """A name or a constraint is not written as its kind is."""


class _NoRule(Exception):
    """OpenSSL knows no rule for names of this kind."""


def comparisons(certificate: Decoded, constraints: NameConstraints) -> int:
    """How much work `objection` may be: names times constraints."""
    names = sum(map(len, certificate.subject.rdns)) + len(certificate.names or ())
    return names * (len(constraints.permitted) + len(constraints.excluded))


def objection(certificate: Decoded, constraints: NameConstraints, *, leaf: bool) -> Status | None:
    """Why the names of `certificate` may not stand below a CA with these constraints; None: they may."""
    permitted, excluded = _by_scope(constraints.permitted), _by_scope(constraints.excluded)
    for name in _names(certificate, leaf):
        if name is None:
            return Status.INVALID_NAME_CONSTRAINTS
        found = _one(name, permitted.get(_scope(name), ()), excluded.get(_scope(name), ()))
        if found is not None:
            return found
    return None


def _names(certificate: Decoded, leaf: bool) -> Iterator[GeneralName | None]:
    """The names that are constrained; None for one that cannot be read."""
    subject = certificate.subject
    if subject.rdns:
        yield GeneralName(kind=Kind.DIRECTORY, value=b"", name=subject)
    for email in subject.values(EMAIL_ADDRESS):
        yield GeneralName(kind=Kind.EMAIL, value=email.text.encode("latin-1")) if email.tag == _IA5_STRING else None
    alternative = certificate.names or ()
    yield from alternative
    if leaf and not any(n.kind is Kind.DNS for n in alternative):
        for common in subject.values(COMMON_NAME):
            text = common.text.rstrip("\x00")
            if "\x00" in text:
                yield None
            elif _HOST_NAME.fullmatch(text):
                yield GeneralName(kind=Kind.DNS, value=text.encode())


def _one(name: GeneralName, permitted: Sequence[Subtree], excluded: Sequence[Subtree]) -> Status | None:
    try:
        covered = not permitted
        for subtree in permitted:
            if subtree.bounded:
                return Status.UNSUPPORTED_NAME_CONSTRAINT
            covered = covered or _within(name, subtree.base)
        if not covered:
            return Status.NOT_PERMITTED
        for subtree in excluded:
            if subtree.bounded:
                return Status.UNSUPPORTED_NAME_CONSTRAINT
            if _within(name, subtree.base):
                return Status.EXCLUDED
    except _Unreadable:
        return Status.INVALID_NAME_CONSTRAINTS
    except _NoRule:
        return Status.UNREADABLE
    return None


def _by_scope(subtrees: Sequence[Subtree]) -> dict[_Scope, list[Subtree]]:
    found: dict[_Scope, list[Subtree]] = defaultdict(list)
    for subtree in subtrees:
        found[_scope(subtree.base)].append(subtree)
    return found


def _scope(name: GeneralName) -> _Scope:
    """Names are constrained by constraints of their kind; of otherNames, by those of their type."""
    if name.kind is not Kind.OTHER:
        return name.kind, b""
    return name.kind, Element(name.kind.value, name.value, b"").children()[0].content


def _within(name: GeneralName, base: GeneralName) -> bool:
    """Whether the name lies in the subtree."""
    if name.kind is Kind.DIRECTORY and name.name and base.name:
        return _directory(name.name, base.name)
    rule = _RULES.get(name.kind)
    if rule is None:
        raise _NoRule
    return rule(name.value, base.value)


def _directory(name: Name, base: Name) -> bool:
    return name.canonical[: len(base.canonical)] == base.canonical


def _dns(name: bytes, base: bytes) -> bool:
    if not base:
        return True
    name, base = name.lower(), base.lower()
    if not name.endswith(base):
        return False
    return len(name) == len(base) or base.startswith(b".") or name[-len(base) - 1 : -len(base)] == b"."


def _email(name: bytes, base: bytes) -> bool:
    local, at, host = name.rpartition(b"@")
    if not at:
        raise _Unreadable
    base_local, base_at, base_host = base.rpartition(b"@")
    if not base_at and base.startswith(b"."):
        return len(name) > len(base) and name.lower().endswith(base.lower())
    if base_local and base_local != local:
        return False
    return host.lower() == base_host.lower()


def _uri(name: bytes, base: bytes) -> bool:
    _, colon, rest = name.partition(b":")
    if not colon or not rest.startswith(b"//"):
        raise _Unreadable
    rest = rest[2:]
    host = rest.partition(b":")[0] if b":" in rest else rest.partition(b"/")[0]
    if not host:
        raise _Unreadable
    host, base = host.lower(), base.lower()
    if base.startswith(b"."):
        return len(host) > len(base) and host.endswith(base)
    return host == base


def _ip(name: bytes, base: bytes) -> bool:
    if len(name) not in (4, 16) or len(base) not in (8, 32):
        raise _Unreadable
    if 2 * len(name) != len(base):
        return False
    address, mask = base[: len(name)], base[len(name) :]
    return all(n & m == a & m for n, a, m in zip(name, address, mask, strict=True))


_RULES = {Kind.DNS: _dns, Kind.EMAIL: _email, Kind.URI: _uri, Kind.IP: _ip}
