"""Where the chain as sent ends, and why it is not trusted: the one place that tells 2a, 2b and a self-signed leaf apart (rule 10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from analyzer.causes.case import Case
from analyzer.causes.cause import Says, answer
from analyzer.causes.fetching import fetching, omitted, source
from analyzer.causes.observed import certificate_answer, name, unchecked
from analyzer.model import Attribution, CauseName, Certificate, Judgement, Reason
from analyzer.trust import ChainShape


class End(Enum):
    """Where the chain as sent ends."""

    TRUSTED = "trusted"
    SELF_SIGNED = "self-signed leaf"
    UNTRUSTED_ROOT = "private root"
    INCOMPLETE = "missing link"
    PART = "not all that was sent is known"
    MAYBE_GIVEN = "an issuer that the gateway may have"
    UNSEEN = "no chain seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """Where the chain ends, in words, with what keeps that from being certain."""

    end: End
    told: str
    doubts: tuple[str, ...] = ()
    explains_nothing: str = ""  # why the omission alone does not explain a failure; "": it may


def chain_answer(case: Case, cause: CauseName, end: End) -> Attribution:
    """The answer of a cause that is one end of the chain; open where not all that the server sent is known and that decides."""
    found = chain_end(case)
    if found.end is end and found.explains_nothing:
        return answer(case, cause, probe=Says.OPEN, missing=f"{found.told} {found.explains_nothing}")
    if found.end is End.MAYBE_GIVEN and not unchecked(case, cause):
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
    if case.maybe_given:
        last = (*shape.path, *shape.above)[-1]
        seen = " of another thumbprint than the one that was seen" if last.self_signed else ""
        which = (
            "is named in the gateway's settings by its thumbprint alone"
            if case.maybe_given.startswith("(")
            else f"“{case.maybe_given}”{seen} is"
        )
        return ChainEnd(
            end=End.MAYBE_GIVEN,
            told=f"The chain as sent leads to “{last.issuer}”, and a CA certificate {which} among those that the gateway was given by its "
            "settings; the certificate itself is not at hand. What decides: give it with --ca-file.",
        )
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
    fetch = fetching(case)
    missing = omitted(case)
    lacks = f"{sent}, and omits {', '.join(map(name, missing))}"
    if shape.completes_with:
        return ChainEnd(
            end=End.INCOMPLETE,
            told=f"{lacks}: with it the chain reaches a root that the gateway is taken to have. {fetch.told}".strip(),
            doubts=fetch.doubts,
            explains_nothing=fetch.explains_nothing,
        )
    if case.root is not None and not missing:
        return ChainEnd(
            end=End.UNTRUSTED_ROOT,
            told=f"{sent}, complete but for its root {name(case.root)}, which {_seen(case, case.root)} and is not among those the gateway is taken to have.",
            doubts=_public(case),
        )
    if missing and len(fetch.got) == len(missing):
        return _fetched_to_the_end(case, f"{lacks}. {fetch.told}", missing[-1])
    if missing:
        more = (
            f" Its root {name(case.root)}, which {_seen(case, case.root)}, is not among those the gateway is taken to have either: "
            "both must be mended."
            if case.root is not None
            else ""
        )
        return ChainEnd(
            end=End.INCOMPLETE,
            told=f"{lacks}, which {_seen(case, missing[0])}. {fetch.told}".rstrip() + more,
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
    told = f"{sent} alone, without its issuer “{top.issuer}”. {fetch.told}".rstrip()
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


def _fetched_to_the_end(case: Case, told: str, last: Certificate) -> ChainEnd:
    """What the server omits was fetched, so the gateway may have it too; what stands above is what it lacks in any case."""
    if case.root is not None:
        return ChainEnd(
            end=End.UNTRUSTED_ROOT,
            told=f"{told} That ends at the root {name(case.root)}, which {_seen(case, case.root)} and is not among those the gateway is taken to have.",
            doubts=_public(case),
        )
    doubt = (
        f"the issuer “{last.issuer}” of {name(last)} was not seen: were that another intermediate and not a root, this would be 2b. "
        "What decides: look at that certificate; a root names itself as issuer"
    )
    return ChainEnd(
        end=End.UNTRUSTED_ROOT,
        told=f"{told} That was issued by “{last.issuer}”, which is not among the roots the gateway is taken to have.",
        doubts=(doubt, *_public(case)),
    )


def _seen(case: Case, issuer: Certificate) -> str:
    """Where an issuer that was not sent was seen."""
    url = source(case, issuer)
    return f"was fetched from {url}" if url else "was seen elsewhere"
