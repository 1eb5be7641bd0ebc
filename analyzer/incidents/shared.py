"""What one change would touch: findings in, for each the certificate, address, proxy or gateway that it shares with others out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto

from analyzer import trust
from analyzer.model import Certificate, Finding, Outcome, Verdict

SERVER_AUTH = ("1.3.6.1.5.5.7.3.1", "2.5.29.37.0")  # RFC 5280 section 4.2.1.12
LONGEST_NAME = 60
"""Characters of a name that a server or a log chose, in a sentence."""

_OF_THE_LEAF = frozenset({"name_mismatch", "self_signed"})
_OF_ONE_CERTIFICATE = frozenset(
    {"expired", "not_yet_valid", "wrong_usage", "chain_constraint", "weak_signature", "weak_key"}
)
_OF_DATES = frozenset({"expired", "not_yet_valid"})
_OF_THE_GATEWAY = frozenset({"snat_exhaustion", "hairpin"})
_OF_A_PROXY = frozenset({"refused", "unreachable", "timeout", "reset", "handshake_aborted", "not_tls", "idle_timeout"})
_OF_SETTINGS = frozenset({"tls_version", "cipher_suite"})


class Share(StrEnum):
    """What kind of thing is shared."""

    CA = auto()  # a root or an intermediate that the gateway, or the server's chain, lacks
    CERTIFICATE = auto()  # a certificate that is itself at fault: the leaf or a CA
    ADDRESS = auto()  # address:port that answered
    BACKEND = auto()  # host:port, where no address was seen
    GATEWAY = auto()  # the fault is the gateway's own
    PROXY = auto()  # what stands between the gateway, or the probe, and the backend
    ONSET = auto()  # the hour in which they began to fail, on one gateway
    NOTHING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the clusters of an incident share; two are the same where kind and key are."""

    kind: Share
    key: str  # a SHA-256 fingerprint, a key's identifier, an address, an id
    words: str = field(compare=False)
    name: str = field(default="", compare=False)  # how a sentence calls it, shown characters only
    certificate: Certificate | None = field(default=None, compare=False)  # None: it was not seen, or it is none


def shares_of(findings: Sequence[Finding], proxies: Mapping[str, str]) -> list[Shared]:
    """For each finding what it shares, in their order; a CA that some backends sent is known again where others only name it."""
    lacking = [_lacking(f) if _shown(f) else None for f in findings]
    seen: dict[tuple[bytes, ...], dict[str, _Lacking]] = defaultdict(dict)
    named: dict[tuple[bytes, ...], set[bytes]] = defaultdict(set)
    for one in lacking:
        if one is None:
            continue
        if one.certificate is not None:
            seen[one.issuer.name].setdefault(one.certificate.sha256, one)
        elif one.issuer.key is not None:
            named[one.issuer.name].add(one.issuer.key)
    found = []
    for finding, one in zip(findings, lacking, strict=True):
        if one is None:
            found.append(_shared(finding, proxies.get(finding.cluster.id)))
            continue
        same = [o for o in seen[one.issuer.name].values() if o.issuer.may_be(one.issuer)]
        if one.certificate is None and len(same) == 1:
            found.append(_of_certificate(same[0]))
        else:
            found.append(_of_certificate(one) if one.certificate else _of_issuer(one.issuer, named[one.issuer.name]))
    return found


def shown_name(text: str) -> str:
    """A name that somebody else chose, on one line, without characters that drive a terminal or turn the writing round, and short."""
    kept = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    return kept if len(kept) <= LONGEST_NAME else f"{kept[: LONGEST_NAME - 1]}…"


def culprit(finding: Finding) -> Certificate | None:
    """The one certificate of the chain that is at fault, from the leaf up; None: it was not seen.

    Replacing the leaf mends what is wrong with it; what is wrong above it is the same for all that the CA signed.
    """
    path = finding.path or finding.chain
    if not path:
        return None
    cause, at = finding.lead.cause.value, finding.cluster.last_seen
    if cause == "weak_key":
        return min(path, key=_bits)
    faulty = [c for c in path if _at_fault(c, cause, at)]
    if not faulty and cause in _OF_DATES:
        return None  # it was renewed since: the one that failed was not seen
    return next(iter(faulty), path[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lacking:
    """A CA whose certificate is missing: as whoever it signed names it, and itself where it was seen."""

    issuer: trust.Issuer
    certificate: Certificate | None


def _shown(finding: Finding) -> bool:
    return finding.lead.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)


def _lacking(finding: Finding) -> _Lacking | None:
    """The root that the gateway lacks, or the nearest intermediate that the server omits; None: another cause, or no chain seen."""
    path, cause = finding.path, finding.lead.cause.value
    if not path or cause not in ("untrusted_root", "incomplete_chain"):
        return None
    last = path[-1]
    if cause == "untrusted_root":
        found = trust.issuers((last,))
        return _Lacking(issuer=found[-1], certificate=last if last.self_signed else None) if found else None
    sent = {c.sha256 for c in finding.chain}
    count = next((place for place, c in enumerate(path) if c.sha256 not in sent), len(path))
    missing = path[count] if 0 < count < len(path) and not path[count].self_signed else None
    below = path[max(count - 1, 0)]
    found = trust.issuers((below, missing) if missing else (below,))
    return _Lacking(issuer=found[0], certificate=missing) if found else None


def _of_certificate(one: _Lacking) -> Shared:
    certificate = one.certificate
    assert certificate is not None  # noqa: S101  both callers looked
    return _of(Share.CA, certificate, "the CA certificate")


def _of_issuer(issuer: trust.Issuer, keys: set[bytes]) -> Shared:
    """A CA that was never seen, by its name and its key's identifier (RFC 5280 section 4.2.1.1)."""
    key = issuer.key if issuer.key is not None else next(iter(keys)) if len(keys) == 1 else None
    digest = hashlib.sha256()
    for part in issuer.name:
        digest.update(len(part).to_bytes(4, "big") + part)
    identifier = f", key identifier {key.hex()[:16]}…" if key else ""
    name = shown_name(issuer.title)
    words = f"the CA “{name}”, whose own certificate was not seen{identifier}"
    return Shared(kind=Share.CA, key=f"{digest.hexdigest()} {key.hex() if key else ''}", words=words, name=name)


def _of(kind: Share, certificate: Certificate, what: str) -> Shared:
    name = shown_name(certificate.common_name or certificate.subject)
    words = f"{what} “{name}”, SHA-256 {certificate.sha256[:16]}…"
    return Shared(kind=kind, key=certificate.sha256, words=words, name=name, certificate=certificate)


def _shared(finding: Finding, proxy: str | None) -> Shared:
    """What is shared where no CA's certificate is missing."""
    cause = finding.lead.cause.value
    if not _shown(finding):
        return _between(finding) or _alone(finding)
    if cause in _OF_THE_LEAF and finding.chain:
        return _of(Share.CERTIFICATE, finding.chain[0], "the certificate")
    if cause in _OF_ONE_CERTIFICATE:
        certificate = culprit(finding)
        if certificate is not None:
            what = "the CA certificate" if certificate.is_ca else "the certificate"
            return _of(Share.CERTIFICATE, certificate, what)
    of_settings = cause in _OF_SETTINGS and {r.owner for r in finding.remedies} == {"gateway"}
    if cause in _OF_THE_GATEWAY or of_settings:
        return Shared(kind=Share.GATEWAY, key=finding.cluster.gateway, words="the gateway itself")
    if proxy is not None and cause in _OF_A_PROXY:
        name = shown_name(proxy)
        words = f"the proxy {name} that their gateways connect through"
        return Shared(kind=Share.PROXY, key=f"gateways' {proxy}", words=words, name=name)
    return _place(finding)


def _place(finding: Finding) -> Shared:
    """The address that answered, else the backend as the log names it."""
    backend = finding.cluster.backend
    # where --connect-to chose the place, the port that was asked is not the backend's
    address = next((e.address for e in finding.evidence if e.address and not e.pinned), None)
    if address and finding.lead.cause.value not in ("dns", "not_reproduced"):
        port = f"[{address}]:{backend.port}" if ":" in address else f"{address}:{backend.port}"
        return Shared(kind=Share.ADDRESS, key=port, words=f"the address {port}", name=port)
    if not backend.host:
        return _alone(finding)
    return Shared(kind=Share.BACKEND, key=f"{backend.host} {backend.port}", words=shown_name(backend.label))


def _between(finding: Finding) -> Shared | None:
    """The proxy that gave no connection, or the CA that signed in the backend's place; None: neither."""
    first = finding.evidence[0] if finding.evidence else None
    if first is None:
        return None
    if first.proxy and all(h.outcome is Outcome.PROXY_FAILED for h in first.handshakes):
        proxy = shown_name(first.proxy)
        return Shared(kind=Share.PROXY, key=f"proxy {first.proxy}", words=f"the proxy {proxy}", name=proxy)
    if finding.chain or not first.chain:
        return None
    # evidence with a chain that no cause was shown: another answered in the backend's place
    readable = tuple(c for c in map(trust.describe, first.chain) if c is not None)
    signers = trust.issuers(readable[-1:])
    if not signers:
        return None
    by = _of_issuer(signers[-1], set())
    return Shared(
        kind=Share.PROXY, key=f"inspection {by.key}", words=f"what signs in their place: {by.words}", name=by.name
    )


def _alone(finding: Finding) -> Shared:
    words = shown_name(finding.cluster.backend.label)
    return Shared(kind=Share.NOTHING, key=finding.cluster.id, words=words)


def _at_fault(certificate: Certificate, cause: str, at: datetime) -> bool:
    if cause == "expired":
        return certificate.not_after < at
    if cause == "not_yet_valid":
        return certificate.not_before > at
    if cause == "wrong_usage":
        return certificate.usages is not None and not {*SERVER_AUTH} & {*certificate.usages}
    if cause == "weak_signature":  # a root's own signature is not looked at
        return not certificate.self_signed and any(
            h in certificate.signature.lower() for h in ("md2", "md4", "md5", "sha1")
        )
    return False


def _bits(certificate: Certificate) -> int:
    """Of an RSA or DSA key; the others have no short ones."""
    kind, _, size = certificate.key.partition(" ")
    return int(size) if kind in ("RSA", "DSA") and size.isdecimal() else 1 << 16
