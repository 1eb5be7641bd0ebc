"""Scenario 3: a version in common, but no cipher suite."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import sentence
from analyzer.causes.protocol import (
    NAME_DIFFERS,
    answered,
    failed,
    in_offered_version,
    not_asked,
    not_reached,
    other_voice,
    taken,
    unsure_list,
    without_name,
)
from analyzer.causes.remedies import per_tier
from analyzer.model import Attribution, CauseName, Outcome, Remedy, Tier
from analyzer.probing import profiles
from analyzer.probing.questions import DIAGNOSTIC
from analyzer.probing.settings import ALLOWED_SUITES


def judge(case: Case) -> Attribution:
    """In the gateway's version, the server accepts a suite only from a hello that offers more of them than the gateway does."""
    cause = CauseName.CIPHER_SUITE
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    if not failed(case):
        return _accepted(case)
    if case.first and case.first.outcome is Outcome.WRONG_SUITE:
        return answer(case, cause, probe=Says.YES, reasons=(sentence(case),), cap=other_voice(case))
    if without_name(case):
        return answer(case, cause, probe=Says.NO, reasons=(NAME_DIFFERS,))
    other = in_offered_version(case)
    if other is not None and other.suite not in case.offered_suites:
        foreign = not_asked(case, other.suite)
        if foreign:
            return answer(case, cause, probe=Says.OPEN, missing=foreign)
        every = "offered every suite" if other.offer in DIAGNOSTIC else "to another hello"
        told = (
            f"A hello with the gateway's {len(case.offered_suites)} suites is refused; {every}, the server chooses "
            f"{other.suite} in {other.version}, which {_lacks(case, other.suite or '')}."
        )
        if case.foreign:
            told = f"{case.foreign} found every suite that the server takes in {other.version}, such as {other.suite or other.accepts[0]}; the gateway offers none of them."
        cap = unsure_list(case, other.suite, other.version)
        return answer(case, cause, probe=Says.YES, reasons=(told, sentence(case)), cap=cap)
    if other is not None:
        return answer(
            case,
            cause,
            probe=Says.NO,
            reasons=(
                f"The server accepts {other.suite}, which the gateway offers{taken(case, other.suite or '')}: something else differs.",
            ),
        )
    if answered(case):
        return answer(case, cause, probe=Says.NO, reasons=("There is no version in common; suites come after that.",))
    return answer(
        case,
        cause,
        probe=Says.OPEN,
        missing=f"no hello was answered, so the server's suites are not known. {sentence(case)}",
    )


def _accepted(case: Case) -> Attribution:
    """The hello stood; it speaks for this gateway where it was its own, or the suite chosen is in its own."""
    met = case.common
    taken_ = (met.suite, *met.accepts) if met else ()
    suite = next((s for s in taken_ if s in case.offered_suites), met.suite if met else None) or ""
    foreign = other_voice(case)
    if foreign and suite and suite not in profiles.suite_names(case.gateway.profile):
        return answer(case, CauseName.CIPHER_SUITE, probe=Says.OPEN, missing=f"{foreign[0].text}.")
    told = f"The server accepts {suite or 'a suite'}{', which' if suite else ' that'} the gateway offers{taken(case, suite)}."
    return answer(case, CauseName.CIPHER_SUITE, probe=Says.NO, reasons=(told,))


def _lacks(case: Case, suite: str) -> str:
    """Why the gateway does not offer it: its tier has it not, or a switch is off."""
    if profiles.switch_of(suite) not in profiles.switches(case.gateway.tier.value):
        return "this tier never offers"
    assumed = taken(case, suite).strip(" ()")
    return f"it does not offer: {assumed}" if assumed else "is switched off for this gateway"


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The server's list grows; the gateway's only by what a switch of its tier brings."""
    rsa = case.leaf is None or case.leaf.key.startswith("RSA")
    suites = [s for s in case.offered_suites if ("_RSA_" in s) == rsa and "ECDHE" in s and "GCM" in s]
    server = (
        Remedy(
            owner="backend",
            text=f"Enable on the server a suite that the gateway offers, best {' or '.join(suites[:2]) or 'an ECDHE GCM suite'}.",
        ),
    )
    other = in_offered_version(case)
    suite = (other.suite if other else None) or ""
    if suite not in case.offered_suites and profiles.switch_of(suite) in profiles.switches(case.gateway.tier.value):
        return (*server, _switch_on(suite))
    return (
        *server,
        *per_tier(
            case,
            {
                Tier.CLASSIC: Remedy(
                    owner="gateway",
                    tier=Tier.CLASSIC,
                    text="See that the suite was not switched off for this service: Security > Protocols + ciphers.",
                    caution="Suites can be switched off there, not added.",
                ),
                Tier.SELF_HOSTED: Remedy(
                    owner="gateway",
                    tier=Tier.SELF_HOSTED,
                    text=f"See that the container setting {ALLOWED_SUITES} does not leave the suite out, and redeploy.",
                ),
            },
        ),
    )


def _switch_on(suite: str) -> Remedy:
    """The tier has the suite, and a setting keeps it off."""
    return Remedy(
        owner="gateway",
        text=f"Or switch {suite} on for this gateway, as {profiles.switch_of(suite)}: Security > Protocols + ciphers; "
        f"on a self-hosted gateway, the container setting {ALLOWED_SUITES}.",
        caution="3DES is weak: a last resort, where the server cannot be changed." if "3DES" in suite else None,
    )


CAUSE = Cause(
    name=CauseName.CIPHER_SUITE,
    claim="The gateway and the server have a TLS version in common, but no cipher suite.",
    source="RFC 5246 section 7.4.1.2; Microsoft: Windows Server TLS cipher suites; API Management customProperties",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -tls1_2 -cipher ECDHE+AESGCM </dev/null   # fails; with -cipher ALL it stands",
)
