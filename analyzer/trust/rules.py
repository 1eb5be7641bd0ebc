"""A built path and a moment in, what is wrong with it out: one small function a rule, none of which stops at the first fault.

Each follows a check of OpenSSL 3.0 (crypto/x509/x509_vfy.c) with the status that .NET makes of its error. There is no rule
on weak keys and hashes: .NET leaves OpenSSL's authentication level unset, where nothing is too weak (measured: RSA 1024
connects). Where .NET knows no status for an error it throws: "Unreadable".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from analyzer.trust import constraints, usage
from analyzer.trust.chain import End, Path
from analyzer.trust.decoded import Decoded, signed_by
from analyzer.trust.status import Status

_ENDS = {
    End.SELF_SIGNED: Status.UNTRUSTED_ROOT,
    End.NO_ISSUER: Status.PARTIAL_CHAIN,
    End.TOO_LONG: Status.UNREADABLE,
}
_NETSCAPE_CA = 0x07  # any of the three CA bits of Netscape's certificate type


def statuses(path: Path, at: datetime) -> frozenset[Status]:
    """All that .NET on Linux says of this path; {"Unreadable"} alone where it throws."""
    found = {
        *trust(path),
        *critical_extensions(path),
        *authorities(path),
        *keys(path),
        *path_lengths(path),
        *signing_rights(path),
        *validity(path, at),
        *names(path),
    }
    found |= signatures(path, ended_badly=bool(found & {Status.PARTIAL_CHAIN, Status.UNTRUSTED_ROOT}))
    objection = usage.objection(path.certificates)
    if objection is not None:
        found.add(objection)
    return frozenset({Status.UNREADABLE} if Status.UNREADABLE in found else found)


def trust(path: Path) -> Iterator[Status]:
    """The path ends at a trusted root."""
    if path.end in _ENDS:
        yield _ENDS[path.end]


def critical_extensions(path: Path) -> Iterator[Status]:
    """Every extension marked critical is one that OpenSSL knows."""
    if any(c.unsupported_critical for c in path.certificates):
        yield Status.UNSUPPORTED_CRITICAL_EXTENSION


def authorities(path: Path) -> Iterator[Status]:
    """What stands above the leaf is a CA; between leaf and top its basic constraints must say so (`check_ca`)."""
    above = path.certificates[1:]
    if any(_authority(c) is False for c in above) or any(_authority(c) is not True for c in above[:-1]):
        yield Status.INVALID_BASIC_CONSTRAINTS


def keys(path: Path) -> Iterator[Status]:
    """Every key can be decoded, and its curve has a name (checked where the path is longer than the leaf)."""
    if len(path.certificates) > 1 and any(c.explicit_curve or not c.has_key for c in path.certificates):
        yield Status.UNREADABLE


def path_lengths(path: Path) -> Iterator[Status]:
    """No CA has more CAs below it than it allows; self-issued ones do not count (RFC 5280 section 4.2.1.9)."""
    below = 0
    for certificate in path.certificates[1:]:
        if certificate.path_length is not None and below > certificate.path_length:
            yield Status.INVALID_BASIC_CONSTRAINTS
        below += not certificate.self_issued


def signing_rights(path: Path) -> Iterator[Status]:
    """The key usage of each issuer allows signing certificates; a self-signed leaf needs no such right (RFC 6818 section 2)."""
    issuers = [*path.certificates[1:]]
    top = path.certificates[-1]
    if top.claims_own_signature and top.ca:
        issuers.append(top)
    if any(not c.may_sign for c in issuers):
        yield Status.INVALID_BASIC_CONSTRAINTS


def signatures(path: Path, *, ended_badly: bool) -> set[Status]:
    """Each certificate is signed by the next, a self-signed top by itself; of a trusted root that last one does not count."""
    chain = path.certificates
    if any(not signed_by(subject, issuer) for subject, issuer in pairwise(chain)):
        return {Status.NOT_SIGNATURE_VALID}
    if ended_badly and chain[-1].claims_own_signature and not signed_by(chain[-1], chain[-1]):
        return {Status.NOT_SIGNATURE_VALID}
    return set()


def validity(path: Path, at: datetime) -> Iterator[Status]:
    """Every certificate is valid at the moment, the root included; a top that is not self-signed is not looked at."""
    chain = path.certificates
    looked_at = chain if len(chain) == 1 or chain[-1].self_signed else chain[:-1]
    if any(not c.valid_at(at) for c in looked_at):
        yield Status.NOT_TIME_VALID


def names(path: Path) -> Iterator[Status]:
    """Every name is allowed by every CA above it; names of self-issued CAs are not looked at (RFC 5280 section 6.1.4 b)."""
    chain = path.certificates
    pairs = [
        (depth, authority.constraints)
        for depth, certificate in enumerate(chain)
        if not (depth and certificate.self_issued)
        for authority in chain[depth + 1 :]
        if authority.constraints is not None
    ]
    if sum(constraints.comparisons(chain[depth], limits) for depth, limits in pairs) > constraints.MOST_COMPARISONS:
        yield Status.UNREADABLE
        return
    for depth, limits in pairs:
        objection = constraints.objection(chain[depth], limits, leaf=depth == 0)
        if objection is not None:
            yield objection


def _authority(certificate: Decoded) -> bool | None:
    """Whether it is a CA; None: only by the looser signs that OpenSSL takes for one at the top of a path."""
    if not certificate.may_sign or certificate.malformed:
        return False
    if certificate.ca is not None:
        return certificate.ca
    old_root = certificate.version == 1 and certificate.self_signed
    if old_root or certificate.key_usage is not None or (certificate.netscape or 0) & _NETSCAPE_CA:
        return None
    return False
