"""How long calls had run when they failed, from the tally's buckets: shared by the causes that are known by their time.

The time counts from when the gateway received the request, so policies and retries are in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.causes.case import Case

CONNECT_GIVEN_UP = 22_000
"""Upper edge of the bucket 20 s to 22 s: Windows sends a SYN three times and gives up after 21 s."""

CUT_WHEN_IDLE = 242_000
"""Upper edge of the bucket 229 s to 242 s: App Service ends a request after 230 s, a load balancer an idle connection after 4 minutes."""

_NOT_LOGGED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """The failures that ran for about so long, of those whose time was logged."""

    inside: int
    logged: int

    @property
    def most(self) -> bool:
        """Whether it is at least half of them."""
        return 0 < self.logged <= 2 * self.inside

    def told(self, span: str) -> str:
        """The same as half a sentence."""
        return f"{self.inside:,} of the {self.logged:,} failures whose time was logged had run for {span}"


def waited(case: Case, upper_edge: int) -> Waited:
    """How many failures ended in the bucket with this upper edge, in ms."""
    times = dict(case.cluster.elapsed)
    logged = sum(number for edge, number in times.items() if edge != _NOT_LOGGED)
    return Waited(inside=times.get(upper_edge, 0), logged=logged)
