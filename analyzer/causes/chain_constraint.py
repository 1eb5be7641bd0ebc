"""Scenario 2: the chain leads to a root but breaks a rule on the way: constraints, critical extensions, signatures, an unreadable certificate."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import certificate_answer
from analyzer.causes.remedies import renew, skip_validation
from analyzer.model import Attribution, CauseName, Reason, Remedy
from analyzer.settings.names import thumbprint

MEANINGS = {
    "InvalidBasicConstraints": "a certificate signs others without being a CA, or the chain is longer than a CA allows (RFC 5280 section 4.2.1.9)",
    "InvalidNameConstraints": "a CA's name constraints cannot be read (RFC 5280 section 4.2.1.10)",
    "HasNotPermittedNameConstraint": "a name lies outside those that a CA of the chain may sign for (RFC 5280 section 4.2.1.10)",
    "HasExcludedNameConstraint": "a name is one that a CA of the chain must not sign for (RFC 5280 section 4.2.1.10)",
    "HasNotSupportedNameConstraint": "a CA's name constraints are of a kind that is not supported (RFC 5280 section 4.2.1.10)",
    "HasNotDefinedNameConstraint": "a CA's name constraints do not speak of a kind of name that the leaf has (RFC 5280 section 4.2.1.10)",
    "HasNotSupportedCriticalExtension": "a certificate has a critical extension that is not understood (RFC 5280 section 4.2)",
    "InvalidExtension": "a certificate has an extension that cannot be read",
    "InvalidPolicyConstraints": "the chain's certificate policies do not fit (RFC 5280 section 4.2.1.11)",
    "NoIssuanceChainPolicy": "the chain has no valid certificate policy (RFC 5280 section 6.1)",
    "NotSignatureValid": "a signature of the chain does not verify",
    "Unreadable": "the server's certificate cannot be read",
}
"""Statuses that belong here and to no other cause, in words."""


def judge(case: Case) -> Attribution:
    """Any status that no other cause of scenario 2 explains; and a pin of the backend entity that the leaf does not have."""
    if case.pinned is False and case.route is not None and case.handshake_stands is not False:
        asked = ", ".join((*case.route.pins, *(name for name, _ in case.route.pinned_names)))
        sent = thumbprint(case.leaf.der) if case.leaf else ""
        doubt = Reason(
            origin="settings", text="what a pin does on a backend that is not of Service Fabric is not documented"
        )
        return answer(
            case,
            CauseName.CHAIN_CONSTRAINT,
            probe=Says.YES,
            reasons=(f"The server's certificate has the SHA-1 thumbprint {sent}.",),
            settings=(f"The {case.route.named} accepts only the certificates that it pins: {asked}.",),
            cap=(doubt,),
        )
    found = sorted(set(case.judgement.statuses) & set(MEANINGS)) if case.judgement else []
    return certificate_answer(
        case,
        CauseName.CHAIN_CONSTRAINT,
        shown=bool(found),
        told="The chain breaks a rule: " + "; ".join(f"{MEANINGS[s]} [{s}]" for s in found) + ".",
        otherwise="The chain breaks no constraint.",
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Only the issuing CA can mend its chain; a pin is the gateway's."""
    if case.pinned is False and case.route is not None:
        text = f"Set the pins of the {case.route.named} (server certificate thumbprints or X.509 names) to the certificate that the server sends now."
        return (
            Remedy(
                owner="gateway",
                text=text,
                caution="Compare the certificate with its owner first: a pin is there to notice a change.",
            ),
        )
    return (
        renew(
            "Have the certificate issued again by a CA whose constraints allow it; show the CA's owner the reason above."
        ),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.CHAIN_CONSTRAINT,
    claim="The chain breaks a rule of path validation: constraints, critical extensions or signatures.",
    source="RFC 5280 section 6; .NET X509ChainStatusFlags",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -showcerts </dev/null   # then: openssl verify -verbose -untrusted chain.pem leaf.pem",
)
