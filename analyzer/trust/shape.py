"""A chain as sent and what else is known in, where it ends and what is missing out: all that tells untrusted from incomplete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from analyzer.model import Certificate
from analyzer.trust.certificate import describe
from analyzer.trust.chain import Pool, anchors_of
from analyzer.trust.decoded import Decoded, decode, issued
from analyzer.trust.links import paths, proves_itself, ways


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainShape:
    """What was sent, link by link; no dates and no trust but the anchors'."""

    path: tuple[Certificate, ...]  # leaf first, of sent certificates only, each signed by the next
    root_sent: bool  # the last of `path` is self-signed
    above: tuple[Certificate, ...]  # who stands above the last of `path`, as far as seen anywhere, nearest first
    completes_with: tuple[
        Certificate, ...
    ]  # non-roots seen elsewhere that carry it to an anchor; () where none is needed
    reaches_anchor: bool  # by the sent certificates and the anchors alone
    surplus: int  # certificates sent that are not in `path`: duplicates, strangers, unreadable ones

    @property
    def top(self) -> Certificate:
        """The last certificate of the path."""
        return self.path[-1]

    @property
    def issuer(self) -> Certificate | None:
        """Who issued the last of `path`: itself where it is self-signed; None: never seen."""
        return self.top if self.root_sent else next(iter(self.above), None)

    @property
    def root(self) -> Certificate | None:
        """The root that the path ends at, sent or seen elsewhere; None: it was not seen."""
        last = (*self.path, *self.above)[-1]
        return last if last.self_signed else None

    @property
    def issuer_is_root(self) -> bool | None:
        """Whether the issuer of the last certificate signed itself; None: it was never seen."""
        return None if self.issuer is None else self.issuer.self_signed


def shape(
    chain: Sequence[bytes],
    *,
    anchors: Sequence[bytes],
    given_intermediates: Sequence[bytes] = (),
    known: Sequence[bytes] = (),
) -> ChainShape:
    """The shape of a chain (DER as sent, leaf first).

    `anchors` are the roots that the gateway is taken to have, `given_intermediates` what else it was given, `known`
    certificates that sibling backends sent. The first readable certificate is taken for the leaf; ValueError where none is.
    Of several ways up, one that reaches an anchor is preferred, then the longest, then the order of sending.
    """
    sent = _readable(chain)
    if not sent:
        raise ValueError("no certificate of the chain can be read")
    store = anchors_of(tuple(anchors))
    elsewhere = _readable([*(d.der for d in store.others), *given_intermediates, *known])
    found = list(ways(sent[0], Pool(sent[1:])))
    anchored = [way for way in found if _anchored(way, store.roots)]
    path = max(anchored or found, key=len)
    top = path[-1]
    return ChainShape(
        path=tuple(_described(path)),
        root_sent=proves_itself(top),
        above=tuple(_described(_above(top, store.roots, elsewhere))),
        completes_with=() if anchored else tuple(_described(_missing(sent, elsewhere, store.roots))),
        reaches_anchor=bool(anchored),
        surplus=len(chain) - len(path),
    )


def _readable(certificates: Iterable[bytes]) -> list[Decoded]:
    """Each once, in order."""
    return [d for d in map(decode, dict.fromkeys(certificates)) if d is not None and describe(d.der) is not None]


def _described(certificates: Iterable[Decoded]) -> Iterator[Certificate]:
    return (c for c in (describe(d.der) for d in certificates) if c is not None)


def _anchored(way: Sequence[Decoded], roots: Pool) -> bool:
    """Whether one of its certificates is an anchor or was issued by one (to OpenSSL an anchor is self-signed)."""
    return any(proves_itself(root) and issued(root, one) for one in way for root in roots.named(one))


def _above(top: Decoded, roots: Pool, elsewhere: Sequence[Decoded]) -> Sequence[Decoded]:
    """The way up from it: to an anchor, else to another root, else as far as it goes."""

    def worth(way: Sequence[Decoded]) -> tuple[bool, bool, int]:
        end = proves_itself(way[-1])
        return way[-1] in roots, end, -len(way) if end else len(way)

    return max(ways(top, roots, Pool(elsewhere)), key=worth)[1:]


def _missing(sent: Sequence[Decoded], elsewhere: Sequence[Decoded], roots: Pool) -> Sequence[Decoded]:
    """The fewest non-roots from elsewhere that carry the leaf to an anchor."""
    extra = [d for d in elsewhere if not proves_itself(d) and d not in sent]
    complete = (path.certificates for path in paths(sent[0], (*sent[1:], *extra), roots))
    return min(([d for d in way if d in extra] for way in complete), key=len, default=[])
