"""Certificates for tests: a CA, an intermediate, a leaf, each right unless a fault is asked for by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey
SERVER_AUTH, CLIENT_AUTH = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate, its key, and the certificates that a server sends after it."""

    certificate: x509.Certificate
    key: PrivateKey
    above: tuple[Issued, ...] = ()  # issuers up to, and without, the root

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER as a well-run server sends it: leaf first, without the root."""
        return (self.der, *(issuer.der for issuer in self.above))

    def write(self, folder: Path, *, chain: Sequence[Issued] | None = None) -> Path:
        """One PEM file of key and chain, as every TLS server reads it; `chain` replaces what is sent after the leaf."""
        path = folder / f"{self.certificate.serial_number:x}.pem"
        after = self.above if chain is None else chain
        path.write_bytes(self.key_pem + self.pem + b"".join(issuer.pem for issuer in after))
        return path


@cache
def key(kind: str, owner: str) -> PrivateKey:
    """The owner's key of one kind ("p256", "rsa2048", "ed25519", "dsa2048"), made once."""
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind.startswith("dsa"):
        return dsa.generate_private_key(int(kind.removeprefix("dsa")))
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def ca(
    name: str = "Test Root",
    *,
    kind: str = "p256",
    not_before: datetime = NOW - DAY,
    not_after: datetime = NOW + 365 * DAY,
) -> Issued:
    """A self-signed root."""
    own = key(kind, name)
    builder = _builder(_subject(name), _subject(name), own, not_before, not_after)
    return Issued(certificate=_sign_ca(builder, own, None), key=own)


def intermediate(
    name: str,
    issuer: Issued,
    *,
    kind: str = "p256",
    path_length: int | None = None,
    aia: Sequence[str] = (),
    not_before: datetime = NOW - DAY,
    not_after: datetime = NOW + 300 * DAY,
) -> Issued:
    """A CA below another."""
    own = key(kind, name)
    builder = _builder(_subject(name), issuer.certificate.subject, own, not_before, not_after)
    builder = _with_issuers(builder, aia)
    certificate = _sign_ca(builder, issuer.key, path_length)
    is_root = issuer.certificate.subject == issuer.certificate.issuer
    return Issued(certificate=certificate, key=own, above=() if is_root else (issuer, *issuer.above))


def leaf(
    host: str,
    issuer: Issued | None,
    *,
    kind: str = "p256",
    names: Sequence[str] | None = None,
    common_name: str | None = None,
    usages: Sequence[x509.ObjectIdentifier] = (SERVER_AUTH,),
    aia: Sequence[str] = (),
    policies: Sequence[str] = (),
    not_before: datetime = NOW - DAY,
    not_after: datetime = NOW + 90 * DAY,
) -> Issued:
    """A server's certificate for `host`; `issuer` None: self-signed. `names`: the SAN instead of `host` (empty: no SAN)."""
    own = key(kind, host)
    subject = _subject(host if common_name is None else common_name)
    builder = _builder(subject, issuer.certificate.subject if issuer else subject, own, not_before, not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    sans = [_general_name(name) for name in ([host] if names is None else names)]
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if aia:
        places = [
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))
            for url in aia
        ]
        builder = builder.add_extension(x509.AuthorityInformationAccess(places), critical=False)
    if policies:
        listed = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None) for policy in policies]
        builder = builder.add_extension(x509.CertificatePolicies(listed), critical=False)
    certificate = _sign(builder, issuer.key if issuer else own)
    is_root = issuer is None or issuer.certificate.subject == issuer.certificate.issuer
    return Issued(certificate=certificate, key=own, above=() if issuer is None or is_root else (issuer, *issuer.above))


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, own: PrivateKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def _with_issuers(builder: x509.CertificateBuilder, urls: Sequence[str]) -> x509.CertificateBuilder:
    """Says where the issuer's certificate is to be had, where there is anything to say."""
    if not urls:
        return builder
    method = AuthorityInformationAccessOID.CA_ISSUERS
    places = [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for url in urls]
    return builder.add_extension(x509.AuthorityInformationAccess(places), critical=False)


def _sign_ca(builder: x509.CertificateBuilder, by: PrivateKey, path_length: int | None) -> x509.Certificate:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return _sign(builder.add_extension(usage, critical=True), by)


def _sign(builder: x509.CertificateBuilder, by: PrivateKey) -> x509.Certificate:
    return builder.sign(by, None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256())
