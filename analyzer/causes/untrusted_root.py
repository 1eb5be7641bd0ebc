"""Scenario 2a: the chain is complete and ends at a private root that the gateway was not given."""

from dataclasses import replace

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.chain_end import End, chain_answer
from analyzer.causes.fetching import omitted
from analyzer.causes.observed import name
from analyzer.causes.remedies import give_ca, send_chain, skip_validation, tiers
from analyzer.model import Attribution, CauseName, Remedy, Tier


def judge(case: Case) -> Attribution:
    """Decided from the chain as sent, never from the verifier's words: .NET says PartialChain to 2a and 2b alike."""
    return chain_answer(case, CauseName.UNTRUSTED_ROOT, End.UNTRUSTED_ROOT)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The root (and what stands between it and what the server sends) goes to the gateway, by the mechanism of its tier."""
    last = (*case.shape.path, *case.shape.above)[-1] if case.shape else None
    root = (last.subject if last.self_signed else last.issuer) if last else "the backend's root"
    found = list(give_ca(case, f"the root “{root}”", "Root"))
    between = ", ".join(map(name, omitted(case)))
    if between:
        found.append(replace(send_chain(between), caution="Until then each gateway must fetch it over plain HTTP."))
    elif case.shape and len(case.shape.path) == 1 and case.root is None:
        found += give_ca(case, "every intermediate between the leaf and that root", "Intermediate")
    if tiers(case) != (Tier.CONSUMPTION,):  # of which that was said
        found.append(Remedy(owner="backend", text="Or serve a certificate of a publicly trusted CA."))
    return (*found, skip_validation(case, chain=True, name=False))


CAUSE = Cause(
    name=CauseName.UNTRUSTED_ROOT,
    claim="The server sends its whole chain, and it ends at a private root that the gateway does not have.",
    source="Microsoft: api-management-howto-ca-certificates; measured .NET 9: PartialChain, or UntrustedRoot where the root is sent too",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -showcerts </dev/null   # is the last certificate's issuer (i:) a root that the gateway has?",
)
