"""ClientHellos as data: what each kind of gateway offers, what a diagnostic question offers, and one encoder to bytes."""

from __future__ import annotations

import os
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from analyzer.probing import iana

# Extensions, by code.
SERVER_NAME = 0  # RFC 6066 section 3
STATUS_REQUEST = 5  # RFC 6066 section 8
SUPPORTED_GROUPS = 10  # RFC 8422 section 5.1.1
POINT_FORMATS = 11  # RFC 8422 section 5.1.2
SIGNATURE_ALGORITHMS = 13  # RFC 8446 section 4.2.3
ALPN = 16  # RFC 7301
PADDING = 21  # RFC 7685
ENCRYPT_THEN_MAC = 22  # RFC 7366
EXTENDED_MASTER_SECRET = 23  # RFC 7627
SESSION_TICKET = 35  # RFC 5077
SUPPORTED_VERSIONS = 43  # RFC 8446 section 4.2.1
PSK_MODES = 45  # RFC 8446 section 4.2.9
KEY_SHARE = 51  # RFC 8446 section 4.2.8
RENEGOTIATION_INFO = 65281  # RFC 5746 section 3.2

X25519 = 29  # RFC 8422 section 5.1.1


class Offer(NamedTuple):
    """One ClientHello, but for the server's name and the random bytes."""

    name: str
    versions: Tuple[int, ...]  # newest first
    suites: Tuple[int, ...]
    groups: Tuple[int, ...]
    signatures: Tuple[int, ...]
    extensions: Tuple[int, ...]  # in the order they are sent
    point_formats: Tuple[int, ...] = (0,)  # RFC 8422 section 5.1.2: uncompressed
    record_version: int = 0x0301  # RFC 5246 appendix E.1: what any server reads

    @property
    def offers_tls13(self) -> bool:
        """Whether the server may choose TLS 1.3, which hides its certificates."""
        return 0x0304 in self.versions


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


_GATEWAYS = (CLASSIC, SELF_HOSTED, _common("v2"), _common("consumption"))
PROFILES: Dict[str, Offer] = {offer.name: offer for offer in _GATEWAYS}
"""Whose voice the probe speaks, by the gateway's tier."""

_TLS13_SUITES = tuple(code for code in iana.SUITES if code >> 8 == 0x13)
_TLS13_GROUPS = (X25519, 23, 24, 25, 30, 31, 32, 33, 256, 257, 258, 259, 260)
_OLDER_GROUPS = (X25519, 23, 24, 25, 30, 26, 27, 28, 22, 21, 19, 256, 257, 258, 259, 260)
_OLDER_EXTENSIONS = (
    SERVER_NAME,
    SUPPORTED_GROUPS,
    POINT_FORMATS,
    SIGNATURE_ALGORITHMS,
    SESSION_TICKET,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    PADDING,
)

TLS12_ANY = Offer(
    name="tls1.2-any",
    versions=(0x0303,),
    # The gateway's suites come first: a server that follows the client's order and still chooses another one has none of them.
    # Fewer than 128 in all, because some old load balancers refuse longer lists.
    suites=(*CLASSIC.suites, *(s for s in iana.SUITES if s not in CLASSIC.suites and s not in _TLS13_SUITES)),
    groups=_OLDER_GROUPS,
    signatures=tuple(iana.SIGNATURES),
    extensions=_OLDER_EXTENSIONS,
)

TLS13_ANY = Offer(
    name="tls1.3-any",
    versions=(0x0304,),
    suites=_TLS13_SUITES,
    groups=_TLS13_GROUPS,
    signatures=tuple(iana.SIGNATURES),
    extensions=(SERVER_NAME, SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, SUPPORTED_VERSIONS, PSK_MODES, KEY_SHARE, PADDING),
)

TLS10_ANY = Offer(
    name="tls1.0-any",
    versions=(0x0302, 0x0301, 0x0300),
    # Suites with a SHA-256 or SHA-384 in their name, and AEAD suites, exist only from TLS 1.2 on (RFC 5246 section 1.2).
    suites=tuple(s for s, name in iana.SUITES.items() if name.endswith(("_CBC_SHA", "_RC4_128_SHA", "_RC4_128_MD5"))),
    groups=_OLDER_GROUPS,
    signatures=(),
    extensions=tuple(e for e in _OLDER_EXTENSIONS if e != SIGNATURE_ALGORITHMS),
)

DIAGNOSTIC: Dict[str, Offer] = {offer.name: offer for offer in (TLS12_ANY, TLS13_ANY, TLS10_ANY)}
"""Hellos that ask what the server would have accepted."""


def suite_names(profile: str) -> Tuple[str, ...]:
    """IANA names of the suites that a gateway of this profile offers, in its order."""
    return tuple(map(iana.suite_name, PROFILES[profile].suites))


def version_names(profile: str) -> Tuple[str, ...]:
    """Versions that it offers, newest first, as "TLS 1.2"."""
    return tuple(map(iana.version_name, PROFILES[profile].versions))


def group_names(profile: str) -> Tuple[str, ...]:
    """IANA names of the key-exchange groups that it offers, in its order."""
    return tuple(map(iana.group_name, PROFILES[profile].groups))


def encode(offer: Offer, server_name: Optional[str]) -> bytes:
    """The record to send; `server_name` None leaves the SNI extension out, as clients do for IP literals.

    RFC 8446 section 4.1.2. The session id is empty up to TLS 1.2: a first contact has none to resume, and Schannel sends
    none; an offer of TLS 1.3 carries 32 random bytes for middleboxes, as OpenSSL's does (appendix D.4).
    """
    session_id = os.urandom(32) if offer.offers_tls13 else b""
    body = b"".join(
        (
            _u16(min(offer.versions[0], 0x0303)),
            os.urandom(32),
            _vector8(session_id),
            _vector16(_u16s(offer.suites)),
            b"\x01\x00",  # compression methods: null only
        )
    )
    extensions = b""
    for code in offer.extensions:
        if code == SERVER_NAME and server_name is None:
            continue
        if code == PADDING:
            extensions += _padding(4 + len(body) + 2 + len(extensions))
        else:
            extensions += _u16(code) + _vector16(_BODIES[code](offer, server_name or ""))
    body += _vector16(extensions)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16" + _u16(offer.record_version) + _vector16(message)


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _u16s(values: Tuple[int, ...]) -> bytes:
    return b"".join(map(_u16, values))


def _vector8(data: bytes) -> bytes:
    return len(data).to_bytes(1, "big") + data


def _vector16(data: bytes) -> bytes:
    return _u16(len(data)) + data


def _padding(length: int) -> bytes:
    """Lifts a hello of 256 to 511 bytes to 512: some load balancers hang on that span (RFC 7685 section 4)."""
    if not 256 <= length <= 511:
        return b""
    return _u16(PADDING) + _vector16(bytes(max(0, 512 - length - 4)))


def _server_name(_: Offer, server_name: str) -> bytes:
    return _vector16(b"\x00" + _vector16(server_name.encode("ascii")))  # RFC 6066 section 3: host_name


def _key_share(_: Offer, __: str) -> bytes:
    # Any 32 bytes are a public key of x25519 (RFC 7748 section 5); the shared secret is never needed.
    return _vector16(_u16(X25519) + _vector16(os.urandom(32)))


_BODIES: Dict[int, Callable[[Offer, str], bytes]] = {
    SERVER_NAME: _server_name,
    STATUS_REQUEST: lambda _, __: b"\x01\x00\x00\x00\x00",  # RFC 6066 section 8: ocsp, any responder
    SUPPORTED_GROUPS: lambda offer, _: _vector16(_u16s(offer.groups)),
    POINT_FORMATS: lambda offer, _: _vector8(bytes(offer.point_formats)),
    SIGNATURE_ALGORITHMS: lambda offer, _: _vector16(_u16s(offer.signatures)),
    ALPN: lambda _, __: _vector16(_vector8(b"http/1.1")),
    ENCRYPT_THEN_MAC: lambda _, __: b"",
    EXTENDED_MASTER_SECRET: lambda _, __: b"",
    SESSION_TICKET: lambda _, __: b"",
    SUPPORTED_VERSIONS: lambda offer, _: _vector8(_u16s(offer.versions)),
    PSK_MODES: lambda _, __: b"\x01\x01",  # psk_dhe_ke (RFC 8446 section 4.2.9)
    KEY_SHARE: _key_share,
    RENEGOTIATION_INFO: lambda _, __: b"\x00",  # a first handshake (RFC 5746 section 3.4)
}
