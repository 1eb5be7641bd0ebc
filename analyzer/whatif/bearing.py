"""A case in, the changes that bear on it out: those whose fault was seen, best first; whether they help is judged elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer import trust
from analyzer.causes import Case
from analyzer.causes.fetching import fetching, omitted
from analyzer.causes.observed import name
from analyzer.causes.validity import path
from analyzer.gateway import PLATFORMS
from analyzer.model import Certificate, Outcome, Tier
from analyzer.probing import iana, profiles
from analyzer.whatif import change as make
from analyzer.whatif.change import Act, Change
from analyzer.whatif.situation import Situation
from analyzer.whatif.terms import ORDER, Taken, signable

_MOST_NAMES = 2  # of the leaf's, to be tried as Host
_WEAK = frozenset({"Tls11", "Tls10", "Ssl30", "TripleDes168"})
_LIMITED = {"HasNotPermittedNameConstraint", "HasExcludedNameConstraint", "InvalidNameConstraints"}
_PREFERRED = (0xC02C, 0xC030, 0xC02B, 0xC02F, 0xC024, 0xC028, 0xC023, 0xC027, 0x1302)
"""Suites to enable on a server, best first."""


def changes(case: Case, now: Situation, roots: Sequence[bytes]) -> tuple[Change, ...]:
    """Every change that bears on the case, those that the server's owner can make before the gateway's where both would do."""
    return tuple(
        {
            c.text: c
            for c in (
                make.skip(name=True, chain=False),
                make.skip(name=False, chain=True),
                make.skip(name=True, chain=True),
                *_handshake(case, now),
                *_client(now),
                *_certificates(case, now, roots),
            )
        }.values()
    )


def _certificates(case: Case, now: Situation, roots: Sequence[bytes]) -> Iterator[Change]:
    if case.shape is None or not now.chain:
        return
    found = now.judgements()
    statuses = {s for j in found for s in j.statuses}
    if not statuses:
        return
    yield from _reissues(case, now, statuses)
    yield from _ends(case, now, roots)
    if "RemoteCertificateNameMismatch" in statuses:
        yield from map(make.ask_for, _other_names(case, now))
    yield make.replace_leaf(now.host)


def _reissues(case: Case, now: Situation, statuses: set[str]) -> Iterator[Change]:
    """Each certificate of the path with what is wrong in itself put right; the leaf with each fault alone, and with all."""
    leaf = case.leaf
    if leaf is None:
        return
    single: list[tuple[trust.Reissue, str]] = []
    if _late(leaf, now):
        single.append((trust.Reissue(dates=True), "within its dates"))
    if "RemoteCertificateNameMismatch" in statuses:
        single.append((trust.Reissue(host=now.host), f"with {now.host} among its names"))
    if "NotValidForUsage" in statuses and not _serves(leaf):
        single.append((trust.Reissue(serves=True), "for server authentication"))
    if "HasNotSupportedCriticalExtension" in statuses:
        single.append((trust.Reissue(understood=True), "without a critical extension that is not known"))
    for how, words in single:
        text = f"the server's certificate is issued again {words}"
        if how.dates:
            early = "the server presents a certificate that is valid already"
            text = early if leaf.not_before > now.at else "the server's certificate is renewed"
        yield make.reissue(leaf, how, text, part=len(single) > 1)
    if len(single) > 1:
        whole = trust.Reissue(
            dates=any(h.dates for h, _ in single),
            host=next((h.host for h, _ in single if h.host), None),
            serves=any(h.serves for h, _ in single),
            understood=any(h.understood for h, _ in single),
        )
        words = ", ".join(w for _, w in single)
        yield make.reissue(leaf, whole, f"the server's certificate is issued again {words}")
    for authority in path(case)[1:]:
        for one in _authority(authority, now, statuses):
            if {s for j in one.apply(now).judgements() for s in j.statuses} != statuses:
                yield one  # another certificate of the path is the one that sets the limit


def _authority(one: Certificate, now: Situation, statuses: set[str]) -> Iterator[Change]:
    who = f"the CA certificate {name(one)}"
    if _late(one, now):
        yield make.reissue(one, trust.Reissue(dates=True), f"{who} is renewed, and the server sends the new one")
    if "NotValidForUsage" in statuses and not _serves(one):
        yield make.reissue(one, trust.Reissue(serves=True), f"{who} is issued again for server authentication too")
    if "InvalidBasicConstraints" in statuses:
        text = f"{who} is issued again as a CA that allows what stands below it"
        yield make.reissue(one, trust.Reissue(authority=True), text)
    if statuses & _LIMITED:
        yield make.reissue(one, trust.Reissue(unconstrained=True), f"{who} is issued again to allow {now.host}")
    if "HasNotSupportedCriticalExtension" in statuses:
        text = f"{who} is issued again without a critical extension that is not known"
        yield make.reissue(one, trust.Reissue(understood=True), text)


def _ends(case: Case, now: Situation, roots: Sequence[bytes]) -> Iterator[Change]:
    """What brings the chain to a root: what the server sends first, then what the gateway is given."""
    shape = case.shape
    if shape is None:
        return
    tidy = tuple(c.der for c in shape.path)
    missing = omitted(case)
    if case.chain_whole and tidy != now.chain and not missing:
        yield make.send(tidy, "the server sends its chain in order, and no other certificates")
    if shape.reaches_anchor:
        return
    if missing:
        yield make.send((*tidy, *(c.der for c in missing)), "the server sends its full chain", missing)
    got = fetching(case).got
    if got:
        text = f"the gateway can fetch {_quoted(got)} over HTTP (outbound port 80)"
        yield make.give(text, issuers=got, fetched=True)
    if case.gateway.tier is Tier.CONSUMPTION:
        return  # it takes no CA certificates (facts: apim-tls.md section 3)
    unsure = _UNSURE_V2 if case.gateway.tier is Tier.V2 else ""
    if case.root is None:
        above = (*shape.path, *missing)[-1].issuer
        yield make.give_unseen(
            f"the gateway is given “{above}” and what stands above it",
            f"the certificate of “{above}” was not seen",
        )
    elif case.root.der not in roots:
        text = f"the gateway is given the root “{case.root.subject}”"
        yield make.give(text, root=case.root)
        if missing:
            yield make.give(f"{text} and {_quoted(missing)}", root=case.root, issuers=missing, unsure=unsure)
        return
    if missing and case.root is not None:
        yield make.give(f"the gateway is given {_quoted(missing)}", issuers=missing, unsure=unsure)


_UNSURE_V2 = "whether a v2 tier builds chains with an intermediate given on the backend entity is not documented"


def _other_names(case: Case, now: Situation) -> list[str]:
    """Names that the leaf covers on every platform, to be asked for instead; of a wildcard, the one with the host's own first label."""
    leaf = case.leaf
    if leaf is None:
        return []
    first = now.host.partition(".")[0]
    written = leaf.dns_names or ((leaf.common_name,) if leaf.common_name and " " not in leaf.common_name else ())
    concrete = (n.replace("*", first, 1) if n.startswith("*.") else n for n in written)
    platforms = PLATFORMS[now.tier]
    covered = (n for n in dict.fromkeys(concrete) if all(trust.matches_host(leaf.der, n, p) for p in platforms))
    return [n for n, _ in zip(covered, range(_MOST_NAMES), strict=False)]


def _handshake(case: Case, now: Situation) -> Iterator[Change]:
    """What would bring the two to a common version, suite and group; nothing where TLS was not spoken or the handshake stands."""
    first = case.first
    if now.handshake is not False or first is None or first.outcome is Outcome.NOT_TLS:
        return
    if not now.terms.taken and not now.terms.unspoken:
        return  # nothing is known of what it would take
    yield from _server_terms(now)
    offered = profiles.version_names(now.profile)
    switches = profiles.switches(case.gateway.tier.value)
    for version in (v for v in ORDER if v not in offered and profiles.switch_of(v) in switches):
        word = profiles.switch_of(version)
        if version == "SSL 3.0" and not any(t.version == version for t in now.terms.taken):
            continue  # nobody needs to be told of it
        doubt = ""
        if version == "TLS 1.3" and case.gateway.tier in (Tier.V2, Tier.CONSUMPTION):
            doubt = "Microsoft's pages disagree on whether this tier offers TLS 1.3 to backends"
        elif word in _WEAK:
            doubt = f"{version} is retired for API Management since 2025: the switch may be without effect"
        yield make.enable(version, f"{version} towards backends is enabled", weakens=word in _WEAK, doubt=doubt)
    suites = profiles.suite_names(now.profile)
    for suite in dict.fromkeys(t.suite for t in now.terms.taken):
        if suite not in suites and profiles.switch_of(suite) in switches:
            weak = profiles.switch_of(suite) in _WEAK
            yield make.enable(suite, f"the suite {suite} is enabled at the gateway", weakens=weak)


def _server_terms(now: Situation) -> Iterator[Change]:
    """What the server's owner would enable: a version, else a suite, else a group, as far as the answers show which of them is lacking."""
    offer = profiles.offer(now.profile)
    offered = profiles.version_names(now.profile)
    group = profiles.group_names(now.profile)[0]
    common = [t for t in now.terms.taken if t.version in offered]
    if offered and set(offered) <= now.terms.unspoken:
        version = "TLS 1.2" if "TLS 1.2" in offered else offered[0]
        suite = _suite_for(now, version)
        if suite:
            taken = Taken(version=version, suite=suite, group=group)
            yield make.server_takes(Act.SERVER_VERSION, taken, f"the server enables {version}, with {suite}")
    elif common and all(t.suite not in profiles.suite_names(now.profile) for t in common):
        suite = _suite_for(now, common[0].version)
        if suite:
            taken = Taken(version=common[0].version, suite=suite, group=group)
            yield make.server_takes(Act.SERVER_SUITE, taken, f"the server enables {suite}")
    elif common:
        shared = next(t for t in common if t.suite in profiles.suite_names(now.profile))
        fits = now.key is None or signable(now.key, shared.version, offer)
        text = f"the server allows the group {group}" + ("" if fits else ", and has a certificate on secp256r1")
        taken = Taken(version=shared.version, suite=shared.suite, group=group)
        yield make.server_takes(Act.SERVER_GROUP, taken, text)


def _suite_for(now: Situation, version: str) -> str | None:
    """The best suite that the gateway offers, the version has and the server's certificate fits; None: none does."""
    offer = profiles.offer(now.profile)
    kind = "RSA" if (now.key or "RSA").startswith("RSA") else "ECDSA"
    for code in (*(s for s in _PREFERRED if s in offer.suites), *offer.suites):
        suite = iana.suite_name(code)
        if profiles.belong(version, suite) and (version == "TLS 1.3" or f"_{kind}_WITH" in suite):
            return suite
    return None


def _client(now: Situation) -> Iterator[Change]:
    if now.client_required is not False:
        yield make.client_certificate()


def _late(one: Certificate, now: Situation) -> bool:
    return not one.not_before <= now.at < one.not_after


def _serves(one: Certificate) -> bool:
    return one.usages is None or not {"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"}.isdisjoint(one.usages)


def _quoted(certificates: Sequence[Certificate]) -> str:
    return ", ".join(f"“{c.subject}”" for c in certificates)
