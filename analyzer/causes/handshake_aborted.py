"""The server ends every handshake: an alert, a close or broken records, whatever is offered."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import intermittent_answer, sentence
from analyzer.causes.protocol import NAME_DIFFERS, answered, failed, not_reached, without_name
from analyzer.causes.server_name import UNRECOGNIZED
from analyzer.model import Attribution, CauseName, Outcome, Remedy

ENDINGS = frozenset({Outcome.ALERT, Outcome.CLOSED, Outcome.MALFORMED, Outcome.TOO_LARGE})


def judge(case: Case) -> Attribution:
    """Shown where no hello of any version or suite was answered, and no alert says why."""
    cause = CauseName.HANDSHAKE_ABORTED
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    intermittent = intermittent_answer(case, cause, ENDINGS)
    if intermittent:
        return intermittent
    first = case.first
    if first is None or first.outcome not in ENDINGS or first.alert == "protocol_version":
        return answer(case, cause, probe=Says.NO, reasons=(sentence(case),))
    if without_name(case) or (first.alert == UNRECOGNIZED and not answered(case)):
        return answer(case, cause, probe=Says.NO, reasons=(NAME_DIFFERS if without_name(case) else sentence(case),))
    if answered(case):
        return answer(
            case,
            cause,
            probe=Says.NO,
            reasons=("The server answers another hello, so what differs between the two explains the failure.",),
        )
    tried = f" So did {len(case.diagnostic)} other hellos." if case.diagnostic else ""
    return answer(case, cause, probe=Says.YES, reasons=(sentence(case) + tried,))


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The server's own log knows why."""
    name = case.server_name
    return (
        Remedy(
            owner="backend",
            text=f"Read the server's TLS log at the time of a failing call: no certificate bound to the name {name}, a missing key, or an overloaded server are common.",
        ),
        Remedy(
            owner="network",
            text="Look for a load balancer or firewall that ends connections for names or addresses it does not know.",
        ),
    )


CAUSE = Cause(
    name=CauseName.HANDSHAKE_ABORTED,
    claim="The server ends the handshake whatever is offered, without saying why.",
    source="RFC 8446 section 6",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null   # ends before a certificate is shown",
)
