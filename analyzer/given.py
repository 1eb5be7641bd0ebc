"""The certificates at hand and one gateway's settings in; what that gateway is taken to trust, and what is said about it, out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from analyzer import trust
from analyzer.attribution import Anchors
from analyzer.model import Tier
from analyzer.settings import Configured
from analyzer.settings.names import thumbprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one gateway is taken to have, and the certificates that it is taken not to have."""

    anchors: Anchors
    withheld: tuple[bytes, ...] = ()  # given with --ca-file, and by the settings this gateway does not have or use them


def given_to(configured: Configured | None, base: Anchors, seen: Sequence[bytes]) -> Given:
    """The gateway's anchors: `base` is what the command line gives every gateway, `seen` certificates that were met anywhere.

    Without settings that is `base`. The settings name CA certificates by SHA-1 thumbprint; the certificate itself is looked
    for among all that is at hand. One of `base` counts where the settings count it, and where they leave it open.
    """
    if configured is None:
        return Given(anchors=base)
    offered = (*base.given, *base.intermediates)
    at_hand = {thumbprint(der): der for der in (*seen, *base.public, *offered)}
    listed = {ca.thumbprint or thumbprint(ca.der or b""): ca for ca in configured.cas}
    counting = [ca for ca in configured.cas if ca.counts]
    found = [(ca, _usable(ca.der) or at_hand.get(ca.thumbprint)) for ca in counting]
    roots = [der for ca, der in found if der and ca.root]
    intermediates = [der for ca, der in found if der and not ca.root]
    withheld = []
    for der in offered:
        ca = listed.get(thumbprint(der))
        if ca is None and not configured.cas_complete:
            (roots if der in base.given else intermediates).append(der)
        elif ca is None or not ca.counts:
            withheld.append(der)
    public = frozenset(base.public)
    anchors = replace(
        base,
        roots=tuple(dict.fromkeys((*base.public, *roots))),
        intermediates=tuple(dict.fromkeys(intermediates)),
        given=tuple(dict.fromkeys(der for der in roots if der not in public)),
        unseen=tuple(ca.subject or f"({ca.thumbprint or 'not described'})" for ca, der in found if der is None),
    )
    return Given(anchors=anchors, withheld=tuple(dict.fromkeys(withheld)))


def said_of(configured: Configured, given: Given) -> tuple[str, ...]:
    """What the report must say of the anchors, one sentence each."""
    found = []
    named = _subjects(given.withheld)
    if named and configured.tier is Tier.CONSUMPTION:
        found.append(
            f"{configured.name} is a Consumption gateway, which takes no CA certificates: {named} does not count for it."
        )
    elif named:
        found.append(
            f"By its settings {configured.name} does not have, or does not use, {named}: for it --ca-file does not count."
        )
    if given.anchors.unseen:
        found.append(
            f"The settings of {configured.name} name CA certificates by thumbprint alone ({', '.join(given.anchors.unseen)}), and no "
            "certificate at hand has that thumbprint: give them with --ca-file."
        )
    if configured.tier is Tier.SELF_HOSTED and not configured.cas_complete:
        lacks = "the settings of its container, which may have CA certificates mounted into it, were not given"
        if not (configured.self_hosted and configured.self_hosted.listed):
            lacks = "its certificate authorities were not given"
        found.append(
            f"Which CA certificates {configured.name} has is not wholly known ({lacks}): no others are assumed."
        )
    if configured.tier is Tier.CLASSIC and not configured.cas_complete:
        found.append(
            f"The settings of {configured.name} do not list its CA certificates (a template need not): those of --ca-file are taken as given."
        )
    return tuple(found)


def _usable(der: bytes | None) -> bytes | None:
    """The certificate of a template, where it is one and no .pfx."""
    return der if der and trust.describe(der) is not None else None


def _subjects(ders: Iterable[bytes]) -> str:
    described = [trust.describe(der) for der in ders]
    return ", ".join(f"“{c.common_name or c.subject}”" for c in described if c is not None)
