"""A signature algorithm's DER, a public key and signed bytes in; whether that key made the signature out (RFC 8017, 5480, 8410)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from analyzer.trust import der
from analyzer.trust.der import Element, Malformed

EC_KEY = "1.2.840.10045.2.1"
RSA_KEY = "1.2.840.113549.1.1.1"
PSS = "1.2.840.113549.1.1.10"

KEY_KINDS = {
    RSA_KEY: "RSA",
    PSS: "RSA-PSS",
    EC_KEY: "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
"""Algorithm of a SubjectPublicKeyInfo → kind of key; those that OpenSSL 3.0 can decode."""

_OTHER_CURVES = frozenset(
    (
        *(f"1.2.840.10045.3.1.{n}" for n in range(1, 8)),  # prime192v1 to prime256v1, ANSI X9.62
        *(
            f"1.2.840.10045.3.0.{n}" for n in (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 16, 17, 18, 19, 20)
        ),  # likewise, binary
        *(f"1.3.132.0.{n}" for n in (*range(1, 11), *range(15, 18), *range(22, 40))),  # SEC 2
        *(f"2.23.43.1.4.{n}" for n in (1, *range(3, 13))),  # WAP
        *(f"1.3.36.3.3.2.8.1.1.{n}" for n in range(1, 15)),  # RFC 5639
        "1.2.156.10197.1.301",  # SM2
    )
)
"""Curves that OpenSSL 3.0 has built in (crypto/ec/ec_curve.c); `cryptography` knows fewer."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.2.5": hashes.MD5(),  # noqa: S303  a gateway on OpenSSL accepts it: what it accepts is the question
    "1.3.14.3.2.26": hashes.SHA1(),  # noqa: S303
    "2.16.840.1.101.3.4.2.4": hashes.SHA224(),
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_MD5, _SHA1, _SHA224, _SHA256, _SHA384, _SHA512 = _HASHES.values()


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """How a certificate was signed."""

    name: str  # as OpenSSL writes it
    keys: frozenset[str]  # kinds of key that can have made it
    hash: hashes.HashAlgorithm | None = None  # None: the key's kind fixes it
    pss: padding.PSS | None = None  # None: not RSASSA-PSS


def _rsa(name: str, digest: hashes.HashAlgorithm) -> Algorithm:
    return Algorithm(name=name, keys=frozenset({"RSA"}), hash=digest)


def _ec(name: str, digest: hashes.HashAlgorithm) -> Algorithm:
    return Algorithm(name=name, keys=frozenset({"EC"}), hash=digest)


def _dsa(name: str, digest: hashes.HashAlgorithm) -> Algorithm:
    return Algorithm(name=name, keys=frozenset({"DSA"}), hash=digest)


_ALGORITHMS = {
    "1.2.840.113549.1.1.4": _rsa("md5WithRSAEncryption", _MD5),
    "1.2.840.113549.1.1.5": _rsa("sha1WithRSAEncryption", _SHA1),
    "1.3.14.3.2.29": _rsa("sha1WithRSA", _SHA1),
    "1.2.840.113549.1.1.14": _rsa("sha224WithRSAEncryption", _SHA224),
    "1.2.840.113549.1.1.11": _rsa("sha256WithRSAEncryption", _SHA256),
    "1.2.840.113549.1.1.12": _rsa("sha384WithRSAEncryption", _SHA384),
    "1.2.840.113549.1.1.13": _rsa("sha512WithRSAEncryption", _SHA512),
    "1.2.840.10045.4.1": _ec("ecdsa-with-SHA1", _SHA1),
    "1.2.840.10045.4.3.1": _ec("ecdsa-with-SHA224", _SHA224),
    "1.2.840.10045.4.3.2": _ec("ecdsa-with-SHA256", _SHA256),
    "1.2.840.10045.4.3.3": _ec("ecdsa-with-SHA384", _SHA384),
    "1.2.840.10045.4.3.4": _ec("ecdsa-with-SHA512", _SHA512),
    "1.2.840.10040.4.3": _dsa("dsaWithSHA1", _SHA1),
    "2.16.840.1.101.3.4.3.1": _dsa("dsa_with_SHA224", _SHA224),
    "2.16.840.1.101.3.4.3.2": _dsa("dsa_with_SHA256", _SHA256),
    "1.3.101.112": Algorithm(name="ED25519", keys=frozenset({"Ed25519"})),
    "1.3.101.113": Algorithm(name="ED448", keys=frozenset({"Ed448"})),
}


def algorithm(identifier: Element) -> Algorithm | None:
    """The algorithm of an AlgorithmIdentifier; None where it is not known (RFC 5280 section 4.1.1.2)."""
    parts = der.expect(identifier, der.SEQUENCE).children()
    if not 1 <= len(parts) <= 2:
        raise Malformed("an algorithm is an identifier and perhaps its parameters")
    oid = der.oid(der.expect(parts[0], der.OID).content)
    der.checked(parts[-1])
    if oid != PSS:
        return _ALGORITHMS.get(oid)
    return _pss(parts[1].content) if len(parts) == 2 else None


def verify(public_key: bytes, how: Algorithm, signature: bytes, signed: bytes) -> bool:
    """Whether the key (a SubjectPublicKeyInfo) made the signature.

    Where this library cannot do the arithmetic, the signature counts as made: OpenSSL could, and certificates whose
    signature is wrong are rarer than exotic ones.
    """
    try:
        key = _key(public_key)
        if key is None:
            return False
        _check(key, how, signature, signed)
    except InvalidSignature:
        return False
    except UnsupportedAlgorithm:
        return True
    return True


def readable(public_key: bytes) -> bool:
    """Whether OpenSSL can decode the key; one of a kind that only this library does not know counts as readable."""
    try:
        return _key(public_key) is not None
    except UnsupportedAlgorithm:
        return _curve_exists(public_key)


def _check(key: PublicKeyTypes, how: Algorithm, signature: bytes, signed: bytes) -> None:
    """Raise InvalidSignature unless the key made it."""
    if isinstance(key, rsa.RSAPublicKey) and how.hash is not None:
        key.verify(signature, signed, how.pss or padding.PKCS1v15(), how.hash)
    elif isinstance(key, ec.EllipticCurvePublicKey) and how.hash is not None:
        key.verify(signature, signed, ec.ECDSA(how.hash))
    elif isinstance(key, dsa.DSAPublicKey) and how.hash is not None:
        key.verify(signature, signed, how.hash)
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        key.verify(signature, signed)
    else:
        raise InvalidSignature


def describe_key(public_key: bytes) -> str:
    """The key in words: "RSA 2048", "EC secp256r1", "Ed25519"; "unknown" where it cannot be read."""
    try:
        key = _key(public_key)
    except UnsupportedAlgorithm:
        key = None
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    parts = der.sequence(public_key)
    return KEY_KINDS.get(der.oid(parts[0].children()[0].content), "unknown")


def _curve_exists(public_key: bytes) -> bool:
    """Whether a key is on no named curve, or on one that OpenSSL 3.0 has."""
    identifier = der.sequence(public_key)[0].children()
    if der.oid(identifier[0].content) != EC_KEY or len(identifier) < 2 or identifier[1].tag != der.OID:
        return True
    return der.oid(identifier[1].content) in _OTHER_CURVES


@lru_cache(maxsize=4096)
def _key(public_key: bytes) -> PublicKeyTypes | None:
    try:
        return load_der_public_key(public_key)
    except ValueError:
        return None


def _pss(parameters: bytes) -> Algorithm | None:
    """RSASSA-PSS with its parameters (RFC 8017 section A.2.3); None where a hash in them is not known."""
    fields = {part.tag: der.element(part.content) for part in der.Element(der.SEQUENCE, parameters, b"").children()}
    digest = _hash(fields[0xA0]) if 0xA0 in fields else _SHA1
    digest_of_mask: hashes.HashAlgorithm | None = _SHA1
    if 0xA1 in fields:
        parts = der.expect(fields[0xA1], der.SEQUENCE).children()
        digest_of_mask = _hash(parts[1]) if len(parts) == 2 else None
    salt = der.integer(fields[0xA2].content) if 0xA2 in fields else 20
    if digest is None or digest_of_mask is None or salt < 0:
        return None
    pss = padding.PSS(mgf=padding.MGF1(digest_of_mask), salt_length=salt)
    return Algorithm(name="rsassaPss", keys=frozenset({"RSA", "RSA-PSS"}), hash=digest, pss=pss)


def _hash(identifier: Element) -> hashes.HashAlgorithm | None:
    parts = der.expect(identifier, der.SEQUENCE).children()
    return _HASHES.get(der.oid(der.expect(parts[0], der.OID).content)) if parts else None
