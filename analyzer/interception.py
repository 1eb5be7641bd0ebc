"""Somebody between the probe and the backends who ends TLS: all evidence of a run in, which of it shows another's certificate out.

A proxy or firewall that inspects TLS signs every host anew with its own CA. What the probe then sees is not the backend's: it may
never become 2a (rule: an unknown root that also signs public hosts).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analyzer import trust
from analyzer.model import Collected, Evidence
from analyzer.public_hosts import is_public

PRODUCTS = {
    "azure firewall": "Azure Firewall",
    "barracuda": "Barracuda",
    "blue coat": "Blue Coat",
    "bluecoat": "Blue Coat",
    "cato networks": "Cato Networks",
    "charles proxy": "Charles",
    "check point": "Check Point",
    "checkpoint": "Check Point",
    "cisco umbrella": "Cisco Umbrella",
    "fiddler": "Fiddler",
    "forcepoint": "Forcepoint",
    "fortigate": "Fortinet",
    "fortinet": "Fortinet",
    "iboss": "iboss",
    "mcafee web gateway": "McAfee Web Gateway",
    "menlo security": "Menlo Security",
    "mitmproxy": "mitmproxy",
    "netskope": "Netskope",
    "palo alto": "Palo Alto Networks",
    "portswigger": "Burp Suite",
    "sonicwall": "SonicWall",
    "sophos": "Sophos",
    "squid": "Squid",
    "symantec web security": "Symantec Web Security",
    "watchguard": "WatchGuard",
    "websense": "Forcepoint",
    "zscaler": "Zscaler",
}
"""What the default name of an inspecting CA contains, in lower case, and the product. A hint only: anybody can choose a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interception:
    """Why one evidence shows, or may show, the certificate of somebody between."""

    by: str  # the CA, as the certificates name it
    proof: str  # what shows it, in words
    certain: bool  # False: a hint, which leaves the verdict at most likely


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One chain, and what tells whose it is."""

    evidence: Evidence
    issuers: tuple[trust.Issuer, ...]
    public: bool  # reaches a public root
    proves: bool  # a public host, and a certificate for its name that no public CA issued


def interceptions(evidence: Iterable[Evidence], public: Sequence[bytes]) -> Mapping[Evidence, Interception]:
    """The evidence that shows somebody between; `public` are the roots (DER) of public CAs.

    Two things prove it: the same unknown CA signs a host that is public beyond doubt; or it signs hosts of several owners, and
    one of these shows a publicly trusted chain to another observer. A CA named like an inspecting product, and a proxy that
    was asked through, are hints.
    """
    seen = [one for one in (_seen(e, public) for e in dict.fromkeys(evidence)) if one is not None]
    private = [one for one in seen if not one.public]
    proofs = _few(one for one in private if one.proves)
    convicted = _convicted(seen, private)
    found = {}
    for one in private:
        shown = _signs_public(one, proofs) or _signs_several(one, convicted) or _hint(one)
        if shown is not None:
            found[one.evidence] = shown
    return found


def between(evidence: Evidence) -> str:
    """Between whom and whom, in words."""
    through = f" (through the proxy {evidence.proxy})" if evidence.proxy else ""
    return f"between {evidence.collected.host}{through} and the backends"


def _seen(evidence: Evidence, public: Sequence[bytes]) -> _Seen | None:
    if not any(trust.describe(der) for der in evidence.chain):
        return None
    shape = trust.shape(evidence.chain, anchors=public)
    leaf = shape.path[0]
    return _Seen(
        evidence=evidence,
        issuers=trust.issuers(shape.path),
        public=shape.reaches_anchor,
        # what looks publicly issued may lead to a root that Microsoft has and our list lacks
        proves=is_public(evidence.server_name)
        and not leaf.public_looking
        and trust.matches_host(leaf.der, evidence.server_name, "windows"),
    )


def _shared(one: _Seen, other: _Seen) -> trust.Issuer | None:
    return next((a for a in one.issuers if any(a.may_be(b) for b in other.issuers)), None)


def _signs_public(one: _Seen, proofs: Sequence[_Seen]) -> Interception | None:
    shared = [(issuer, proof) for proof in proofs if (issuer := _shared(one, proof)) is not None]
    if not shared:
        return None
    by, host = shared[0][0].title, one.evidence.server_name
    others = list(dict.fromkeys(p.evidence.server_name for _, p in shared if p.evidence.server_name != host))
    if one.proves:
        also = f" (and {others[0]})" if others else ""
        proof = f"“{by}”, which is no public CA, signs {host}{also}, a public host"
    else:
        proof = f"“{by}” signs {host} and also {others[0]}, a public host"
    return Interception(by=by, proof=proof, certain=True)


def _few(found: Iterable[_Seen]) -> list[_Seen]:
    """Of those with the same issuers two hosts: they prove as much as a thousand."""
    kept: dict[tuple[trust.Issuer, ...], dict[str, _Seen]] = {}
    for one in found:
        hosts = kept.setdefault(one.issuers, {})
        if len(hosts) < 2:
            hosts.setdefault(one.evidence.server_name, one)
    return [one for hosts in kept.values() for one in hosts.values()]


def _convicted(seen: Sequence[_Seen], private: Sequence[_Seen]) -> list[tuple[_Seen, str]]:
    """Chains that another observer does not meet, and of each a host of another owner that the same CA signs."""
    trusted: dict[tuple[str, int], set[Collected]] = {}
    for one in seen:
        if one.public:
            trusted.setdefault((one.evidence.host, one.evidence.port), set()).add(one.evidence.collected)
    by_name: dict[tuple[bytes, ...], list[_Seen]] = {}
    for one in private:
        for issuer in one.issuers:
            by_name.setdefault(issuer.name, []).append(one)
    found = []
    for one in _few(
        p for p in private if trusted.get((p.evidence.host, p.evidence.port), set()) - {p.evidence.collected}
    ):
        mine = _owner(one.evidence.server_name)
        mates = (m for issuer in one.issuers for m in by_name[issuer.name] if _owner(m.evidence.server_name) != mine)
        mate = next((m for m in mates if _shared(m, one)), None)
        if mate is not None:
            found.append((one, mate.evidence.server_name))
    return found


def _signs_several(one: _Seen, convicted: Sequence[tuple[_Seen, str]]) -> Interception | None:
    for other, mate in convicted:
        issuer = _shared(one, other)
        if issuer is not None:
            host = other.evidence.server_name
            proof = (
                f"“{issuer.title}” signs {host} and also {mate}, of another owner, and elsewhere {host} shows a publicly "
                "trusted certificate"
            )
            return Interception(by=issuer.title, proof=proof, certain=True)
    return None


def _owner(host: str) -> str:
    """The last two labels: of two names that differ in them, the owners differ; the other way round it is not sure."""
    return ".".join(host.lower().rstrip(".").split(".")[-2:])


def _hint(one: _Seen) -> Interception | None:
    for issuer in one.issuers:
        product = next((name for part, name in PRODUCTS.items() if part in issuer.title.lower()), None)
        if product is not None:
            proof = f"“{issuer.title}” is named like the CA of a product that inspects TLS ({product})"
            return Interception(by=issuer.title, proof=proof, certain=False)
    if one.evidence.proxy is not None and one.issuers:
        proof = f"the connection went through the proxy {one.evidence.proxy}, which may inspect TLS"
        return Interception(by=one.issuers[-1].title, proof=proof, certain=False)
    return None
