"""The server demands a client certificate that the gateway does not send."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.protocol import failed, not_reached
from analyzer.model import Attribution, CauseName, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """A request is not a requirement: shown only where the server refused an empty certificate."""
    cause = CauseName.CLIENT_CERTIFICATE
    shakes = case.evidence.handshakes if case.evidence else ()
    refusing = next((h for h in shakes if h.client_cert_required), None)
    if refusing is not None:
        how = f"alert {refusing.alert}" if refusing.alert else "it ended the connection"
        return answer(
            case,
            cause,
            probe=Says.YES,
            reasons=(f"The server asks for a client certificate and refuses to go on without one ({how}).",),
        )
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    if any(h.client_cert_requested and h.client_cert_required is False for h in shakes):
        return answer(
            case, cause, probe=Says.NO, reasons=("The server asks for a client certificate and goes on without one.",)
        )
    ended = next((h for h in shakes if h.version == "TLS 1.3" and h.outcome in (Outcome.RESET, Outcome.CLOSED)), None)
    if ended is not None:
        return answer(
            case,
            cause,
            probe=Says.OPEN,
            missing="the server ended the connection after a complete TLS 1.3 handshake, as one does that misses a client certificate, but gave no reason",
        )
    if any(h.client_cert_requested for h in shakes):
        return answer(
            case,
            cause,
            probe=Says.OPEN,
            missing="the server asks for a client certificate; whether it goes on without one was not learnt",
        )
    if case.handshake_stands and any(h.client_cert_requested is False for h in shakes):
        return answer(
            case, cause, probe=Says.NO, reasons=("The server does not ask for a client certificate in its handshake.",)
        )
    return answer(case, cause, probe=Says.OPEN, missing="whether the server asks for a client certificate was not seen")


def remedies(case: Case) -> tuple[Remedy, ...]:  # noqa: ARG001  the same for every case
    """The policy sends it; an entity's setting alone does nothing for HTTP backends."""
    return (
        Remedy(
            owner="gateway",
            text="Upload the client certificate (Security > Certificates) and send it by policy: authentication-certificate in the API's inbound section.",
            caution="A client certificate set only on the backend entity has no effect for HTTP backends. Check that it has not expired and still carries the clientAuth usage: .NET silently leaves out one that does not.",
        ),
        Remedy(owner="backend", text="Or make the client certificate optional for the gateway's addresses."),
    )


CAUSE = Cause(
    name=CauseName.CLIENT_CERTIFICATE,
    claim="The server demands a client certificate and the gateway sends none that it accepts.",
    source="RFC 5246 section 7.4.6; RFC 8446 section 4.4.2.4; measured .NET 9: the same alert as a cipher fault under TLS 1.2, none in the handshake under TLS 1.3",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null   # look for “Acceptable client certificate CA names” and an alert after it",
)
