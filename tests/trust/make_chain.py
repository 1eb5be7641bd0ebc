"""Certificates for the tests of `trust`, good ones by default: any field, also one that no builder would write, can be given."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extension = tuple[str, bool, bytes]

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""The moment at which the tests judge."""
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
HOST = "api.contoso.example"

SERVER_AUTH, CLIENT_AUTH, ANY_USAGE = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
CERT_SIGN, DIGITAL_SIGNATURE = 0x04, 0x80
_COMMON_NAME, _EMAIL = "2.5.4.3", "1.2.840.113549.1.9.1"
_SERIALS = count(1000)
_KEYS: list[ec.EllipticCurvePrivateKey] = []


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.insert(0, arc & 0x7F | 0x80)
        content += bytes(octets)
    return tlv(0x06, content)


def integer(value: int) -> bytes:
    """An INTEGER."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def name(common_name: str | None, *, email: str | None = None, wide: bool = False) -> bytes:
    """A distinguished name; None: an empty one. `wide`: as a BMPString."""
    value = (
        b""
        if common_name is None
        else tlv(0x1E, common_name.encode("utf-16-be"))
        if wide
        else tlv(0x0C, common_name.encode())
    )
    parts = [] if common_name is None else [tlv(0x31, tlv(0x30, oid(_COMMON_NAME), value))]
    if email is not None:
        parts.append(tlv(0x31, tlv(0x30, oid(_EMAIL), tlv(0x16, email.encode()))))
    return tlv(0x30, *parts)


def dns(value: str) -> bytes:
    """A dNSName."""
    return tlv(0x82, value.encode())


def ip(value: bytes) -> bytes:
    """An iPAddress."""
    return tlv(0x87, value)


def directory(value: bytes) -> bytes:
    """A directoryName."""
    return tlv(0xA4, value)


def names(*general_names: bytes, critical: bool = False) -> Extension:
    """A subject alternative name."""
    return ("2.5.29.17", critical, tlv(0x30, *general_names))


def constraints(*, permitted: Sequence[bytes] = (), excluded: Sequence[bytes] = (), bound: bytes = b"") -> Extension:
    """Name constraints; `bound` goes into every subtree (a minimum or maximum)."""
    trees = ((0xA0, permitted), (0xA1, excluded))
    return (
        "2.5.29.30",
        True,
        tlv(0x30, *(tlv(tag, *(tlv(0x30, base, bound) for base in tree)) for tag, tree in trees if tree)),
    )


def usages(*oids: str) -> Extension:
    """Extended key usages."""
    return ("2.5.29.37", False, tlv(0x30, *map(oid, oids)))


def new_key(kind: str = "ec") -> Key:
    """A fresh key."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "rsa1024":
        return rsa.generate_private_key(65537, 1024)  # noqa: S505  that it is weak is the point
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, kw_only=True)
class Made:
    """A certificate and its key."""

    der: bytes
    key: Key
    subject: bytes
    key_id: bytes | None
    serial: int
    issuer: bytes = field(repr=False)


_ALGORITHMS = {
    "ecdsa-sha256": (tlv(0x30, oid("1.2.840.10045.4.3.2")), hashes.SHA256()),
    "ecdsa-sha384": (tlv(0x30, oid("1.2.840.10045.4.3.3")), hashes.SHA384()),
    "rsa-sha256": (tlv(0x30, oid("1.2.840.113549.1.1.11"), b"\x05\x00"), hashes.SHA256()),
    "rsa-sha1": (tlv(0x30, oid("1.2.840.113549.1.1.5"), b"\x05\x00"), hashes.SHA1()),  # noqa: S303
    "rsa-md5": (tlv(0x30, oid("1.2.840.113549.1.1.4"), b"\x05\x00"), hashes.MD5()),  # noqa: S303
    "ed25519": (tlv(0x30, oid("1.3.101.112")), None),
}


def make(
    subject: str | bytes | None,
    by: Made | None = None,
    *,
    key: Key | None = None,
    issuer: bytes | None = None,
    ca: bool | None = None,
    path_length: int | None = None,
    key_usage: int | None = None,
    start: datetime = START,
    end: datetime = END,
    serial: int | None = None,
    version: int = 3,
    with_subject_key: bool = True,
    with_authority_key: bool = True,
    authority_key: bytes | None = None,
    more: Sequence[Extension] = (),
    signed_with: str | None = None,
    outer_algorithm: str | None = None,
    spoilt: bool = False,
) -> Made:
    """A certificate, signed by `by`, else by its own key.

    `issuer`, `authority_key` replace what follows from `by`; `spoilt` breaks the signature; `outer_algorithm` contradicts
    the algorithm inside.
    """
    own = key if key is not None else new_key()
    signer = own if by is None else by.key
    subject_name = subject if isinstance(subject, bytes) else name(subject)
    issuer_name = issuer if issuer is not None else subject_name if by is None else by.subject
    public = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key_id = hashlib.sha1(public).digest() if with_subject_key else None  # noqa: S324  RFC 5280 section 4.2.1.2 has it so
    extensions: list[Extension] = []
    if ca is not None:
        inner = (b"\x01\x01\xff" if ca else b"") + (b"" if path_length is None else integer(path_length))
        extensions.append(("2.5.29.19", True, tlv(0x30, inner)))
    if key_usage is not None:
        extensions.append(("2.5.29.15", True, tlv(0x03, b"\x00", bytes([key_usage]))))
    if key_id is not None:
        extensions.append(("2.5.29.14", False, tlv(0x04, key_id)))
    if authority_key is not None:
        extensions.append(("2.5.29.35", False, authority_key))
    elif by is not None and by.key_id is not None and with_authority_key:
        extensions.append(("2.5.29.35", False, tlv(0x30, tlv(0x80, by.key_id))))
    extensions += more
    default = (
        "rsa-sha256"
        if isinstance(signer, rsa.RSAPrivateKey)
        else "ed25519"
        if isinstance(signer, ed25519.Ed25519PrivateKey)
        else "ecdsa-sha256"
    )
    algorithm, digest = _ALGORITHMS[signed_with or default]
    number = next(_SERIALS) if serial is None else serial
    encoded = [
        tlv(0x30, oid(o), b"\x01\x01\xff" if critical else b"", tlv(0x04, value)) for o, critical, value in extensions
    ]
    signed = tlv(
        0x30,
        tlv(0xA0, integer(version - 1)) if version > 1 else b"",
        integer(number),
        algorithm,
        issuer_name,
        tlv(0x30, _time(start), _time(end)),
        subject_name,
        public,
        tlv(0xA3, tlv(0x30, *encoded)) if version == 3 and encoded else b"",
    )
    signature = bytearray(_sign(signer, digest, signed))
    if spoilt:
        signature[-1] ^= 1
    outer = _ALGORITHMS[outer_algorithm][0] if outer_algorithm else algorithm
    der = tlv(0x30, signed, outer, tlv(0x03, b"\x00", bytes(signature)))
    return Made(der=der, key=own, subject=subject_name, key_id=key_id, serial=number, issuer=issuer_name)


def root(common_name: str = "Contoso Root", **changes: Any) -> Made:
    """A private root."""
    return make(**{"subject": common_name, "ca": True, "key_usage": CERT_SIGN, **changes})


def intermediate(by: Made, common_name: str = "Contoso Issuing CA", **changes: Any) -> Made:
    """A CA below another."""
    return make(**{"subject": common_name, "by": by, "ca": True, "key_usage": CERT_SIGN, **changes})


def leaf(by: Made | None, common_name: str = HOST, *, host: str | None = HOST, **changes: Any) -> Made:
    """A server's certificate; `host` None: without a subject alternative name."""
    more = (usages(SERVER_AUTH), *((names(dns(host)),) if host else ()))
    return make(**{"subject": common_name, "by": by, "key_usage": DIGITAL_SIGNATURE, "more": more, **changes})


def _sign(key: Key, digest: hashes.HashAlgorithm | None, signed: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey) or digest is None:
        return key.sign(signed)  # type: ignore[call-arg]
    return (
        key.sign(signed, padding.PKCS1v15(), digest)
        if isinstance(key, rsa.RSAPrivateKey)
        else key.sign(signed, ec.ECDSA(digest))
    )


def _time(moment: datetime) -> bytes:
    if moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())
