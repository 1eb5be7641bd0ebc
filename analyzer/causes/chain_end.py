"""Where the chain as sent ends, and why it is not trusted: the one place that tells 2a, 2b and a self-signed leaf apart (rule 10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from analyzer import trust
from analyzer.causes.case import Case
from analyzer.causes.cause import Says, answer
from analyzer.causes.observed import certificate_answer, name
from analyzer.model import Aia, Attribution, CauseName, Certificate, Fetched, Judgement, Reason
from analyzer.trust import ChainShape


class End(Enum):
    """Where the chain as sent ends."""

    TRUSTED = "trusted"
    SELF_SIGNED = "self-signed leaf"
    UNTRUSTED_ROOT = "private root"
    INCOMPLETE = "missing link"
    PART = "not all that was sent is known"
    UNSEEN = "no chain seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """Where the chain ends, in words, with what keeps that from being certain."""

    end: End
    told: str
    doubts: tuple[str, ...] = ()
    explains_nothing: str = ""  # why the omission alone does not explain a failure; "": it may


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What is known of fetching the missing issuer."""

    told: str = ""
    doubts: tuple[str, ...] = ()
    explains_nothing: str = ""


def chain_answer(case: Case, cause: CauseName, end: End) -> Attribution:
    """The answer of a cause that is one end of the chain; open where not all that the server sent is known and that decides."""
    found = chain_end(case)
    if found.end is end and found.explains_nothing:
        return answer(case, cause, probe=Says.OPEN, missing=found.told)
    of_the_rest = end is End.INCOMPLETE and found.end in (End.TRUSTED, End.UNTRUSTED_ROOT) and not case.chain_whole
    if found.end is End.PART and end is not End.SELF_SIGNED:
        return answer(case, cause, probe=Says.OPEN, missing=found.told)
    if of_the_rest:
        return answer(case, cause, probe=Says.OPEN, missing=f"{found.told} {_WHOLE}")
    cap = tuple(Reason(origin="probe", text=text) for text in found.doubts)
    return certificate_answer(case, cause, shown=found.end is end, told=found.told, otherwise=found.told, cap=cap)


_WHOLE = "Whether the server sends its whole chain was not seen. What decides: openssl s_client with -showcerts, or apim-triage check"


def chain_end(case: Case) -> ChainEnd:
    """Decide from the certificates as sent; where the issuer of the last one was never seen, count what was sent.

    A server leaves out only its root (RFC 8446 section 4.4.2), so two or more certificates sent end at a root; a leaf alone has most
    likely lost its intermediate, unless a CA that inspects TLS issued it: such a one signs servers itself.
    """
    shape, judgement = case.shape, case.judgement
    if shape is None or judgement is None:
        return ChainEnd(end=End.UNSEEN, told="")
    top = shape.top
    if not case.chain_whole:
        return _part(case, shape, judgement)
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
    fetch = _aia(case)
    if shape.completes_with:
        missing = ", ".join(name(c) for c in shape.completes_with)
        return ChainEnd(
            end=End.INCOMPLETE,
            told=f"{sent}, and omits {missing}: with it the chain reaches a root that the gateway is taken to have.{fetch.told}",
            doubts=fetch.doubts,
            explains_nothing=fetch.explains_nothing,
        )
    if shape.issuer is not None and shape.issuer_is_root:
        return ChainEnd(
            end=End.UNTRUSTED_ROOT,
            told=f"{sent}, complete but for its root {name(shape.issuer)}, which {_seen(case, shape.issuer)} and is not among those the gateway is taken to have.",
            doubts=_public(case),
        )
    if shape.issuer is not None:
        return ChainEnd(
            end=End.INCOMPLETE,
            told=f"{sent}, and omits the intermediate {name(shape.issuer)}, which {_seen(case, shape.issuer)}.{fetch.told}",
            doubts=fetch.doubts,
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
    told = f"{sent} alone, without its issuer “{top.issuer}”.{fetch.told}"
    return ChainEnd(end=End.INCOMPLETE, told=told, doubts=(doubt, *fetch.doubts))


def _part(case: Case, shape: ChainShape, judgement: Judgement) -> ChainEnd:
    """Where a chain ends of which only some certificates are known."""
    top = shape.top
    known = (
        f"Known are {len(shape.path)} certificates of the chain" if len(shape.path) > 1 else "Known is the leaf alone"
    )
    if not judgement.statuses & {"UntrustedRoot", "PartialChain", "Cyclic"} or shape.completes_with:
        return ChainEnd(end=End.TRUSTED, told=f"{known}: it belongs to a root that the gateway is taken to have.")
    if top.self_signed and len(shape.path) == 1:
        told = f"The server's certificate {name(top)} is signed by itself, and the gateway was not given it."
        return ChainEnd(end=End.SELF_SIGNED, told=told)
    root = top if top.self_signed else shape.issuer if shape.issuer_is_root else None
    if root is not None:
        told = f"{known}: it belongs to the root {name(root)}, SHA-256 {root.sha256[:16]}…, which is not among those the gateway is taken to have."
        return ChainEnd(end=End.UNTRUSTED_ROOT, told=told, doubts=_public(case))
    return ChainEnd(
        end=End.PART, told=f"{known}, up to {name(top)}, issued by “{top.issuer}”; the server may send more. {_WHOLE}"
    )


def _public(case: Case) -> tuple[str, ...]:
    """Rule 11: a root that Microsoft's program has and our list lacks must not become 2a."""
    if case.leaf is not None and case.leaf.public_looking:
        return (
            "the leaf looks publicly issued: Microsoft's root program may hold a root that the list used here lacks",
        )
    return ()


def _aia(case: Case) -> Fetch:
    """Rule 4: Windows and .NET may fetch a missing issuer over HTTP; then its absence alone explains nothing."""
    top = case.shape.top if case.shape else None
    if top is None or case.evidence is None:
        return Fetch()
    fetchable = [url for url in top.aia if url.lower().startswith("http://")]
    if not fetchable:
        where = "only by another way than plain HTTP" if top.aia else "nowhere"
        return Fetch(told=f" Windows cannot fetch it: the certificate says {where} where to get it.")
    looked = [a for a in case.evidence.aia if a.url in fetchable]
    if not looked:
        return Fetch(
            doubts=(
                f"the gateway may fetch the missing issuer from {fetchable[0]}: whether it can reach that address decides "
                "(outbound port 80, firewall, proxy), and was not observed",
            )
        )
    place, near = case.evidence.collected.host, case.evidence.collected.vantage == "gateway"
    got = next((a for a in looked if _issued(a, top)), None)
    if got is not None and near:
        told = (
            f"Windows can fetch it from {got.url}, as the probe on {place} could in the gateway's network: the omission alone does "
            "not explain a failure. What decides: whether the gateway itself gets out on port 80, and whether the fetched "
            "issuer is accepted (see the other causes)"
        )
        return Fetch(told=f" {told}.", explains_nothing=told)
    if got is not None:
        return Fetch(
            told=f" Windows can fetch it from {got.url} where it gets out on port 80, as the probe on {place} could.",
            doubts=(f"whether the gateway's network lets it fetch {got.url} decides, and was not observed",),
        )
    told = "; ".join(f"{a.url}: {_FETCHED[a.outcome]}{f' ({a.detail})' if a.detail else ''}" for a in looked)
    certain = near or all(a.outcome in _ANSWERED for a in looked)
    doubt = () if certain else (f"the probe on {place} could not fetch the issuer either; the gateway's network may",)
    return Fetch(told=f" Windows cannot fetch it: {told}.", doubts=doubt)


_FETCHED = {
    Fetched.FETCHED: "another certificate than its issuer's",
    Fetched.NOT_HTTP: "not plain HTTP",
    Fetched.FORBIDDEN: "its address may not be probed",
    Fetched.NO_ANSWER: "no answer",
    Fetched.NOT_FOUND: "not found",
    Fetched.NOT_A_CERTIFICATE: "no certificate",
    Fetched.TOO_LARGE: "too large an answer",
}
_ANSWERED = frozenset({Fetched.FETCHED, Fetched.NOT_FOUND, Fetched.NOT_A_CERTIFICATE})
"""Outcomes that do not depend on where one stands."""


def _issued(aia: Aia, top: Certificate) -> bool:
    """Whether what was fetched names itself as the issuer."""
    found = trust.describe(aia.der) if aia.der else None
    return found is not None and found.subject == top.issuer


def _seen(case: Case, issuer: Certificate) -> str:
    """Where an issuer that was not sent was seen."""
    got = next((a for a in case.evidence.aia if a.der == issuer.der), None) if case.evidence else None
    return f"was fetched from {got.url}" if got else "was seen elsewhere"
