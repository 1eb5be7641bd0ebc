"""A built path in, which of its keys and signatures Windows takes for too weak out; .NET on Linux takes none for that.

RSA keys below 1024 bits stop a chain on every supported Windows (Microsoft knowledge base 2661254). MD2, MD4 and MD5 are
switched off for chains under the roots that Microsoft ships (security advisory 2862973, policy WeakMd5ThirdPartyFlags); that
they stop one under a private root as well is from memory (facts: apim-tls.md, 3), and the cause says so. SHA-1 is left alone:
what is published of it concerns browsers.
"""

from __future__ import annotations

from analyzer.trust import signatures
from analyzer.trust.chain import End, Path
from analyzer.trust.decoded import Decoded
from analyzer.trust.status import Status

LEAST_RSA_BITS = 1024
BROKEN_HASHES = ("md2", "md4", "md5")


def objections(path: Path) -> frozenset[Status]:
    """{HasWeakSignature} where a key or a signature of the path is too weak for Windows, else nothing."""
    signed = path.certificates[:-1] if path.end is End.ROOT else path.certificates  # nobody asks who signed a root
    found = any(weak_key(c) for c in path.certificates) or any(weak_signature(c) for c in signed)
    return frozenset({Status.WEAK_SIGNATURE} if found else ())


def weak_key(certificate: Decoded) -> bool:
    """Whether its key is RSA and too short."""
    kind, _, size = signatures.describe_key(certificate.public_key).partition(" ")
    return kind == "RSA" and size.isdecimal() and int(size) < LEAST_RSA_BITS


def weak_signature(certificate: Decoded) -> bool:
    """Whether it was signed over a hash that is broken."""
    how = certificate.algorithm
    name = how.hash.name if how is not None and how.hash is not None else how.name if how is not None else ""
    return name.lower().startswith(BROKEN_HASHES)
