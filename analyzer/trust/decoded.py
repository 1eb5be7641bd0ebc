"""A certificate's DER in, the fields that judging needs out, with what OpenSSL makes of them when it first looks (RFC 5280 section 4.1).

Follows `ossl_x509v3_cache_extensions` and `X509_check_akid` (OpenSSL 3.0, crypto/x509/v3_purp.c).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from analyzer.trust import der, signatures
from analyzer.trust import extensions as ext
from analyzer.trust.der import Element, Malformed
from analyzer.trust.distinguished import Name, name_of
from analyzer.trust.signatures import Algorithm

LARGEST = 1 << 20
"""Bytes; .NET refuses certificate messages long before (facts: "excessive message size")."""

UNDERSTOOD = frozenset(
    {
        ext.BASIC_CONSTRAINTS,
        ext.CRL_POINTS,
        ext.EXTENDED_KEY_USAGE,
        ext.KEY_USAGE,
        ext.NAME_CONSTRAINTS,
        ext.NETSCAPE_TYPE,
        ext.POLICIES,
        ext.POLICY_CONSTRAINTS,
        ext.SUBJECT_ALTERNATIVE_NAME,
        "1.3.6.1.5.5.7.1.14",  # proxy certificate information, RFC 3820
        ext.POLICY_MAPPINGS,
        ext.INHIBIT_ANY_POLICY,
        "1.3.6.1.5.5.7.1.7",  # IP address delegation, RFC 3779
        "1.3.6.1.5.5.7.1.8",  # AS number delegation, RFC 3779
        "1.3.6.1.5.5.7.48.1.5",  # OCSP no check, RFC 6960 section 4.2.2.2.1
    }
)
"""Extensions that OpenSSL 3.0 accepts as critical (`X509_supported_extension`); key identifiers are not among them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One extension as it stands."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """One certificate, decoded."""

    der: bytes
    signed: bytes  # the part that the signature covers
    version: int  # 1 to 3
    serial: int
    algorithm: Algorithm | None  # how it was signed; None: unknown
    contradicted: bool  # inside and outside the signed part the algorithm differs
    signature: bytes
    issuer: Name
    subject: Name
    not_before: datetime | None  # None: not written as RFC 5280 has it, which OpenSSL takes for an error
    not_after: datetime | None  # likewise
    public_key: bytes  # SubjectPublicKeyInfo
    key_kind: str | None  # as `signatures` names it; None: of a kind that OpenSSL 3.0 does not know
    explicit_curve: bool  # its curve is spelled out instead of named
    extensions: tuple[Extension, ...]
    malformed: bool  # an extension that OpenSSL always reads is unreadable or there twice
    unsupported_critical: bool
    ca: bool | None  # None: no basic constraints
    path_length: int | None  # None: no limit
    key_usage: int | None  # bits of the first octet; None: any usage
    netscape: int | None  # first octet of the Netscape type; None: absent
    subject_key: bytes | None
    authority_key: ext.AuthorityKey | None
    names: tuple[ext.GeneralName, ...] | None  # subject alternative names; None: absent or unreadable
    constraints: ext.NameConstraints | None

    @property
    def self_issued(self) -> bool:
        """Subject and issuer are one name."""
        return self.subject.canonical == self.issuer.canonical

    @property
    def claims_own_signature(self) -> bool:
        """Names, key identifiers and algorithms say that its own key signed it; the signature is not tried (EXFLAG_SS)."""
        return _fit(self, self)

    @property
    def self_signed(self) -> bool:
        """It says so, and can be read whole: what OpenSSL takes for self-signed (`X509_self_signed`)."""
        return not self.malformed and self.claims_own_signature

    @property
    def has_key(self) -> bool:
        """Its public key is of a known kind and can be decoded."""
        return self.key_kind is not None and signatures.readable(self.public_key)

    @property
    def may_sign(self) -> bool:
        """The key usage, if any, allows signing certificates."""
        return self.key_usage is None or bool(self.key_usage & ext.CERT_SIGN)

    def extension(self, oid: str) -> Extension | None:
        """The first extension of this type."""
        return next((e for e in self.extensions if e.oid == oid), None)

    def valid_at(self, at: datetime) -> bool:
        """Whether `at` lies within its validity: the last second of it already does not (OpenSSL's `X509_cmp_time`)."""
        return self.not_before is not None and self.not_after is not None and self.not_before <= at < self.not_after


def may_have_issued(issuer: Decoded, subject: Decoded) -> bool:
    """Whether names, key identifiers and algorithms allow it; the signature is not tried (`ossl_x509_likely_issued`)."""
    return not issuer.malformed and not subject.malformed and _fit(issuer, subject)


def _fit(issuer: Decoded, subject: Decoded) -> bool:
    if issuer.subject.canonical != subject.issuer.canonical:
        return False
    said = subject.authority_key
    if said is not None:
        if said.key is not None and issuer.subject_key is not None and said.key != issuer.subject_key:
            return False
        if said.serial is not None and said.serial != issuer.serial:
            return False
        if said.issuer is not None and said.issuer.canonical != issuer.issuer.canonical:
            return False
    if subject.algorithm is None or issuer.key_kind not in subject.algorithm.keys:
        return False
    return issuer.has_key


@lru_cache(maxsize=8192)
def signed_by(subject: Decoded, issuer: Decoded) -> bool:
    """Whether `issuer`'s key made the signature on `subject`."""
    if subject.algorithm is None or subject.contradicted:
        return False
    return signatures.verify(issuer.public_key, subject.algorithm, subject.signature, subject.signed)


def issued(issuer: Decoded, subject: Decoded) -> bool:
    """Whether `issuer` issued `subject`: what may be, and its signature."""
    return may_have_issued(issuer, subject) and signed_by(subject, issuer)


@lru_cache(maxsize=8192)
def decode(data: bytes) -> Decoded | None:
    """The certificate; None where OpenSSL could not read it."""
    if len(data) > LARGEST:
        return None
    try:
        return _certificate(data)
    except Malformed:
        return None


def _certificate(data: bytes) -> Decoded:
    outer = der.sequence(data)
    if len(outer) != 3:
        raise Malformed("a certificate has three parts")
    signed, outer_algorithm, signature = outer
    parts = list(der.expect(signed, der.SEQUENCE).children())
    version = _version(parts.pop(0)) if parts and parts[0].tag == 0xA0 else 1
    if len(parts) < 6:
        raise Malformed("a certificate without all its fields")
    serial, inner_algorithm, issuer, validity, subject, public_key = parts[:6]
    dates = der.expect(validity, der.SEQUENCE).children()
    if len(dates) != 2:
        raise Malformed("a validity has a start and an end")
    signatures.algorithm(outer_algorithm)  # that it can be read; what it says does not count
    key_kind, explicit_curve = _key(public_key)
    extensions = _extensions(parts[6:])
    read = _Reader(extensions)
    ca, path_length = read(ext.BASIC_CONSTRAINTS, ext.basic_constraints) or (None, None)
    read(ext.EXTENDED_KEY_USAGE, ext.object_identifiers)
    read(ext.CRL_POINTS, ext.crl_points)
    return Decoded(
        der=data,
        signed=signed.raw,
        version=version,
        serial=der.integer(der.expect(serial, der.INTEGER).content),
        algorithm=signatures.algorithm(inner_algorithm),
        contradicted=inner_algorithm.raw != outer_algorithm.raw,
        signature=_signature(der.expect(signature, der.BIT_STRING).content),
        issuer=name_of(issuer),
        subject=name_of(subject),
        not_before=_time(dates[0]),
        not_after=_time(dates[1]),
        public_key=public_key.raw,
        key_kind=key_kind,
        explicit_curve=explicit_curve,
        extensions=extensions,
        unsupported_critical=any(e.critical and e.oid not in UNDERSTOOD for e in extensions),
        ca=ca,
        path_length=path_length,
        key_usage=read(ext.KEY_USAGE, ext.key_usage),
        netscape=read(ext.NETSCAPE_TYPE, ext.netscape_type),
        subject_key=read(ext.SUBJECT_KEY, ext.subject_key),
        authority_key=read(ext.AUTHORITY_KEY, ext.authority_key),
        names=read(ext.SUBJECT_ALTERNATIVE_NAME, ext.general_names),
        constraints=read(ext.NAME_CONSTRAINTS, ext.name_constraints),
        malformed=read.failed,  # last: the others must have been read
    )


class _Reader:
    """Reads extensions and remembers whether one that is there could not be read, or was there twice."""

    def __init__(self, extensions: tuple[Extension, ...]) -> None:
        self.extensions = extensions
        self.failed = False

    def __call__(self, oid: str, decoder: Callable[[bytes], T]) -> T | None:
        found = [e for e in self.extensions if e.oid == oid]
        if not found:
            return None
        try:
            if len(found) > 1:
                raise Malformed("an extension that is there twice")
            return decoder(der.first(found[0].value).raw)  # OpenSSL does not look at what comes after it
        except Malformed:
            self.failed = True
            return None


def _signature(content: bytes) -> bytes:
    """The signature; none that could hold where it does not end with a whole octet (OpenSSL's `ASN1_item_verify_ctx`)."""
    found = der.bits(content)
    return b"" if content[0] else found


def _version(part: Element) -> int:
    return der.integer(der.expect(der.element(part.content), der.INTEGER).content) + 1


def _key(part: Element) -> tuple[str | None, bool]:
    """The kind of key, and whether its elliptic curve is spelled out (RFC 5480 section 2.1.1 forbids that)."""
    parts = der.expect(part, der.SEQUENCE).children()
    if len(parts) != 2:
        raise Malformed("a public key is an algorithm and its bits")
    identifier = der.expect(parts[0], der.SEQUENCE).children()
    if not 1 <= len(identifier) <= 2:
        raise Malformed("a public key's algorithm is an identifier and perhaps its parameters")
    der.checked(identifier[-1])
    der.bits(der.expect(parts[1], der.BIT_STRING).content)
    oid = der.oid(der.expect(identifier[0], der.OID).content)
    explicit = oid == signatures.EC_KEY and len(identifier) == 2 and identifier[1].tag == der.SEQUENCE
    return signatures.KEY_KINDS.get(oid), explicit


def _extensions(parts: list[Element]) -> tuple[Extension, ...]:
    found: tuple[Extension, ...] = ()
    for part in parts:
        if der.expect(part, 0x81, 0x82, 0xA3).tag == 0xA3:  # before it the two unique identifiers
            found = tuple(_extension(one) for one in der.sequence(part.content))
    return found


def _extension(part: Element) -> Extension:
    parts = der.expect(part, der.SEQUENCE).children()
    if not 2 <= len(parts) <= 3:
        raise Malformed("an extension has two or three parts")
    critical = len(parts) == 3 and der.boolean(der.expect(parts[1], der.BOOLEAN).content)
    value = der.expect(parts[-1], der.OCTET_STRING).content
    return Extension(oid=der.oid(der.expect(parts[0], der.OID).content), critical=critical, value=value)


def _time(part: Element) -> datetime | None:
    """A moment in the one form that RFC 5280 section 4.1.2.5 allows; None where it is in another."""
    text = part.content.decode("latin-1")
    if not (text[:-1].isdecimal() and text.isascii() and text.endswith("Z")):
        der.expect(part, der.UTC_TIME, der.GENERALIZED_TIME)
        return None
    if der.expect(part, der.UTC_TIME, der.GENERALIZED_TIME).tag == der.UTC_TIME:
        text = ("20" if text < "50" else "19") + text
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC) if len(text) == 15 else None
    except ValueError:
        return None
