"""The exports of the folder `exports`, with the CA certificate of a test put in; and the nouns that they become."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

EXPORTS = Path(__file__).with_name("exports")
NO_CA_OF_ITS_OWN = ("gateway-authorities.json",)
"""Left out, the self-hosted gateway has no CA certificate that the settings know of."""


def sha1(certificate: x509.Certificate) -> str:
    return hashlib.sha1(certificate.public_bytes(Encoding.DER), usedforsecurity=False).hexdigest()


def exports(
    folder: Path, ca: x509.Certificate, *, without: Sequence[str] = (), expires: datetime | None = None
) -> Path:
    """The exported files in a folder, as the service writes them, with `ca` as the one that was uploaded to both services."""
    folder.mkdir(exist_ok=True)
    subject = ca.subject.rfc4514_string().replace(",", ", ")
    until = (expires or ca.not_valid_after_utc).isoformat()
    for path in EXPORTS.glob("*.json"):
        if path.name not in without:
            text = path.read_text(encoding="utf-8")
            text = (
                text.replace("@THUMBPRINT@", sha1(ca).upper()).replace("@SUBJECT@", subject).replace("@EXPIRY@", until)
            )
            (folder / path.name).write_text(text, encoding="utf-8")
    return folder
