"""The gateways' hellos as data: a profile such as "classic+Tls13" in, its Offer out.

A profile is a tier's name and the switches that do not stand where the tier has them by default, in Azure's own words:
the last part of a key of the service's customProperties, or of the self-hosted gateway's container settings.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, FrozenSet, NamedTuple, Tuple

from analyzer.probing import iana
from analyzer.probing.hello import (
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    KEY_SHARE,
    POINT_FORMATS,
    PSK_MODES,
    RENEGOTIATION_INFO,
    SERVER_NAME,
    SESSION_TICKET,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    X25519,
    Offer,
)

_MOST_CHARACTERS = 2000  # of a profile: every switch of the longest list fits
_PROTOCOLS = {"TLS 1.3": "Tls13", "TLS 1.2": "Tls12", "TLS 1.1": "Tls11", "TLS 1.0": "Tls10", "SSL 3.0": "Ssl30"}
_RENAMED = {**_PROTOCOLS, "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "TripleDes168"}
_TLS13_EXTENSIONS = frozenset((SUPPORTED_VERSIONS, PSK_MODES, KEY_SHARE))
_OLDER_EXTENSIONS = frozenset(
    (POINT_FORMATS, SESSION_TICKET, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO)
)

# Windows Schannel with every switch on, in the order of Windows Server 2022 and 2019 (Microsoft: TLS cipher suites in Windows
# Server 2022) less the DHE suites, which no API Management list has. The extensions of TLS 1.2 are rebuilt from published
# JA3 digests of Schannel; that the gateway's hello is the one without status_request and ALPN is inferred, and so is all
# that TLS 1.3 adds (the last three extensions) and what is left out where a version is switched off: no capture is known.
# fmt: off
_CLASSIC = Offer(
    name="classic",
    versions=(0x0304, 0x0303, 0x0302, 0x0301, 0x0300),
    suites=(
        0x1302, 0x1301,
        0xC02C, 0xC02B, 0xC030, 0xC02F, 0xC024, 0xC023, 0xC028, 0xC027, 0xC00A, 0xC009, 0xC014, 0xC013,
        0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F, 0x000A,
    ),
    groups=(X25519, 23, 24),
    signatures=(0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0x0202, 0x0601, 0x0603),
    extensions=(
        SERVER_NAME,
        SUPPORTED_GROUPS,
        POINT_FORMATS,
        SIGNATURE_ALGORITHMS,
        SESSION_TICKET,
        EXTENDED_MASTER_SECRET,
        RENEGOTIATION_INFO,
        SUPPORTED_VERSIONS,
        PSK_MODES,
        KEY_SHARE,
    ),
    record_version=0x0303,
)
# "Required by internal platform components" (ARM description of customProperties). It counts the ECDHE suites with CBC and
# SHA-256 or SHA-384 among them, but the portal switches those off all the same (terraform-provider-azurerm issue 20296).
_CLASSIC_FIXED = (0x1302, 0x1301, 0xC02C, 0xC02B, 0xC030, 0xC02F)

# .NET on Linux with OpenSSL 3: the suites are the settings reference's list (allowed-suites), in its order; the rest is
# OpenSSL 3.0's default hello. No session_ticket: the self-hosted gateway does not resume sessions.
_SELF_HOSTED = Offer(
    name="self-hosted",
    versions=(0x0304, 0x0303, 0x0302, 0x0301, 0x0300),
    suites=(
        0x1302, 0x1303, 0x1301,
        0xC02C, 0xC030, 0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC02B, 0xC02F, 0x009E,
        0xC024, 0xC028, 0x006B, 0xC023, 0xC027, 0x0067, 0xC00A, 0xC014, 0x0039, 0xC009, 0xC013, 0x0033,
        0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F,
    ),
    groups=(X25519, 23, 30, 25, 24, 256, 257, 258, 259, 260),
    signatures=(
        0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080A, 0x080B, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
        0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602,
    ),
    extensions=(
        RENEGOTIATION_INFO,
        SERVER_NAME,
        POINT_FORMATS,
        SUPPORTED_GROUPS,
        ENCRYPT_THEN_MAC,
        EXTENDED_MASTER_SECRET,
        SIGNATURE_ALGORITHMS,
        SUPPORTED_VERSIONS,
        PSK_MODES,
        KEY_SHARE,
    ),
    point_formats=(0, 1, 2),
)
# fmt: on


def _common(name: str) -> Offer:
    """What both kinds of gateway offer, in Schannel's order: for tiers whose operating system is not documented.

    Without SSL 3.0, whose key the Consumption tier's API refuses.
    """
    return _CLASSIC._replace(
        name=name,
        versions=_CLASSIC.versions[:-1],
        suites=tuple(s for s in _CLASSIC.suites if s in _SELF_HOSTED.suites),
        groups=tuple(g for g in _CLASSIC.groups if g in _SELF_HOSTED.groups),
        signatures=tuple(s for s in _CLASSIC.signatures if s in _SELF_HOSTED.signatures),
    )


class _Tier(NamedTuple):
    most: Offer  # with every switch on
    switches: Tuple[str, ...]  # versions, newest first, then suites, in the hello's order
    on: FrozenSet[str]  # by default


def _tier(most: Offer, fixed: Tuple[int, ...], off: Tuple[str, ...]) -> _Tier:
    suites = (iana.suite_name(s) for s in most.suites if s not in fixed)
    switches = tuple(map(switch_of, (*map(iana.version_name, most.versions), *suites)))
    return _Tier(most, switches, frozenset(switches) - frozenset(off))


def switch_of(name: str) -> str:
    """Azure's word for a version ("TLS 1.3" → "Tls13") or a suite, by its IANA name."""
    return _RENAMED.get(name, name)


def is_protocol(word: str) -> bool:
    """Whether a switch is one of a version's, not of a suite's."""
    return word in _PROTOCOLS.values()


_LEGACY = ("Tls11", "Tls10", "Ssl30")
_TIERS: Dict[str, _Tier] = {
    "classic": _tier(_CLASSIC, _CLASSIC_FIXED, ("Tls13", "TripleDes168", *_LEGACY)),
    "self-hosted": _tier(_SELF_HOSTED, (), _LEGACY),
    "v2": _tier(_common("v2"), _CLASSIC.suites, ("Tls13", *_LEGACY)),
    "consumption": _tier(_common("consumption"), _CLASSIC.suites, ("Tls13", *_LEGACY)),
}
TIERS: Tuple[str, ...] = tuple(_TIERS)
"""Names that a profile may start with; each by itself is the profile of a gateway with default settings."""

_PROFILE = re.compile(rf"({'|'.join(map(re.escape, TIERS))})((?:[+-][A-Za-z0-9_]+)*)")


def switches(tier: str) -> Dict[str, bool]:
    """What can be switched on this tier, and whether it is on by default, on services created after 2018-04-01.

    Raises ValueError for a tier that does not exist.
    """
    if tier not in _TIERS:
        raise ValueError(f"no such tier: {tier[:60]!r}; one of {', '.join(TIERS)}")
    known = _TIERS[tier]
    return {word: word in known.on for word in known.switches}


@lru_cache(maxsize=256)
def offer(profile: str) -> Offer:
    """The hello of a profile; its `name` is the profile in canonical order and spelling.

    A version is offered only with a suite that it can use, and a suite only with a version that can use it. Raises
    ValueError for what is not a profile, for a switch that the tier does not have, and where no version is left.
    """
    match = _PROFILE.fullmatch(profile) if len(profile) <= _MOST_CHARACTERS else None
    if match is None:
        raise ValueError(f"no such profile: {profile[:60]!r}; write one of {', '.join(TIERS)}, then +SWITCH or -SWITCH")
    known = _TIERS[match[1]]
    words = {word.lower(): word for word in known.switches}
    on, seen = set(known.on), set()
    for sign, written in re.findall(r"([+-])(\w+)", match[2], re.ASCII):
        word = words.get(written.lower())
        if word is None:
            raise ValueError(f"{match[1]} has no switch {written[:60]!r}; it has {', '.join(known.switches)}")
        if word in seen:
            raise ValueError(f"the switch {word} stands twice in the profile {profile[:60]!r}")
        seen.add(word)
        (on.add if sign == "+" else on.discard)(word)
    return _narrowed(known, frozenset(on))


def profile(tier: str, on: FrozenSet[str]) -> str:
    """The profile of that tier with these switches on and all its others off. Raises ValueError where no version is left."""
    return _narrowed(_TIERS[tier], on).name


def _canonical(known: _Tier, on: FrozenSet[str]) -> str:
    changed = ((word in on, word) for word in known.switches if (word in on) != (word in known.on))
    return known.most.name + "".join(f"{'+' if is_on else '-'}{word}" for is_on, word in changed)


def _narrowed(known: _Tier, on: FrozenSet[str]) -> Offer:
    most, off = known.most, frozenset(known.switches) - on
    name = _canonical(known, on)
    versions = [v for v in most.versions if switch_of(iana.version_name(v)) not in off]
    suites = [s for s in most.suites if switch_of(iana.suite_name(s)) not in off]
    pairs = [(v, s) for v in versions for s in suites if _belong(v, s)]
    if not pairs:
        raise ValueError(f"the profile {name[:60]!r} leaves no TLS version with a cipher suite to offer")
    used_versions, used_suites = {v for v, _ in pairs}, {s for _, s in pairs}
    newest, oldest = max(used_versions), min(used_versions)
    without = set(_TLS13_EXTENSIONS if newest < 0x0304 else _OLDER_EXTENSIONS if oldest == 0x0304 else ())
    if newest < 0x0303:
        without.add(SIGNATURE_ALGORITHMS)  # it came with TLS 1.2 (RFC 5246 section 7.4.1.4.1)
    return most._replace(
        name=name,
        versions=tuple(v for v in versions if v in used_versions),
        suites=tuple(s for s in suites if s in used_suites),
        # OpenSSL 3 offers the finite-field groups only with TLS 1.3; Schannel has none of them.
        groups=tuple(g for g in most.groups if g < 0x0100 or newest == 0x0304),
        extensions=tuple(e for e in most.extensions if e not in without),
        record_version=min(most.record_version, newest),
    )


def _belong(version: int, suite: int) -> bool:
    """TLS 1.3 has suites of its own (RFC 8446 appendix B.4); SHA-2 and AEAD suites came with TLS 1.2 (RFC 5246)."""
    if version == 0x0304 or suite >> 8 == 0x13:
        return version == 0x0304 and suite >> 8 == 0x13
    return version == 0x0303 or iana.suite_name(suite).endswith("_SHA")


def belong(version: str, suite: str) -> bool:
    """Whether a version ("TLS 1.2") can use a suite, both by name; False for a name that is not known."""
    versions = {name: code for code, name in iana.VERSIONS.items()}
    suites = {name: code for code, name in iana.SUITES.items()}
    return version in versions and suite in suites and _belong(versions[version], suites[suite])


CLASSIC, SELF_HOSTED = offer("classic"), offer("self-hosted")
"""With default settings."""


def suite_names(profile: str) -> Tuple[str, ...]:
    """IANA names of the suites that a gateway of this profile offers, in its order."""
    return tuple(map(iana.suite_name, offer(profile).suites))


def version_names(profile: str) -> Tuple[str, ...]:
    """Versions that it offers, newest first, as "TLS 1.2"."""
    return tuple(map(iana.version_name, offer(profile).versions))


def group_names(profile: str) -> Tuple[str, ...]:
    """IANA names of the key-exchange groups that it offers, in its order."""
    return tuple(map(iana.group_name, offer(profile).groups))
