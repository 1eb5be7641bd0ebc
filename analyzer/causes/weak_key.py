"""Scenario 2: a key of the chain is too short for the gateway's platform."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.causes.observed import name
from analyzer.causes.remedies import renew, skip_validation
from analyzer.causes.weakness import LEAST_RSA_BITS, short_keys, weak_answer
from analyzer.model import Attribution, CauseName, Remedy


def judge(case: Case) -> Attribution:
    """RSA below 1024 bits, anywhere in the path, on Windows; what is let pass is said, not what is good."""
    weak = short_keys(case)
    return weak_answer(
        case,
        CauseName.WEAK_KEY,
        weak,
        what=f"{', '.join(dict.fromkeys(c.key for c in weak))}, and Windows refuses RSA keys below {LEAST_RSA_BITS} bits",
        otherwise=f"No RSA key of the chain has less than {LEAST_RSA_BITS} bits.",
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """A new key; the switch only proves the cause."""
    which = ", ".join(name(c) for c in short_keys(case)) or "the certificate"
    return (
        renew(f"Issue {which} again with a new key: RSA of 2048 bits or more, or an EC key on P-256."),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.WEAK_KEY,
    claim="A key of the chain is too short for the gateway's platform.",
    source="Microsoft knowledge base 2661254 (Windows); measured .NET 9 on Linux: RSA 1024 connects",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -showcerts </dev/null | openssl x509 -noout -text | grep Public-Key",
)
