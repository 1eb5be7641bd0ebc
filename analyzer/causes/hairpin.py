"""The gateway calls its own host from inside an internal virtual network: the load balancer does not send it back to the sender."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.connection import UNDECIDED
from analyzer.causes.observed import sentence
from analyzer.causes.waiting import CONNECT_GIVEN_UP, waited
from analyzer.model import Attribution, CauseName, Kind, Outcome, Remedy, Tier

NAME = CauseName.HAIRPIN
_DOMAINS = (".azure-api.net", ".azure-api.us", ".azure-api.cn")


def own_host(case: Case) -> str:
    """In words, why the backend's host is the gateway's own; "" where nothing says so."""
    host, name = case.cluster.backend.host.rstrip("."), case.gateway.name.lower()
    if case.cluster.own_host_calls:
        return f"{case.cluster.own_host_calls:,} of the failing calls had come in under the name {host} themselves"
    if host in case.gateway.hosts:
        return f"{host} is one of the gateway's own host names, by its settings"
    if name and host.endswith(_DOMAINS):
        first = host.split(".", 1)[0]
        # NAME.azure-api.net; of one region NAME-REGION-01.regional.azure-api.net
        if first == name or (".regional." in host and first.startswith(f"{name}-")):
            return f"{host} is the gateway's own default host name"
    return ""


def judge(case: Case) -> Attribution:
    """Own host and no connection after about 21 s; from elsewhere the same host answers, which speaks for it."""
    own = own_host(case)
    times = waited(case, CONNECT_GIVEN_UP)
    if not any(Kind.TIMEOUT in (m.kind, *m.also) for m in case.cluster.messages):
        return answer(case, NAME, probe=Says.OPEN if case.logged else Says.NO, pattern=Says.NO if case.logged else None)
    if not own:
        missing = "whether HOST is one of the gateway's own (custom) host names is not in the log; --apim-config would show it"
        if times.most and not case.gateway.hosts:
            return answer(
                case, NAME, probe=Says.OPEN, pattern=Says.OPEN, missing=f"{times.told('20 s to 22 s')}; {missing}"
            )
        text = f"{case.cluster.backend.label} is not known to be the gateway's own host."
        return answer(case, NAME, probe=Says.NO, pattern=Says.OPEN, reasons=(text,))
    seen = (f"{own}: the gateway calls itself.", *((f"{times.told('20 s to 22 s')}.",) if times.inside else ()))
    if case.gateway.tier is not Tier.CLASSIC:
        missing = f"{seen[0]} The fault is known of classic gateways in an internal virtual network only"
        return answer(case, NAME, probe=Says.OPEN, pattern=Says.OPEN, missing=missing)
    connects = case.first is not None and case.first.outcome not in (UNDECIDED | {Outcome.CONNECT_TIMEOUT})
    elsewhere = (f"{sentence(case)} So it answers others than the gateway itself.",) if connects else ()
    missing = "" if connects else "whether the same host answers from another machine of the network"
    return answer(case, NAME, probe=Says.OPEN, pattern=Says.YES, seen=seen, reasons=elsewhere, missing=missing)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Do not go out through the load balancer to come back in."""
    return (
        Remedy(
            owner="gateway",
            text="Let the API call the gateway on its own machine: backend URL https://127.0.0.1 with the policy "
            'set-header name="Host" set to the gateway\'s host name, and “Validate certificate name” left on; or call '
            f"what lies behind {case.cluster.backend.label} directly.",
            caution="Only for a classic gateway in an internal virtual network. The Host header decides SNI and the name that is checked.",
        ),
        Remedy(
            owner="network",
            text="Or put an Application Gateway with an address of its own before the gateway, and call that: an Azure internal load "
            "balancer does not return a connection to the machine that opened it.",
        ),
    )


CAUSE = Cause(
    name=NAME,
    claim="The gateway calls its own host through an internal load balancer, which does not send it back to the sender.",
    source="techcommunity.microsoft.com, Self-chained APIM request limitation in internal virtual network (21 s); learn.microsoft.com, backends, Limitations",
    judge=judge,
    remedies=remedies,
    proof="curl -v --connect-timeout 30 https://HOST:PORT/   # on another machine of the network: it answers, and only the gateway times out",
)
