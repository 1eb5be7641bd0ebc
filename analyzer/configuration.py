"""The gateways of a run and the exported settings in; each gateway with what its settings say, and what is said of them, out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from analyzer.anchors import Anchors
from analyzer.given import Given, given_to, said_of
from analyzer.model import Attribution, Cluster, Finding, Gateway, Reason, SettingsFinding, Tier
from analyzer.probing import profiles
from analyzer.probing.settings import CREATED_OLD
from analyzer.settings import Configured, Route, Settings, configure, route_of
from analyzer.settings.findings import Shown, shown_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the exported settings say of the gateways of one run."""

    settings: Settings = field(default_factory=Settings)
    gateways: tuple[Gateway, ...] = ()  # with tier and hello as their settings have them
    of: Mapping[str, Configured] = field(default_factory=dict)  # by Gateway.id; gateways without settings are not in it
    _routes: dict[Hashable, Route] = field(default_factory=dict, repr=False, compare=False)  # once asked for

    def route(self, cluster: Cluster) -> Route | None:
        """The settings of the way to the cluster's backend; None: its gateway's were not given."""
        configured = self.of.get(cluster.gateway)
        if configured is None:
            return None
        key = (cluster.gateway, cluster.backend, cluster.apis, cluster.operations, cluster.products)
        if key not in self._routes:
            self._routes[key] = route_of(configured, cluster)
        return self._routes[key]

    def given(self, base: Anchors, seen: Sequence[bytes]) -> dict[str, Given]:
        """By Gateway.id what each gateway is taken to trust; those without settings are not in it."""
        return {id_: given_to(configured, base, seen) for id_, configured in self.of.items()}


def configuration_of(
    gateways: Sequence[Gateway], settings: Settings | None, own: Mapping[str, str] | None = None
) -> Configuration:
    """Each gateway with its settings; SettingsError as `configure` raises it. `own` are the command line's: they win."""
    if settings is None:
        return Configuration(gateways=tuple(gateways))
    made = [configure(g, settings, own) for g in gateways]
    return Configuration(
        settings=settings,
        gateways=tuple(gateway for gateway, _ in made),
        of={gateway.id: found for gateway, found in made if found is not None},
    )


def with_settings_findings(
    findings: Sequence[Finding], configuration: Configuration
) -> tuple[tuple[Finding, ...], tuple[SettingsFinding, ...]]:
    """The findings with what the settings show among their reasons, and all that the settings show."""
    if not configuration.of:
        return tuple(findings), ()
    shown: dict[str, tuple[Shown, ...]] = {}
    for gateway in configuration.gateways:
        if gateway.id in configuration.of:
            mine = [f for f in findings if f.cluster.gateway == gateway.id]
            routes = {f.cluster.id: configuration.route(f.cluster) or Route() for f in mine}
            shown[gateway.id] = shown_by(configuration.of[gateway.id], gateway, mine, routes)
    told = tuple(_explained(f, shown.get(f.cluster.gateway, ())) for f in findings)
    # what bears on no cluster is said once, of a service with several gateways
    every = (one.finding for each in shown.values() for one in each)
    return told, tuple({(f.gateway if f.explains else "", f.text): f for f in reversed(list(every))}.values())[::-1]


def _explained(finding: Finding, shown: Iterable[Shown]) -> Finding:
    """The leading cause, where the settings show why, says so."""
    texts = [
        s.finding.text for s in shown if finding.cluster.id in s.finding.explains and finding.lead.cause in s.causes
    ]
    if not texts:
        return finding
    lead: Attribution = finding.lead
    reasons = tuple(dict.fromkeys((*lead.reasons, *(Reason(origin="settings", text=t) for t in texts))))
    return replace(finding, attributions=(replace(lead, reasons=reasons), *finding.attributions[1:]))


def settings_caveats(
    configuration: Configuration, given: Mapping[str, Given], failing: Iterable[str]
) -> tuple[str, ...]:
    """What was assumed about the gateways' settings, and what of them was not there, one sentence each."""
    if configuration.settings == Settings():
        return ()
    found, hit = list[str](), set(failing)
    for gateway in configuration.gateways:
        configured = configuration.of.get(gateway.id)
        if gateway.id not in hit:
            continue
        if configured is None:
            found.append(
                f"The settings given are not those of {gateway.name or gateway.id}: nothing of them was used for it."
            )
            continue
        found += _assumed(gateway, configured)
        found += said_of(configured, given[gateway.id]) if gateway.id in given else ()
    used = {c.service.name for g, c in configuration.of.items() if g in hit}
    unused = [s.name or "(unnamed)" for s in configuration.settings.services if s.name not in used]
    if unused:
        found.append(f"Settings of services that no failing gateway belongs to: {', '.join(unused[:5])}.")
    return tuple(dict.fromkeys((*found, *configuration.settings.notes)))


def _assumed(gateway: Gateway, configured: Configured) -> Iterable[str]:
    name = configured.name
    if configured.guessed and gateway.id:  # without logs there is nobody else that they could be of
        yield f"The settings of {name} were taken for {gateway.id}: {configured.guessed}."
    tier = f"{name} is judged with its exported settings, which are of now and not of when calls failed: tier {gateway.tier.value}"
    switches = profiles.switches(gateway.tier.value)
    silent = [w for w in switches if w not in gateway.told]
    on = {profiles.switch_of(v) for v in profiles.version_names(gateway.profile)}
    protocols = [f"{w} {'on' if w in on else 'off'}" for w in silent if profiles.is_protocol(w)]
    suites = f", and the other {len(silent) - len(protocols)} suites" if len(silent) > len(protocols) else ""
    if protocols:
        since = ""
        if gateway.tier is Tier.CLASSIC:
            old = gateway.created is not None and gateway.created <= CREATED_OLD
            when = f"created {gateway.created}" if gateway.created else "its creation date is not given, so taken as"
            since = f" of services {'up to' if old else 'after'} {CREATED_OLD} ({when}{'' if gateway.created else ' later'})"
        yield f"{tier}; not set, so taken at the default{since}: {', '.join(protocols)}{suites}."
    else:
        yield f"{tier}."
    if not configured.service.described and configured.self_hosted is None:
        yield f"Of {name} the service itself was not given (sku, customProperties, CA certificates): its tier is read from elsewhere."
    if configured.service.fragments_unread:
        yield f"Policies of {name} include fragments that were not given: {', '.join(configured.service.fragments_unread[:5])}."
    sampled = [f"{where} {percent:g} %" for where, percent in configured.service.sampling if percent < 100]
    if sampled:
        yield f"Diagnostics of {name} sample requests ({', '.join(sampled[:5])}): successes may be missing from the log, and rates are bounds."
