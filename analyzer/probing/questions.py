"""The diagnostic hellos: what a server would have accepted, asked of one that refused the gateway's own."""

from __future__ import annotations

from typing import Dict

from analyzer.probing import iana
from analyzer.probing.hello import (
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    KEY_SHARE,
    PADDING,
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
from analyzer.probing.profiles import CLASSIC

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
