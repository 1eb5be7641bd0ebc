"""The lab's certificates: a moment in, two private CAs and one chain with its key per fault out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from analyzer.lab.catalogue import CATALOGUE, INTERMEDIATE_EXPIRY, LEAF_EXPIRY, RENEWAL, Fault
from analyzer.lab.weak_keys import short_rsa_key, signed_over_md5

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

ISSUED = datetime(2026, 1, 1, tzinfo=UTC)  # before every failure in the sample logs


WITH_GOOD_CHAIN = (
    Fault.HEALTHY,
    Fault.RECOVERED,
    Fault.SNI_NEEDED,
    Fault.TLS_1_0_AND_1_1_ONLY,
    Fault.TLS_1_3_ONLY,
    Fault.CLIENT_CERTIFICATE_TLS_1_3,
    Fault.CCM_ONLY,
    Fault.P_521_ONLY,
    Fault.CLIENT_CERTIFICATE,
    Fault.NAME_REFUSED,
    Fault.OWN_HOST,
    Fault.PORTS_EXHAUSTED,
    Fault.CUT_WHEN_IDLE,
    Fault.BODY_BREAKS_OFF,
)
UNDER_ROOT_B = (Fault.UNTRUSTED_ROOT, Fault.UNTRUSTED_ROOT_SECOND, Fault.CLIENT_CERTIFICATE_ASKED)


class Period(NamedTuple):
    """When a certificate is valid."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a server presents: its key and the certificates it sends, leaf first."""

    key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def pem(self) -> bytes:
        """Key and chain as `ssl.SSLContext.load_cert_chain` reads them from one file."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certification authority that can issue others and leafs."""

    key: PrivateKey
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()  # the issuing CAs over it that a server sends along; never the root

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def sent(self) -> tuple[x509.Certificate, ...]:
        """What a server with a leaf of this authority sends after the leaf."""
        return (self.certificate, *self.above)

    def authority(
        self,
        name: str,
        period: Period,
        *,
        path_length: int | None = 0,
        permitted: str | None = None,
        key: PrivateKey | None = None,
    ) -> Authority:
        """A CA below this one; `permitted` is the DNS name to which it is constrained (RFC 5280 section 4.2.1.10)."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = _ca(name, period, key, path_length)
        if permitted:
            constraint = x509.NameConstraints(permitted_subtrees=[x509.DNSName(permitted)], excluded_subtrees=None)
            builder = builder.add_extension(constraint, critical=True)
        is_root = self.certificate.subject == self.certificate.issuer
        return Authority(key=key, certificate=self._sign(builder), above=() if is_root else self.sent)

    def identity(
        self,
        host: str,
        period: Period,
        *,
        key: PrivateKey | None = None,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        in_san: bool = True,
    ) -> Identity:
        """A leaf for `host` and the chain of this authority; `in_san` False: the name is in the common name only."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        leaf = self._sign(_leaf(host, period, key, usage, in_san=in_san))
        return Identity(key=key, chain=(leaf, *self.sent))

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.issuer_name(self.certificate.subject).add_extension(issuer, critical=False)
        return builder.sign(self.key, hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    """Every certificate of the lab."""

    root_a: Authority  # given to the gateway
    issuing_a: Authority
    root_b: Authority  # given to nobody
    issuing_b: Authority
    identities: Mapping[Fault, Identity]  # a fault that is absent speaks no TLS
    default: Identity  # what SNI_NEEDED presents to a client without SNI


def make_pki(now: datetime) -> Pki:
    """Fresh keys and certificates, valid from 2026-01-01 to a year after `now` unless that is the fault."""
    usual = Period(ISSUED, now + timedelta(days=365))
    root_a = root("Contoso Root A", usual)
    root_b = root("Contoso Root B", usual)
    issuing_a = root_a.authority("Contoso Issuing CA A", usual)
    issuing_b = root_b.authority("Contoso Issuing CA B", usual)
    expired_a = root_a.authority("Contoso Issuing CA A (2025)", Period(ISSUED, INTERMEDIATE_EXPIRY))
    old_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    old_a = root_a.authority("Contoso Issuing CA A (2009)", usual, key=old_key)
    team = issuing_a.authority("Contoso Logistics CA", usual)
    partner = root_a.authority("Fabrikam Partner CA", usual, permitted="fabrikam.example")
    host = {fault: specimen.host for fault, specimen in CATALOGUE.items()}
    museum = old_a.identity(host[Fault.MD5_SIGNATURE], usual)
    incomplete = issuing_a.identity(host[Fault.INCOMPLETE_CHAIN], usual)
    root_sent = issuing_b.identity(host[Fault.UNTRUSTED_ROOT_SENT], usual)
    short_key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the fault
    long_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    spring = Period(now + timedelta(days=30), now + timedelta(days=365))
    last_summer = Period(ISSUED, datetime(2026, 9, 1, tzinfo=UTC))

    identities = {fault: issuing_a.identity(host[fault], usual) for fault in WITH_GOOD_CHAIN}
    identities |= {fault: issuing_b.identity(host[fault], usual) for fault in UNDER_ROOT_B}
    identities |= {
        Fault.NAME_ONLY_IN_CN: issuing_a.identity(host[Fault.NAME_ONLY_IN_CN], usual, in_san=False),
        Fault.RSA_1024: issuing_a.identity(host[Fault.RSA_1024], usual, key=short_key),
        Fault.DHE_ONLY: issuing_a.identity(host[Fault.DHE_ONLY], usual, key=long_key),
        Fault.NAME_MISMATCH: issuing_a.identity("orders.internal.contoso.example", usual),
        Fault.UNTRUSTED_ROOT_SENT: Identity(key=root_sent.key, chain=(*root_sent.chain, root_b.certificate)),
        Fault.SELF_SIGNED: self_signed(host[Fault.SELF_SIGNED], usual),
        Fault.INCOMPLETE_CHAIN: Identity(key=incomplete.key, chain=incomplete.chain[:1]),
        Fault.EXPIRED_LEAF: issuing_a.identity(host[Fault.EXPIRED_LEAF], Period(ISSUED, LEAF_EXPIRY)),
        Fault.EXPIRED_INTERMEDIATE: expired_a.identity(host[Fault.EXPIRED_INTERMEDIATE], usual),
        Fault.RENEWED: issuing_a.identity(host[Fault.RENEWED], Period(RENEWAL, usual.end)),
        Fault.MD5_SIGNATURE: Identity(
            key=museum.key, chain=(signed_over_md5(museum.chain[0], old_key), *museum.chain[1:])
        ),
        Fault.RSA_768: issuing_a.identity(host[Fault.RSA_768], usual, key=short_rsa_key(768)),
        Fault.NOT_YET_VALID: issuing_a.identity(host[Fault.NOT_YET_VALID], spring),
        Fault.WRONG_USAGE: issuing_a.identity(host[Fault.WRONG_USAGE], usual, usage=ExtendedKeyUsageOID.CLIENT_AUTH),
        Fault.PATH_LENGTH: team.identity(host[Fault.PATH_LENGTH], usual),
        Fault.NAME_CONSTRAINT: partner.identity(host[Fault.NAME_CONSTRAINT], usual),
        Fault.THREE_AT_ONCE: issuing_b.identity("erp.fabrikam.example", last_summer),
    }
    return Pki(
        root_a=root_a,
        issuing_a=issuing_a,
        root_b=root_b,
        issuing_b=issuing_b,
        identities=identities,
        default=self_signed("ingress.local", usual),
    )


def root(name: str, period: Period) -> Authority:
    """A self-signed CA with a fresh key."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _ca(name, period, key, None)
    return Authority(key=key, certificate=builder.issuer_name(_name(name)).sign(key, hashes.SHA256()))


def self_signed(host: str, period: Period) -> Identity:
    """A leaf that signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _leaf(host, period, key, ExtendedKeyUsageOID.SERVER_AUTH).issuer_name(_name(host))
    return Identity(key=key, chain=(builder.sign(key, hashes.SHA256()),))


def _ca(name: str, period: Period, key: PrivateKey, path_length: int | None) -> x509.CertificateBuilder:
    builder = _certificate(name, period, key, ("key_cert_sign", "crl_sign"))
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)


def _leaf(
    host: str, period: Period, key: PrivateKey, usage: x509.ObjectIdentifier, *, in_san: bool = True
) -> x509.CertificateBuilder:
    usages = ("digital_signature", "key_encipherment") if isinstance(key, rsa.RSAPrivateKey) else ("digital_signature",)
    builder = (
        _certificate(host, period, key, usages)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    if in_san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder


def _certificate(name: str, period: Period, key: PrivateKey, usages: Sequence[str]) -> x509.CertificateBuilder:
    """All that CAs and leafs have in common; the issuer's name is the signer's to add."""
    allowed = dict.fromkeys(KEY_USAGES, False) | dict.fromkeys(usages, True)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(period.start)
        .not_valid_after(period.end)
        .add_extension(x509.KeyUsage(**allowed), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso Lab"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
