"""A host in, a certificate for it as a well-run CA would issue it out, made on the spot: what a backend could present instead of its own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from analyzer.trust.names import to_ascii

_SPAN = timedelta(days=30)
_EARLIEST, _LATEST = 1951, 9999  # what a UTCTime or a GeneralizedTime can say, with the span around it


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrogate:
    """A leaf and the root that it stands directly below, as DER."""

    leaf: bytes
    root: bytes


@lru_cache(maxsize=256)
def surrogate(host: str, at: datetime) -> Surrogate | None:
    """A certificate for `host`, valid at `at`, of a CA made for it; None where no CA could write host or dates into one.

    Its key is an EC key on P-256. The dot of the root is no part of a name in a certificate (RFC 5280 section 4.2.1.6).
    """
    name = _general_name(host)
    if name is None or not _EARLIEST <= at.year < _LATEST:
        return None
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    above = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A CA that the gateway trusts")])
    root = _builder(above, above, root_key, at).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    leaf = (
        _builder(x509.Name([]), above, leaf_key, at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
    )
    made = (one.sign(root_key, hashes.SHA256()).public_bytes(Encoding.DER) for one in (leaf, root))
    return Surrogate(leaf=next(made), root=next(made))


def _general_name(host: str) -> x509.GeneralName | None:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        wire = to_ascii(host.removesuffix("."))
        return x509.DNSName(wire) if wire else None


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _SPAN)
        .not_valid_after(at + _SPAN)
    )
