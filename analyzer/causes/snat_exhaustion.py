"""The gateway has no source port left for one more connection: some calls fail, to public addresses, while others go through."""

import ipaddress

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer, fits
from analyzer.causes.observed import sentence
from analyzer.model import Attribution, CauseName, Kind, Outcome, Reason, Remedy, State, Tier

NAME = CauseName.SNAT_EXHAUSTION


def judge(case: Case) -> Attribution:
    """The text names it, or its pattern does: partial, at several backends of one gateway at once, and connecting from here."""
    kinds = case.kinds
    if not any(fits(m.kind, m.also, NAME) for m in case.cluster.messages):
        return answer(case, NAME, probe=Says.OPEN if case.logged else Says.NO, pattern=Says.NO if case.logged else None)
    partial = case.cluster.state is State.INTERMITTENT
    if kinds and kinds[0] is Kind.SNAT:
        constant = (
            () if partial else (_reason("no success among the failures is in the log, and exhaustion is partial"),)
        )
        seen = ("Calls to this backend succeeded among the failures, as exhaustion is partial.",) if partial else ()
        return answer(case, NAME, probe=Says.OPEN, pattern=Says.YES, seen=seen, missing=_METRIC, cap=constant)
    private = _private(case)
    if private:
        return answer(case, NAME, probe=Says.NO, pattern=Says.OPEN, reasons=(private,))
    if case.cluster.requests is not None and not partial:
        text = "No call succeeded between the first and the last failure: exhaustion fails some calls, not every one."
        return answer(case, NAME, probe=Says.NO, pattern=Says.OPEN, reasons=(text,))
    beside = case.neighbours.failing_beside
    if not partial or not beside or not _connects(case):
        return answer(case, NAME, probe=Says.OPEN, pattern=Says.OPEN, missing=_METRIC)
    at_once = (
        "Calls to this backend succeeded among the failures.",
        f"In the same hours {beside:,} other backend{'s' if beside > 1 else ''} of this gateway could not be connected to.",
    )
    return answer(
        case, NAME, probe=Says.OPEN, pattern=Says.YES, seen=at_once, reasons=(sentence(case),), missing=_METRIC
    )


_METRIC = "the gateway's connection count is not in the log: portal, API Management > Diagnose and solve problems > Availability and performance > SNAT port"


def _reason(text: str) -> Reason:
    return Reason(origin="log", text=text)


def _connects(case: Case) -> bool:
    first = case.first
    return first is not None and first.outcome is Outcome.COMPLETED


def _private(case: Case) -> str:
    """Why the address needs no translation; "" where it may."""
    seen = case.evidence
    if seen is None or seen.address is None or seen.pinned:
        return ""
    try:
        is_private = ipaddress.ip_address(seen.address).is_private
    except ValueError:
        return ""
    return (
        f"{seen.address} is a private address, and ports are translated towards public ones only." if is_private else ""
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Fewer new connections, more ports, or no translation at all."""
    host = case.cluster.backend.label
    found = [
        Remedy(
            owner="network",
            text=f"Reach {host} without translation (private endpoint, service endpoint, peering), or give the gateway's subnet a NAT gateway.",
        ),
        Remedy(
            owner="backend",
            text="Let connections be reused: no “Connection: close”, a keep-alive timeout of minutes; ports come back four minutes after use.",
        ),
    ]
    if case.gateway.tier in (Tier.CLASSIC, Tier.V2):
        found.append(
            Remedy(
                owner="gateway",
                text="Add units: each brings ports of its own. Cache answers, and drop retries that fire at once.",
            )
        )
    return tuple(found)


CAUSE = Cause(
    name=NAME,
    claim="The gateway runs out of source ports (SNAT), so that some of its new connections fail.",
    source="learn.microsoft.com, API Management, Troubleshoot response timeout and errors; Winsock error codes 10048 and 10055",
    judge=judge,
    remedies=remedies,
    proof="for n in 1 2 3 4 5; do curl -s -o /dev/null -w '%{http_code} ' https://HOST:PORT/; done   # from elsewhere every one connects",
)
