"""Changes that bear on a case in, the smallest safe set of them that makes the connection stand out: tried, not guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from analyzer.whatif.change import Act, Change
from analyzer.whatif.situation import Answer, Situation

MOST_CHANGES = 4
"""In one set; whoever has to change more than that replaces the certificate or the server."""

MOST_TRIED = 400
"""Sets; a case has about a dozen changes, and each try costs a judgement or two."""


def after(now: Situation, done: Sequence[Change]) -> Answer:
    """Whether the connection stands once all of these changes are made, in their order."""
    for change in done:
        now = change.apply(now)
    return now.connects()


def smallest(now: Situation, changes: Sequence[Change]) -> tuple[Change, ...]:
    """The fewest safe changes after which the connection is known to stand; () where none are.

    Of sets of one size, the one whose changes stand first. What is doubtful, and what takes another thing's place instead of
    mending it, is tried only where nothing else does.
    """
    safe = [c for c in changes if not c.weakens and not c.part]
    for candidates in (
        [c for c in safe if not c.last and not c.doubt],
        [c for c in safe if not c.last],
        safe,
    ):
        for tried, chosen in enumerate(_sets(candidates)):
            if tried >= MOST_TRIED:
                break
            if after(now, chosen).connects:
                return chosen
    return ()


def _sets(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """Sets of changes that go together, cheapest first."""
    sets = [s for n in range(1, MOST_CHANGES + 1) for s in combinations(changes, n) if _together(s)]
    yield from sorted((s for s in sets if _cost(s) <= MOST_CHANGES), key=_cost)


def _cost(changes: Sequence[Change]) -> int:
    return sum(c.cost for c in changes)


def _together(changes: Sequence[Change]) -> bool:
    """Not two that put the same thing right twice: one certificate, one chain, one hello."""
    touched = [_subject(c) for c in changes]
    return len(set(touched)) == len(touched)


def _subject(change: Change) -> object:
    if change.act is Act.REISSUE:
        return change.certificates[0].der
    return _SUBJECTS.get(change.act, change.act)


_SUBJECTS = {
    Act.FULL_CHAIN: "issuers",
    Act.TIDY_CHAIN: "issuers",
    Act.GIVE_ISSUERS: "issuers",
    Act.GIVE_BOTH: "issuers",
    Act.FETCH: "issuers",
    Act.SERVER_VERSION: "terms",
    Act.SERVER_SUITE: "terms",
    Act.SERVER_GROUP: "terms",
}
