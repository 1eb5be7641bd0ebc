"""The backend's name does not resolve."""

import ipaddress

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.connection import connection_answer
from analyzer.model import Attribution, CauseName, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """NXDOMAIN, or no address, from the resolver that was asked; a resolver that does not answer says nothing of the name."""
    if _is_address(case.cluster.backend.host):
        return answer(
            case, CauseName.DNS, probe=Says.NO, reasons=("The backend is an address: nothing has to be resolved.",)
        )
    if case.evidence is not None and case.evidence.pinned:
        return answer(
            case,
            CauseName.DNS,
            probe=Says.OPEN,
            missing="the address was given by --connect-to, so the name was not resolved",
        )
    return connection_answer(case, CauseName.DNS, frozenset({Outcome.NAME_NOT_FOUND}))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The gateway's own resolver decides, not the one of this machine."""
    host = case.cluster.backend.host
    return (
        Remedy(owner="gateway", text=f"Check the backend URL: is “{host}” spelt right and still in use?"),
        Remedy(
            owner="network",
            text=f"Make “{host}” resolvable where the gateway runs: the virtual network's DNS servers, or a private DNS zone linked to that network.",
            caution="A name may resolve on your machine and not in the gateway's network, and the other way round.",
        ),
    )


CAUSE = Cause(
    name=CauseName.DNS,
    claim="The backend's name does not resolve.",
    source="RFC 8020; .NET SocketError.HostNotFound",
    judge=judge,
    remedies=remedies,
    proof="nslookup HOST   # on a machine that uses the gateway's DNS servers",
)
