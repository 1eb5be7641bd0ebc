"""Nothing listens on the backend's port, or a firewall says so."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.connection import connection_answer
from analyzer.model import Attribution, CauseName, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """A TCP reset in answer to the SYN (RFC 9293 section 3.5.2)."""
    return connection_answer(case, CauseName.REFUSED, frozenset({Outcome.REFUSED}))


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Server, port or firewall."""
    return (
        Remedy(
            owner="backend",
            text=f"Start the service on {case.cluster.backend.label}, and see that it listens on that address and port.",
        ),
        Remedy(owner="gateway", text="Check the port in the backend URL."),
        Remedy(owner="network", text="Look for a firewall rule that rejects the gateway's addresses."),
    )


CAUSE = Cause(
    name=CauseName.REFUSED,
    claim="The connection is refused: nothing listens on that port, or a firewall rejects it.",
    source="RFC 9293 section 3.5.2; errno ECONNREFUSED (111 on Linux), WSAECONNREFUSED (10061)",
    judge=judge,
    remedies=remedies,
    proof="curl -v --connect-timeout 5 https://HOST:PORT/   # “Connection refused”",
)
