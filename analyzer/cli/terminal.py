"""What the terminal shows: progress on standard error, the findings as a table or as a detailed answer on standard output."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from analyzer.checking import Progress as OnProgress
from analyzer.model import Attribution, CauseName, Finding, Reason, Report, Verdict, Window
from analyzer.probing import Target
from analyzer.report import words
from analyzer.report.words import asked

_STYLES = {Verdict.CONFIRMED: "bold red", Verdict.LIKELY: "yellow", Verdict.UNKNOWN: "cyan", Verdict.RULED_OUT: "dim"}
_WIDTH = 100  # of output that is not a terminal
MOST_ROWS = 50
MOST_INCIDENTS = 5


def console(*, stderr: bool = False) -> Console:
    """A console that is plain in a pipe, with no markup read from what logs and backends say."""
    found = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not found.is_terminal:
        found.width = _WIDTH
    return found


@contextmanager
def progress(show: bool) -> Iterator[OnProgress]:
    """A progress line on standard error for as long as work goes on; nothing where standard error is no terminal."""
    err = console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not (show and err.is_terminal)) as bars:
        tasks = {}

        def on_progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(escape(what), total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield on_progress


def warn(text: str) -> None:
    """One line on standard error, for what went wrong after the report was written."""
    sys.stderr.write(f"apim-triage: {printable(text)}\n")


def targets(probed: Sequence[Target], *, stderr: bool = False) -> None:
    """The backends about to be probed, one a line, before anything is sent."""
    screen = console(stderr=stderr)
    screen.print(f"Probing {len(probed)} backends:")
    for one in probed:
        via = f" by way of {one.connect_host}:{one.connect_port}" if one.connect_host else ""
        name = f" as {one.server_name}" if one.server_name != one.host else ""
        screen.print(
            Text(
                printable(
                    f"  {one.host}:{one.port}{name}{via}, hello of {one.profile}{'' if one.tls else ', TCP only'}"
                )
            )
        )


def lines(told: Iterable[str]) -> None:
    """Plain lines on standard output, for a pipe."""
    for line in told:
        sys.stdout.write(printable(line.replace("\t", "    ")) + "\n")


def how_to_run(kit: Path, asked: int, vantage: str, ways: Sequence[tuple[str, str]]) -> None:
    """Where the kit is, what its evidence will claim, and the lines that run it."""
    lines(
        [
            f"{kit}: asks {asked} backend{'' if asked == 1 else 's'}; it holds the probe and whom to ask, no logs and no secrets."
        ]
    )
    if vantage == "gateway":
        lines(["What it collects speaks for the gateway: run it in the gateway's network, or with --vantage outside."])
    for what, line in ways:
        lines(["", f"{what}:", f"  {line.format(kit=shlex.quote(str(kit)))}"])


def summary(report: Report, written: Sequence[Path], out: Path, *, stderr: bool = False) -> None:
    """The clusters, worst first, and where to look."""
    screen = console(stderr=stderr)
    intake = report.intake
    found = report.found
    span = (
        f" between {found.start:%Y-%m-%d %H:%M} and {found.end:%Y-%m-%d %H:%M} UTC" if found.start and found.end else ""
    )
    screen.print(
        f"{intake.records:,} records{span}: {intake.failures:,} backend connection failures, "
        f"{intake.lookalikes:,} look-alikes, {intake.rejected:,} lines rejected."
    )
    if report.asked != Window():
        screen.print(f"Asked for: {asked(report.asked)}.")
    if report.findings:
        _incidents(screen, report)
        screen.print(_table(report))
    else:
        screen.print("No backend connection failure in these logs.")
    for one in report.settings:
        screen.print(Text(f"! {printable(one.text)}", style="yellow"))
    remarks(report.caveats, stderr=stderr)
    if written:
        screen.print(
            f"Report: [bold]{escape(str(out / 'report.html'))}[/bold]  (also {', '.join(_beside(written, out))})"
        )


def _incidents(screen: Console, report: Report) -> None:
    """The worst incidents, one sentence each, where several backends share one."""
    told = [one for one in report.incidents if one.title]
    if not any(len(one.clusters) > 1 for one in told):
        return
    screen.print(Text(f"{len(told)} incidents, worst first:", style="bold"))
    for number, one in enumerate(told[:MOST_INCIDENTS], start=1):
        screen.print(Text(printable(f"{number:>3}. {one.title}")))
    if len(told) > MOST_INCIDENTS:
        screen.print(Text(f"     and {len(told) - MOST_INCIDENTS} more in the report", style="dim"))
    screen.print()


def remarks(texts: Iterable[str], *, stderr: bool = False) -> None:
    """What was not seen or had to be assumed, one a line."""
    screen = console(stderr=stderr)
    for text in texts:
        screen.print(Text(f"· {printable(text)}", style="dim"))


def _beside(written: Sequence[Path], out: Path) -> tuple[str, ...]:
    """The other files of the folder, its folders as one."""
    names = (path.relative_to(out).parts for path in written)
    return tuple(
        dict.fromkeys(f"{parts[0]}/" if len(parts) > 1 else parts[0] for parts in names if parts != ("report.html",))
    )


def _table(report: Report) -> Table:
    gateways = {g.id: g for g in report.gateways}
    several = len({f.cluster.gateway for f in report.findings}) > 1
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("failures", justify="right", no_wrap=True)
    table.add_column("backend", overflow="fold", min_width=22)
    if several:
        table.add_column("gateway", overflow="ellipsis", no_wrap=True, max_width=20)
    table.add_column("cause", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for finding in report.findings[:MOST_ROWS]:
        c, lead = finding.cluster, finding.lead
        gateway = gateways[c.gateway]
        table.add_row(
            f"{c.failures:,}",
            Text(printable(c.backend.label.removesuffix(":443"))),
            *([Text(printable(" ".join(x for x in (gateway.name, gateway.region) if x)))] if several else []),
            f"{lead.cause.value} {f'({lead.scenario})' if lead.scenario else ''}",
            Text(lead.verdict.value.replace("_", " "), style=_STYLES[lead.verdict]),
            c.state.value,
        )
    if len(report.findings) > MOST_ROWS:
        table.caption = f"and {len(report.findings) - MOST_ROWS} more in the report"
    return table


def answer(finding: Finding, *, stderr: bool = False) -> None:
    """One backend in detail: whether the gateway would connect, cause, reasons, what was met, the chain, what-if, remedies."""
    screen = console(stderr=stderr)
    lead = finding.lead
    scenario = f", scenario {lead.scenario}" if lead.scenario else ""
    screen.print(
        Text.assemble(
            (f"{_fixed(lead)}: ", "bold"),
            (printable(finding.cluster.backend.label), "bold"),
            "  ",
            (f"{lead.cause.value}{scenario}", "bold"),
            "  ",
            (lead.verdict.value.replace("_", " "), _STYLES[lead.verdict]),
        )
    )
    _reasons(screen, lead.reasons)
    for other in finding.attributions[1:]:
        if other.verdict in (Verdict.CONFIRMED, Verdict.LIKELY):
            screen.print(Text(f"  also {other.cause.value}: {other.verdict.value}", style=_STYLES[other.verdict]))
            _reasons(screen, other.reasons, indent=4)
    for place, one in enumerate(finding.evidence):
        screen.print(Text(printable(f"  {'asked' if place == 0 else 'and'} {words.asked_of(one)}"), style="dim"))
    for depth, certificate in enumerate(finding.chain):
        dates = f"{certificate.not_before:%Y-%m-%d} … {certificate.not_after:%Y-%m-%d}"
        who = certificate.common_name or certificate.subject
        screen.print(Text(printable(f"  {depth} {who}  by {certificate.issuer}  {dates}"), style="dim"))
    for row in finding.what_if:
        would = {True: "connects", False: "does not connect", None: "not known"}[row.connects]
        aside = "; ".join(filter(None, ("in test only" if row.test_only else "", row.why)))
        screen.print(Text(printable(f"  if {row.change}: {would}{f' ({aside})' if aside else ''}")))
    if finding.proof:
        screen.print(Text(printable(f"  see for yourself: {finding.proof}")), soft_wrap=True)
    for remedy in finding.remedies:
        tier = f" ({remedy.tier.value})" if remedy.tier else ""
        screen.print(Text(printable(f"  → {remedy.owner}{tier}: {remedy.text}")))
        if remedy.command:
            screen.print(Text(remedy.command), style="green", soft_wrap=True)
        if remedy.caution:
            screen.print(Text(printable(f"    caution: {remedy.caution}"), style="dim"))


def page(markdown: str) -> None:
    """A page of the documentation: drawn on a terminal, as it is in a pipe."""
    screen = console()
    if not screen.is_terminal:
        sys.stdout.write(markdown)
        return
    from rich.markdown import Markdown

    screen.print(Markdown(markdown, hyperlinks=False))


def _fixed(lead: Attribution) -> str:
    """Is it fixed? Would the gateway connect: yes, no, or it is not known."""
    if lead.verdict not in (Verdict.CONFIRMED, Verdict.LIKELY):
        return "not known"
    return "yes" if lead.cause is CauseName.NOT_REPRODUCED else "no"


def _reasons(screen: Console, reasons: Sequence[Reason], indent: int = 2) -> None:
    for reason in reasons:
        screen.print(Text(printable(f"{' ' * indent}[{reason.origin}] {reason.text}")))


def printable(text: str) -> str:
    """Text from logs and backends without control or direction characters, so that it cannot drive the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
