"""Scenario 2: a certificate of the chain had run out when the calls failed."""

from datetime import timedelta

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer, log_says
from analyzer.causes.observed import certificate_answer, day, name
from analyzer.causes.remedies import renew, skip_validation
from analyzer.causes.validity import expired
from analyzer.model import Attribution, CauseName, Reason, Remedy

SLACK = timedelta(hours=1)
"""Clocks differ and pooled connections outlive a certificate: a failure this much before expiry does not count against it."""


def judge(case: Case) -> Attribution:
    """Judged as of the last failure (RFC 5280 section 4.1.2.5); failures before the expiry speak against it as the only cause."""
    late = expired(case) if case.judgement else ()
    told = ""
    cap: tuple[Reason, ...] = ()
    if late:
        one = late[0]
        which = (
            "The server's certificate"
            if case.leaf and one.sha256 == case.leaf.sha256
            else "A CA certificate of the chain,"
        )
        told = f"{which} {name(one)} expired on {day(one.not_after)}."
        told += f" The first failure was on {day(case.cluster.first_seen)}." if case.logged else ""
        if one.not_after - SLACK > case.cluster.first_seen:
            cap = (
                Reason(
                    origin="log",
                    text="failures began before it expired: they had another cause, or another certificate",
                ),
            )
    leaf = case.leaf
    if leaf is not None and not late and case.replaced and log_says(case, CauseName.EXPIRED) is not Says.NO:
        return answer(
            case,
            CauseName.EXPIRED,
            probe=Says.OPEN,
            pattern=Says.YES,
            reasons=(
                f"The certificate seen was issued on {day(leaf.not_before)}, after the first failure on {day(case.cluster.first_seen)}: "
                "it is not the one that failed.",
            ),
            seen=_cured(case),
            missing="the certificate that failed is gone, so its end was not seen: one of another name or issuer that was "
            "replaced by this one would read the same",
        )
    until = (
        f"The certificates were within their dates at the last failure (the leaf until {day(leaf.not_after)})."
        if leaf
        else ""
    )
    return certificate_answer(case, CauseName.EXPIRED, shown=bool(late), told=told, otherwise=until, cap=cap)


def _cured(case: Case) -> tuple[str, ...]:
    """What the log's times say of a renewal that ended the failures."""
    c, told = case.cluster, []
    if case.worked_before is not None:
        told.append(
            f"Calls succeeded until {day(case.worked_before)}, and then failed: as when a certificate runs out."
        )
    if case.recovered_at is not None:
        told.append(
            f"The last failure was at {day(c.last_seen)}; by {day(case.recovered_at)} calls succeeded again, with the new one."
        )
    return tuple(told)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Renew it; what the gateway can switch off only proves the cause."""
    late = expired(case)
    if not late and case.replaced:
        return (
            Remedy(
                owner="backend",
                text="Nothing to do; verify with: apim-triage check HOST:PORT. The certificate has been renewed: let something "
                "watch its expiry, and renew it in time.",
            ),
        )
    what = ", ".join(name(c) for c in late) or "the expired certificate"
    return (
        renew(f"Renew {what} and install it with its full chain; then watch its expiry."),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.EXPIRED,
    claim="A certificate of the chain had expired.",
    source="RFC 5280 section 4.1.2.5; measured .NET 9: NotTimeValid for leaf and intermediate alike",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null | openssl x509 -noout -enddate",
)
