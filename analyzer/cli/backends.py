"""The commands that name backends instead of logs: ask them, ask and judge them, or write the probe to carry to them."""

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
    Gateway,
    HostHeaders,
    JsonTo,
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
from analyzer.cli.outputs import check_json, write_json
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzer.aim import Aim
    from analyzer.model import Cluster, Report, Tier
    from analyzer.probing import Target
    from analyzer.settings import Route
    from analyzer.settings import Settings as Exported


def check(
    host: Annotated[
        list[str],
        typer.Argument(metavar="HOST[:PORT]", help="Backends to ask, as in the backend URL.", show_default=False),
    ],
    evidence: Evidences = None,
    evidence_vantage: EvidenceVantage = "unstated",
    gateway: Gateway = "auto",
    ca_file: CaFiles = None,
    trust_store: TrustStore = "default",
    host_header: HostHeaders = None,
    connect_to: ConnectTo = None,
    allow_address: Allow = None,
    deny_address: Deny = None,
    setting: Settings = None,
    apim_config: ApimConfig = None,
    apim: Apim = None,
    proxy: ProxyUrl = None,
    control: Control = None,
    no_request: NoRequest = False,
    no_aia: NoAia = False,
    vantage: Vantage = "unstated",
    deadline: Deadline = 10.0,
    json_to: JsonTo = None,
    fail_on: FailOn = None,
    quiet: Quiet = False,
) -> int:
    """Without logs: probe backends as the gateway would, and print cause, what-if and remedy ("is it fixed?")."""
    causes = options.fail_on(fail_on or ())
    tier = options.tier(gateway)
    settings = options.settings(setting or (), tier)
    config = configured(apim_config, apim)
    check_json(json_to)
    targets = _targets(host, tier, settings, aim_of(host_header, connect_to), config)
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

    from analyzer.anchors import anchors_of, told
    from analyzer.checking import check as run
    from analyzer.checking import checked, unlogged_gateway
    from analyzer.cli import terminal

    assumed: list[str] = []
    now = datetime.now(UTC)
    with terminal.progress(not quiet) as on_progress:
        findings = run(
            targets,
            probe=ask.prober(on_progress),
            evidence=options.evidence(evidence or (), evidence_vantage),
            tier=tier,
            settings=settings,
            config=config,
            ca_files=ca_file or (),
            say=assumed.append,
            trust_store=trust_store,
            now=now,
        )
    if any(finding.chain for finding in findings):
        assumed.append(told(anchors_of(ask.ca_files, ask.trust_store).store(), now))
    if json_to is not None:
        gateways = unlogged_gateway(tier, settings, config).gateways
        write_json(checked(findings, gateways, tuple(assumed), now), json_to)
    if not quiet:
        for finding in findings:
            terminal.answer(finding, stderr=json_to == "-")
        terminal.remarks(assumed, stderr=json_to == "-")
    return exit_code(findings, causes)


def probe(
    host: Annotated[
        list[str] | None, typer.Argument(metavar="HOST[:PORT]", help="Backends to ask.", show_default=False)
    ] = None,
    targets: Annotated[
        Path | None, typer.Option("--targets", metavar="report.json", help="Ask the backends of a report.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the evidence here instead of to standard output."),
    ] = None,
    gateway: Gateway = "auto",
    ca_file: CaFiles = None,
    trust_store: TrustStore = "default",
    host_header: HostHeaders = None,
    connect_to: ConnectTo = None,
    allow_address: Allow = None,
    deny_address: Deny = None,
    setting: Settings = None,
    apim_config: ApimConfig = None,
    apim: Apim = None,
    proxy: ProxyUrl = None,
    control: Control = None,
    no_request: NoRequest = False,
    no_aia: NoAia = False,
    vantage: Vantage = "unstated",
    deadline: Deadline = 10.0,
) -> int:
    """Collect evidence only, for `analyze --evidence`: run it on a machine near the gateway."""
    tier = options.tier(gateway)
    aim = aim_of(host_header, connect_to)
    settings = options.settings(setting or (), tier)
    config = configured(apim_config, apim)
    asked = list(_targets(host, tier, settings, aim, config)) if host else []
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

    from analyzer import evidence as evidence_file
    from analyzer import report as report_files
    from analyzer.cli import terminal

    if targets is not None:
        asked += _targets_of(targets, settings, aim, config)
    if not asked:
        raise UsageError(
            "probe: nothing to ask; name a HOST[:PORT], or --targets report.json of a report with failing backends"
        )
    with terminal.progress(True) as on_progress:
        collected = ask.prober(on_progress)(tuple(dict.fromkeys(asked)))
    document = evidence_file.dumps(collected)
    if out is None:
        typer.echo(document.decode(), nl=False)
    else:
        report_files.write_file(out, document)
    return EXIT_OK


def kit(
    host: Annotated[
        list[str] | None, typer.Argument(metavar="HOST[:PORT]", help="Backends to ask.", show_default=False)
    ] = None,
    targets: Annotated[
        Path | None, typer.Option("--targets", metavar="report.json", help="Ask the backends of a report.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The kit to write.")] = Path("probe-kit.pyz"),
    gateway: Gateway = "auto",
    ca_file: CaFiles = None,
    trust_store: TrustStore = "default",
    host_header: HostHeaders = None,
    connect_to: ConnectTo = None,
    allow_address: Allow = None,
    deny_address: Deny = None,
    setting: Settings = None,
    apim_config: ApimConfig = None,
    apim: Apim = None,
    control: Control = None,
    no_request: NoRequest = False,
    no_aia: NoAia = False,
    vantage: Vantage = "gateway",
    deadline: Deadline = 10.0,
) -> int:
    """Write the probe as one file to carry: it runs near the gateway with nothing but Python 3.8 or newer, and prints evidence."""
    tier = options.tier(gateway)
    aim = aim_of(host_header, connect_to)
    settings = options.settings(setting or (), tier)
    config = configured(apim_config, apim)
    asked = list(_targets(host, tier, settings, aim, config)) if host else []
    ask = asking(
        allow=allow_address,
        deny=deny_address,
        deadline=deadline,
        vantage=vantage,
        no_request=no_request,
        no_aia=no_aia,
        proxy=None,
        control=control,
        ca_files=had_by_all(ca_file, apim_config, apim),
        trust_store=trust_store,
    )

    from analyzer import kit as kits
    from analyzer import report as report_files
    from analyzer.anchors import anchors_of
    from analyzer.checking import subjects_of
    from analyzer.cli import terminal

    if targets is not None:
        asked += _targets_of(targets, settings, aim, config)
    if not asked:
        raise UsageError(
            "kit: nothing to ask; name a HOST[:PORT], or --targets report.json of a report with failing backends"
        )
    backends = tuple(dict.fromkeys(asked))
    built = kits.build(
        (*backends, *ask.control),
        allow=ask.allow,
        deny=ask.deny,
        deadline=deadline,
        request=ask.request,
        fetch=ask.fetch,
        vantage=vantage,
        issuers=subjects_of(anchors_of(ask.ca_files, ask.trust_store)) if ask.fetch else (),
    )
    report_files.write_file(out, built)
    terminal.how_to_run(out, len(backends), vantage, kits.RUN)
    return EXIT_OK


def _targets(
    hosts: Sequence[str],
    tier: Tier | None,
    settings: Mapping[str, str],
    aim: Aim,
    config: Exported | None,
) -> tuple[Target, ...]:
    from analyzer.aim import target_for
    from analyzer.checking import unlogged, unlogged_gateway
    from analyzer.gateway import without_effect

    configuration = unlogged_gateway(tier, settings, config)
    (gateway,) = configuration.gateways
    unused = without_effect(gateway, settings)
    if unused:
        raise UsageError(
            f"--setting {unused[0]}: the {gateway.tier.value} tier has no such setting; --gateway names another"
        )
    found = []
    for word in hosts:
        plain = target_for(*options.endpoint(word), gateway.profile, aim)
        route = configuration.route(unlogged(plain, datetime.now(UTC)))
        found.append(target_for(plain.host, plain.port, gateway.profile, aim, name=route.host if route else None))
    return tuple(dict.fromkeys(found))


def _targets_of(report: Path, settings: Mapping[str, str], aim: Aim, config: Exported | None) -> list[Target]:
    """The failing backends of a report, asked with its gateways' own settings or with these; standard error names those that cannot be."""
    from analyzer import report as report_files
    from analyzer.aim import target_of
    from analyzer.cli import terminal
    from analyzer.configuration import configuration_of
    from analyzer.gateway import with_settings
    from analyzer.probing import profiles

    loaded = report_files.load(report)
    configuration = configuration_of(loaded.gateways, config, settings)
    gateways = {
        g.id: with_settings(g, settings) if settings and g.id not in configuration.of else g
        for g in configuration.gateways
    }
    for one in gateways.values():
        try:
            profiles.offer(one.profile)  # anyone may have edited the report
        except ValueError as error:
            raise UsageError(f"{report}: the gateway {one.name or one.id}: {error}") from None
    found = []
    for cluster in (f.cluster for f in loaded.findings):
        route = configuration.route(cluster) or _asked_as(loaded, cluster)
        found.append((cluster.backend.label, target_of(cluster, gateways[cluster.gateway], aim, route)))
    for label, why in dict.fromkeys(found):
        if isinstance(why, str):
            typer.echo(terminal.printable(f"not asked: {label}: {why}"), err=True)
    return [target for _, target in found if not isinstance(target, str)]


def _asked_as(report: Report, cluster: Cluster) -> Route | None:
    """The name that the report's own probe asked for, where a policy's Host header made it another than the host's."""
    from analyzer.settings import Route

    evidence = next((e for f in report.findings if f.cluster.id == cluster.id for e in f.evidence), None)
    differs = evidence is not None and bool(cluster.backend.host) and evidence.server_name != cluster.backend.host
    return Route(host=evidence.server_name) if evidence is not None and differs else None
