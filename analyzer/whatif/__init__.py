"""From a case to the matrix *change → would it connect*, and to the smallest safe set of changes: each row judged again, none a rule of thumb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.causes import Case
from analyzer.model import WhatIf
from analyzer.whatif.bearing import changes
from analyzer.whatif.change import Act, Change
from analyzer.whatif.search import after, smallest
from analyzer.whatif.situation import Answer, Situation, situation_of
from analyzer.whatif.steps import foremost, steps

__all__ = ["Act", "Change", "Considered", "Row", "Situation", "consider", "foremost", "steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Changes made together, and what then comes of the connection."""

    changes: tuple[Change, ...]
    answer: Answer

    @property
    def shown(self) -> WhatIf:
        """The row as a report has it."""
        doubts = [c.doubt for c in self.changes if c.doubt]
        return WhatIf(
            change="; and ".join(c.text for c in self.changes),
            connects=self.answer.connects,
            test_only=any(c.weakens for c in self.changes),
            why="; ".join(filter(None, (self.answer.why, *doubts))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What could be changed about one backend."""

    rows: tuple[Row, ...] = ()  # empty: TLS was not reached, or nothing is wrong
    cure: tuple[
        Change, ...
    ] = ()  # the smallest safe set after which the connection is known to stand; (): none is known

    @property
    def what_if(self) -> tuple[WhatIf, ...]:
        """The matrix as a report has it."""
        return tuple(row.shown for row in self.rows)


def consider(case: Case, roots: Sequence[bytes], intermediates: Sequence[bytes]) -> Considered:
    """Every change that bears on the case, each judged by itself; last, where it takes several, the set that mends it."""
    if case.evidence is None or (case.first is None and case.shape is None):
        return Considered()
    now = situation_of(case, tuple(roots), tuple(intermediates))
    accepted = case.shape is None or all(j.accepted for j in now.judgements())
    if now.connects().connects is True or (now.handshake is None and accepted):
        return Considered()
    found = changes(case, now, roots)
    rows = [Row(changes=(c,), answer=after(now, (c,))) for c in found]
    cure = smallest(now, found)
    if len(cure) > 1:
        rows.append(Row(changes=cure, answer=after(now, cure)))
    return Considered(rows=tuple(rows), cure=cure)
