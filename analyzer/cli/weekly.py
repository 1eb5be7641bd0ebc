"""The command `weekly`: a week's incidents from any sources, held against the weeks before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.cli import options
from analyzer.cli.arguments import Aimed, DateOrder, FailOn, Picked, ProxyUrl, Quiet, Recorded, Supposed, Way
from analyzer.cli.asking import aim_of, asking, exit_code
from analyzer.cli.configured import configured
from analyzer.cli.grouped import grouped
from analyzer.cli.workspaces import Named
from analyzer.cli.workspaces import asked as workspaces_asked
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.model import Evidence, Summary, Window
    from analyzer.probing import Target
    from analyzer.tally import Tally


@grouped
def weekly(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Gateway logs, as for analyze: files, folders, globs, az://account/container[/folder], or - for standard input.",
            show_default=False,
        ),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option("--week", metavar="WEEK", help="ISO week, as 2026-W47. Default: the last that is over."),
    ] = None,
    tz: Annotated[
        str,
        typer.Option(
            "--tz", metavar="ZONE", help="Time zone in which the week begins and ends: an IANA name, UTC or local."
        ),
    ] = "UTC",
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            metavar="DIR",
            help="Folder that keeps each week's tally and report, so that no week is read twice and what no source holds any "
            "more can still be compared. Made where it is missing; doing a week again replaces only that week.",
        ),
    ] = None,
    weeks: Annotated[
        int,
        typer.Option(
            "--weeks",
            metavar="N",
            min=1,
            max=53,
            help="Weeks of the trend, this one among them; those that the history lacks are read from the sources.",
        ),
    ] = 8,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Probe the week's failing backends now. Without it nobody is asked: last week's failures are not today's.",
        ),
    ] = False,
    probe_all: Annotated[
        bool,
        typer.Option(
            "--probe-all", help="Probe every backend in the traffic, healthy ones too, and say whose chain will break."
        ),
    ] = False,
    recorded: Recorded = Recorded(),  # noqa: B008  frozen, as the next
    supposed: Supposed = Supposed(),  # noqa: B008
    aimed: Aimed = Aimed(),  # noqa: B008
    picked: Picked = Picked(),  # noqa: B008
    way: Way = Way(),  # noqa: B008
    proxy: ProxyUrl = None,
    date_order: DateOrder = "auto",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for weekly.html, weekly.md, weekly.json and charts/.")
    ] = Path("apim-triage-weekly"),
    fail_on: FailOn = None,
    quiet: Quiet = False,
    named: Named = Named(),  # noqa: B008  frozen
) -> int:
    """Sum up a week: its incidents, which are new, ongoing, recurring or resolved, availability, trend, and what will break.

    Example: apim-triage weekly insights-logs-gatewaylogs/ --tz Europe/Berlin --history triage-history --probe-all

    Example: apim-triage weekly --workspace 0b1f6471-1bf0-4dda-aec3-111122223333 --history triage-history
    """
    workspaces = workspaces_asked(named)
    if not source and workspaces is None:
        raise UsageError(
            "weekly: name at least one source: a file, a folder, a glob, - for standard input, or --workspace and its ID"
        )
    now = datetime.now(UTC)
    zone, order = options.zone(tz), options.date_order(date_order)
    causes = options.fail_on(fail_on or ())
    aim = aim_of(aimed, picked)
    tier = options.tier(supposed.gateway)
    settings = options.settings(supposed.setting or (), tier)
    ask = asking(way, supposed, proxy)

    from analyzer import report as report_files
    from analyzer.weekly.weeks import week_of

    wanted = week_of(week, zone, now)  # what is quickly said comes before what is slow to load
    report_files.check_out(out)

    from analyzer.cli import terminal, week_summary
    from analyzer.report.week import contract, writer
    from analyzer.sources import read
    from analyzer.weekly import flow
    from analyzer.weekly.history import History, check_zone
    from analyzer.weekly.judging import Judging

    kept = History(history, check_zone(str(zone))) if history is not None else None
    with terminal.progress(not quiet) as on_progress:

        def asked(targets: Sequence[Target]) -> Sequence[Evidence]:
            if not quiet:
                terminal.targets(targets)
            return ask.prober(on_progress)(targets)

        def reader(window: Window) -> Tally:
            return read(
                source or (),
                window=window,
                date_order=order,
                tz=zone,
                on_progress=on_progress,
                workspaces=workspaces,
                now=now,
            )

        made = flow.weekly(
            reader,
            week=wanted,
            zone=zone,
            now=now,
            weeks=weeks,
            history=kept,
            once="-" in (source or ()),
            judging=Judging(
                gateway=tier,
                settings=settings,
                config=configured(supposed, on_progress),
                ca_files=supposed.ca_file or (),
                trust_store=supposed.trust_store,
                evidence=options.evidence(recorded.evidence or (), recorded.evidence_vantage),
                aim=aim,
                probe=asked if probe or probe_all else None,
                probe_all=probe_all,
                not_probed="the probe gave no evidence" if probe or probe_all else "weekly probes only with --probe",
            ),
            on_progress=on_progress,
        )
        written = writer.write(made, out)
        if kept is not None and wanted.end <= now:
            kept.keep_report(wanted, contract.dumps(made))
    if not quiet:
        week_summary.show(made, written, out)
    return exit_code([r.finding for r in made.runs if r.finding], causes, incomplete=_incomplete(made))


def _incomplete(summary: Summary) -> bool:
    return any(s.shape.startswith("unreadable") for s in summary.intake.sources)
