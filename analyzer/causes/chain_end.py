"""Where the chain as sent ends, and why it is not trusted: the one place that tells 2a, 2b and a self-signed leaf apart (rule 10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from analyzer.causes.case import Case
from analyzer.causes.observed import name


class End(Enum):
    """Where the chain as sent ends."""

    TRUSTED = "trusted"
    SELF_SIGNED = "self-signed leaf"
    UNTRUSTED_ROOT = "private root"
    INCOMPLETE = "missing link"
    UNSEEN = "no chain seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """Where the chain ends, in words, with what keeps that from being certain."""

    end: End
    told: str
    doubts: tuple[str, ...] = ()


def chain_end(case: Case) -> ChainEnd:
    """Decide from the certificates as sent; where the issuer of the last one was never seen, count what was sent.

    A server leaves out only its root (RFC 8446 section 4.4.2), so two or more certificates sent end at a root; a leaf alone has most
    likely lost its intermediate, unless a CA that inspects TLS issued it: such a one signs servers itself.
    """
    shape, judgement = case.shape, case.judgement
    if shape is None or judgement is None:
        return ChainEnd(end=End.UNSEEN, told="")
    top = shape.top
    sent = f"The server sends {len(shape.path)} certificate{'s' if len(shape.path) > 1 else ''}, from {name(shape.path[0])}"
    sent += f" up to {name(top)}" if len(shape.path) > 1 else ""
    if not judgement.statuses & {"UntrustedRoot", "PartialChain", "Cyclic"}:
        return ChainEnd(end=End.TRUSTED, told=f"{sent}: that leads to a root that the gateway is taken to have.")
    if top.self_signed and len(shape.path) == 1:
        return ChainEnd(
            end=End.SELF_SIGNED,
            told=f"The server's certificate {name(top)} is signed by itself, and the gateway was not given it.",
        )
    if top.self_signed:
        return ChainEnd(
            end=End.UNTRUSTED_ROOT,
            told=f"{sent}: a complete chain whose root, SHA-256 {top.sha256[:16]}…, is not among those the gateway is taken to have.",
            doubts=_public(case),
        )
    if shape.completes_with:
        missing = ", ".join(name(c) for c in shape.completes_with)
        return ChainEnd(
            end=End.INCOMPLETE,
            told=f"{sent}, and omits {missing}: with it the chain reaches a root that the gateway is taken to have.",
            doubts=_aia(case),
        )
    if shape.issuer is not None and shape.issuer_is_root:
        return ChainEnd(
            end=End.UNTRUSTED_ROOT,
            told=f"{sent}, complete but for its root {name(shape.issuer)}, which was seen elsewhere and is not among those the gateway is taken to have.",
            doubts=_public(case),
        )
    if shape.issuer is not None:
        return ChainEnd(
            end=End.INCOMPLETE,
            told=f"{sent}, and omits the intermediate {name(shape.issuer)}, which another backend sends.",
            doubts=_aia(case),
        )
    if len(shape.path) > 1 or case.inspected:
        doubt = (
            f"its issuer “{top.issuer}” was not seen: were that another intermediate and not a root, this would be 2b. "
            "What decides: look at that certificate; a root names itself as issuer"
        )
        told = f"{sent}, issued by “{top.issuer}”, which is not among the roots the gateway is taken to have."
        return ChainEnd(end=End.UNTRUSTED_ROOT, told=told, doubts=(doubt, *_public(case)))
    doubt = (
        f"its issuer “{top.issuer}” was not seen: were that a private root that signs servers directly, this would be 2a. "
        "What decides: look at that certificate; a root names itself as issuer"
    )
    told = f"{sent} alone, without its issuer “{top.issuer}”."
    return ChainEnd(end=End.INCOMPLETE, told=told, doubts=(doubt, *_aia(case)))


def _public(case: Case) -> tuple[str, ...]:
    """Rule 11: a root that Microsoft's program has and our list lacks must not become 2a."""
    if case.leaf is not None and case.leaf.public_looking:
        return (
            "the leaf looks publicly issued: Microsoft's root program may hold a root that the list used here lacks",
        )
    return ()


def _aia(case: Case) -> tuple[str, ...]:
    """Rule 4: Windows and .NET may fetch a missing issuer over HTTP; then its absence alone explains nothing."""
    top = case.shape.top if case.shape else None
    fetchable = [url for url in top.aia if url.lower().startswith("http://")] if top else []
    if not fetchable:
        return ()
    return (
        f"the gateway may fetch the missing issuer from {fetchable[0]}: whether it can reach that address decides "
        "(outbound port 80, firewall, proxy), and was not observed",
    )
