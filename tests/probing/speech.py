"""What TLS servers say, byte by byte: the builders that scripted peers speak with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

TLS10, TLS11, TLS12, TLS13 = 0x0301, 0x0302, 0x0303, 0x0304
ECDHE_RSA_GCM = 0xC02F
STATIC_RSA = 0x002F
DHE_RSA_GCM = 0x009E
TLS13_SUITE = 0x1301
X25519 = 29

DONE = b"\x0e\x00\x00\x00"  # ServerHelloDone
RETRY = hashlib.sha256(b"HelloRetryRequest").digest()  # RFC 8446 section 4.1.3


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def record(content: int, fragment: bytes, version: int = TLS12) -> bytes:
    return bytes((content,)) + version.to_bytes(2, "big") + vector(2, fragment)


def records(content: int, data: bytes, size: int) -> bytes:
    """The same bytes in records of that size."""
    return b"".join(record(content, data[at : at + size]) for at in range(0, len(data), size))


def alert(code: int, level: int = 2) -> bytes:
    return record(21, bytes((level, code)))


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + vector(3, body)


def server_hello(
    version: int = TLS12,
    suite: int = ECDHE_RSA_GCM,
    *,
    extensions: bytes | None = None,
    random: bytes = bytes(32),
    session_id: bytes = b"",
    group: int = X25519,
) -> bytes:
    legacy = min(version, TLS12)
    if version >= TLS13 and extensions is None:
        share = group.to_bytes(2, "big") + vector(2, bytes(32))
        extensions = extension(43, version.to_bytes(2, "big")) + extension(51, share)
    body = legacy.to_bytes(2, "big") + random + vector(1, session_id) + suite.to_bytes(2, "big") + b"\x00"
    return message(2, body + (vector(2, extensions) if extensions is not None else b""))


def extension(code: int, data: bytes) -> bytes:
    return code.to_bytes(2, "big") + vector(2, data)


def retry_request(group: int | None, *, cookie: bytes = b"") -> bytes:
    extensions = extension(43, TLS13.to_bytes(2, "big"))
    if group is not None:
        extensions += extension(51, group.to_bytes(2, "big"))
    if cookie:
        extensions += extension(44, vector(2, cookie))
    return server_hello(TLS13, TLS13_SUITE, extensions=extensions, random=RETRY)


def certificate(chain: Sequence[bytes]) -> bytes:
    return message(11, vector(3, b"".join(vector(3, der) for der in chain)))


def ecdhe_key_exchange(group: int = X25519, point: bytes = b"\x09" + bytes(31)) -> bytes:
    return message(12, b"\x03" + group.to_bytes(2, "big") + vector(1, point) + b"\x08\x04" + vector(2, bytes(64)))


def dhe_key_exchange(bits: int = 2048) -> bytes:
    prime = (1 << (bits - 1) | 1).to_bytes(bits // 8, "big")
    return message(
        12,
        vector(2, prime) + vector(2, b"\x02") + vector(2, b"\x05" * (bits // 8)) + b"\x08\x04" + vector(2, bytes(64)),
    )


def certificate_request() -> bytes:
    return message(13, vector(1, b"\x01\x40") + vector(2, b"\x08\x04") + vector(2, b""))


def flight(chain: Sequence[bytes], *more: bytes, version: int = TLS12, suite: int = ECDHE_RSA_GCM) -> bytes:
    """A whole flight of TLS ≤ 1.2 in one record: hello, certificates, key exchange, what is asked for besides, done."""
    exchange = ecdhe_key_exchange() if suite == ECDHE_RSA_GCM else b""
    return record(22, server_hello(version, suite) + certificate(chain) + exchange + b"".join(more) + DONE, version)
