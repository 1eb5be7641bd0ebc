"""Certificates that somebody exported (.cer, .crt, .pem, .p7b) in, evidence of one backend's certificate out; no handshake was seen.

What Windows exports as a chain is the path that the exporting machine built, not what the server sends: names, dates and usages
can be judged, and whether the server sends its whole chain cannot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from analyzer import trust
from analyzer.errors import EvidenceError
from analyzer.model import EXPORTED, Certificate, Collected, Evidence, Handshake, Outcome, Stage

TOOL = "exported certificate (time of the file)"

MOST_CERTIFICATES = 100  # of one chain, with room to spare

_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_PFX = re.compile(
    rb"\x30[\x80-\x84][\x00-\xff]{0,4}?\x02\x01\x03\x30"
)  # RFC 7292 section 4: PFX is SEQUENCE { version 3, …


def is_one(data: bytes) -> bool:
    """Whether the bytes are certificates, PKCS#7, PKCS#12 or anything in PEM."""
    return data[:1] == b"\x30" or _LABEL.search(data) is not None


def parse(path: Path, data: bytes, *, place: tuple[str | None, int | None], at: datetime, vantage: str) -> Evidence:
    """The evidence of the backend at `place`; a private key in the file is passed over.

    Raises EvidenceError where the file holds no certificate, is PKCS#12, no backend is named, or no one leaf can be told.
    """
    found = [c for c in map(trust.describe, trust.certificates_in(data)) if c is not None]
    if not found:
        raise EvidenceError(f"{path}: {_without(data)}")
    if len(found) > MOST_CERTIFICATES:
        raise EvidenceError(f"{path}: holds {len(found)} certificates; give a file with one server's chain")
    host, port = place
    if host is None:
        raise EvidenceError(
            f"{path}: holds certificates and does not say whose; write --evidence HOST[:PORT]={path}, "
            f"such as api.contoso.com={path.name}"
        )
    chain = _ordered(path, found, host)
    handshake = Handshake(
        offer=EXPORTED,
        outcome=Outcome.COMPLETED,
        stage=Stage.CERTIFICATE,
        chain=tuple(c.der for c in chain),
        chain_whole=False,
        named=None,
        detail="certificates from a file; no connection was observed",
    )
    return Evidence(
        host=host,
        port=port or 443,
        server_name=host,
        address=None,
        handshakes=(handshake,),
        collected=Collected(host="unstated", at=at, tool=TOOL, version="", vantage=vantage),
    )


def _without(data: bytes) -> str:
    """Why no certificate was found, and what to do."""
    labels = {label.decode() for label in _LABEL.findall(data)}
    if _PFX.match(data[:16]):
        return "is PKCS#12 (.pfx), which holds a private key; export the certificate alone, as .cer, .pem or .p7b"
    if any("PRIVATE KEY" in label for label in labels):
        return "holds a private key and no certificate; give the certificate (.cer, .pem, .p7b), and keep the key to yourself"
    if "CERTIFICATE REQUEST" in labels or "NEW CERTIFICATE REQUEST" in labels:
        return "is a request for a certificate; give the certificate that was issued (.cer, .pem, .p7b)"
    if labels & {"CERTIFICATE", "X509 CERTIFICATE", "PKCS7"}:
        return "holds a certificate that is broken; export it again, whole"
    return "holds no certificate; give one in DER or PEM, or a .p7b"


def _ordered(path: Path, found: Sequence[Certificate], host: str) -> list[Certificate]:
    """The leaf, then its issuers as far as the file has them; what belongs to neither comes last."""
    issuers = {c.issuer for c in found if not c.self_issued}
    leaves = [c for c in found if not c.is_ca] or [c for c in found if c.subject not in issuers]
    named = [c for c in leaves if trust.matches_host(c.der, host)]
    leaves = leaves if len(leaves) == 1 else named
    if len(leaves) != 1:
        raise EvidenceError(
            f"{path}: holds {len(found)} certificates, and which of them is the server's at {host} cannot be told; "
            "give a file with its certificate and issuers only"
        )
    if leaves[0].is_ca and not named:
        raise EvidenceError(
            f"{path}: holds a CA's certificate and none of the server {host}; what was given to the gateway goes to --ca-file"
        )
    chain = leaves
    while (above := next((c for c in found if c.subject == chain[-1].issuer and c not in chain), None)) is not None:
        chain = [*chain, above]
    return [*chain, *(c for c in found if c not in chain)]
