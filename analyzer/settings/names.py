"""Names of certificates as the settings, Windows and RFC 4514 write them, made comparable."""

from __future__ import annotations

import hashlib
import re


def thumbprint(der: bytes) -> str:
    """As Windows and the service have it: SHA-1 of the certificate, lower-case hex."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest()


def same_name(name: str) -> tuple[str, ...]:
    """A distinguished name for comparing: RFC 4514 and Windows differ in order, case and spacing."""
    return tuple(sorted(" ".join(part.split()).casefold() for part in re.split(r"(?<!\\),|\+", name) if part.strip()))


def common_name(name: str) -> str:
    """The common name that serverX509Names has, with or without "CN=", for comparing."""
    return name.strip().removeprefix("CN=").casefold()
