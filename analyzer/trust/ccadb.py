"""Microsoft's root program as the CCADB publishes it: a CSV report in, the roots that Windows trusts for servers out.

The report "Included CA Certificates (CSV)" lists fingerprints, its variant with PEM the certificates too (ccadb.org/resources,
Microsoft). Columns are found by their headings, whose order and wording have changed over the years.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from analyzer.trust.decoded import decode

STATUS, USAGES, FINGERPRINT = "microsoft status", "microsoft ekus", "sha-256 fingerprint"
SERVER = "server authentication"
TRUSTED = frozenset({"included", "notbefore"})
"""NotBefore: what the root issued before a date stays trusted (Microsoft: trusted-root, deprecation). Disabled and removed ones are not."""

_LONGEST_CELL = 1 << 17  # characters; a certificate has a few thousand

_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]{400,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The roots of a report that may vouch for servers."""

    fingerprints: frozenset[str]  # SHA-256, lower-case hex: every root
    roots: tuple[bytes, ...]  # DER of those that the report holds as PEM


def is_report(data: bytes) -> bool:
    """Whether the file is such a report, by the headings of its first line."""
    head = data[:8192].split(b"\n", 1)[0].lower()
    return STATUS.encode() in head and FINGERPRINT.encode() in head


def is_whole(data: bytes) -> bool:
    """Whether the report does not break off: quotes are closed, and the last row has a cell for every heading."""
    try:
        rows = list(_cells(data))
    except csv.Error:
        return False
    closed = data.count(b'"') % 2 == 0 and not data.endswith(b",")
    return closed and len(rows) > 1 and len(rows[-1]) == len(rows[0])


def read(data: bytes) -> Program:
    """The report's roots that are trusted for server authentication, each once; rows that say otherwise or nothing are left out."""
    fingerprints, roots = dict[str, None](), dict[bytes, None]()
    for row in _rows(data):
        fingerprint = re.sub(r"[^0-9a-f]", "", row.get(FINGERPRINT, "").lower())
        if len(fingerprint) != 64 or not _trusted(row):
            continue
        fingerprints[fingerprint] = None
        pem = next((text for heading, text in row.items() if "pem" in heading.split()), "")
        root = _certificate(pem)
        if root is not None and hashlib.sha256(root).hexdigest() == fingerprint:
            roots[root] = None
    return Program(fingerprints=frozenset(fingerprints), roots=tuple(roots))


def _rows(data: bytes) -> Iterator[Mapping[str, str]]:
    """The rows, by heading in lower case; cells beyond the headings are dropped."""
    table = _cells(data)
    try:
        headings = [heading.strip().lower() for heading in next(table, [])]
        for cells in table:
            yield dict(zip(headings, cells, strict=False))
    except csv.Error:  # a cell too long: what was read so far is whole
        return


def _cells(data: bytes) -> Iterator[list[str]]:
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig", errors="replace"), newline="")):
        if any(len(cell) > _LONGEST_CELL for cell in row):  # csv's own limit is the whole process's, and others move it
            raise csv.Error("a cell longer than any of the report's")
        yield row


def _trusted(row: Mapping[str, str]) -> bool:
    status = re.sub(r"\W", "", row.get(STATUS, "").lower())
    return status in TRUSTED and SERVER in row.get(USAGES, "").lower()


def _certificate(pem: str) -> bytes | None:
    """The DER in a cell, which has its PEM within quotes of its own."""
    found = _BASE64.search(re.sub(r"-----[A-Z ]+-----", "", pem))
    try:
        der = base64.b64decode("".join(found.group().split()), validate=True) if found else b""
    except binascii.Error:
        return None
    return der if der and decode(der) is not None else None
