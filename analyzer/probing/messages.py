"""A server's handshake messages, taken apart: the body of one in, its fields out, or `Broken` where it breaks the protocol."""

from __future__ import annotations

import hashlib
import struct
from typing import List, NamedTuple, Optional, Set, Tuple

from analyzer.probing import iana
from analyzer.probing.handshake import MOST_CERTIFICATES

HELLO_REQUEST, SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE = 0, 2, 11, 12  # RFC 5246 section 7.4
CERTIFICATE_REQUEST, SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE = 13, 14, 16
CERTIFICATE_STATUS, SUPPLEMENTAL_DATA = 22, 23  # RFC 6066 section 8, RFC 4680
SUPPORTED_VERSIONS, KEY_SHARE = 43, 51  # extensions, RFC 8446 section 4.2

_HELLO_HEAD = struct.Struct("!H32sB")  # version, random, length of the session id
_HELLO_CHOICE = struct.Struct("!HB")  # suite, compression
_EXTENSION = struct.Struct("!HH")  # code, length

_RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()  # RFC 8446 section 4.1.3
_DOWNGRADES = (b"DOWNGRD\x00", b"DOWNGRD\x01")  # the same section: end of the random bytes


class Broken(ValueError):
    """The bytes break the protocol; the text says where, in a few words."""


class ServerHello(NamedTuple):
    """What the server chose; a HelloRetryRequest is one too, and names the group that it wants."""

    version: int
    suite: int
    group: Optional[int]  # None: the key exchange follows in a message of its own, or there is none
    random: bytes

    @property
    def is_retry(self) -> bool:
        """Whether it is a HelloRetryRequest."""
        return self.random == _RETRY_RANDOM

    @property
    def knows_better(self) -> bool:
        """Whether the server says that it would have spoken a newer version with this client (RFC 8446 section 4.1.3)."""
        return self.random[-8:] in _DOWNGRADES


class KeyExchange(NamedTuple):
    """How keys are agreed on up to TLS 1.2, and the server's half as it stands in the message, length included."""

    group: str
    public: bytes


class _Cursor:
    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    def take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._data):
            raise Broken(f"{self._what} ends early")
        return self._data[start : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def end(self) -> None:
        if not self.at_end:
            raise Broken(f"{self._what} has surplus bytes")


def server_hello(body: bytes) -> ServerHello:
    """RFC 5246 section 7.4.1.3 and RFC 8446 section 4.1.3; extensions other than version and key share are passed over."""
    cursor = _Cursor(body, "ServerHello")
    version, random, length = _HELLO_HEAD.unpack(cursor.take(_HELLO_HEAD.size))
    session_id = cursor.take(length)
    suite, compression = _HELLO_CHOICE.unpack(cursor.take(_HELLO_CHOICE.size))
    if len(session_id) > 32:
        raise Broken("ServerHello has a session id of more than 32 bytes")
    if compression:
        raise Broken("ServerHello chooses a compression that was not offered")
    extensions = b"" if cursor.at_end else cursor.vector(2)
    cursor.end()
    group = None
    seen: Set[int] = set()
    cursor = _Cursor(extensions, "ServerHello's extensions")
    while not cursor.at_end:
        code, length = _EXTENSION.unpack(cursor.take(_EXTENSION.size))
        content = cursor.take(length)
        if code not in (SUPPORTED_VERSIONS, KEY_SHARE):
            continue
        data = _Cursor(content, "a ServerHello extension")
        if code in seen:  # RFC 8446 section 4.2; of the others, clients differ in whether they mind
            raise Broken(f"ServerHello has extension {code} twice")
        seen.add(code)
        if code == SUPPORTED_VERSIONS:
            version = data.number(2)
        else:
            group = data.number(2)
            if random != _RETRY_RANDOM:
                data.vector(2)
        data.end()
    return ServerHello(version, suite, group, random)


def certificates(body: bytes, *, tls13: bool = False) -> Tuple[bytes, ...]:
    """The certificates as sent, leaf first, not checked to be certificates; of a longer list the first 100.

    RFC 5246 section 7.4.2, RFC 8446 section 4.4.2.
    """
    cursor = _Cursor(body, "Certificate")
    if tls13:
        cursor.vector(1)  # certificate_request_context
    entries = _Cursor(cursor.vector(3), "the certificate list")
    cursor.end()
    found: List[bytes] = []
    while not entries.at_end:
        certificate = entries.vector(3)
        if tls13:
            entries.vector(2)  # extensions of this certificate
        if not certificate:
            raise Broken("the certificate list has an empty entry")
        if len(found) < MOST_CERTIFICATES:  # a quarter million tiny ones would take many times their bytes
            found.append(certificate)
    if not found:
        raise Broken("the certificate list is empty")
    return tuple(found)


def key_exchange(body: bytes, suite: str) -> Optional[KeyExchange]:
    """The server's half of an ECDHE or DHE key exchange; None for suites that have neither.

    RFC 8422 section 5.4, RFC 5246 section 7.4.3. The group of a DHE exchange is named by its size, as "DH 2048 bits":
    up to TLS 1.2 the server sends any prime it likes. The signature that follows is not read.
    """
    cursor = _Cursor(body, "ServerKeyExchange")
    if suite.startswith("TLS_ECDHE_"):
        if cursor.number(1) != 3:  # ECCurveType named_curve; the explicit ones are deprecated
            return KeyExchange("explicit curve", b"")
        group = iana.group_name(cursor.number(2))
        point = cursor.vector(1)
        return KeyExchange(group, len(point).to_bytes(1, "big") + point)
    if suite.startswith("TLS_DHE_"):
        prime = cursor.vector(2)
        cursor.vector(2)  # generator
        public = cursor.vector(2)
        bits = int.from_bytes(prime, "big").bit_length()
        return KeyExchange(f"DH {bits} bits", len(public).to_bytes(2, "big") + public)
    return None
