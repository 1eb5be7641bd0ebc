"""Scenario 3: a version in common, but no cipher suite."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import sentence
from analyzer.causes.protocol import answered, failed, in_offered_version, not_reached, unsure_list
from analyzer.model import Attribution, CauseName, Outcome, Remedy


def judge(case: Case) -> Attribution:
    """In the gateway's version, the server accepts a suite only from a hello that offers more of them than the gateway does."""
    cause = CauseName.CIPHER_SUITE
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    if not failed(case):
        return answer(case, cause, probe=Says.NO, reasons=("The server accepts a suite that the gateway offers.",))
    if case.first and case.first.outcome is Outcome.WRONG_SUITE:
        return answer(case, cause, probe=Says.YES, reasons=(sentence(case),))
    other = in_offered_version(case)
    if other is not None and other.suite not in case.offered_suites:
        told = (
            f"Offered every suite, the server chooses {other.suite} in {other.version}, which this tier never offers."
        )
        return answer(case, cause, probe=Says.YES, reasons=(told, sentence(case)), cap=unsure_list(case, other.suite))
    if other is not None:
        return answer(
            case,
            cause,
            probe=Says.NO,
            reasons=(f"The server accepts {other.suite}, which the gateway offers: something else differs.",),
        )
    if answered(case):
        return answer(case, cause, probe=Says.NO, reasons=("There is no version in common; suites come after that.",))
    return answer(
        case,
        cause,
        probe=Says.OPEN,
        missing=f"no hello was answered, so the server's suites are not known. {sentence(case)}",
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Only the server's list can grow: no tier can be told to offer more than it has."""
    rsa = case.leaf is None or case.leaf.key.startswith("RSA")
    suites = [s for s in case.offered_suites if ("_RSA_" in s) == rsa and "ECDHE" in s and "GCM" in s]
    return (
        Remedy(
            owner="backend",
            text=f"Enable on the server a suite that the gateway offers, best {' or '.join(suites[:2]) or 'an ECDHE GCM suite'}.",
        ),
        Remedy(
            owner="gateway",
            text="See that the suite was not switched off for this service: Security > Protocols + ciphers.",
            caution="Suites can be switched off there, not added.",
        ),
    )


CAUSE = Cause(
    name=CauseName.CIPHER_SUITE,
    claim="The gateway and the server have a TLS version in common, but no cipher suite.",
    source="RFC 5246 section 7.4.1.2; Microsoft: Windows Server TLS cipher suites; API Management customProperties",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -tls1_2 -cipher ECDHE+AESGCM </dev/null   # fails; with -cipher ALL it stands",
)
