"""Scenario 2: the certificate's extended key usage does not allow it to authenticate a server."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.observed import certificate_answer
from analyzer.causes.remedies import renew, skip_validation
from analyzer.model import Attribution, CauseName, Reason, Remedy, Tier

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"  # RFC 5280 section 4.2.1.12


def judge(case: Case) -> Attribution:
    """Modern .NET puts serverAuth into the chain policy; .NET Framework's own check is not documented for the classic gateway."""
    shown = case.judgement is not None and "NotValidForUsage" in case.judgement.statuses
    usages = ", ".join(case.leaf.usages) if case.leaf and case.leaf.usages else "none listed"
    cap: tuple[Reason, ...] = ()
    if case.gateway.tier in (Tier.CLASSIC, Tier.CONSUMPTION):
        cap = (
            Reason(
                origin="settings",
                text="whether this tier's .NET Framework checks the extended key usage is not documented",
            ),
        )
    return certificate_answer(
        case,
        CauseName.WRONG_USAGE,
        shown=shown,
        told=f"The chain is not valid for server authentication: serverAuth ({SERVER_AUTH}) is not among the extended key usages (leaf: {usages}).",
        otherwise="The certificates may authenticate a server.",
        cap=cap,
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """A certificate's usages are its issuer's to set."""
    return (
        renew("Issue the server's certificate with the extended key usage serverAuth (a “web server” template)."),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.WRONG_USAGE,
    claim="The certificate is not issued for server authentication.",
    source="RFC 5280 section 4.2.1.12; dotnet/runtime RemoteCertificateVerification.cs (application policy serverAuth); measured .NET 9: NotValidForUsage",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null | openssl x509 -noout -ext extendedKeyUsage",
)
