"""Scenario 3: version and suite agree, but not the key-exchange group, the certificate's curve or the signature algorithm."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import sentence
from analyzer.causes.protocol import (
    NAME_DIFFERS,
    answered,
    failed,
    in_offered_version,
    not_reached,
    other_voice,
    unsure_list,
    without_name,
)
from analyzer.model import Attribution, CauseName, Remedy


def judge(case: Case) -> Attribution:
    """A suite that the gateway offers is accepted once more groups and signature algorithms are offered with it."""
    cause = CauseName.TLS_PARAMETERS
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    foreign = other_voice(case)
    if not failed(case) and foreign:
        return answer(case, cause, probe=Says.OPEN, missing=f"{foreign[0].text}.")
    if not failed(case) and case.foreign and (case.common is None or case.common.group not in case.offered_groups):
        return answer(
            case,
            cause,
            probe=Says.OPEN,
            missing=f"whether a group of the gateway's is accepted was not seen. {sentence(case)}",
        )
    if not failed(case):
        return answer(
            case, cause, probe=Says.NO, reasons=("The server accepts the gateway's groups and signature algorithms.",)
        )
    if without_name(case):
        return answer(case, cause, probe=Says.NO, reasons=(NAME_DIFFERS,))
    other = in_offered_version(case)
    if other is not None and other.suite in case.offered_suites:
        found = [
            x
            for x in (other.group and f"group {other.group}", case.leaf and f"a certificate with key {case.leaf.key}")
            if x
        ]
        told = f"The suite {other.suite} is offered by the gateway, yet the server accepts it only with {' and '.join(found) or 'other parameters'}."
        limit = f"The gateway offers the groups {', '.join(case.offered_groups)}."
        return answer(
            case,
            cause,
            probe=Says.YES,
            reasons=(told, limit, sentence(case)),
            cap=unsure_list(case, other.suite, other.version),
        )
    if answered(case):
        return answer(case, cause, probe=Says.NO, reasons=("The version or the suite differs already.",))
    return answer(
        case,
        cause,
        probe=Says.OPEN,
        missing=f"no hello was answered, so the server's parameters are not known. {sentence(case)}",
    )


def remedies(case: Case) -> tuple[Remedy, ...]:  # noqa: ARG001  the same for every case
    """The server's groups and its certificate's key are its owner's."""
    return (
        Remedy(
            owner="backend",
            text="Allow the groups x25519, secp256r1 or secp384r1 for key exchange, and use a certificate with an RSA key or an EC key on secp256r1 or secp384r1.",
        ),
    )


CAUSE = Cause(
    name=CauseName.TLS_PARAMETERS,
    claim="Version and suite agree, but not the key-exchange group, the certificate's curve or the signature algorithm.",
    source="RFC 8422 section 5.1; Microsoft: TLS elliptic curves in Windows 10 1607 and later (x25519, P-256, P-384; P-521 off)",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -tls1_2 -groups X25519:P-256:P-384 </dev/null   # fails; without -groups it stands",
)
