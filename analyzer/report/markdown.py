"""From a Report to report.md, good as a ticket or a wiki page; nothing that logs or backends wrote comes alive in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analyzer.model import Attribution, CauseName, Evidence, Finding, Reason, Remedy, Report, Verdict
from analyzer.report import words
from analyzer.report.chain import links_of
from analyzer.report.ladder import Way, rungs_of
from analyzer.report.plain import elided, line, plain
from analyzer.report.summary import Group, groups, headline, not_seen, told

_INCIDENTS, _CASES = 20, 30  # told at length: a ticket has a limit
_STEPS = 2  # of an incident; its cases have them all
_LONGEST = 500  # characters of one text; report.json holds the whole
_LIVELY = re.compile(r"([^\s<>&`|]*(?:://|@|www\.|#\d)[^\s<>&`|]*)")  # renderers link these wherever they meet them
_SPECIAL = re.compile(r"[\\`*_{}\[\]|~#$]")
_LEADING = re.compile(r"^([-+=:>]|\d+(?=[.)]))")  # begins a list, an underline, a container, a quotation
_ARROWS = {Way.OUT: "→", Way.BACK: "←", Way.END: "="}


def escaped(text: str) -> str:
    """One line that shows the text and is nothing but text: CommonMark, GitHub and Azure DevOps alike."""
    parts = _LIVELY.split(elided(line(text), _LONGEST))
    return "".join(
        f"`{part}`" if place % 2 else _inert(part, first=place == 0) for place, part in enumerate(parts) if part
    )


def code(text: str) -> str:
    """The text as code where it can be, else escaped."""
    short = elided(line(text), _LONGEST)
    return f"`{short}`" if short and not set("`<>&|\\") & set(short) else escaped(text)


def render(report: Report) -> str:
    """The whole report.md: headline, incidents, cases, what was not seen."""
    return "\n".join(_lines(report)) + "\n"


def _inert(text: str, *, first: bool) -> str:
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        _LEADING.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", text) if first else text
    )


def _lines(report: Report) -> Iterator[str]:
    yield f"# {escaped(headline(report))}"
    yield ""
    yield escaped(told(report))
    yield ""
    span = report.found
    found = f"Logs from {words.when(span.start)} to {words.when(span.end)}" if span.start and span.end else "No records"
    yield f"{found}; asked for: {words.asked(report.asked)}. Report made {words.when(report.made_at)}."
    yield ""
    if report.findings:
        yield "## What to do"
        yield ""
        incidents = groups(report)
        for number, group in enumerate(incidents[:_INCIDENTS], start=1):
            yield from _incident(number, group)
        yield from _left_out(len(incidents) - _INCIDENTS, "incident")
        yield "## All cases"
        yield ""
        yield from _table(report)
        yield ""
        if report.rest.clusters:
            yield escaped(words.rest(report))
            yield ""
        names = {g.id: words.gateway(g) for g in report.gateways}
        for finding in report.findings[:_CASES]:
            yield from _case(finding, names.get(finding.cluster.gateway, finding.cluster.gateway))
        yield from _left_out(len(report.findings) - _CASES, "case")
    yield from _settings(report)
    yield "## What was not seen"
    yield ""
    yield from _not_seen(report)


def _settings(report: Report) -> Iterator[str]:
    """What the gateways' exported settings show by themselves; nothing where they show nothing or were not given."""
    if not report.settings:
        return
    names = {g.id: words.gateway(g) for g in report.gateways}
    yield "## What the gateways' settings show"
    yield ""
    for one in report.settings:
        cases = f" (case {', '.join(f'`{id_}`' for id_ in one.explains[:10])})" if one.explains else ""
        yield f"- {escaped(names.get(one.gateway, one.gateway))}: {escaped(one.text)}{cases}"
        yield from (f"  - {escaped(words.OWNERS.get(r.owner, r.owner))}: {escaped(r.text)}" for r in one.remedies)
    yield ""


def _left_out(number: int, noun: str) -> Iterator[str]:
    if number > 0:
        yield f"{words.count(number, f'further {noun}')} with fewer failures: see report.html."
        yield ""


def _incident(number: int, group: Group) -> Iterator[str]:
    first = group.findings[0].lead
    yield f"### {number}. {escaped(words.capital(words.cause(first)))}: {words.listed(words.VERDICTS[v] for v in group.verdicts)}"
    yield ""
    if group.incident.title:
        yield f"**{escaped(group.incident.title)}**"
        yield ""
    yield f"{escaped(group.who)}, from {words.when(group.first_seen)} to {words.when(group.last_seen)}; {group.state}."
    if group.incident.shared and len(group.findings) > 1:
        yield ""
        yield f"What they share: {escaped(group.incident.shared)}"
    yield ""
    yield from _remedies(group.remedies[:_STEPS])
    if len(group.remedies) > _STEPS:
        yield f"{words.count(len(group.remedies) - _STEPS, 'further step')}: see below, case by case."
        yield ""


def _table(report: Report) -> Iterator[str]:
    names = {g.id: words.gateway(g) for g in report.gateways}
    yield "| Backend | Gateway | Cause | Verdict | Failures | Last failure | State |"
    yield "| --- | --- | --- | --- | ---: | --- | --- |"
    for finding in report.findings:
        c, lead = finding.cluster, finding.lead
        cells = (
            code(words.label(c.backend)),
            escaped(names.get(c.gateway, c.gateway)),
            escaped(words.cause(lead)),
            words.VERDICTS[lead.verdict],
            f"{c.failures:,}",
            words.when(c.last_seen),
            words.STATES[c.state],
        )
        yield f"| {' | '.join(cells)} |"


def _case(finding: Finding, gateway: str) -> Iterator[str]:
    c, lead = finding.cluster, finding.lead
    yield f"### {code(words.label(c.backend))}: {escaped(words.cause(lead))}"
    yield ""
    yield f"**Verdict: {words.VERDICTS[lead.verdict]}.** Case `{c.id}`, gateway {escaped(gateway)}."
    yield ""
    among = f" among {words.count(c.requests, 'logged request')}" if c.requests is not None else ""
    yield f"- {words.count(c.failures, 'failure')}{among}, from {words.when(c.first_seen)} to {words.when(c.last_seen)}; {words.STATES[c.state]}"
    if c.last_success:
        yield f"- Last success: {words.when(c.last_success)}"
    for title, shares in (
        ("APIs", c.apis),
        ("Operations", c.operations),
        ("Products", c.products),
        ("Subscriptions", c.subscriptions),
        ("Callers", c.callers),
    ):
        if shares:
            yield f"- {title}: {', '.join(f'{code(s.value)} ({s.failures:,})' for s in shares)}"
    if c.correlation_ids:
        yield f"- Correlation ids: {', '.join(map(code, c.correlation_ids))}"
    yield ""
    yield "**Why**"
    yield ""
    yield from _reasons(lead.reasons)
    yield ""
    yield "**What the gateway says**"
    yield ""
    yield from (f"- {m.failures:,} × {escaped(m.text)}" for m in c.messages)
    yield ""
    yield from _remedies(finding.remedies)
    if finding.proof:
        yield "**See for yourself**"
        yield ""
        yield from _fenced(finding.proof)
        yield ""
    if finding.what_if:
        yield "| What if … | Would it connect? |"
        yield "| --- | --- |"
        for row in finding.what_if:
            change = escaped(row.change) + (" (in test only)" if row.test_only else "")
            yield f"| {change} | {words.CONNECTS[row.connects]}{f': {escaped(row.why)}' if row.why else ''} |"
        yield ""
    yield from _proof(finding)
    yield from _others(finding.attributions[1:])


def _reasons(reasons: Iterable[Reason]) -> Iterator[str]:
    yield from (f"- {escaped(words.ORIGINS.get(r.origin, r.origin))}: {escaped(r.text)}" for r in reasons)


def _remedies(remedies: tuple[Remedy, ...]) -> Iterator[str]:
    if not remedies:
        return
    yield "**What to do**"
    yield ""
    for number, remedy in enumerate(remedies, start=1):
        tier = f" ({words.TIERS[remedy.tier]})" if remedy.tier else ""
        owner = words.OWNERS.get(remedy.owner, remedy.owner)
        yield f"{number}. **{escaped(owner)}{tier}:** {escaped(remedy.text)}"
        indent = " " * (len(str(number)) + 2)
        if remedy.command:
            yield ""
            yield from (indent + row for row in _fenced(remedy.command))
        if remedy.caution:
            yield ""
            yield f"{indent}*Caution:* {escaped(remedy.caution)}"
    yield ""


def _fenced(command: str) -> tuple[str, ...]:
    longest = max((len(run) for run in re.findall("`+", command)), default=0)
    fence = "`" * max(3, longest + 1)
    return (f"{fence}sh", *plain(command).split("\n"), fence)


def _proof(finding: Finding) -> Iterator[str]:
    links = links_of(finding)
    if links:
        yield "**The chain as sent**"
        yield ""
        for number, link in enumerate(links, start=1):
            one = link.certificate
            dates = f"; valid {one.not_before:%Y-%m-%d} to {one.not_after:%Y-%m-%d}; {escaped(one.key)}" if one else ""
            issued = f"; issued by {escaped(one.issuer)}" if one else ""
            marks = "".join(f" **✕ {escaped(link.fault)}**" if link.fault else "") + (
                f" ({escaped(link.note)})" if link.note else ""
            )
            yield f"{number}. {link.role}: {escaped(link.name)}{issued}{dates}.{marks}"
        yield ""
    for evidence in finding.evidence:
        yield from _evidence(evidence)


def _evidence(evidence: Evidence) -> Iterator[str]:
    by = evidence.collected
    name = f", as {code(evidence.server_name)}" if evidence.server_name != evidence.host else ""
    resolver = f", resolver {code(by.resolver)}" if by.resolver else ""
    yield f"**What the probe met** at {code(evidence.address or 'no address')}{name}, {words.when(by.at)}"
    yield ""
    proxy = f", through the proxy {code(evidence.proxy)}" if evidence.proxy else ""
    hello = f", hello: {code(evidence.profile)}" if words.has_switches(evidence.profile) else ""
    tool = " ".join(filter(None, (by.tool, by.version)))
    yield f"Run on {escaped(words.place(by))}{resolver}{proxy}{hello}, with {escaped(tool)}, {escaped(words.voice(evidence))}."
    yield ""
    for handshake in evidence.handshakes:
        steps = "; ".join(f"{_ARROWS[rung.way]} {escaped(rung.text)}" for rung in rungs_of(handshake, evidence.profile))
        yield f"- {steps} ({handshake.seconds * 1000:,.0f} ms)"
    yield ""


def _others(others: tuple[Attribution, ...]) -> Iterator[str]:
    open_ = [a for a in others if a.verdict is not Verdict.RULED_OUT and a.cause is not CauseName.UNKNOWN]
    out = [a for a in others if a.verdict is Verdict.RULED_OUT and a.cause is not CauseName.UNKNOWN]
    if open_:
        yield "**Other explanations that are not ruled out**"
        yield ""
        for a in open_:
            reasons = " ".join(escaped(r.text) for r in a.reasons)
            yield f"- {escaped(words.capital(words.cause(a)))}: {words.VERDICTS[a.verdict]}. {reasons}"
        yield ""
    if out:
        yield f"Ruled out: {', '.join(words.CAUSES[a.cause] for a in out)}."
        yield ""


def _not_seen(report: Report) -> Iterator[str]:
    intake = report.intake
    yield (
        f"{words.count(intake.records, 'record')} read: {words.count(intake.failures, 'failed backend connection')}, "
        f"{words.count(intake.lookalikes, 'failure')} that only look like one, {intake.others:,} others. "
        f"{words.count(intake.rejected, 'line or element', 'lines or elements')} could not be read."
    )
    yield ""
    if intake.sources:
        yield "| Source | Shape | Records | Failures | Not readable |"
        yield "| --- | --- | ---: | ---: | ---: |"
        for s in intake.sources:
            yield f"| {code(s.name)} | {escaped(s.shape)} | {s.records:,} | {s.failures:,} | {s.rejected:,} |"
        yield ""
    rejected = [first for s in intake.sources for first in s.first_rejected]
    if rejected:
        yield "**First lines that could not be read**"
        yield ""
        yield from (f"- {escaped(one)}" for one in rejected)
        yield ""
    for note in not_seen(report):
        yield f"**{escaped(note.title)}**"
        yield ""
        yield from (f"- {escaped(item)}" for item in note.items)
        yield ""
