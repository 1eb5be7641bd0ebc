"""Which certificate of a path lies outside its dates, and on which side; shared by `expired` and `not_yet_valid`."""

from __future__ import annotations

from analyzer import trust
from analyzer.causes.case import Case
from analyzer.model import Certificate


def path(case: Case) -> tuple[Certificate, ...]:
    """The certificates that .NET would build a path of, else those that were sent."""
    built = tuple(c for c in map(trust.describe, case.judgement.path) if c) if case.judgement else ()
    return built or case.chain


def expired(case: Case) -> tuple[Certificate, ...]:
    """Those whose notAfter lies before the moment judged."""
    return tuple(c for c in path(case) if c.not_after < case.judged_at)


def not_yet_valid(case: Case) -> tuple[Certificate, ...]:
    """Those whose notBefore lies after the moment judged and after the probe, so that they still are not valid."""
    latest = max(case.judged_at, case.probed_at or case.judged_at)
    return tuple(c for c in path(case) if c.not_before > latest)
