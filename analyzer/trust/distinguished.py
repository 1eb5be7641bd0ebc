"""A distinguished name's DER in, what it is compared by and what it reads as out (RFC 5280 section 7.1, RFC 4514)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.trust import der
from analyzer.trust.der import Malformed

COMMON_NAME = "2.5.4.3"
EMAIL_ADDRESS = "1.2.840.113549.1.9.1"  # PKCS #9, RFC 2985 section 5.2.1

_SHORT = {
    COMMON_NAME: "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
"""RFC 4514 section 3."""

_ENCODINGS = {
    0x0C: "utf-8",  # UTF8String
    0x13: "latin-1",  # PrintableString
    0x14: "latin-1",  # TeletexString, which OpenSSL reads as Latin-1
    0x16: "latin-1",  # IA5String
    0x1A: "latin-1",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
"""Tags of the string types that are compared as text; others are compared as they stand (OpenSSL's `asn1_string_canon`)."""

_ALLOWED = frozenset((*_ENCODINGS, 0x03, 0x07, 0x08, 0x09, 0x0B, 0x0D, 0x0E, 0x0F, 0x12, 0x1D, 0x30)) - {0x1A}
"""Tags that OpenSSL reads as an attribute's value (`B_ASN1_PRINTABLE`): no VisibleString, though it is text."""

_ESCAPED = re.compile(r'[\x00-\x1f\x7f]|[\\"+,;<>]')
_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a relative distinguished name."""

    oid: str
    tag: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A distinguished name, most general part first."""

    raw: bytes
    rdns: tuple[tuple[Attribute, ...], ...]
    canonical: tuple[bytes, ...]  # one entry a relative distinguished name: equal names have equal ones

    def __str__(self) -> str:
        """RFC 4514: most specific part first; characters that steer a terminal are escaped too."""
        return ",".join("+".join(_written(a) for a in rdn) for rdn in reversed(self.rdns))

    def values(self, oid: str) -> tuple[Attribute, ...]:
        """The attributes of this type, in order."""
        return tuple(a for rdn in self.rdns for a in rdn if a.oid == oid)


def name_of(element: der.Element) -> Name:
    """Decode a Name; Malformed where it is none, or where its text is not in the encoding it claims."""
    rdns, canonical = [], []
    for rdn in der.expect(element, der.SEQUENCE).children():
        attributes, keys = [], []
        for pair in der.expect(rdn, der.SET).children():
            attribute, key = _attribute(pair)
            attributes.append(attribute)
            keys.append(key)
        rdns.append(tuple(attributes))
        canonical.append(b"\x00".join(sorted(keys)))
    return Name(raw=element.raw, rdns=tuple(rdns), canonical=tuple(canonical))


def _attribute(pair: der.Element) -> tuple[Attribute, bytes]:
    """One attribute, and what it is compared by: text without outer or doubled spaces, ASCII letters in lower case."""
    parts = der.expect(pair, der.SEQUENCE).children()
    if len(parts) != 2:
        raise Malformed("an attribute is a type and a value")
    oid = der.oid(der.expect(parts[0], der.OID).content)
    value = parts[1]
    if value.tag not in _ALLOWED:
        raise Malformed(f"tag {value.tag:#04x} is no kind of text")
    encoding = _ENCODINGS.get(value.tag)
    if encoding is None:
        return Attribute(oid=oid, tag=value.tag, text="#" + value.raw.hex()), oid.encode() + value.raw
    try:
        text = value.content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Malformed("text that is not in the encoding it claims") from error
    key = b" ".join(text.encode().split()).translate(_LOWER)
    return Attribute(oid=oid, tag=value.tag, text=text), b"%b=%d:%b" % (oid.encode(), len(key), key)


def _written(attribute: Attribute) -> str:
    text = _ESCAPED.sub(lambda m: f"\\{m[0]}" if m[0].isprintable() else f"\\{ord(m[0]):02X}", attribute.text)
    if text.startswith((" ", "#")) and attribute.tag in _ENCODINGS:
        text = "\\" + text
    if attribute.text.endswith(" ") and len(attribute.text) > 1:
        text = text[:-1] + "\\ "
    return f"{_SHORT.get(attribute.oid, attribute.oid)}={text}"
