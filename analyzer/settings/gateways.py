"""A gateway of the logs and the exported settings in; the gateway with its tier and its hello, and what it was given, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from analyzer.errors import SettingsError
from analyzer.gateway import SKUS
from analyzer.model import Gateway, Tier, TierFrom
from analyzer.probing import of_settings
from analyzer.probing.settings import has
from analyzer.settings.reading import region_key
from analyzer.settings.service import SelfHosted, Service, Settings

MOUNTED_CAS = "certificates.local.ca.enabled"
"""The container setting that lets a self-hosted gateway use CA certificates mounted into it (settings reference)."""

_NAMELESS = ("", "unknown", "self-hosted")  # what a gateway is called whose log does not name its service


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCa:
    """A CA certificate that the settings name."""

    subject: str  # as the settings write it; "" where they give only a thumbprint
    thumbprint: str  # SHA-1, lower-case hex; "" where not given
    root: bool  # given as a root; False: as an intermediate
    expires: datetime | None  # None: the settings do not say
    der: bytes | None  # None: the settings do not have the certificate itself
    counts: bool  # whether this kind of gateway looks at it
    where: str  # the list that it stands in, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What the settings say of one gateway."""

    service: Service
    self_hosted: SelfHosted | None  # None: one of the service's own, or a self-hosted one that the settings do not name
    tier: Tier
    custom: Mapping[str, str]  # the switches of its hello: customProperties, or its container's settings
    cas: tuple[GivenCa, ...]
    cas_complete: bool  # whether a CA certificate that is not among `cas` was surely not given to it
    guessed: str  # why these settings were taken for this gateway's, where nothing names it; "": the log does

    @property
    def name(self) -> str:
        """How a sentence calls it."""
        if self.self_hosted is not None:
            return f"self-hosted gateway {self.self_hosted.id}"
        return self.service.name or "the service"


def configure(
    gateway: Gateway, settings: Settings, own: Mapping[str, str] | None = None
) -> tuple[Gateway, Configured | None]:
    """The gateway as its settings have it, and these; None where they are none of its.

    `own` are settings of the command line: they win. A tier that the user named stays; so does one that only a
    self-hosted gateway's log can show. SettingsError where a switch is neither true nor false, or no version is left.
    """
    service, guessed = _service(gateway, settings)
    if service is None:
        return gateway, None
    hosted = _self_hosted(gateway, service)
    tier, tier_from = _tier(gateway, service, hosted)
    if tier is not Tier.SELF_HOSTED:
        hosted = None
    container = _container(service, hosted, settings) if tier is Tier.SELF_HOSTED else {}
    custom = container if tier is Tier.SELF_HOSTED else service.custom
    custom = {key: value for key, value in custom.items() if has(tier.value, key)}
    try:
        found = of_settings(tier.value, {**custom, **(own or {})}, service.created)
    except ValueError as error:
        raise SettingsError(f"{service.name or 'the exported settings'}: {error}; export them anew") from None
    configured = Configured(
        service=service,
        self_hosted=hosted,
        tier=tier,
        custom=custom,
        cas=(*_of_service(service, tier), *_of_self_hosted(service, hosted)),
        cas_complete=_complete(service, hosted, tier, container),
        guessed=guessed,
    )
    made = replace(
        gateway,
        tier=tier,
        tier_from=tier_from,
        profile=found.profile,
        told=found.told,
        created=service.created,
        # a self-hosted gateway's own names are its cluster's affair
        hosts=() if tier is Tier.SELF_HOSTED else service.hostnames,
    )
    return made, configured


def _service(gateway: Gateway, settings: Settings) -> tuple[Service | None, str]:
    """The service whose gateway it is: by resource id, else by name; and why, where neither decides."""
    base = gateway.id.rpartition("@")[0] or gateway.id
    named = [s for s in settings.services if s.id and s.id == base]
    if not named:
        name = base.rpartition("/")[2]
        # two subscriptions may have a service of the same name: ids that are both known and differ do not match
        named = [
            s for s in settings.services if s.name.lower() == name and name and not (s.id and base.startswith("/"))
        ]
    if len(named) == 1:
        return named[0], ""
    if base in _NAMELESS and gateway.tier is Tier.SELF_HOSTED:
        placed = [s for s in settings.services if _named_by(gateway.region, s)]
        if len(placed) == 1:
            return placed[
                0
            ], "the log does not name its service, and only that one has a self-hosted gateway in its region"
    if len(settings.services) != 1 or named:
        return None, ""
    (one,) = settings.services
    if base in _NAMELESS:
        return one, "the log does not name its service, and the settings are of one only"
    if not one.name and not one.id:
        return one, "the settings do not name their service"
    return None, ""


def _self_hosted(gateway: Gateway, service: Service) -> SelfHosted | None:
    """The self-hosted gateway of the service that the log's region names; its only one where it can be no other."""
    named = _named_by(gateway.region, service)
    if len(named) == 1:
        return named[0]
    only = gateway.tier is Tier.SELF_HOSTED and len(service.self_hosted) == 1
    return service.self_hosted[0] if only else None


def _named_by(region: str, service: Service) -> list[SelfHosted]:
    """The self-hosted gateways that a log calls so: by their location's name, or their own."""
    wanted = region.strip().lower()
    return [h for h in service.self_hosted if wanted and wanted in (h.id.lower(), h.place.strip().lower())]


def _tier(gateway: Gateway, service: Service, hosted: SelfHosted | None) -> tuple[Tier, TierFrom]:
    if gateway.tier_from is TierFrom.OPTION:
        return gateway.tier, TierFrom.OPTION
    if gateway.tier is Tier.SELF_HOSTED:  # only such a gateway's log says so
        return Tier.SELF_HOSTED, gateway.tier_from
    if hosted is not None and region_key(gateway.region) not in service.regions:
        return Tier.SELF_HOSTED, TierFrom.SETTINGS
    of_sku = SKUS.get(service.sku.lower())
    return (of_sku, TierFrom.SETTINGS) if of_sku else (gateway.tier, gateway.tier_from)


def _container(service: Service, hosted: SelfHosted | None, settings: Settings) -> Mapping[str, str]:
    """The settings of the self-hosted gateway's container: those that name it, else those of the service, where there is one."""
    own = f"{service.name.lower()}."
    wanted = [one for _, one in settings.containers if not _endpoint(one) or _endpoint(one).startswith(own)]
    by_name = [one for one in wanted if hosted and one.get("gateway.name", "").lower() == hosted.id.lower()]
    found = by_name or [one for one in wanted if not one.get("gateway.name")]
    return found[0] if len(found) == 1 else {}


def _endpoint(container: Mapping[str, str]) -> str:
    """The host of the configuration endpoint: it begins with the service's name."""
    return container.get("config.service.endpoint", "").lower().rpartition("://")[2]


def _of_service(service: Service, tier: Tier) -> Sequence[GivenCa]:
    """The service's list: Windows' stores on classic; the v2 tiers ignore it, Consumption has none, self-hosted does not get it."""
    return [
        GivenCa(
            subject=ca.subject,
            thumbprint=ca.thumbprint,
            root=ca.store.lower() == "root",
            expires=ca.expires,
            der=ca.der,
            counts=tier is Tier.CLASSIC,
            where="the service's CA certificates",
        )
        for ca in service.cas
    ]


def _of_self_hosted(service: Service, hosted: SelfHosted | None) -> Sequence[GivenCa]:
    """The certificate authorities of the gateway resource: certificates of the service, by their id."""
    certificates = {c.id.lower(): c for c in service.client_certificates}
    found = []
    for ids, trusted in ((hosted.trusted, True), (hosted.untrusted, False)) if hosted else ():
        for id_ in ids:
            one = certificates.get(id_.lower())
            found.append(
                GivenCa(
                    subject=one.subject if one else "",
                    thumbprint=one.thumbprint if one else "",
                    root=trusted,
                    expires=one.expires if one else None,
                    der=None,
                    counts=True,
                    where=f"the certificate authorities of gateway {hosted.id if hosted else ''}",
                )
            )
    return found


def _complete(service: Service, hosted: SelfHosted | None, tier: Tier, container: Mapping[str, str]) -> bool:
    if tier is Tier.SELF_HOSTED:
        mounted = container.get(MOUNTED_CAS, "").lower() == "true"
        return hosted is not None and hosted.listed and bool(container) and not mounted
    return tier is Tier.CONSUMPTION or (tier is Tier.CLASSIC and service.cas_listed)
