"""The command `weekly`: a week's incidents from any sources, held against the weeks before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.cli import options
from analyzer.cli.arguments import (
    Allow,
    Apim,
    ApimConfig,
    CaFiles,
    ConnectTo,
    Control,
    Deadline,
    Deny,
    Evidences,
    EvidenceVantage,
    FailOn,
    Gateway,
    HostHeaders,
    NoAia,
    NoRequest,
    ProxyUrl,
    Quiet,
    Settings,
    TrustStore,
    Vantage,
)
from analyzer.cli.asking import aim_of, asking, exit_code
from analyzer.cli.configured import configured, had_by_all
from analyzer.cli.workspaces import (
    AuthWay,
    CloudName,
    CrossWorkspace,
    Resources,
    SliceLength,
    WorkspaceIds,
)
from analyzer.cli.workspaces import asked as workspaces_asked
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.model import Evidence, Summary, Window
    from analyzer.probing import Target
    from analyzer.tally import Tally


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
    evidence: Evidences = None,
    evidence_vantage: EvidenceVantage = "unstated",
    gateway: Gateway = "auto",
    ca_file: CaFiles = None,
    trust_store: TrustStore = "default",
    host_header: HostHeaders = None,
    connect_to: ConnectTo = None,
    allow_address: Allow = None,
    deny_address: Deny = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Probe only backends whose host matches. Repeatable."),
    ] = None,
    max_backends: Annotated[
        int | None,
        typer.Option(
            "--max-backends", metavar="N", min=1, help="Probe only the N backends with the most failures, or calls."
        ),
    ] = None,
    setting: Settings = None,
    apim_config: ApimConfig = None,
    apim: Apim = None,
    proxy: ProxyUrl = None,
    control: Control = None,
    no_request: NoRequest = False,
    no_aia: NoAia = False,
    vantage: Vantage = "unstated",
    deadline: Deadline = 10.0,
    date_order: Annotated[
        str,
        typer.Option("--date-order", metavar="ORDER", help="What 3/4/2026 means in a CSV: mdy, dmy or auto."),
    ] = "auto",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for weekly.html, weekly.md, weekly.json and charts/.")
    ] = Path("apim-triage-weekly"),
    fail_on: FailOn = None,
    quiet: Quiet = False,
    workspace: WorkspaceIds = None,
    resource: Resources = None,
    cross_workspace: CrossWorkspace = False,
    auth: AuthWay = "default",
    cloud: CloudName = "public",
    slice_length: SliceLength = None,
) -> int:
    """Sum up a week: its incidents, which are new, ongoing, recurring or resolved, availability, trend, and what will break.

    Example: apim-triage weekly insights-logs-gatewaylogs/ --tz Europe/Berlin --history triage-history --probe-all

    Example: apim-triage weekly --workspace 0b1f6471-1bf0-4dda-aec3-111122223333 --history triage-history
    """
    workspaces = workspaces_asked(
        workspaces=workspace,
        resources=resource,
        together=cross_workspace,
        auth=auth,
        cloud=cloud,
        slice_=slice_length,
    )
    if not source and workspaces is None:
        raise UsageError(
            "weekly: name at least one source: a file, a folder, a glob, - for standard input, or --workspace and its ID"
        )
    now = datetime.now(UTC)
    zone, order = options.zone(tz), options.date_order(date_order)
    causes = options.fail_on(fail_on or ())
    aim = aim_of(host_header, connect_to, only, max_backends)
    tier = options.tier(gateway)
    settings = options.settings(setting or (), tier)
    ask = asking(
        allow=allow_address,
        deny=deny_address,
        deadline=deadline,
        vantage=vantage,
        no_request=no_request,
        no_aia=no_aia,
        proxy=proxy,
        control=control,
        ca_files=had_by_all(ca_file, apim_config, apim),
        trust_store=trust_store,
    )

    from analyzer import report as report_files
    from analyzer.weekly.weeks import week_of

    wanted = week_of(week, zone, now)  # what is quickly said comes before what is slow to load
    report_files.check_out(out)

    from analyzer.cli import terminal, week_summary
    from analyzer.report import week_contract, week_writer
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
                config=configured(apim_config, apim, on_progress),
                ca_files=ca_file or (),
                trust_store=trust_store,
                evidence=options.evidence(evidence or (), evidence_vantage),
                aim=aim,
                probe=asked if probe or probe_all else None,
                probe_all=probe_all,
                not_probed="the probe gave no evidence" if probe or probe_all else "weekly probes only with --probe",
            ),
            on_progress=on_progress,
        )
        written = week_writer.write(made, out)
        if kept is not None and wanted.end <= now:
            kept.keep_report(wanted, week_contract.dumps(made))
    if not quiet:
        week_summary.show(made, written, out)
    return exit_code([r.finding for r in made.runs if r.finding], causes, incomplete=_incomplete(made))


def _incomplete(summary: Summary) -> bool:
    return any(s.shape.startswith("unreadable") for s in summary.intake.sources)
