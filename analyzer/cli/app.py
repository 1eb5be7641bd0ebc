"""The commands: each turns its words into values, calls the pipeline, and shows what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.cli import EXIT_OK, options
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
    Formats,
    Gateway,
    HostHeaders,
    JsonTo,
    NoAia,
    NoRequest,
    Post,
    ProxyUrl,
    Quiet,
    Settings,
    TrustStore,
    Vantage,
)
from analyzer.cli.asking import aim_of, asking, exit_code
from analyzer.cli.backends import check, kit, probe
from analyzer.cli.configured import configured, had_by_all
from analyzer.cli.explaining import causes, explain
from analyzer.cli.outputs import outputs
from analyzer.cli.trust import trust
from analyzer.cli.weekly import weekly
from analyzer.cli.workspaces import (
    AppInsights,
    AuthWay,
    CloudName,
    CrossWorkspace,
    Estimate,
    PrintQuery,
    Resources,
    SaveTally,
    SliceLength,
    WorkspaceIds,
    asked,
    estimate,
    print_query,
)
from analyzer.errors import UsageError
from analyzer.model import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.model import Evidence
    from analyzer.probing import Target

app = typer.Typer(
    name="apim-triage",
    help="Why can this Azure API Management gateway not connect to its backend? Reads the gateway's logs, probes each failing "
    "backend's TLS in the gateway's own voice, and names the cause, the proof and the fix.",
    epilog="Exit codes: 0 a report was written; 1 --fail-on matched; 2 something you can mend; 3 a report was written but not "
    "everything was seen; 70 a fault of the program; 130 interrupted.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        from analyzer import __version__

        typer.echo(f"apim-triage {__version__}")
        raise typer.Exit


@app.command()
def analyze(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Exported gateway logs: files, folders, globs, az://account/container[/folder], or - for standard input.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Count records from this time on (2026-11-16 or 2026-11-16T08:30)."
        ),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Count records before this time.")] = None,
    last: Annotated[
        str | None, typer.Option("--last", metavar="SPAN", help="Count records of the last 12h, 7d, 2w, …")
    ] = None,
    tz: Annotated[
        str,
        typer.Option(
            "--tz",
            metavar="ZONE",
            help="Time zone of --from and --to, and of times headed [Local Time]: an IANA name, UTC or local.",
        ),
    ] = "UTC",
    date_order: Annotated[
        str,
        typer.Option(
            "--date-order",
            metavar="ORDER",
            help="What 3/4/2026 means in a CSV from the portal, which has the browser's language: mdy (4 March), dmy (3 April), "
            "or auto: the file's other dates must tell.",
        ),
    ] = "auto",
    no_probe: Annotated[
        bool,
        typer.Option("--no-probe", help="Do not connect to any backend: judge from the logs (and --evidence) alone."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the backends that would be probed, and stop.")
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
        typer.Option("--max-backends", metavar="N", min=1, help="Probe only the N backends with the most failures."),
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
    keep_ip: Annotated[
        bool,
        typer.Option(
            "--keep-ip",
            help="Say which client IP addresses are hit (the 100 most frequent per case); without it none is read.",
        ),
    ] = False,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for report.html, report.md, report.json, clusters.csv, evidence.json and charts/.",
        ),
    ] = Path("apim-triage-report"),
    formats: Formats = None,
    json_to: JsonTo = None,
    post: Post = None,
    fail_on: FailOn = None,
    quiet: Quiet = False,
    workspace: WorkspaceIds = None,
    resource: Resources = None,
    cross_workspace: CrossWorkspace = False,
    app_insights: AppInsights = False,
    auth: AuthWay = "default",
    cloud: CloudName = "public",
    slice_length: SliceLength = None,
    save_tally: SaveTally = None,
    print_queries: PrintQuery = False,
    estimated: Estimate = False,
) -> int:
    """Read gateway logs, find the failing backends, probe them, and write a report that names each cause.

    Example: apim-triage analyze insights-logs-gatewaylogs/ --ca-file corporate-root.pem --out report

    Example: apim-triage analyze --workspace 0b1f6471-1bf0-4dda-aec3-111122223333 --last 7d
    """
    workspaces = asked(
        workspaces=workspace,
        resources=resource,
        together=cross_workspace,
        auth=auth,
        cloud=cloud,
        slice_=slice_length,
        insights=app_insights,
    )
    if not source and workspaces is None:
        raise UsageError(
            "analyze: name at least one source: a file, a folder, a glob, - for standard input, or --workspace and its ID"
        )
    if workspaces is None and (print_queries or estimated):
        raise UsageError(
            "analyze: --print-query and --estimate are about workspaces: name one by --workspace or --resource"
        )
    if no_probe and dry_run:
        raise UsageError("analyze: --no-probe and --dry-run contradict each other: give one of them")
    now = datetime.now(UTC)
    zone, order = options.zone(tz), options.date_order(date_order)
    window = options.window(start, end, last, zone, now)
    if workspaces is not None and (print_queries or estimated):
        from analyzer.cli import terminal

        terminal.lines((print_query if print_queries else estimate)(workspaces, window, now))
        return EXIT_OK
    fatal = options.fail_on(fail_on or ())
    aim = aim_of(host_header, connect_to, only, max_backends)
    tier = options.tier(gateway)
    settings = options.settings(setting or (), tier)
    places = outputs(out, formats=formats or (), json_to=json_to, post=post, quiet=quiet)
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

    from analyzer.cli import terminal
    from analyzer.pipeline import analyze as run

    if save_tally is not None:
        from analyzer.sources import saved

        saved.check(save_tally)
    with terminal.progress(not quiet) as on_progress:

        def probe(targets: Sequence[Target]) -> Sequence[Evidence]:
            if dry_run:
                terminal.lines(ask.words(one) for one in (*targets, *ask.control))
                return ()
            if not quiet:
                terminal.targets(targets, stderr=places.told_apart)
            return ask.prober(on_progress)(targets)

        made = run(
            source or (),
            probe=None if no_probe else probe,
            gateway=tier or "auto",
            settings=settings,
            config=configured(apim_config, apim, on_progress),
            window=window,
            date_order=order,
            tz=zone,
            evidence=options.evidence(evidence or (), evidence_vantage),
            ca_files=ca_file or (),
            trust_store=trust_store,
            aim=aim,
            not_probed="probing was switched off (--no-probe)" if no_probe else "the probe gave no evidence",
            keep_ip=keep_ip,
            now=now,
            on_progress=on_progress,
            workspaces=workspaces,
            save_tally=save_tally,
        )
        if dry_run:
            return EXIT_OK
        written = places.write(made, on_progress)
    if not quiet:
        terminal.summary(made, written, out, stderr=places.told_apart)
    failed = places.send(made)
    if failed:
        terminal.warn(failed)
    return exit_code(made.findings, fatal, incomplete=_incomplete(made) or bool(failed))


app.command()(check)
app.command()(probe)
app.command()(kit)
app.command()(weekly)
app.add_typer(trust)
app.command()(causes)
app.command()(explain)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the report.")] = Path("demo-report"),
    workspace: Annotated[
        bool,
        typer.Option(
            "--workspace",
            help="Keep the sample logs in a workspace, whose query API, on loopback, executes the shipped queries.",
        ),
    ] = False,
    quiet: Quiet = False,
) -> int:
    """Run the whole job offline: sample logs, and backends with one fault each on loopback, really probed."""
    from analyzer import report as report_files
    from analyzer.cli import terminal
    from analyzer.lab.demo import demo as run

    report_files.check_out(out)
    with terminal.progress(not quiet) as on_progress:
        made = run(workspace=workspace, on_progress=on_progress)
        written = report_files.write(made, out, on_progress=on_progress)
    if not quiet:
        terminal.summary(made, written, out)
    return EXIT_OK


def _incomplete(report: Report) -> bool:
    return any(s.shape.startswith("unreadable") for s in report.intake.sources)
