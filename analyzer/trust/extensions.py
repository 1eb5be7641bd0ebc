"""The value of one certificate extension in, what it says out (RFC 5280 section 4.2); Malformed where OpenSSL would not read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from analyzer.trust import der
from analyzer.trust.der import Element, Malformed
from analyzer.trust.distinguished import Name, name_of

AUTHORITY_INFORMATION = "1.3.6.1.5.5.7.1.1"
AUTHORITY_KEY = "2.5.29.35"
BASIC_CONSTRAINTS = "2.5.29.19"
CRL_POINTS = "2.5.29.31"
EXTENDED_KEY_USAGE = "2.5.29.37"
KEY_USAGE = "2.5.29.15"
NAME_CONSTRAINTS = "2.5.29.30"
NETSCAPE_TYPE = "2.16.840.1.113730.1.1"
POLICIES = "2.5.29.32"
INHIBIT_ANY_POLICY = "2.5.29.54"
POLICY_MAPPINGS = "2.5.29.33"
POLICY_CONSTRAINTS = "2.5.29.36"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
SUBJECT_KEY = "2.5.29.14"

CERT_SIGN = 0x04  # keyUsage bit 5, counted from the top of the first octet (RFC 5280 section 4.2.1.3)


class Kind(Enum):
    """The kinds of GeneralName, by their identifier octet (RFC 5280 section 4.2.1.6)."""

    OTHER = 0xA0
    EMAIL = 0x81
    DNS = 0x82
    X400 = 0xA3
    DIRECTORY = 0xA4
    EDI = 0xA5
    URI = 0x86
    IP = 0x87
    REGISTERED = 0x88


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralName:
    """One GeneralName: octets as they stand, or a distinguished name."""

    kind: Kind
    value: bytes  # of an otherName: the whole content, its type first
    name: Name | None = None  # None: not a directory name


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityKey:
    """What a certificate says of its issuer's certificate."""

    key: bytes | None  # None: no key identifier
    issuer: Name | None  # the issuer's own issuer; None: not said, or not as a directory name
    serial: int | None  # None: not said


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtree:
    """One name constraint."""

    base: GeneralName
    bounded: bool  # minimum is not 0, or a maximum is there: RFC 5280 allows neither


@dataclass(frozen=True, slots=True, kw_only=True)
class NameConstraints:
    """Which names a CA may certify."""

    permitted: tuple[Subtree, ...]
    excluded: tuple[Subtree, ...]


def basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """Whether it is a CA, and how many CAs may stand below it (None: any number)."""
    parts = list(der.sequence(value))
    ca = der.boolean(parts.pop(0).content) if parts and parts[0].tag == der.BOOLEAN else False
    length = der.integer(parts.pop(0).content) if parts and parts[0].tag == der.INTEGER else None
    if parts or (length is not None and length < 0):
        raise Malformed("basic constraints with a negative path length or more than two parts")
    return ca, length


def key_usage(value: bytes) -> int:
    """The bits of the first octet, digitalSignature on top; Malformed where no bit at all is set."""
    octets = der.bits(der.expect(der.element(value), der.BIT_STRING).content)
    if not any(octets[:2]):
        raise Malformed("a key usage without any usage")
    return octets[0]


def object_identifiers(value: bytes) -> tuple[str, ...]:
    """A sequence of OBJECT IDENTIFIERs: extended key usages."""
    return tuple(der.oid(der.expect(part, der.OID).content) for part in der.sequence(value))


def policies(value: bytes) -> tuple[str, ...]:
    """The policies of certificatePolicies, or of Microsoft's application policies, which have the same shape."""
    found = []
    for part in der.sequence(value):
        parts = der.expect(part, der.SEQUENCE).children()
        if not 1 <= len(parts) <= 2:
            raise Malformed("a policy is an identifier and perhaps its qualifiers")
        found.append(der.oid(der.expect(parts[0], der.OID).content))
    return tuple(found)


def policy_mappings(value: bytes) -> None:
    """Check that every mapping is of one policy to another (RFC 5280 section 4.2.1.5)."""
    for part in der.sequence(value):
        pair = der.expect(part, der.SEQUENCE).children()
        if len(pair) != 2:
            raise Malformed("a policy mapping is two policies")
        for one in pair:
            der.oid(der.expect(one, der.OID).content)


def inhibit_any(value: bytes) -> None:
    """Check that it is a number (RFC 5280 section 4.2.1.14)."""
    der.integer(der.expect(der.element(value), der.INTEGER).content)


def explicit_policy(value: bytes) -> int | None:
    """requireExplicitPolicy of policyConstraints: after how many certificates; None: not said."""
    required = None
    for part in der.sequence(value):
        if der.expect(part, 0x80, 0x81).tag == 0x80:
            required = der.integer(part.content)
    return required


def subject_key(value: bytes) -> bytes:
    """The subject key identifier."""
    return der.expect(der.element(value), der.OCTET_STRING).content


def authority_key(value: bytes) -> AuthorityKey:
    """The authority key identifier: of issuer names only the first directory name counts, as for OpenSSL."""
    key = issuer = serial = None
    for part in der.sequence(value):
        if part.tag == 0x80:
            key = part.content
        elif part.tag == 0xA1:
            names = tuple(general_name(child) for child in part.children())
            issuer = next((n.name for n in names if n.kind is Kind.DIRECTORY), None)
        elif part.tag == 0x82:
            serial = der.integer(part.content)
        else:
            raise Malformed("an unknown part of an authority key identifier")
    return AuthorityKey(key=key, issuer=issuer, serial=serial)


def general_names(value: bytes) -> tuple[GeneralName, ...]:
    """The names of a subject alternative name."""
    return tuple(general_name(part) for part in der.sequence(value))


def general_name(part: Element) -> GeneralName:
    """One GeneralName."""
    try:
        kind = Kind(part.tag)
    except ValueError as error:
        raise Malformed(f"tag {part.tag:#04x} is no kind of name") from error
    if kind is Kind.DIRECTORY:
        return GeneralName(kind=kind, value=part.content, name=name_of(der.element(part.content)))
    if kind is Kind.OTHER:
        parts = part.children()
        if len(parts) != 2 or parts[1].tag != 0xA0:
            raise Malformed("an otherName is a type and a value")
        der.oid(der.expect(parts[0], der.OID).content)
    return GeneralName(kind=kind, value=part.content)


def name_constraints(value: bytes) -> NameConstraints:
    """Permitted and excluded subtrees; either may be empty."""
    trees: dict[int, tuple[Subtree, ...]] = {}
    for part in der.sequence(value):
        trees[der.expect(part, 0xA0, 0xA1).tag] = tuple(_subtree(child) for child in part.children())
    return NameConstraints(permitted=trees.get(0xA0, ()), excluded=trees.get(0xA1, ()))


def _subtree(part: Element) -> Subtree:
    parts = der.expect(part, der.SEQUENCE).children()
    if not parts:
        raise Malformed("a name constraint without a name")
    bounded = False
    for bound in parts[1:]:
        number = der.integer(der.expect(bound, 0x80, 0x81).content)
        bounded = bounded or bound.tag == 0x81 or number != 0
    return Subtree(base=general_name(parts[0]), bounded=bounded)


def crl_points(value: bytes) -> None:
    """Check that every distribution point says where or by whom (OpenSSL's `setup_dp`)."""
    for point in der.sequence(value):
        tags = {part.tag for part in der.expect(point, der.SEQUENCE).children()}
        if not tags & {0xA0, 0xA2}:
            raise Malformed("a distribution point that says neither where nor by whom")


def netscape_type(value: bytes) -> int:
    """The first octet of Netscape's certificate type."""
    return (der.bits(der.expect(der.element(value), der.BIT_STRING).content) or b"\x00")[0]


def addresses(value: bytes, method: str) -> tuple[str, ...]:
    """The URIs of an authority information access with this method, as written."""
    found = []
    for part in der.sequence(value):
        parts = der.expect(part, der.SEQUENCE).children()
        if len(parts) == 2 and der.oid(parts[0].content) == method and parts[1].tag == Kind.URI.value:
            found.append(parts[1].content.decode("ascii", "backslashreplace"))
    return tuple(found)
