"""The remedies of an incident's findings in, each step once out: one per owner and tier, however many backends it mends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from analyzer.incidents.shared import shown_name
from analyzer.model import Finding, Remedy

_NAMED = 3
"""Backends that a step names beside the one it is written for."""


@dataclass(slots=True, kw_only=True)
class _Step:
    """One step as written for one finding, and for whom else the same is to be done."""

    remedy: Remedy
    place: int  # in its finding's own order
    labels: dict[str, None]
    texts: dict[str, None]


def merged(findings: Sequence[Finding], *, gateways_first: bool = False) -> tuple[Remedy, ...]:
    """The steps that mend all findings, worst finding first.

    Two remedies are one step where they differ only in what names the backend: its host, address, entity and certificates.
    The step is then written as for the first, and says for whom else it holds. `gateways_first`: what a tier's gateways are
    given, and what is done once, comes before what each backend needs for itself, whatever is best for a single one.
    """
    steps: dict[tuple[object, ...], _Step] = {}
    for finding in findings:
        names = _names(finding)
        label = finding.cluster.backend.label
        for place, remedy in enumerate(finding.remedies):
            key = (remedy.owner, remedy.tier, remedy.command, remedy.caution, _without(remedy.text, names))
            step = steps.setdefault(key, _Step(remedy=remedy, place=place, labels={}, texts={}))
            step.labels[label] = None
            step.texts[remedy.text] = None

    def rank(step: _Step) -> tuple[int, int]:
        repeated = 2 if len(step.texts) > 1 else 1
        shared = gateways_first and len(findings) > 1  # of a single one its own order is the best
        return (0 if step.remedy.tier else repeated) if shared else 0, step.place

    ordered = sorted(steps.values(), key=rank)
    return tuple(_written(step) for step in ordered)


def _written(step: _Step) -> Remedy:
    if len(step.texts) == 1:
        return step.remedy
    first, *others = step.labels
    if not others:
        return step.remedy
    named = ", ".join(map(shown_name, others[:_NAMED]))
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return replace(
        step.remedy, text=f"{step.remedy.text} (Written for {shown_name(first)}; likewise for {named}{more}.)"
    )


def _names(finding: Finding) -> tuple[str, ...]:
    """What in a remedy's text is this backend's alone, longest first."""
    backend = finding.cluster.backend
    certificates = (*finding.chain, *finding.path)
    found: Iterable[str] = (
        backend.label,
        backend.host,
        ", ".join(backend.backend_ids),
        *backend.backend_ids,
        *(a for e in finding.evidence for a in (e.address or "", e.server_name, *e.addresses)),
        *(name for c in certificates if not c.is_ca for name in (c.common_name, c.subject, *c.dns_names[:20])),
    )
    return tuple(sorted({name for name in found if len(name) > 2}, key=lambda name: (-len(name), name)))[:60]


def _without(text: str, names: tuple[str, ...]) -> str:
    return _pattern(names).sub("\x00", text) if names else text


@lru_cache(maxsize=1024)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, names)))
