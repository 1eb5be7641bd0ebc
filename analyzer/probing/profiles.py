"""What each kind of gateway offers its backends: a profile's name in, the hello in its voice out.

A profile is a tier and the switches that its settings turn from their defaults: "classic", "classic+Tls13",
"classic+TripleDes168-TLS_RSA_WITH_AES_128_CBC_SHA". The switches have the names of the service's own settings (customProperties,
Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.* and .Security.Ciphers.*), so a profile says which hello
was spoken wherever it is written down.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

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

# Windows Schannel, TLS 1.2, in the order of Windows Server 2022 and 2019 less the DHE suites, which no API Management
# list has, and less 3DES, which is off on services made after 2018-04-01. Order of extensions: rebuilt from published
# JA3 digests of Schannel; that the gateway's hello is the one without status_request and ALPN is inferred.
# fmt: off
CLASSIC = Offer(
    name="classic",
    versions=(0x0303,),
    suites=(
        0xC02C, 0xC02B, 0xC030, 0xC02F, 0xC024, 0xC023, 0xC028, 0xC027, 0xC00A, 0xC009, 0xC014, 0xC013,
        0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F,
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
    ),
    record_version=0x0303,
)
# fmt: on

# .NET on Linux with OpenSSL 3: the suites are the settings reference's list (net.client.tls.ciphers.allowed-suites), in its
# order; the rest is OpenSSL 3.0's default hello. No session_ticket: the self-hosted gateway does not resume sessions.
# fmt: off
SELF_HOSTED = Offer(
    name="self-hosted",
    versions=(0x0304, 0x0303),
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
    """What both kinds of gateway offer, in Schannel's order: for tiers whose operating system is not documented."""
    return CLASSIC._replace(
        name=name,
        suites=tuple(s for s in CLASSIC.suites if s in SELF_HOSTED.suites),
        groups=tuple(g for g in CLASSIC.groups if g in SELF_HOSTED.groups),
        signatures=tuple(s for s in CLASSIC.signatures if s in SELF_HOSTED.signatures),
    )


TIERS: Dict[str, Offer] = {o.name: o for o in (CLASSIC, SELF_HOSTED, _common("v2"), _common("consumption"))}
"""The hello of each tier with its settings as they are by default."""

PROTOCOLS = {"Tls13": 0x0304, "Tls12": 0x0303, "Tls11": 0x0302, "Tls10": 0x0301, "Ssl30": 0x0300}
"""Setting → version: Security.Backend.Protocols.*"""

TRIPLE_DES = 0x000A  # TLS_RSA_WITH_3DES_EDE_CBC_SHA, last in Schannel's order
_SCHANNEL_TLS13 = (0x1302, 0x1301)  # first in Windows Server 2022's order
_SCHANNEL_TLS13_EXTENSIONS = (
    SUPPORTED_VERSIONS,
    PSK_MODES,
    KEY_SHARE,
)  # their place is inferred: no capture is published

_FIXED = frozenset({0xC02C, 0xC02B, 0xC030, 0xC02F})
"""Suites that the service's own components need: documented as not switchable, and none was seen switched off."""

OLD_DEFAULTS = date(2018, 4, 1)
"""Services made until then have TLS 1.0, TLS 1.1, SSL 3.0 and 3DES on unless told otherwise."""

_PREFIX = "microsoft.windowsazure.apimanagement.gateway."
_PROTOCOL_KEY = re.compile(r"(?:security\.)?backend\.protocols\.(\w+)", re.IGNORECASE)
_CIPHER_KEY = re.compile(r"(?:security\.)?ciphers\.(\w+)", re.IGNORECASE)
_CLIENT_SIDE = re.compile(r"(?:security\.)?protocols\.(?:server\.)?\w+", re.IGNORECASE)
_ALLOWED_SUITES = "net.client.tls.ciphers.allowed-suites"
_SWITCH = re.compile(r"([+-])(\w+)")


class Profile(NamedTuple):
    """A profile's name, taken apart."""

    tier: str
    on: Tuple[str, ...]
    off: Tuple[str, ...]

    def __str__(self) -> str:
        return self.tier + "".join(f"+{s}" for s in self.on) + "".join(f"-{s}" for s in self.off)


def parse(profile: str) -> Profile:
    """The profile in its one spelling; ValueError where it names no tier, or a switch that the tier does not have."""
    tier = next((t for t in sorted(TIERS, key=len, reverse=True) if re.match(rf"{t}(?![\w])", profile)), None)
    rest = profile[len(tier or "") :]
    if tier is None or "".join(m.group() for m in _SWITCH.finditer(rest)) != rest:
        raise ValueError(
            f"no such profile: {profile[:80]!r}; there are {', '.join(TIERS)}, with switches such as +Tls13"
        )
    states: Dict[str, bool] = {}
    for sign, word in _SWITCH.findall(rest):
        states[_switch(tier, word)] = sign == "+"
    return _canonical(tier, states)


def _switch(tier: str, word: str) -> str:
    """The switch in its own spelling; ValueError where there is none of that name."""
    known = switches(tier)
    found = next((name for name in known if name.lower() == word.lower()), None)
    if found is None:
        raise ValueError(f"{word[:60]!r} cannot be switched on a {tier} gateway; {', '.join(known)} can")
    return found


@lru_cache(maxsize=64)
def switches(tier: str) -> Tuple[str, ...]:
    """What can be switched, in the order of a profile's name."""
    suites = [s for s in TIERS[tier].suites if s not in _FIXED and s >> 8 != 0x13]
    triple_des = () if tier == "self-hosted" else ("TripleDes168",)
    return (*PROTOCOLS, *triple_des, *(iana.suite_name(s) for s in suites))


def _canonical(tier: str, states: Mapping[str, bool]) -> Profile:
    """Only what differs from the tier's defaults, in one order."""
    usual = TIERS[tier]
    on: List[str] = []
    off: List[str] = []
    for name in switches(tier):
        default = PROTOCOLS[name] in usual.versions if name in PROTOCOLS else name != "TripleDes168"
        if states.get(name, default) != default:
            (off if default else on).append(name)
    return Profile(tier, tuple(on), tuple(off))


@lru_cache(maxsize=512)
def offer(profile: str) -> Offer:
    """The hello of a profile. ValueError where it cannot be read, or offers no version at all."""
    found = parse(profile)
    usual = TIERS[found.tier]
    versions = [v for v in usual.versions if _name_of(v) not in found.off]
    versions += [PROTOCOLS[s] for s in found.on if s in PROTOCOLS]
    if not versions:
        raise ValueError(f"{profile[:200]}: every version towards backends is switched off")
    versions.sort(reverse=True)
    suites = [s for s in usual.suites if iana.suite_name(s) not in found.off]
    if "TripleDes168" in found.on:
        suites.append(TRIPLE_DES)
    extensions = list(usual.extensions)
    if 0x0304 not in versions:
        suites = [s for s in suites if s >> 8 != 0x13]
        extensions = [e for e in extensions if e not in _SCHANNEL_TLS13_EXTENSIONS]
    elif 0x0304 not in usual.versions:
        suites = [*_SCHANNEL_TLS13, *suites]
        extensions = [
            *(e for e in extensions if e != RENEGOTIATION_INFO),
            *_SCHANNEL_TLS13_EXTENSIONS,
            RENEGOTIATION_INFO,
        ]
    if versions == [0x0304]:
        suites = [s for s in suites if s >> 8 == 0x13]
    if versions[0] < 0x0303:  # RFC 5246 section 7.4.1.4.1: signature algorithms came with TLS 1.2
        extensions = [e for e in extensions if e != SIGNATURE_ALGORITHMS]
    return usual._replace(name=str(found), versions=tuple(versions), suites=tuple(suites), extensions=tuple(extensions))


def _name_of(version: int) -> str:
    return next(name for name, code in PROTOCOLS.items() if code == version)


def of_settings(tier: str, settings: Mapping[str, str], created: Optional[date] = None) -> Tuple[str, Tuple[str, ...]]:
    """The profile of a gateway with these settings, and the keys that bear on backends and were not understood.

    `settings`: customProperties of the service with or without their prefix, or the settings of a self-hosted gateway's
    container; values "true" and "false". An absent key is the tier's default, which depends on when the service was made.
    Sources: learn.microsoft.com, api-management-howto-manage-protocols-ciphers; the description of customProperties;
    self-hosted-gateway-settings-reference.
    """
    states: Dict[str, bool] = {}
    strange: List[str] = []
    if tier == "classic" and created is not None and created <= OLD_DEFAULTS:
        states = dict.fromkeys(("Tls11", "Tls10", "Ssl30", "TripleDes168"), True)
    for key, value in settings.items():
        bare = key.strip()[len(_PREFIX) :] if key.strip().lower().startswith(_PREFIX) else key.strip()
        if bare.lower() == _ALLOWED_SUITES and tier == "self-hosted":
            allowed = {word.strip().upper() for word in re.split(r"[,;\s]+", value) if word.strip()}
            states.update({name: name.upper() in allowed for name in switches(tier) if name.startswith("TLS_")})
            continue
        match = _PROTOCOL_KEY.fullmatch(bare) or _CIPHER_KEY.fullmatch(bare)
        if match is None:
            if not _CLIENT_SIDE.fullmatch(bare):
                strange.append(key)
            continue
        word = value.strip().lower()
        try:
            name = _switch(tier, match.group(1))
        except ValueError:
            strange.append(key)
            continue
        if word not in ("true", "false"):
            strange.append(key)
            continue
        states[name] = word == "true"
    return str(_canonical(tier, states)), tuple(strange)


def suite_names(profile: str) -> Tuple[str, ...]:
    """IANA names of the suites that a gateway of this profile offers, in its order."""
    return tuple(map(iana.suite_name, offer(profile).suites))


def version_names(profile: str) -> Tuple[str, ...]:
    """Versions that it offers, newest first, as "TLS 1.2"."""
    return tuple(map(iana.version_name, offer(profile).versions))


def group_names(profile: str) -> Tuple[str, ...]:
    """IANA names of the key-exchange groups that it offers, in its order."""
    return tuple(map(iana.group_name, offer(profile).groups))
