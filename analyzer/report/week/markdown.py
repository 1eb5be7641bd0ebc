"""From a week's Summary to weekly.md, good as a ticket, a wiki page or a mail; nothing that logs wrote comes alive in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.model import Change, Run, Share, Summary
from analyzer.report import words
from analyzer.report.markdown import code, escaped
from analyzer.report.week import words as said

_TOP = 10
_BACKENDS = 20


def render(summary: Summary) -> str:
    """The whole weekly.md: headline, incidents, what will break, availability, trend, what was not seen."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    yield f"# {escaped(said.headline(summary))}"
    yield ""
    yield escaped(said.told(summary))
    yield ""
    yield escaped(f"Week of {said.span(summary.week)}. Summary made {words.when(summary.made_at)}.")
    yield ""
    yield from _incidents(summary)
    yield from _outlook(summary)
    yield from _availability(summary)
    yield from _trend(summary)
    yield from _hit(summary)
    yield "## What was not seen"
    yield ""
    for caveat in summary.caveats:
        yield f"- {escaped(caveat)}"
    yield from (f"- Not judged: {escaped(one)}" for one in summary.outlook.unseen[:_BACKENDS])


def _incidents(summary: Summary) -> Iterator[str]:
    yield "## Incidents"
    yield ""
    if not summary.runs:
        yield "None."
        yield ""
        return
    zone = said.zone_of(summary.week)
    yield "| | status | backend | what | from | to | lost | share of its calls | worst hour |"
    yield "|--:|---|---|---|---|---|--:|---|--:|"
    for place, run in enumerate(summary.runs[:_TOP], 1):
        since = "" if run.start_known else "at the latest "
        cells = (
            f"{place}",
            said.STATUSES[run.status],
            code(words.label(run.backend)),
            escaped(f"{said.what(run)} ({said.certainty(run)})"),
            escaped(f"{since}{said.when(run.start, zone)}"),
            escaped(said.when(run.end, zone)),
            f"{run.lost:,}",
            escaped(said.share(run.lost, run.calls)) if run.lost else "none in the week",
            f"{run.peak:,}",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    rest = len(summary.runs) - _TOP
    if rest > 0:
        yield f"{words.count(rest, 'more incident')} with {words.count(sum(r.lost for r in summary.runs[_TOP:]), 'lost call')} in weekly.json."
        yield ""
    for place, run in enumerate(summary.runs[:_TOP], 1):
        yield from _incident(place, run, summary)


def _incident(place: int, run: Run, summary: Summary) -> Iterator[str]:
    names = {g.id: words.gateway(g) for g in summary.gateways}
    yield f"### {place}. {escaped(words.label(run.backend))}: {escaped(said.what(run))}"
    yield ""
    yield f"- Gateway: {escaped(names.get(run.gateway, run.gateway))}"
    yield f"- {escaped(words.capital(said.STATUSES[run.status]))}, lasted {said.lasted(run.duration)}; {escaped(said.ENDINGS[run.ending])}"
    if run.previous_end:
        yield f"- Before: the last failure of the run before this one was {escaped(said.when(run.previous_end, said.zone_of(summary.week)))}"
    if run.lost_in_all > run.lost:
        yield f"- Lost since it began: {run.lost_in_all:,}"
    if run.lost and run.gateway_calls:
        yield f"- Of all the gateway's calls: {escaped(said.share(run.lost, run.gateway_calls))}"
    hit = said.consumers(run)
    if hit:
        yield f"- Affected: {escaped(hit)}"
    if run.finding is not None:
        yield from (f"- {words.ORIGINS[r.origin]}: {escaped(r.text)}" for r in run.finding.lead.reasons[:3])
        for remedy in run.finding.remedies[:2]:
            tier = f" ({words.TIERS[remedy.tier]})" if remedy.tier else ""
            yield f"- To do, {words.OWNERS.get(remedy.owner, remedy.owner)}{tier}: {escaped(remedy.text)}"
    yield ""


def _outlook(summary: Summary) -> Iterator[str]:
    outlook = summary.outlook
    yield "## Outlook"
    yield ""
    yield escaped(said.coming(summary))
    yield ""
    for one in outlook.forecasts[:_BACKENDS]:
        sign = "**" if one.change is Change.BREAKS else ""
        backends = escaped(words.listed(one.backends, 5))
        yield f"- {sign}{words.capital(said.CHANGES[one.change])}{sign}: {backends}. {escaped(said.forecast(one, summary.made_at))}"
    if outlook.forecasts:
        yield ""


def _availability(summary: Summary) -> Iterator[str]:
    failing = [a for a in summary.availability if a.failures]
    healthy = len(summary.availability) - len(failing)
    yield "## Availability"
    yield ""
    if failing:
        yield "| backend | answered | lost | calls | hours with failures | week before |"
        yield "|---|---|--:|--:|--:|---|"
        for one in failing[:_BACKENDS]:
            calls = f"{one.requests:,}" if one.requests is not None else "not known"
            before = f"at least {one.before:.2f} %" if one.before is not None else ""
            cells = (code(words.label(one.backend)), escaped(said.available(one)), f"{one.failures:,}", calls)
            yield f"| {' | '.join((*cells, f'{one.failing_hours}', before))} |"
        yield ""
    if healthy:
        yield f"{words.count(healthy, 'backend')} without a failed connection."
        yield ""


def _trend(summary: Summary) -> Iterator[str]:
    yield f"## {words.count(len(summary.trend), 'week')}"
    yield ""
    yield "| week | lost | calls | incidents |"
    yield "|---|--:|--:|--:|"
    for one in summary.trend:
        note = "" if not one.partial else " (partly)"
        if one.known:
            calls = f"{one.requests:,}" if one.requests is not None else "not known"
            yield f"| {one.week.label}{note} | {one.failures:,} | {calls} | {one.runs:,} |"
        else:
            yield f"| {one.week.label} | not known | not known | not known |"
    yield ""


def _hit(summary: Summary) -> Iterator[str]:
    for title, those in (
        ("APIs", summary.apis),
        ("Products", summary.products),
        ("Subscriptions", summary.subscriptions),
    ):
        if those:
            yield f"## {title} hit most"
            yield ""
            yield from _shares(those)
            yield ""


def _shares(those: Sequence[Share]) -> Iterator[str]:
    for one in those[:_TOP]:
        yield f"- {escaped(one.value)}: {words.count(one.failures, 'lost call')}"
