"""A leaf, what may stand above it and the roots in, the path that .NET on Linux walks out.

OpenSSL's `build_chain` (3.0, crypto/x509/x509_vfy.c) as .NET drives it (dotnet/runtime, OpenSslX509ChainProcessor.cs): at
each step a root first, then what was sent; the choice falls by name, key identifier, algorithm and date, the signature is
tried only afterwards, and no step is ever taken back. So a chain with cross-signed or surplus certificates may fail here
that another client accepts (facts: 24 of 45 good branching chains).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache

from analyzer.trust.decoded import Decoded, decode, may_have_issued

LONGEST = 101
"""Certificates in a path: OpenSSL's default depth of 100, and the leaf. Bounds the work on cycles and endless sequences."""


class End(Enum):
    """Why a path ends where it ends."""

    ROOT = "a root that is trusted"
    SELF_SIGNED = "a self-signed certificate that is not trusted"
    NO_ISSUER = "no issuer was found"
    TOO_LONG = "more certificates than any chain has"


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What was built, leaf first."""

    certificates: tuple[Decoded, ...]
    end: End


class Pool:
    """Certificates by subject, in the order given."""

    def __init__(self, certificates: Iterable[Decoded]) -> None:
        self._by_subject: dict[tuple[bytes, ...], list[Decoded]] = defaultdict(list)
        for certificate in certificates:
            self._by_subject[certificate.subject.canonical].append(certificate)

    def __contains__(self, certificate: Decoded) -> bool:
        return any(one.der == certificate.der for one in self._by_subject.get(certificate.subject.canonical, ()))

    def named(self, subject: Decoded) -> Sequence[Decoded]:
        """Those that carry the name of `subject`'s issuer."""
        return self._by_subject.get(subject.issuer.canonical, ())

    def issuer(self, subject: Decoded, at: datetime, besides: Sequence[Decoded] = ()) -> Decoded | None:
        """The first that may have issued `subject` and is valid at `at`, else the one that was valid last; never one of `besides`."""
        latest: Decoded | None = None
        for candidate in self.named(subject):
            if not may_have_issued(candidate, subject) or any(candidate.der == one.der for one in besides):
                continue
            if candidate.valid_at(at):
                return candidate
            if latest is None or _later(candidate, latest):
                latest = candidate
        return latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """The roots, and what else was among the anchors: only self-issued certificates are roots to .NET on Linux."""

    roots: Pool
    others: tuple[Decoded, ...]


@lru_cache(maxsize=16)
def anchors_of(certificates: tuple[bytes, ...]) -> Anchors:
    """Anchors by subject; unreadable ones are left out."""
    return sorted_out(d for d in map(decode, dict.fromkeys(certificates)) if d is not None)


def sorted_out(certificates: Iterable[Decoded]) -> Anchors:
    """Anchors by subject; names equal octet by octet make a root (`GetTrustStore`)."""
    found = list(certificates)
    return Anchors(
        roots=Pool(d for d in found if d.subject.raw == d.issuer.raw),
        others=tuple(d for d in found if d.subject.raw != d.issuer.raw),
    )


def build(leaf: Decoded, anchors: Anchors, given: Sequence[Decoded], sent: Sequence[Decoded], at: datetime) -> Path:
    """The path of .NET's first pass; where that finds no end, of the one with the certificates that were sent."""
    known = (*anchors.others, *given)
    path = walk(leaf, anchors.roots, known, at)
    return walk(leaf, anchors.roots, (*known, *sent), at) if path.end is End.NO_ISSUER else path


def rebuild(path: Path, anchors: Anchors, at: datetime) -> Path:
    """The path of .NET's last pass, which collects what is wrong: over what the earlier one found, root first."""
    return walk(path.certificates[0], anchors.roots, path.certificates[:0:-1], at)


def walk(leaf: Decoded, roots: Pool, others: Sequence[Decoded], at: datetime) -> Path:
    """One run of OpenSSL's `build_chain` with the flag "trusted first", which is its default."""
    path = [leaf]
    pool = Pool(others)
    from_roots = False  # once a root has been taken, only roots are looked at
    while len(path) <= LONGEST:
        top = path[-1]
        root = roots.issuer(top, at)
        if root is not None and not top.self_signed:
            path.append(root)
            if root.self_signed:
                return Path(certificates=tuple(path), end=End.ROOT)
            from_roots = True
            continue
        if root is not None and root.der == top.der:
            return Path(certificates=tuple(path), end=End.ROOT)
        issuer = None if from_roots or top.self_signed else pool.issuer(top, at, path)
        if issuer is None:
            end = End.SELF_SIGNED if top.self_signed else End.NO_ISSUER
            return Path(certificates=tuple(path), end=end)
        path.append(issuer)
    return Path(certificates=tuple(path), end=End.TOO_LONG)


def _later(one: Decoded, other: Decoded) -> bool:
    return one.not_after is not None and (other.not_after is None or one.not_after > other.not_after)
