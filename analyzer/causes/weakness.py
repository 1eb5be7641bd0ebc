"""Which certificates of a path are too weak for Windows, and by what: shared by `weak_key` and `weak_signature`."""

from __future__ import annotations

from analyzer.causes.case import Case
from analyzer.causes.cause import Says, answer
from analyzer.causes.observed import certificate_answer, name
from analyzer.causes.validity import path
from analyzer.model import Attribution, CauseName, Certificate, Reason

STATUS = "HasWeakSignature"
"""What .NET on Windows says of a weak key and of a weak signature alike (CERT_TRUST_HAS_WEAK_SIGNATURE)."""

LEAST_RSA_BITS = 1024
_BROKEN = ("md2", "md4", "md5")


def short_keys(case: Case) -> tuple[Certificate, ...]:
    """Those with an RSA key below 1024 bits (Microsoft knowledge base 2661254)."""
    return tuple(c for c in path(case) if _bits(c.key) < LEAST_RSA_BITS)


def broken_signatures(case: Case) -> tuple[Certificate, ...]:
    """Those signed over a broken hash; who signed a root matters to nobody."""
    return tuple(c for c in path(case) if not c.self_signed and c.signature.lower().startswith(_BROKEN))


def sha1_signatures(case: Case) -> tuple[Certificate, ...]:
    """Those signed over SHA-1."""
    return tuple(c for c in path(case) if not c.self_signed and "sha1" in c.signature.lower())


def weak_answer(
    case: Case,
    cause: CauseName,
    weak: tuple[Certificate, ...],
    *,
    what: str,
    otherwise: str,
    cap: tuple[Reason, ...] = (),
) -> Attribution:
    """The answer of a cause that is a weakness of these certificates; `what` is theirs, in words, after “… has”."""
    told = f"{', '.join(name(c) for c in weak)}: {what}." if weak else ""
    refused = case.judgement is not None and STATUS in case.judgement.statuses
    if weak and case.judgement is not None and not refused:
        if case.platforms_agree:
            return certificate_answer(case, cause, shown=False, otherwise=f"{told} .NET on Linux accepts that.")
        missing = (
            f"{told} Windows refuses that and .NET on Linux accepts it; which one this tier runs on is not documented"
        )
        return answer(case, cause, probe=Says.OPEN, missing=missing)
    return certificate_answer(case, cause, shown=bool(weak) and refused, told=told, otherwise=otherwise, cap=cap)


def _bits(key: str) -> int:
    kind, _, size = key.partition(" ")
    return int(size) if kind == "RSA" and size.isdecimal() else LEAST_RSA_BITS
