"""A path of certificates in, who issued each of them out, so that one CA is known again under whatever it signs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzer.model import Certificate
from analyzer.trust.decoded import Decoded, decode
from analyzer.trust.distinguished import COMMON_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """A CA as the certificates that it signs name it (RFC 5280 sections 4.1.2.4 and 4.2.1.1)."""

    name: tuple[bytes, ...]  # in the form that names are compared by
    key: bytes | None  # its key's identifier; None: neither the identifier nor its own certificate was sent
    title: str = field(compare=False)  # its common name, else its whole name

    def may_be(self, other: Issuer) -> bool:
        """Whether nothing tells the two apart: the names are equal, and so are the keys where both are known."""
        return self.name == other.name and (self.key == other.key or self.key is None or other.key is None)


def issuers(path: Sequence[Certificate]) -> tuple[Issuer, ...]:
    """Who issued each certificate of a path (leaf first, each signed by the next), in its order, each once."""
    decoded = [d for d in (decode(c.der) for c in path) if d is not None]
    above: list[Decoded | None] = [*decoded[1:], None]
    return tuple(dict.fromkeys(_issuer(one, by) for one, by in zip(decoded, above, strict=True)))


def _issuer(one: Decoded, by: Decoded | None) -> Issuer:
    if by is None and one.self_signed:
        by = one
    names = one.issuer.values(COMMON_NAME)
    return Issuer(name=one.issuer.canonical, key=_key(one, by), title=names[-1].text if names else str(one.issuer))


def _key(one: Decoded, by: Decoded | None) -> bytes | None:
    if one.authority_key is not None and one.authority_key.key is not None:
        return one.authority_key.key
    if by is None:
        return None
    return by.subject_key or hashlib.sha256(by.public_key).digest()
