"""From a case to words: what the probe met, and why it met no certificate; shared by the causes of one stage."""

from __future__ import annotations

from datetime import datetime, timedelta

from analyzer.causes.case import Case
from analyzer.causes.cause import Says, answer
from analyzer.model import Attribution, CauseName, Certificate, Handshake, Outcome, Reason

_OUTCOMES = {
    Outcome.COMPLETED: "the handshake reached the end of the server's flight",
    Outcome.WRONG_VERSION: "the server chose a version that was not offered",
    Outcome.WRONG_SUITE: "the server chose a cipher suite that was not offered",
    Outcome.ALERT: "the server refused with an alert",
    Outcome.CLOSED: "the server closed the connection without an alert",
    Outcome.RESET: "the connection was reset",
    Outcome.SILENT: "the server accepted the connection and then said nothing until the deadline",
    Outcome.NOT_TLS: "the server answered with another protocol",
    Outcome.MALFORMED: "the server's answer breaks the TLS protocol",
    Outcome.TOO_LARGE: "the server's answer is larger than any honest handshake",
    Outcome.NAME_NOT_FOUND: "the name does not exist for the resolver asked",
    Outcome.RESOLVER_FAILED: "the resolver gave no answer",
    Outcome.REFUSED: "the connection was refused",
    Outcome.UNREACHABLE: "the network said that the address is unreachable",
    Outcome.CONNECT_TIMEOUT: "no connection stood before the deadline",
    Outcome.CONNECT_FAILED: "this machine could not open the connection",
    Outcome.PROXY_FAILED: "the proxy gave no connection to it",
    Outcome.FORBIDDEN: "the address is one that may not be probed; nothing was sent",
}


def met(handshake: Handshake) -> str:
    """One handshake's outcome in words, with the server's choice, alert or banner."""
    words = _OUTCOMES[handshake.outcome]
    chosen = " with ".join(x for x in (handshake.version, handshake.suite) if x)
    extra = "; ".join(x for x in (handshake.alert and f"alert {handshake.alert}", chosen, handshake.detail) if x)
    return f"{words} ({extra})" if extra else words


def sentence(case: Case) -> str:
    """What the gateway's own hello met, or whose it was, where and when; "" where nothing was probed."""
    whose = f"{case.foreign}'s hello" if case.foreign else "the gateway's own hello"
    return f"To {whose}, {met(case.first)} [{case.where()}]." if case.first else ""


def comes_and_goes(case: Case, outcomes: frozenset[Outcome]) -> str:
    """That some tries ended so and another stood, in words; "" where none did."""
    ended = [h for h in case.fell_short if h.outcome in outcomes]
    if not ended or case.evidence is None:
        return ""
    tries = f"{len(ended)} of {len(case.evidence.tries)} tries with the gateway's own hello failed"
    return f"Intermittent: {tries} ({met(ended[0])}), and another stood [{case.where()}]."


def intermittent_answer(case: Case, cause: CauseName, outcomes: frozenset[Outcome]) -> Attribution | None:
    """The answer of a cause that is one of these outcomes, met in some tries and not in others; None: it was not."""
    told = comes_and_goes(case, outcomes)
    if not told:
        return None
    doubt = Reason(origin="probe", text="it comes and goes: one more try may show it or not")
    return answer(case, cause, probe=Says.YES, reasons=(told,), cap=(doubt,))


def no_chain(case: Case) -> str:
    """Why no certificate was seen, in words."""
    if case.evidence is None:
        return f"the backend was not probed: {case.not_probed}"
    if case.first is None:
        exported = (
            f": certificates from a file, and no connection was observed [{case.where()}]" if case.foreign else ""
        )
        return f"the evidence holds no handshake{exported}"
    return f"no certificate was seen: {met(case.first)} [{case.where()}]"


def certificate_answer(
    case: Case, cause: CauseName, *, shown: bool, told: str = "", otherwise: str, cap: tuple[Reason, ...] = ()
) -> Attribution:
    """The answer of a cause that reads the certificate: `told` where the fault is shown, `otherwise` where it is absent."""
    if case.judgement is None:
        return answer(case, cause, probe=Says.OPEN, missing=no_chain(case))
    if not shown and case.replaced and case.leaf is not None:
        gone = f"the certificate that failed is gone: the one seen was issued on {day(case.leaf.not_before)}, and calls succeed since"
        return answer(case, cause, probe=Says.OPEN, missing=gone)
    if not shown:
        return answer(case, cause, probe=Says.NO, reasons=(otherwise,))
    if case.judgement.accepted is False and (waived := unchecked(case, cause)):
        return answer(case, cause, probe=Says.NO, reasons=(told,), settings=(waived,))
    if case.pinned and cause is not CauseName.EXPIRED:
        return answer(
            case, cause, probe=Says.OPEN, missing=f"{told} {_PINNED.format(case.route.named if case.route else '')}"
        )
    if case.handshake_stands is False:
        # the gateway's handshake ends before a certificate matters; the chain was seen by another hello
        later = (
            f"{told} But the gateway's own handshake fails earlier: once that is mended, this would be the next fault."
        )
        return answer(case, cause, probe=Says.OPEN, missing=later)
    if case.renewed and case.leaf is not None:
        renewal = f"the certificate seen was issued on {day(case.leaf.not_before)}, after the last failure: another one failed"
        cap = (*cap, Reason(origin="probe", text=renewal))
    return answer(
        case,
        cause,
        probe=Says.YES,
        reasons=(told, *_voice(case)),
        cap=(*cap, *elsewhere_answered(case, cause)),
        all_or_nothing=True,
        seen=(*rate(case), *failing_elsewhere(case)),
    )


_OF_THE_GATEWAY = frozenset({CauseName.UNTRUSTED_ROOT, CauseName.SELF_SIGNED, CauseName.INCOMPLETE_CHAIN})
"""Faults that one gateway may have and another not, with the same certificate: they differ in what they were given."""


def rate(case: Case) -> tuple[str, ...]:
    """How many of the calls failed from the first failure to the last, in words; a bound, as diagnostics may sample successes."""
    c = case.cluster
    hours = [
        h for h in c.timeline if h.requests is not None and c.first_seen < h.start + _HOUR and h.start <= c.last_seen
    ]
    requests, failures = sum(h.requests or 0 for h in hours), sum(h.failures for h in hours)
    if not requests or failures < 2:
        return ()
    if failures >= requests:
        return (f"No success is logged in the hours of the {failures:,} failures, as where every call fails.",)
    return (
        f"In the hours of the failures at least {requests - failures:,} of {requests:,} logged calls did not fail so.",
    )


def failing_elsewhere(case: Case) -> tuple[str, ...]:
    """Other gateways that fail at this backend too: then the backend is the likelier place of the fault."""
    others = case.neighbours.failing_at
    if not others:
        return ()
    return (
        f"At {_few(others)} the same backend fails likewise: the fault is the backend's, or one that the gateways share.",
    )


def elsewhere_answered(case: Case, cause: CauseName) -> tuple[Reason, ...]:
    """Other gateways that the same backend answered meanwhile: against a fault of the certificate itself, unless they differ."""
    others = case.neighbours.answered_at
    if not others or cause in _OF_THE_GATEWAY or case.partial:
        return ()
    text = (
        f"{_few(others)} got answers from this backend meanwhile: a fault of the certificate itself fails at every gateway that "
        "checks it, unless the name leads each to another server"
    )
    return (Reason(origin="log", text=text),)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


_HOUR = timedelta(hours=1)


_PINNED = (
    "But the {} pins this certificate or its issuer, and Service Fabric's pins, which stand in for the chain and the name, are "
    "all that is documented of that"
)


def unchecked(case: Case, cause: CauseName) -> str:
    """That the gateway does not look at what this cause is about, because a switch of its backend entity is off; or ""."""
    if case.route is None:
        return ""
    of_name = cause is CauseName.NAME_MISMATCH
    if (case.switches.name if of_name else case.switches.chain) is not False:
        return ""
    flag = "validateCertificateName" if of_name else "validateCertificateChain"
    what = "name" if of_name else "chain"
    return (
        f"The {case.route.named} has {flag}=false: by its settings the gateway does not check the certificate's {what}."
    )


def _voice(case: Case) -> tuple[str, ...]:
    """What a chain that another tool was sent says of the gateway's."""
    if not case.foreign:
        return ()
    if case.first is None:
        return (f"Read from certificates that were exported [{case.where()}].",)
    return (
        f"The chain was sent to {case.foreign} [{case.where()}]; it does not depend on the hello, unless the server has an RSA and "
        "an ECDSA certificate to choose from.",
    )


def day(moment: datetime) -> str:
    """A moment to the minute, UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def name(certificate: Certificate) -> str:
    """How a certificate is called in a sentence."""
    return f"“{certificate.common_name or certificate.subject or '(no subject)'}”"
