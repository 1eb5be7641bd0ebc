"""The server speaks another protocol on that port."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import sentence
from analyzer.causes.protocol import answered, not_reached
from analyzer.model import Attribution, CauseName, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """The first bytes of the answer are not a TLS record (RFC 8446 section 5.1)."""
    cause = CauseName.NOT_TLS
    if case.first and case.first.outcome is Outcome.NOT_TLS:
        return answer(case, cause, probe=Says.YES, reasons=(sentence(case),))
    if case.handshake_stands is None and not answered(case):
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    if case.first and case.first.outcome in (Outcome.CLOSED, Outcome.RESET, Outcome.SILENT):
        return answer(
            case,
            cause,
            probe=Says.OPEN,
            missing=f"the server said nothing by which to know its protocol. {sentence(case)}",
        )
    return answer(case, cause, probe=Says.NO, reasons=("The server speaks TLS.",))


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Scheme, port or server: one of them is wrong."""
    port = case.cluster.backend.port
    return (
        Remedy(
            owner="gateway",
            text=f"Check the backend URL: does the server speak TLS on port {port}? Use the port that does, or http:// if it has none.",
        ),
        Remedy(owner="backend", text="Or enable TLS on that port."),
        Remedy(owner="network", text="Or look for a proxy or firewall that answers in the server's place."),
    )


CAUSE = Cause(
    name=CauseName.NOT_TLS,
    claim="The server does not speak TLS on that port.",
    source="RFC 8446 section 5.1; measured .NET 9: “Cannot determine the frame size or a corrupted frame was received.”",
    judge=judge,
    remedies=remedies,
    proof="curl -v http://HOST:PORT/   # an answer shows that the port speaks plain HTTP",
)
