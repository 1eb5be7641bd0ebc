"""As much of a certificate as the probe needs to follow a chain: DER in, its raw names and its issuer's addresses out.

Names are compared as bytes; what a certificate is worth is judged elsewhere (RFC 5280 sections 4.1 and 4.2.2.1).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

SEQUENCE, SET, OID, OCTETS, URI = 0x30, 0x31, 0x06, 0x04, 0x86
CONTEXT_0, CONTEXT_3 = 0xA0, 0xA3

_AUTHORITY_INFORMATION_ACCESS = bytes.fromhex("2b06010505070101")  # 1.3.6.1.5.5.7.1.1
_CA_ISSUERS = bytes.fromhex("2b06010505073002")  # 1.3.6.1.5.5.7.48.2
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
_PEM = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?(CERTIFICATE|PKCS7|CMS)-----([A-Za-z0-9+/=\s]+)-----END")

MOST_URLS = 8  # of one certificate


class Malformed(ValueError):
    """These bytes are no DER of the kind that was expected."""


class Names(NamedTuple):
    """Whose certificate it is and where its issuer's is to be had."""

    subject: bytes  # DER of the name
    issuer: bytes
    extensions: bytes  # DER of the list of them; empty where there is none

    @property
    def urls(self) -> Tuple[str, ...]:
        """The caIssuers addresses in order, 8 at most; what cannot be read counts as absent."""
        try:
            return tuple(_issuers(self.extensions))[:MOST_URLS]
        except (IndexError, ValueError):
            return ()

    @property
    def self_issued(self) -> bool:
        """Whether it names itself as its issuer."""
        return self.subject == self.issuer


def read(der: bytes) -> Optional[Names]:
    """The names in a certificate; None where it cannot be read."""
    try:
        (certificate,) = _elements(der)
        body = _inside(_inside(certificate, SEQUENCE)[0], SEQUENCE)
        fields = body[1:] if body[0][0] == CONTEXT_0 else body  # the version is optional
        issuer, subject = fields[2], fields[4]
        if issuer[0] != SEQUENCE or subject[0] != SEQUENCE:
            return None
        extensions = next((f for f in fields[6:] if f[0] == CONTEXT_3), None)
    except (IndexError, ValueError):
        return None
    return Names(subject[2], issuer[2], b"" if extensions is None else extensions[1])


def bundle(data: bytes) -> List[bytes]:
    """The certificates in an answer: DER, PEM, or PKCS#7 that carries certificates alone, in either form (RFC 5280 section 4.2.2.1)."""
    blocks = _PEM.findall(data)
    if not blocks:
        return [data] if read(data) is not None else _of_pkcs7(data)
    found: List[bytes] = []
    for label, text in blocks:
        try:
            der = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            continue
        found += ([der] if read(der) is not None else []) if label == b"CERTIFICATE" else _of_pkcs7(der)
    return list(dict.fromkeys(found))


def top_of(chain: Sequence[bytes]) -> Optional[Names]:
    """The last certificate of the path that begins at the first one sent and follows the issuers' names; None: none can be read."""
    sent = [names for names in map(read, chain) if names is not None]
    if not sent:
        return None
    top, rest = sent[0], sent[1:]
    while not top.self_issued:
        above = next((names for names in rest if names.subject == top.issuer), None)
        if above is None:
            return top
        rest.remove(above)
        top = above
    return top


_Element = Tuple[int, bytes, bytes]  # tag, content, all of it


def _issuers(extensions: bytes) -> Iterator[str]:
    if _AUTHORITY_INFORMATION_ACCESS not in extensions:
        return
    for extension in _inside(_elements(extensions)[0], SEQUENCE):
        parts = _inside(extension, SEQUENCE)
        if parts[0][1] != _AUTHORITY_INFORMATION_ACCESS:
            continue
        for access in _inside(_elements(parts[-1][1])[0], SEQUENCE):
            method, location = _inside(access, SEQUENCE)[:2]
            if method[1] == _CA_ISSUERS and location[0] == URI:
                yield location[1].decode("ascii", "backslashreplace")


def _of_pkcs7(data: bytes) -> List[bytes]:
    try:
        kind, content = _inside(_elements(data)[0], SEQUENCE)[:2]
        if kind[1] != _SIGNED_DATA or content[0] != CONTEXT_0:
            return []
        parts = _inside(_elements(content[1])[0], SEQUENCE)
        held = next((part for part in parts if part[0] == CONTEXT_0), None)
        return [] if held is None else [e[2] for e in _elements(held[1]) if read(e[2]) is not None]
    except (IndexError, ValueError):
        return []


def _inside(element: _Element, tag: int) -> List[_Element]:
    if element[0] != tag:
        raise Malformed
    return _elements(element[1])


def _elements(data: bytes) -> List[_Element]:
    """The elements that fill the bytes (ITU-T X.690 section 8.1, definite lengths)."""
    found: List[_Element] = []
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise Malformed
        tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 4 or start + octets > len(data):
                raise Malformed
            length = int.from_bytes(data[start : start + octets], "big")
            start += octets
        end = start + length
        if end > len(data):
            raise Malformed
        found.append((tag, data[start:end], data[at:end]))
        at = end
    return found
