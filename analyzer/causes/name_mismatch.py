"""Scenario 1: the certificate's names do not cover the host that the gateway asked for."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.observed import certificate_answer
from analyzer.causes.remedies import skip_validation
from analyzer.model import Attribution, CauseName, Certificate, Remedy


def _names(leaf: Certificate) -> str:
    names = (*leaf.dns_names, *leaf.ip_addresses)
    if not names:
        return f"only the common name “{leaf.common_name}”" if leaf.common_name else "no name at all"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def judge(case: Case) -> Attribution:
    """Read from the judgement of the leaf against the server name (SNI and Host decide it, not the log's URL)."""
    leaf = case.leaf
    shown = case.judgement is not None and "RemoteCertificateNameMismatch" in case.judgement.statuses
    names = _names(leaf) if leaf else ""
    return certificate_answer(
        case,
        CauseName.NAME_MISMATCH,
        shown=shown,
        told=f"The certificate is for {names}; the gateway asks for {case.server_name}.",
        otherwise=f"The certificate's names ({names}) cover {case.server_name}.",
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The name is the backend's to mend; a CA upload never cures it."""
    found = [
        Remedy(
            owner="backend", text=f"Issue the certificate with {case.server_name} among its subject alternative names."
        )
    ]
    if case.leaf and case.leaf.dns_names:
        covered = _names(case.leaf)
        found.append(
            Remedy(
                owner="gateway",
                text=f"Or ask for a name that the certificate covers ({covered}): change the backend URL, or set the Host header "
                'in policy (set-header name="Host"): it decides both SNI and the name that is checked.',
                caution="The server must route that name to the same site. Uploading a CA certificate does not help.",
            )
        )
    return (*found, skip_validation(case, chain=False, name=True))


CAUSE = Cause(
    name=CauseName.NAME_MISMATCH,
    claim="The certificate's names do not cover the backend host.",
    source="RFC 6125 section 6; dotnet/runtime CertificateValidation.Unix.cs; .NET Framework _SecureChannel.cs (CertVerifyChainPolicy)",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -verify_hostname HOST </dev/null | openssl x509 -noout -subject -ext subjectAltName",
)
