"""What a server was seen to take and to refuse in, whether a hello that it was never sent would stand out.

Nothing is assumed of a server that no answer of its own proves: a version, suite and group that it chose once it takes again; a hello
that offers nothing beyond one that it refused is refused too; all else is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from analyzer.causes import Case
from analyzer.causes.protocol import hello_versions
from analyzer.model import Handshake, Outcome
from analyzer.probing import iana, plan, profiles
from analyzer.probing.hello import SUPPORTED_VERSIONS, Offer
from analyzer.probing.questions import DIAGNOSTIC

ORDER = tuple(iana.VERSIONS.values())
"""Versions, newest first."""

_CHOSE = (Outcome.COMPLETED, Outcome.WRONG_VERSION, Outcome.WRONG_SUITE)
_RSA_PSS = frozenset({0x0804, 0x0805, 0x0806})  # RFC 8446 section 4.2.3, like the codes below
_SIGNS_13 = {
    "RSA": _RSA_PSS,
    "EC secp256r1": frozenset({0x0403}),
    "EC secp384r1": frozenset({0x0503}),
    "EC secp521r1": frozenset({0x0603}),
    "Ed25519": frozenset({0x0807}),
    "Ed448": frozenset({0x0808}),
}
_SIGNS_12 = {
    "RSA": _RSA_PSS | {0x0201, 0x0301, 0x0401, 0x0501, 0x0601},
    "EC": frozenset({0x0203, 0x0303, 0x0403, 0x0503, 0x0603}),
    "DSA": frozenset({0x0202, 0x0302, 0x0402, 0x0502, 0x0602}),
    "Ed25519": frozenset({0x0807}),
    "Ed448": frozenset({0x0808}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One combination that the server chose."""

    version: str
    suite: str
    group: str | None  # None: the suite has none, or it was not seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one server was seen to take and to refuse from a hello that names it."""

    taken: tuple[Taken, ...] = ()
    unspoken: frozenset[str] = frozenset()  # versions that it is known not to speak
    listed: frozenset[str] = frozenset()  # versions of which every suite that it takes is in `taken`
    failed: tuple[Offer, ...] = ()  # hellos that it refused for another reason than their versions
    changed: bool = False  # these are not the terms that were seen

    def taking(self, also: Taken) -> Terms:
        """The server with its settings changed so that it takes this too: what it refused before no longer counts."""
        return replace(
            self, taken=(*self.taken, also), unspoken=self.unspoken - {also.version}, failed=(), changed=True
        )

    def stands(self, offer: Offer, key: str | None) -> bool | None:
        """Whether this hello gets the server's whole flight, with a leaf of that key ("RSA 2048"; None: not seen); None: not known."""
        for version in map(iana.version_name, offer.versions):
            if version in self.unspoken:
                continue  # a server chooses the newest version that both speak (RFC 5246 appendix E.1, RFC 8446 section 4.2.1)
            refused = any(_within(offer, one, version) for one in self.failed)
            if any(fits(t, offer, key) for t in self.taken if t.version == version):
                return None if refused else True  # the same was chosen and refused: something else decides
            return False if refused or version in self.listed else None
        return False


def fits(taken: Taken, offer: Offer, key: str | None) -> bool:
    """Whether a hello offers this combination, and can take the signature of that key.

    Of a DHE exchange up to TLS 1.2 the server picks the prime as it likes (RFC 5246 section 7.4.3): no group need be offered.
    """
    return (
        taken.suite in map(iana.suite_name, offer.suites)
        and (taken.group is None or taken.group.startswith("DH ") or taken.group in map(iana.group_name, offer.groups))
        and (key is None or signable(key, taken.version, offer))
    )


def signable(key: str, version: str, offer: Offer) -> bool:
    """Whether a hello lets a server sign with such a key (RFC 8422 section 5.1: up to TLS 1.2 its curve must be offered too)."""
    kind, _, curve = key.partition(" ")
    if version == "TLS 1.3":
        able = _SIGNS_13.get(key if kind == "EC" else kind, frozenset())
        return not able.isdisjoint(offer.signatures)
    if kind == "EC" and curve not in map(iana.group_name, offer.groups):
        return False
    return version != "TLS 1.2" or not _SIGNS_12.get(kind, frozenset()).isdisjoint(offer.signatures)


def terms_of(case: Case) -> Terms:
    """What the handshakes of a case prove of its server."""
    shakes = [h for h in (case.evidence.handshakes if case.evidence else ()) if h.offer != plan.NO_SNI]
    taken = tuple(dict.fromkeys(t for h in shakes for t in _taken(h)))
    spoken = {t.version for t in taken}
    unspoken = {v for h in shakes for v in _unspoken(case, h)} - spoken
    failed = [o for o in (_offer(case, h) for h in shakes if _disliked(h)) if o is not None]
    listed = {h.version for h in shakes if h.accepts and h.version}
    return Terms(taken=taken, unspoken=frozenset(unspoken), listed=frozenset(listed), failed=tuple(failed))


def _taken(shake: Handshake) -> Iterator[Taken]:
    if shake.outcome not in _CHOSE or shake.version is None:
        return
    if shake.suite is not None:
        yield Taken(version=shake.version, suite=shake.suite, group=shake.group)
    for suite in shake.accepts:
        if suite != shake.suite:
            yield Taken(version=shake.version, suite=suite, group=None)


def _unspoken(case: Case, shake: Handshake) -> Iterator[str]:
    """Versions that an answer rules out: all that were offered, by the alert; those above the one that was chosen."""
    offer = _offer(case, shake)
    offered = shake.versions or hello_versions(case, shake)
    if not offered:
        return
    newest = min(map(ORDER.index, offered))
    if offer is not None and SUPPORTED_VERSIONS not in offer.extensions:
        offered = ORDER[
            newest:
        ]  # such a hello offers its newest version and every older one (RFC 5246 section 7.4.1.2)
    if shake.alert == "protocol_version" and shake.outcome is Outcome.ALERT:
        yield from offered
    elif shake.outcome in _CHOSE and shake.version in ORDER:
        yield from (v for v in offered if ORDER.index(v) < ORDER.index(shake.version))


def _disliked(shake: Handshake) -> bool:
    return shake.outcome is Outcome.ALERT and shake.alert in ("handshake_failure", "insufficient_security")


def _offer(case: Case, shake: Handshake) -> Offer | None:
    """The hello of a handshake; None: it was another tool's, or `ssl`'s."""
    if case.foreign:
        return None
    return profiles.offer(case.profile) if shake.offer == plan.GATEWAY else DIAGNOSTIC.get(shake.offer)


def _within(offer: Offer, refused: Offer, version: str) -> bool:
    """Whether a hello offers nothing, for this version, beyond one that was refused in it."""
    newest = iana.version_name(refused.versions[0])
    return (
        newest == version
        and {s for s in offer.suites if _of(version, s)} <= {*refused.suites}
        and {*offer.groups} <= {*refused.groups}
        and {*offer.signatures} <= {*refused.signatures}
    )


def _of(version: str, suite: int) -> bool:
    return (suite >> 8 == 0x13) is (version == "TLS 1.3")
