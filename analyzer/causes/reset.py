"""The connection is reset once the gateway has spoken."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import intermittent_answer, sentence
from analyzer.causes.protocol import NAME_DIFFERS, answered, failed, not_reached, without_name
from analyzer.model import Attribution, CauseName, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """A TCP reset after the ClientHello, whatever that offers."""
    cause = CauseName.RESET
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    intermittent = intermittent_answer(case, cause, frozenset({Outcome.RESET}))
    if intermittent:
        return intermittent
    if case.first is None or case.first.outcome is not Outcome.RESET:
        return answer(case, cause, probe=Says.NO, reasons=(sentence(case),))
    if without_name(case):
        return answer(case, cause, probe=Says.NO, reasons=(NAME_DIFFERS,))
    if answered(case):
        return answer(
            case,
            cause,
            probe=Says.NO,
            reasons=("Another hello is answered, so what differs between the two explains the reset.",),
        )
    return answer(case, cause, probe=Says.YES, reasons=(sentence(case),))


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Something between, or the server itself, refuses this client."""
    return (
        Remedy(
            owner="network",
            text="Find what resets the connection: a firewall that filters by server name, an inspection proxy, a load balancer without a healthy server.",
        ),
        Remedy(owner="backend", text=f"See that a site is bound to the name {case.server_name} on this address."),
    )


CAUSE = Cause(
    name=CauseName.RESET,
    claim="The connection is reset as soon as the gateway speaks TLS.",
    source="RFC 9293 section 3.10.7; measured .NET 9: “Connection reset by peer”",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null   # “Connection reset by peer”; try without -servername too",
)
