"""No route leads to the backend's address."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.connection import connection_answer
from analyzer.model import Attribution, CauseName, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """The network answered that the host or network cannot be reached (RFC 792)."""
    return connection_answer(case, CauseName.UNREACHABLE, frozenset({Outcome.UNREACHABLE}))


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Routes and peerings."""
    return (
        Remedy(
            owner="network",
            text=f"Find the missing route from the gateway's subnet to {case.cluster.backend.label}: peering, route table, VPN or ExpressRoute, private endpoint.",
        ),
    )


CAUSE = Cause(
    name=CauseName.UNREACHABLE,
    claim="The network says that the backend's address cannot be reached.",
    source="RFC 792; errno ENETUNREACH, EHOSTUNREACH",
    judge=judge,
    remedies=remedies,
    proof="curl -v --connect-timeout 5 https://HOST:PORT/   # from the gateway's network: “No route to host”",
)
