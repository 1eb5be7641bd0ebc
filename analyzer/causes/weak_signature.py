"""Scenario 2: a certificate of the chain is signed over a hash that the gateway's platform no longer accepts."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import name
from analyzer.causes.remedies import renew, skip_validation
from analyzer.causes.weakness import broken_signatures, sha1_signatures, weak_answer
from analyzer.model import Attribution, CauseName, Kind, Reason, Remedy

_UNSURE = Reason(
    origin="settings",
    text="that Windows refuses MD5 is certain under the roots that Microsoft ships; under a private root it may hang on the "
    "machine's policy (WeakMd5ThirdPartyFlags, WeakMd5AllFlags)",
)
_PUBLIC = "chains of public CAs that are signed over SHA-1 may be refused by Windows; no published rule says for which programs"


def judge(case: Case) -> Attribution:
    """MD5 and older below the root, on Windows; SHA-1 of a public CA is left open where the log speaks of trust."""
    weak, old = broken_signatures(case), sha1_signatures(case)
    public = any(c.public_looking for c in old) and Kind.TRUST_UNSPECIFIED in case.kinds
    if public and not weak and case.judgement is not None and case.judgement.accepted:
        return answer(case, CauseName.WEAK_SIGNATURE, probe=Says.OPEN, missing=_PUBLIC)
    hashes = ", ".join(dict.fromkeys(c.signature for c in weak))
    return weak_answer(
        case,
        CauseName.WEAK_SIGNATURE,
        weak,
        what=f"signed with {hashes}, and Windows refuses hashes that are broken",
        otherwise="No certificate below the root is signed over MD5 or an older hash.",
        cap=(_UNSURE,),
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The issuing CA signs again; the switch only proves the cause."""
    which = ", ".join(name(c) for c in broken_signatures(case) or sha1_signatures(case)) or "the certificate"
    return (
        renew(f"Have {which} issued again with a signature over SHA-256 or better; a CA's own certificate as well."),
        skip_validation(case, chain=True, name=False),
    )


CAUSE = Cause(
    name=CauseName.WEAK_SIGNATURE,
    claim="A certificate of the chain is signed over a hash that the gateway's platform refuses.",
    source="Microsoft security advisory 2862973 (Windows, MD5); measured .NET on Linux: no hash is refused",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -showcerts </dev/null | openssl x509 -noout -text | grep 'Signature Algorithm'",
)
