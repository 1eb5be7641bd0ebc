"""Scenario 2b: the server leaves out a certificate between its leaf and a root."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.chain_end import End, chain_answer
from analyzer.causes.fetching import fetching, omitted
from analyzer.causes.observed import name
from analyzer.causes.remedies import give_ca, send_chain, skip_validation
from analyzer.model import Attribution, CauseName, Remedy


def judge(case: Case) -> Attribution:
    """Confirmed only where no AIA address could mend it silently (rule 4) and the missing link is known."""
    return chain_answer(case, CauseName.INCOMPLETE_CHAIN, End.INCOMPLETE)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """First the backend sends its full chain; giving the gateway the intermediate is the second best."""
    top = case.shape.top if case.shape else None
    seen = ", ".join(map(name, omitted(case)))
    missing = seen or (f"“{top.issuer}”" if top else "the missing intermediate")
    asks = fetching(case).asks
    fetch = (
        (Remedy(owner="network", text=f"Or let the gateway fetch it: outbound HTTP (port 80) to {', '.join(asks)}."),)
        if asks
        else ()
    )
    return (
        send_chain(missing),
        *fetch,
        *give_ca(case, f"the intermediate {missing}", "Intermediate"),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.INCOMPLETE_CHAIN,
    claim="The server omits an intermediate certificate, so no path to a root can be built.",
    source="RFC 8446 section 4.4.2; RFC 5280 section 4.2.2.1 (AIA); measured .NET 9: PartialChain",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -showcerts </dev/null | grep -E ' (s|i):'   # each i: must be the next s:, or a root",
)
