"""The tool's own honesty: nothing observed decides, and this is what is missing."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, quote_log
from analyzer.causes.observed import no_chain, sentence
from analyzer.model import Attribution, CauseName, Reason, Remedy, Verdict


def judge(case: Case) -> Attribution:
    """Always unknown; `attribution` rules it out where another cause is confirmed or likely."""
    log = (quote_log(case),) if case.cluster.messages else ()
    seen = sentence(case) if case.first is not None else f"Missing: {no_chain(case)}."
    return Attribution(
        cause=CauseName.UNKNOWN, verdict=Verdict.UNKNOWN, reasons=(*log, Reason(origin="probe", text=seen))
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Name the observation that would decide."""
    if not case.cluster.backend.host:
        return (
            Remedy(
                owner="gateway",
                text="Find the backend by one of the correlation ids (request trace, or BackendUrl in the record) and ask it: apim-triage check HOST:PORT.",
            ),
        )
    return (
        Remedy(
            owner="network",
            text="Collect evidence from a machine in the gateway's network: apim-triage probe --targets report.json --vantage gateway --out evidence.json; then analyze again with --evidence evidence.json.",
        ),
    )


CAUSE = Cause(
    name=CauseName.UNKNOWN,
    claim="What was observed does not decide; the reasons name the missing piece.",
    source="rather unknown with the missing piece named than a guess",
    judge=judge,
    remedies=remedies,
    proof="apim-triage check HOST:PORT   # on a machine in the gateway's network",
)
