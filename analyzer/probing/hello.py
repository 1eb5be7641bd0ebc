"""A ClientHello as data, and one encoder to bytes: an offer and a server name in, the record to send out."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Callable, Dict, NamedTuple, Optional, Tuple

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
    for code, constant in _extensions(offer):
        if constant is not None:
            extensions += constant
        elif code == PADDING:
            extensions += _padding(4 + len(body) + 2 + len(extensions))
        elif code == KEY_SHARE:
            extensions += _extension(KEY_SHARE, _key_share())
        elif server_name is not None:
            extensions += _extension(SERVER_NAME, _server_name(server_name))
    body += _vector16(extensions)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16" + _u16(offer.record_version) + _vector16(message)


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


@lru_cache(maxsize=64)  # the same few lists for every backend
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


@lru_cache(maxsize=64)  # the same few offers for every backend
def _extensions(offer: Offer) -> Tuple[Tuple[int, Optional[bytes]], ...]:
    """The extensions in order, by code and as they are sent; None: it differs from hello to hello."""
    return tuple(
        (code, None if code in _VARYING else _extension(code, _BODIES[code](offer))) for code in offer.extensions
    )


def _extension(code: int, body: bytes) -> bytes:
    return _u16(code) + _vector16(body)


def _server_name(server_name: str) -> bytes:
    return _vector16(b"\x00" + _vector16(server_name.encode("ascii")))  # RFC 6066 section 3: host_name


def _key_share() -> bytes:
    # Any 32 bytes are a public key of x25519 (RFC 7748 section 5); the shared secret is never needed.
    return _vector16(_u16(X25519) + _vector16(os.urandom(32)))


_VARYING = frozenset({SERVER_NAME, PADDING, KEY_SHARE})

_BODIES: Dict[int, Callable[[Offer], bytes]] = {
    STATUS_REQUEST: lambda _: b"\x01\x00\x00\x00\x00",  # RFC 6066 section 8: ocsp, any responder
    SUPPORTED_GROUPS: lambda offer: _vector16(_u16s(offer.groups)),
    POINT_FORMATS: lambda offer: _vector8(bytes(offer.point_formats)),
    SIGNATURE_ALGORITHMS: lambda offer: _vector16(_u16s(offer.signatures)),
    ALPN: lambda _: _vector16(_vector8(b"http/1.1")),
    ENCRYPT_THEN_MAC: lambda _: b"",
    EXTENDED_MASTER_SECRET: lambda _: b"",
    SESSION_TICKET: lambda _: b"",
    SUPPORTED_VERSIONS: lambda offer: _vector8(_u16s(offer.versions)),
    PSK_MODES: lambda _: b"\x01\x01",  # psk_dhe_ke (RFC 8446 section 4.2.9)
    RENEGOTIATION_INFO: lambda _: b"\x00",  # a first handshake (RFC 5746 section 3.4)
}
