"""Scenario 2a: the server's certificate is its own issuer, and the gateway was not given it."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.chain_end import End, chain_answer
from analyzer.causes.remedies import give_ca, renew, skip_validation
from analyzer.model import Attribution, CauseName, Remedy


def judge(case: Case) -> Attribution:
    """A leaf whose own key verifies its signature, outside the anchors."""
    return chain_answer(case, CauseName.SELF_SIGNED, End.SELF_SIGNED)


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Replace it, or trust it by the mechanism of the tier."""
    return (
        renew("Replace the self-signed certificate by one of a CA that the gateway trusts."),
        *give_ca(case, "the self-signed certificate itself", "Root"),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.SELF_SIGNED,
    claim="The server's certificate is self-signed, and the gateway was not given it.",
    source="RFC 5280 section 3.2; measured .NET 9: UntrustedRoot",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST </dev/null | openssl x509 -noout -subject -issuer   # both lines equal",
)
