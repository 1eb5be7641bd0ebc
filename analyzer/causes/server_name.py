"""The server refuses, or answers otherwise to, the name that the gateway sends (SNI)."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import sentence
from analyzer.causes.protocol import NAME_DIFFERS, answered, failed, not_reached, without_name
from analyzer.model import Attribution, CauseName, Remedy

UNRECOGNIZED = "unrecognized_name"  # RFC 6066 section 3: alert 112


def judge(case: Case) -> Attribution:
    """Shown where the same hello is accepted once the name is left out, or where the server's alert says so itself."""
    cause = CauseName.SERVER_NAME
    refused = failed(case)
    if refused and without_name(case):
        return answer(case, cause, probe=Says.YES, reasons=(sentence(case), NAME_DIFFERS))
    if refused and case.first is not None and case.first.alert == UNRECOGNIZED and not answered(case):
        return answer(
            case, cause, probe=Says.YES, reasons=(sentence(case), "The alert says that the name is not known.")
        )
    if refused is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    if refused:
        return answer(case, cause, probe=Says.NO, reasons=(sentence(case),))
    differing = _differing(case)
    if differing:
        return answer(case, cause, probe=Says.OPEN, missing=differing)
    return answer(case, cause, probe=Says.NO, reasons=(f"The server answers the name {case.server_name}.",))


def _differing(case: Case) -> str:
    """That the certificate hangs on the name, in words; "" where that was not seen."""
    shakes = case.evidence.handshakes if case.evidence else ()
    named = {h.chain[0] for h in shakes if h.chain and h.named}
    nameless = {h.chain[0] for h in shakes if h.chain and h.named is False}
    if not named or not nameless or named & nameless:
        return ""
    return (
        f"without SNI the server presents another certificate than with the name {case.server_name}; which name the gateway "
        "sends is not in the log: a policy that sets the Host header changes it, and to an address none is sent"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Either side can change the name."""
    return (
        Remedy(
            owner="backend",
            text=f"Bind a site and its certificate to the name {case.server_name} on this address: the server refuses that name.",
        ),
        Remedy(
            owner="gateway",
            text="Or send a name that the server knows: change the backend URL, or set the Host header in policy "
            '(set-header name="Host"), which decides SNI and the name that is checked.',
            caution="The certificate must cover the name that is sent; check it first with: "
            "apim-triage check HOST:PORT --host-header HOST=NAME.",
        ),
    )


CAUSE = Cause(
    name=CauseName.SERVER_NAME,
    claim="The server refuses the name that the gateway sends with its hello (SNI).",
    source="RFC 6066 section 3; facts on App Service, Container Apps, ingress controllers and Front Door: SNI selects the site",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null; openssl s_client -connect HOST:PORT -noservername </dev/null   # only the second is answered",
)
