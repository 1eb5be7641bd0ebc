"""What the terminal shows of a week: its incidents as a table, what will break, and where to look; 100 columns in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analyzer.cli.terminal import console, printable
from analyzer.model import Change, Status, Summary
from analyzer.report import words
from analyzer.report.week import words as said

MOST_ROWS = 20
_STYLES = {
    Status.NEW: "bold red",
    Status.ONGOING: "red",
    Status.RECURRING: "yellow",
    Status.RESOLVED: "green",
    Status.UNKNOWN: "cyan",
}


def show(summary: Summary, written: Sequence[Path], out: Path) -> None:
    """The week, worst first."""
    screen = console()
    screen.print(Text(printable(said.headline(summary)), style="bold"))
    screen.print(Text(printable(said.told(summary))))
    if summary.runs:
        screen.print(_table(summary))
    for one in summary.outlook.forecasts[:MOST_ROWS]:
        style = "bold red" if one.change is Change.BREAKS else ""
        text = f"{words.listed(one.backends)}: {said.forecast(one, summary.made_at)}"
        screen.print(Text(printable(text), style=style))
    for caveat in summary.caveats:
        screen.print(Text(f"· {printable(caveat)}", style="dim"))
    if written:
        screen.print(
            f"Summary: [bold]{escape(str(out / 'weekly.html'))}[/bold]  (also weekly.md, weekly.json, charts/)"
        )


def _table(summary: Summary) -> Table:
    zone = said.zone_of(summary.week)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("lost", justify="right", no_wrap=True)
    table.add_column("backend", overflow="fold", min_width=24)
    table.add_column("status", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column(f"from ({said.when(summary.week.start, zone).split()[-1]})", no_wrap=True)
    table.add_column("to", no_wrap=True)
    for run in summary.runs[:MOST_ROWS]:
        table.add_row(
            f"{run.lost:,}",
            Text(printable(run.backend.label.removesuffix(":443"))),
            Text("unknown" if run.status is Status.UNKNOWN else said.STATUSES[run.status], style=_STYLES[run.status]),
            said.what(run),
            f"{'' if run.start_known else '≤ '}{run.start.astimezone(zone):%m-%d %H:%M}",
            f"{run.end.astimezone(zone):%m-%d %H:%M}",
        )
    if len(summary.runs) > MOST_ROWS:
        table.caption = f"and {len(summary.runs) - MOST_ROWS} more in the summary"
    return table
