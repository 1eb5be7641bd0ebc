"""How to ask: the words of the command line in, a function that probes targets out; the same for analyze, check, probe and kit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.cli import EXIT_FAILED_ON, EXIT_INCOMPLETE, EXIT_OK, options
from analyzer.cli.arguments import Aimed, Picked, Supposed, Way
from analyzer.cli.configured import had_by_all
from analyzer.errors import UsageError
from analyzer.model import CauseName, Finding, Verdict

if TYPE_CHECKING:
    from analyzer.aim import Aim
    from analyzer.checking import Progress
    from analyzer.model import Evidence
    from analyzer.probing import Policy, Proxy, Target

CONTROL = "www.microsoft.com"
"""Asked as well through a proxy: public beyond doubt, and no gateway's outbound rules forget it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What the options say about the way of asking."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    policy: Policy
    deadline: float
    vantage: str
    request: bool
    fetch: bool
    proxy: Proxy | None
    control: tuple[Target, ...]
    ca_files: tuple[Path, ...]
    trust_store: str

    def prober(self, on_progress: Progress) -> Callable[[Sequence[Target]], tuple[Evidence, ...]]:
        """Probes targets, and the control host with them."""
        from analyzer.checking import probe_backends

        def probe(targets: Sequence[Target]) -> tuple[Evidence, ...]:
            return probe_backends(
                (*targets, *self.control),
                policy=self.policy,
                deadline=self.deadline,
                vantage=self.vantage,
                request=self.request,
                proxy=self.proxy,
                fetch=self.fetch,
                ca_files=self.ca_files,
                trust_store=self.trust_store,
                on_progress=on_progress,
            )

        return probe

    def words(self, target: Target) -> str:
        """What would be asked of one target, on one line."""
        from analyzer.probing.target import words

        through = self.proxy.label if self.proxy else None
        return words(target, request=self.request, fetch=self.fetch, through=through)


def asking(way: Way, supposed: Supposed, proxy: str | None = None) -> Asking:
    """The options in one piece; UsageError where one of them is wrong."""
    from analyzer.probing import Policy, Target

    if way.vantage not in ("gateway", "outside", "unstated"):
        raise UsageError(f"--vantage {way.vantage}: one of gateway, outside, unstated")
    try:
        policy = Policy(allow=tuple(way.allow_address or ()), deny=tuple(way.deny_address or ()))
    except ValueError as error:
        raise UsageError(
            f"--allow-address/--deny-address: {error}; write a range such as 10.0.0.0/8 or one address"
        ) from None
    through = options.proxy(proxy)
    word = way.control or (CONTROL if through is not None else None)
    place = options.endpoint(word) if word else None
    return Asking(
        allow=tuple(way.allow_address or ()),
        deny=tuple(way.deny_address or ()),
        policy=policy,
        deadline=way.deadline,
        vantage=way.vantage,
        request=not way.no_request,
        fetch=not way.no_aia,
        proxy=through,
        control=(Target(place[0], place[1], place[0]),) if place else (),
        ca_files=tuple(had_by_all(supposed)),
        trust_store=supposed.trust_store,
    )


def aim_of(aimed: Aimed, picked: Picked = Picked()) -> Aim:  # noqa: B008  frozen
    """Where the probe goes, as the options say."""
    from analyzer.aim import Aim

    return Aim(
        host_headers=options.host_headers(aimed.host_header or ()),
        connect_to=options.connect_to(aimed.connect_to or ()),
        only=tuple(picked.only or ()),
        most=picked.max_backends,
    )


def exit_code(findings: Sequence[Finding], causes: frozenset[CauseName], *, incomplete: bool = False) -> int:
    """1 where a cause of --fail-on is confirmed or likely; 3 where a source could not be read; else 0."""
    shown = {a.cause for f in findings for a in f.attributions if a.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)}
    if shown & causes:
        return EXIT_FAILED_ON
    return EXIT_INCOMPLETE if incomplete else EXIT_OK
