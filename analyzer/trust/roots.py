"""Where trust anchors come from: the certificates of a bundle, a store or a file of the user's, as DER."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import certifi
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from analyzer.errors import CertificateFileError
from analyzer.trust import ccadb
from analyzer.trust.decoded import decode

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL, Azure Linux
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, FreeBSD
)

LARGEST_FILE = 16 << 20
"""Bytes; every certificate of every public root program together is well under one MiB."""

_PEM = re.compile(rb"-----BEGIN ((?:X509 )?CERTIFICATE|PKCS7|CMS)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The roots that a gateway is taken to have before any was given to it."""

    words: str  # where they come from
    roots: tuple[bytes, ...]  # DER, each once
    fingerprints: frozenset[str] = frozenset()  # SHA-256 of roots that are trusted too, certificate unknown
    microsofts: bool = False  # it is Microsoft's own list: a root that is absent is not trusted by Windows


def load_store(store: str = "default") -> Store:
    """The store by name: "default", "certifi", "system", the CCADB's report of Microsoft's program, or a file of certificates.

    A report without PEM names its roots by fingerprint: those that certifi or the system hold are taken from there, the rest
    is known when a server sends it. CertificateFileError where there is none to be had.
    """
    if store == "default":
        return Store(words="certifi's roots and this system's", roots=_default())
    if store in ("certifi", "system"):
        return Store(words=f"{store}'s roots", roots=load_anchors(store))
    data = _read(Path(store))
    if not ccadb.is_report(data):
        return Store(words=f"the roots in {store}", roots=load_anchors(store))
    program = ccadb.read(data)
    if not program.fingerprints:
        raise CertificateFileError(f"{store}: names no root that is included for server authentication")
    held = {hashlib.sha256(der).hexdigest(): der for der in (*_default(), *program.roots)}
    roots = tuple(der for fingerprint, der in held.items() if fingerprint in program.fingerprints)
    return Store(
        words=f"the {len(program.fingerprints)} roots of Microsoft's program in {store}",
        roots=roots,
        fingerprints=program.fingerprints - held.keys(),
        microsofts=True,
    )


def load_anchors(store: str = "default") -> tuple[bytes, ...]:
    """The roots of a store, as DER, each once.

    "certifi": Mozilla's, as the package certifi has it. "system": the bundle that this operating system keeps in one of
    `SYSTEM_BUNDLES`. "default": both joined; on Windows, which keeps its roots in no file, certifi alone. Anything else is
    the path of a file of certificates. CertificateFileError where there is none to be had.
    """
    if store == "default":
        return _default()
    if store == "certifi":
        return read_certificates(Path(certifi.where()))
    if store == "system":
        bundle = _system_bundle()
        if bundle is None:
            raise CertificateFileError(
                f"no system roots: none of {', '.join(SYSTEM_BUNDLES)} exists; use certifi or a file"
            )
        return read_certificates(bundle)
    return read_certificates(Path(store))


def read_certificates(path: Path) -> tuple[bytes, ...]:
    """The certificates of a file, as DER, each once, in its order: PEM with any number of them, DER, or PKCS#7 in either form.

    CertificateFileError (one line) where the file is missing, unreadable, too large, or holds no certificate.
    """
    data = _read(path)
    found = certificates_in(data)
    if not found:
        raise CertificateFileError(f"{path}: no certificate in it (PEM, DER or PKCS#7 is expected)")
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CertificateFileError(
            f"{path}: cannot be read ({error.strerror or error}); name a file of certificates"
        ) from error
    if len(data) > LARGEST_FILE:
        raise CertificateFileError(f"{path}: larger than {LARGEST_FILE >> 20} MiB, so no file of certificates")
    return data


def certificates_in(data: bytes) -> tuple[bytes, ...]:
    """The certificates that bytes hold, as DER, each once, in their order: PEM, DER, or PKCS#7 in either form."""
    return tuple(dict.fromkeys(c for c in _certificates(data) if decode(c) is not None))


def split_given(certificates: Sequence[bytes]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Roots (self-signed) and intermediates (the rest); unreadable ones are left out."""
    decoded = [d for d in map(decode, certificates) if d is not None]
    return tuple(d.der for d in decoded if d.self_signed), tuple(d.der for d in decoded if not d.self_signed)


@lru_cache(maxsize=1)
def _default() -> tuple[bytes, ...]:
    bundle = _system_bundle()
    system = read_certificates(bundle) if bundle else ()
    return tuple(dict.fromkeys((*load_anchors("certifi"), *system)))


def _system_bundle() -> Path | None:
    return next((path for path in map(Path, SYSTEM_BUNDLES) if path.is_file()), None)


def _certificates(data: bytes) -> list[bytes]:
    blocks = _PEM.findall(data)
    if not blocks:
        return [data] if decode(data) is not None else _pkcs7(data)
    found = []
    for label, text in blocks:
        try:
            der = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            continue
        # Windows labels its PKCS#7 exports CERTIFICATE as well
        found += [der] if label.endswith(b"CERTIFICATE") and decode(der) is not None else _pkcs7(der)
    return found


def _pkcs7(data: bytes) -> list[bytes]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of serial numbers that are not positive: no matter here
            return [c.public_bytes(Encoding.DER) for c in pkcs7.load_der_pkcs7_certificates(data)]
    except (ValueError, UnsupportedAlgorithm):
        return []
