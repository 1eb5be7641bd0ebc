"""How far TCP got, for the causes that lie before TLS."""

from __future__ import annotations

from analyzer.causes.case import Case
from analyzer.causes.cause import Says, answer
from analyzer.causes.observed import intermittent_answer, no_chain, sentence
from analyzer.model import Attribution, CauseName, Outcome

UNDECIDED = frozenset({Outcome.FORBIDDEN, Outcome.RESOLVER_FAILED, Outcome.CONNECT_FAILED, Outcome.PROXY_FAILED})
"""Outcomes that say something of the probe's machine and nothing of the backend."""


def connection_answer(
    case: Case, cause: CauseName, shown: frozenset[Outcome], *, pattern: Says | None = None, seen: tuple[str, ...] = ()
) -> Attribution:
    """The answer of a cause that is one outcome of name resolution or connect; `pattern`, `seen` as in `answer`."""
    first = case.first
    if case.evidence is None or first is None:
        return answer(case, cause, probe=Says.OPEN, missing=no_chain(case), pattern=pattern, seen=seen)
    intermittent = intermittent_answer(case, cause, shown)
    if intermittent:
        return intermittent
    if first.outcome in shown:
        return answer(case, cause, probe=Says.YES, reasons=(sentence(case),), pattern=pattern, seen=seen)
    if first.outcome in UNDECIDED:
        return answer(case, cause, probe=Says.OPEN, missing=sentence(case), pattern=pattern, seen=seen)
    if first.outcome is Outcome.NAME_NOT_FOUND:
        return answer(case, cause, probe=Says.OPEN, missing=f"no connection was tried. {sentence(case)}")
    return answer(case, cause, probe=Says.NO, reasons=(sentence(case),), pattern=pattern, seen=seen)
