"""A leaf and certificates that may stand above it in, the ways up from it out, each link proved by its signature.

Unlike `chain`, which goes where a .NET client on Linux goes, this looks for what there is: for the shape of a chain as sent,
and for Windows, which weighs alternative paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.trust.chain import End, Path, Pool
from analyzer.trust.decoded import Decoded, may_have_issued, signed_by

MOST_STEPS = 2000
"""Signatures tried for one leaf. A hundred certificates that could all have issued each other make more ways than can be walked."""

LONGEST = 16
"""Certificates in a way; real chains have at most five."""


def ways(leaf: Decoded, *pools: Pool) -> Iterator[tuple[Decoded, ...]]:
    """Every way up from the leaf, each followed to a self-signed certificate or until no issuer is left.

    Pools come in the order given, and so do the certificates in each. At least one way comes out; when the steps are used up,
    the one in hand is the last.
    """
    steps = MOST_STEPS
    open_ways: list[tuple[Decoded, ...]] = [(leaf,)]
    while open_ways:
        way = open_ways.pop()
        issuers: list[Decoded] = []
        if len(way) < LONGEST and not proves_itself(way[-1]):
            for candidate in (c for pool in pools for c in pool.named(way[-1]) if may_have_issued(c, way[-1])):
                if any(candidate.der == one.der for one in (*way, *issuers)):
                    continue
                steps -= 1
                if steps > 0 and signed_by(way[-1], candidate):
                    issuers.append(candidate)
        if not issuers or steps <= 0:
            yield way
        if steps <= 0:
            return
        open_ways.extend((*way, issuer) for issuer in reversed(issuers))


def paths(leaf: Decoded, others: Sequence[Decoded], roots: Pool) -> Iterator[Path]:
    """The ways up that end at one of the roots."""
    for way in ways(leaf, roots, Pool(others)):
        if way[-1] in roots and proves_itself(way[-1]):
            yield Path(certificates=way, end=End.ROOT)


def proves_itself(certificate: Decoded) -> bool:
    """Self-signed, and the signature holds."""
    return certificate.self_signed and signed_by(certificate, certificate)
