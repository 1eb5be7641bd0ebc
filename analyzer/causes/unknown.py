"""The tool's own honesty: nothing observed decides, and this is what is missing."""

from collections.abc import Iterator

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, quote_log
from analyzer.causes.observed import no_chain, sentence
from analyzer.model import Attribution, CauseName, Reason, Remedy, Verdict


def judge(case: Case) -> Attribution:
    """Always unknown; `attribution` rules it out where another cause is confirmed or likely."""
    log = (quote_log(case),) if case.cluster.messages else ()
    seen = sentence(case) if case.first is not None else f"Missing: {no_chain(case)}."
    settings = [Reason(origin="settings", text=text) for text in _of_the_settings(case)]
    return Attribution(
        cause=CauseName.UNKNOWN, verdict=Verdict.UNKNOWN, reasons=(*log, Reason(origin="probe", text=seen), *settings)
    )


def _of_the_settings(case: Case) -> Iterator[str]:
    """What the gateway's settings point at without showing it."""
    if case.maybe_given:
        which = case.maybe_given.strip("()")
        yield f"Missing: the CA certificate {which} that the gateway was given by its settings, which tell its thumbprint alone (--ca-file)."
    if case.pinned and case.route is not None and case.judgement is not None and not case.judgement.accepted:
        yield f"Missing: whether the {case.route.named}, which pins this certificate, lets it pass although its chain or name would not."


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Name the observation that would decide."""
    if not case.cluster.backend.host:
        return (
            Remedy(
                owner="gateway",
                text="Find the backend by one of the correlation ids (request trace, or BackendUrl in the record) and ask it: apim-triage check HOST:PORT.",
            ),
        )
    if case.maybe_given:
        text = (
            "Give the certificate that was uploaded with --ca-file: the service tells only its subject and thumbprint."
        )
        return (Remedy(owner="gateway", text=text),)
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
