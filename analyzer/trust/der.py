"""The bytes of an ASN.1 structure in, its elements out: as much of DER as certificates need (ITU-T X.690).

`cryptography` refuses certificates that OpenSSL, and so a gateway, reads: an authority key identifier without its serial
number, empty name constraints, repeated extensions. What the gateway makes of such a certificate is the question here.
Lengths are read as OpenSSL reads them (more octets than needed are let pass); the indefinite form is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
UTF8_STRING = 0x0C
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

LONGEST_OID = 128
"""Octets; arithmetic on a hostile one would take long."""


class Malformed(ValueError):
    """These bytes are not the structure they should be."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its identifier octet, its content, and both with the length as they stood."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> tuple[Element, ...]:
        """The elements inside a constructed one; Malformed where the content is anything else."""
        found = []
        at = 0
        while at < len(self.content):
            element, at = _read(self.content, at)
            found.append(element)
        return tuple(found)


def element(data: bytes) -> Element:
    """The one element that fills `data`; Malformed where bytes are missing or left over."""
    found, end = _read(data, 0)
    if end != len(data):
        raise Malformed(f"{len(data) - end} bytes after the element")
    return found


def first(data: bytes) -> Element:
    """The first element of `data`, whatever follows it."""
    return _read(data, 0)[0]


def checked(data: Element) -> Element:
    """`data` itself, where it is an ANY of which OpenSSL reads the primitive types; Malformed where one of them is not well formed."""
    if data.tag & 0xC0:
        return data
    if data.tag & 0x20 and data.tag & 0x1F in (BOOLEAN, INTEGER, NULL, OID):
        raise Malformed("a primitive type in constructed form")
    if data.tag == OID:
        oid(data.content)
    elif data.tag == INTEGER:
        integer(data.content)
    elif data.tag == BOOLEAN:
        boolean(data.content)
    elif data.tag == BIT_STRING:
        bits(data.content)
    elif data.tag == NULL and data.content:
        raise Malformed("a NULL has no content")
    return data


def expect(data: Element, *tags: int) -> Element:
    """`data` itself; Malformed where its tag is none of `tags`."""
    if data.tag not in tags:
        raise Malformed(f"tag {data.tag:#04x} instead of {' or '.join(f'{t:#04x}' for t in tags)}")
    return data


def sequence(data: bytes) -> tuple[Element, ...]:
    """The elements of the SEQUENCE that fills `data`."""
    return expect(element(data), SEQUENCE).children()


def boolean(content: bytes) -> bool:
    """A BOOLEAN's value (any octet but zero is true, as OpenSSL has it)."""
    if len(content) != 1:
        raise Malformed("a BOOLEAN has one octet")
    return content != b"\x00"


def integer(content: bytes) -> int:
    """An INTEGER's value; Malformed where it is empty or padded (X.690 section 8.3)."""
    if not content or (len(content) > 1 and (content[0], content[1] >> 7) in ((0x00, 0), (0xFF, 1))):
        raise Malformed("an INTEGER that is empty or padded")
    return int.from_bytes(content, "big", signed=True)


def bits(content: bytes) -> bytes:
    """A BIT STRING's octets, with its unused bits cleared."""
    if not content or content[0] > 7 or (content[0] and len(content) == 1):
        raise Malformed("a BIT STRING without a proper count of unused bits")
    if not content[0]:
        return content[1:]
    return content[1:-1] + bytes([content[-1] & (0xFF << content[0]) & 0xFF])


def oid(content: bytes) -> str:
    """An OBJECT IDENTIFIER in dotted form (X.690 section 8.19)."""
    if not 0 < len(content) <= LONGEST_OID or content[-1] & 0x80:
        raise Malformed("an OBJECT IDENTIFIER that is empty, cut off or longer than any")
    arcs: list[int] = []
    value = 0
    fresh = True
    for octet in content:
        if fresh and octet == 0x80:
            raise Malformed("a padded OBJECT IDENTIFIER")
        value = value << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def _read(data: bytes, at: int) -> tuple[Element, int]:
    start = at
    if len(data) - at < 2:
        raise Malformed("cut off")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise Malformed("a tag number above 30: certificates have none")
    at += 2
    if length & 0x80:
        octets = length & 0x7F
        if not 0 < octets <= 8 or len(data) - at < octets:
            raise Malformed("a length that is indefinite or cut off")
        length = int.from_bytes(data[at : at + octets], "big")
        at += octets
    end = at + length
    if end > len(data):
        raise Malformed("cut off")
    return Element(tag, data[at:end], data[start:end]), end
