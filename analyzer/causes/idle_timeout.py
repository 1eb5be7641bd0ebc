"""A connection on which nothing moved for about four minutes was cut: by a load balancer, or by App Service's limit of 230 s."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer, fits
from analyzer.causes.waiting import CUT_WHEN_IDLE, waited
from analyzer.model import Attribution, CauseName, Remedy

NAME = CauseName.IDLE_TIMEOUT


def judge(case: Case) -> Attribution:
    """Read from the log's times alone: a probe that waits as long would learn no more than that it was cut as well."""
    if not case.logged:
        return answer(case, NAME, probe=Says.NO, reasons=("No call was made that could have waited.",))
    if not any(fits(m.kind, m.also, NAME) for m in case.cluster.messages):
        return answer(case, NAME, probe=Says.OPEN, pattern=Says.NO)
    cut = waited(case, CUT_WHEN_IDLE)
    if not cut.logged:
        return answer(case, NAME, probe=Says.OPEN, missing="how long the calls had run is not in the log (elapsed)")
    if not cut.inside:
        return answer(case, NAME, probe=Says.NO, pattern=Says.OPEN, reasons=(f"{cut.told('229 s to 242 s')}.",))
    told = f"{cut.told('229 s to 242 s')}: idle connections are cut then, by App Service after 230 s and by load balancers after 240 s."
    if not cut.most:
        return answer(
            case, NAME, probe=Says.OPEN, pattern=Says.OPEN, missing=f"{told} Most failures came at another time"
        )
    stood = case.handshake_stands
    seen = ("A probe's handshake stands: what fails is not the connection but the wait.",) if stood else ()
    return answer(case, NAME, probe=Says.OPEN, pattern=Says.YES, seen=(told,), reasons=seen)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Nothing may stay silent for four minutes; longer work wants another shape."""
    return (
        Remedy(
            owner="backend",
            text=f"Let {case.cluster.backend.label} answer within 230 seconds: make long work asynchronous (202 Accepted with a status address to poll), or send "
            "something meanwhile. App Service's limit of 230 s cannot be raised.",
        ),
        Remedy(
            owner="network",
            text="Where an Azure load balancer or firewall stands between, raise its idle timeout (4 minutes by default) or switch "
            "on TCP keep-alive at the backend; and see which device's timer is the shortest.",
        ),
        Remedy(
            owner="gateway",
            text='Set forward-request timeout="…" below 230 in the policy, so that callers get a prompt, honest Timeout instead.',
        ),
    )


CAUSE = Cause(
    name=NAME,
    claim="A connection that was silent for about four minutes was cut on the way.",
    source="api-management-self-hosted-gateway issue 230 (cut at 230 s to 240 s); learn.microsoft.com, Azure Load Balancer TCP reset and idle timeout",
    judge=judge,
    remedies=remedies,
    proof="curl -v -o /dev/null -w '%{time_total}' https://HOST:PORT/PATH-THAT-TAKES-LONG   # ends at 230 s or 240 s",
)
