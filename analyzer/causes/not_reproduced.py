"""The tool's own honesty: from here, now, the gateway's handshake with this backend would stand."""

from analyzer.causes.case import BEFORE_TLS, Case
from analyzer.causes.cause import Cause
from analyzer.causes.observed import comes_and_goes, day, no_chain, sentence
from analyzer.causes.protocol import other_voice, unsure_switch
from analyzer.model import Attribution, CauseName, Outcome, Reason, Remedy, Stage, State, Verdict


def judge(case: Case) -> Attribution:
    """At most likely: a healthy backend now says nothing certain of the backend then."""
    cause = CauseName.NOT_REPRODUCED

    def result(verdict: Verdict, *texts: str) -> Attribution:
        return Attribution(
            cause=cause, verdict=verdict, reasons=tuple(Reason(origin="probe", text=t) for t in texts if t)
        )

    first = case.first
    if case.evidence is None or first is None:
        return result(Verdict.UNKNOWN, no_chain(case))
    if case.fell_short:
        return result(Verdict.RULED_OUT, comes_and_goes(case, frozenset(Outcome)))
    if first.outcome is Outcome.COMPLETED and first.stage is Stage.CONNECT:
        return result(
            Verdict.LIKELY, f"The port accepts connections [{case.where()}]; the backend's URL has no TLS to try."
        )
    if first.outcome is not Outcome.COMPLETED:
        others = bool(case.foreign) and first.outcome not in BEFORE_TLS
        return result(Verdict.UNKNOWN if others else Verdict.RULED_OUT, sentence(case))
    if any(h.client_cert_required for h in case.evidence.handshakes):
        return result(Verdict.RULED_OUT, "The server refuses a client without a certificate.")
    if any(
        h.stage is Stage.APPLICATION and h.outcome in (Outcome.RESET, Outcome.CLOSED) for h in case.evidence.handshakes
    ):
        return result(Verdict.UNKNOWN, "After a complete handshake the server ended the connection without an answer.")
    if case.judgement is None:
        return result(Verdict.UNKNOWN, "The handshake stands, but the certificates were not seen.")
    if not case.chain_whole and case.judgement.statuses <= {"PartialChain"}:
        return result(Verdict.UNKNOWN, "Whether the server sends its whole chain was not seen.")
    if case.pinned is False and case.route is not None:
        return result(Verdict.RULED_OUT, f"The {case.route.named} pins another certificate than the server sends.")
    if case.accepted is None:
        return result(Verdict.UNKNOWN, "Whether the gateway has the issuer, or goes by a pin, is not known.")
    if not case.accepted:
        return result(Verdict.RULED_OUT, "The gateway would not accept the certificate.")
    if case.handshake_stands is False:
        return result(Verdict.RULED_OUT, f"{case.foreign} found no version and suite that the gateway offers too.")
    if case.handshake_stands is None:
        return result(Verdict.UNKNOWN, f"What the gateway's own hello would meet was not seen. {sentence(case)}")
    if case.logged and case.evidence.collected.at < case.cluster.first_seen:
        return result(
            Verdict.UNKNOWN,
            f"The backend was healthy before the first failure [{case.where()}]: what came after was not seen.",
        )
    if not case.platforms_agree:
        return result(
            Verdict.UNKNOWN,
            "Windows and .NET on Linux judge this chain differently, and which one this tier runs on is not documented.",
        )
    met = case.common or first
    chosen = " with ".join(x for x in (met.version, met.suite) if x)
    whose = f"{case.foreign}'s hello" if case.foreign else "The gateway's own hello"
    healthy = f"{whose} is answered ({chosen}) and the certificate is accepted [{case.where()}]."
    since = ""
    if case.renewed and case.leaf is not None:
        since = f"The certificate was issued on {day(case.leaf.not_before)}, after the last failure: it has been renewed since."
    elif case.cluster.state is State.STOPPED:
        since = "The log agrees: a call succeeded after the last failure."
    elsewhere = (
        ""
        if case.gateway.tier_from.value == "settings"
        else "What the gateway trusts and sees from its own network may differ."
    )
    if not case.judgement.accepted and case.route is not None:
        since = (
            f"{since} The {case.route.named} does not have it checked in full: it would be refused otherwise.".strip()
        )
    doubts = (f"But {r.text}." for r in (*unsure_switch(case, first.version), *other_voice(case)))
    return result(Verdict.LIKELY, healthy, since, elsewhere, *doubts)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Nothing to mend here; where to look if it goes on."""
    if case.cluster.state is State.STOPPED or case.renewed:
        return (Remedy(owner="backend", text="Nothing to do now; verify with: apim-triage check HOST:PORT."),)
    return (
        Remedy(
            owner="network",
            text="If calls still fail, ask from where the gateway stands: run apim-triage probe with --vantage gateway on a machine "
            "in its network, and give the result back with --evidence.",
        ),
        Remedy(
            owner="gateway",
            text="If a policy sets the Host header, repeat with --host-header HOST=NAME: it decides the name that is asked for and checked.",
        ),
    )


CAUSE = Cause(
    name=CauseName.NOT_REPRODUCED,
    claim="Asked as the gateway asks, the backend is healthy from here, now.",
    source="a probe from here and now is not the gateway then and there",
    judge=judge,
    remedies=remedies,
    proof="apim-triage check HOST:PORT   # on a machine in the gateway's network",
)
