"""Scenario 2: a certificate of the chain is not valid yet."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.observed import certificate_answer, day, name
from analyzer.causes.remedies import renew, skip_validation
from analyzer.causes.validity import not_yet_valid
from analyzer.model import Attribution, CauseName, Remedy


def judge(case: Case) -> Attribution:
    """Its notBefore lies after the probe; between the last failure and the probe it was renewed since, which is another thing."""
    early = not_yet_valid(case) if case.judgement else ()
    told = f"The certificate {name(early[0])} is valid only from {day(early[0].not_before)}." if early else ""
    leaf = case.leaf
    since = (
        f"The certificates were valid already when they were seen (the leaf from {day(leaf.not_before)})."
        if leaf
        else ""
    )
    return certificate_answer(case, CauseName.NOT_YET_VALID, shown=bool(early), told=told, otherwise=since)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The backend serves a valid one until then; clocks are worth a look."""
    return (
        renew(
            "Serve the previous certificate until the new one is valid, or have it issued again; check the clock of the issuing machine."
        ),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.NOT_YET_VALID,
    claim="A certificate of the chain is not valid yet.",
    source="RFC 5280 section 4.1.2.5; measured .NET 9: NotTimeValid",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null | openssl x509 -noout -startdate",
)
