"""The backend does not answer in time: not to the SYN, or not to the ClientHello."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says
from analyzer.causes.connection import connection_answer
from analyzer.causes.waiting import CONNECT_GIVEN_UP, waited
from analyzer.model import Attribution, CauseName, Kind, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """No connection before the deadline, or a connection on which the server stays silent."""
    shown = frozenset({Outcome.CONNECT_TIMEOUT, Outcome.SILENT})
    times = waited(case, CONNECT_GIVEN_UP)
    if not times.most or case.kinds[:1] != (Kind.TIMEOUT,):
        return connection_answer(case, CauseName.TIMEOUT, shown)
    seen = f"{times.told('20 s to 22 s')}: so long Windows waits for an answer to a SYN; a refusal comes in seconds."
    return connection_answer(case, CauseName.TIMEOUT, shown, pattern=Says.YES, seen=(seen,))


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Who is silent decides whose it is."""
    if case.first is not None and case.first.outcome is Outcome.SILENT:
        return (
            Remedy(
                owner="backend",
                text="The port accepts connections and then stays silent: look for a hung or overloaded server, or one that waits for another protocol.",
            ),
            Remedy(owner="network", text="Or for a load balancer that accepts connections it cannot pass on."),
        )
    return (
        Remedy(
            owner="network",
            text=f"Allow the gateway's subnet to reach {case.cluster.backend.label}: network security group, firewall, route. Packets are dropped without an answer.",
        ),
        Remedy(owner="backend", text="Check that the server is up and its own firewall lets the gateway in."),
    )


CAUSE = Cause(
    name=CauseName.TIMEOUT,
    claim="The backend does not answer in time.",
    source="RFC 9293 section 3.8.3; errno ETIMEDOUT (110 on Linux), WSAETIMEDOUT (10060)",
    judge=judge,
    remedies=remedies,
    proof="curl -v --connect-timeout 10 https://HOST:PORT/   # “Connection timed out”, or nothing after “Connected”",
)
