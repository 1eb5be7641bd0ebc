"""How far TCP got, for the causes that lie before TLS."""

from __future__ import annotations

from analyzer.causes.case import Case
from analyzer.causes.cause import Says, answer
from analyzer.causes.observed import intermittent_answer, no_chain, sentence
from analyzer.model import Attribution, CauseName, Outcome

UNDECIDED = frozenset({Outcome.FORBIDDEN, Outcome.RESOLVER_FAILED, Outcome.CONNECT_FAILED, Outcome.PROXY_FAILED})
"""Outcomes that say something of the probe's machine and nothing of the backend."""

MANY = 3
"""Other backends that fail at the same time, from which on it is worth a sentence."""


def connection_answer(
    case: Case, cause: CauseName, shown: frozenset[Outcome], *, pattern: Says | None = None, seen: tuple[str, ...] = ()
) -> Attribution:
    """The answer of a cause that is one outcome of name resolution or connect; `pattern`, `seen` as in `answer`."""
    seen = (*seen, *_beside(case))
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


def _beside(case: Case) -> tuple[str, ...]:
    """That many backends of one gateway fail at once, in words: then what they share is the likelier place of the fault."""
    beside, others = case.neighbours.failing_beside, case.neighbours.failing_at
    told = []
    if beside >= MANY:
        told.append(
            f"In the same hours {beside:,} other backends of this gateway could not be connected to either: look first at what "
            "they share, the gateway's subnet, its DNS, a firewall, a route."
        )
    if others:
        told.append(
            f"{', '.join(others[:3])} could not connect to this backend either: look first at the backend's own side."
        )
    return tuple(told)
