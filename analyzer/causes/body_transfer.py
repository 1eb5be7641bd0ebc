"""The backend answered, and its body broke off while it was passed on: no failed connection, though the log says so."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.waiting import CUT_WHEN_IDLE, waited
from analyzer.model import Attribution, CauseName, Family, Remedy

NAME = CauseName.BODY_TRANSFER


def judge(case: Case) -> Attribution:
    """The log's step decides, transfer-response; a handshake, however it goes, says nothing of a body."""
    if case.cluster.family is not Family.TRANSFER:
        return answer(case, NAME, probe=Says.NO, reasons=(_before(case),))
    told = "The step that failed is transfer-response: TLS stood and the backend had sent a status before the body broke off."
    cut = waited(case, CUT_WHEN_IDLE)
    idle = (f"{cut.told('229 s to 242 s')}: see idle_timeout.",) if cut.inside else ()
    return answer(
        case,
        NAME,
        probe=Says.OPEN,
        pattern=Says.YES,
        seen=(told, *idle),
        missing="what ended the body is in the backend's own log, or in that of a device between: a probe reads no body",
    )


def _before(case: Case) -> str:
    return (
        "These failures came before any answer, at forward-request."
        if case.logged
        else "No call was made whose body could have broken off."
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The backend's log at the time of a failing call; certificates and settings of TLS are not at fault."""
    return (
        Remedy(
            owner="backend",
            text=f"Look in the log of {case.cluster.backend.label} at the time of one of the correlation ids for a crash, a restart or a time limit while it "
            "sent the answer, and compare Content-Length with what was sent.",
        ),
        Remedy(
            owner="network",
            text="Look for a proxy, firewall or load balancer between that ends long or large answers.",
        ),
        Remedy(
            owner="gateway",
            text='No certificate and no TLS setting mends this: the connection stood. forward-request buffer-response="false" passes '
            "a streamed answer on as it comes.",
        ),
    )


CAUSE = Cause(
    name=NAME,
    claim="The backend answered, and the body of its answer broke off.",
    source="log records with source transfer-response and a backend status (stackoverflow.com question 61413730)",
    judge=judge,
    remedies=remedies,
    proof="curl -v -o /dev/null https://HOST:PORT/PATH   # “transfer closed with … bytes remaining to read”",
)
