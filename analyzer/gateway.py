"""From a tally (and what the user said) to gateways: which tier each is, hence what it offers, trusts and can be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from analyzer import messages
from analyzer.errors import UsageError
from analyzer.model import Gateway, Tier, TierFrom
from analyzer.probing import of_settings

if TYPE_CHECKING:
    from analyzer.tally import Tally

Platform = Literal["windows", "dotnet-linux"]

SKUS = {
    "developer": Tier.CLASSIC,
    "basic": Tier.CLASSIC,
    "standard": Tier.CLASSIC,
    "premium": Tier.CLASSIC,
    "isolated": Tier.CLASSIC,
    "consumption": Tier.CONSUMPTION,
    "basicv2": Tier.V2,
    "standardv2": Tier.V2,
    "premiumv2": Tier.V2,
}
"""`Sku` as the log writes it, lower case → tier."""

PLATFORMS: dict[Tier, tuple[Platform, ...]] = {
    Tier.CLASSIC: ("windows",),
    Tier.CONSUMPTION: ("windows",),
    Tier.V2: ("windows", "dotnet-linux"),  # the v2 tiers' operating system is not documented: both are asked
    Tier.SELF_HOSTED: ("dotnet-linux",),
}
"""Whose rules judge a chain for each tier."""


def with_settings(gateway: Gateway, settings: Mapping[str, str]) -> Gateway:
    """The gateway with the hello that its settings make (see `probing.settings`). UsageError where they make none."""
    try:
        found = of_settings(gateway.tier.value, settings)
    except ValueError as error:
        raise UsageError(f"--setting, for a gateway of the {gateway.tier.value} tier: {error}") from None
    return replace(gateway, profile=found.profile, told=found.told)


def without_effect(gateway: Gateway, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Settings that this gateway's tier does not have."""
    return of_settings(gateway.tier.value, settings).ignored


def gateways_of(
    tally: Tally, option: Tier | None = None, settings: Mapping[str, str] | None = None
) -> tuple[Gateway, ...]:
    """Every gateway of the tally with its tier, most records first.

    Decided in this order: the option; errors written by `request-forwarder` (only the self-hosted gateway's); `Sku`;
    the wording of its errors (.NET Framework: classic; modern .NET: v2); else classic is assumed, and said so. `settings`
    decide what each offers. UsageError where they leave it no version.
    """
    from analyzer.tally import rows

    counts: dict[str, int] = defaultdict(int)
    names: dict[str, tuple[str, str]] = {}
    seen: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for row in rows(tally.gateways):
        names.setdefault(row.gateway, (row.name, row.region))
        seen[row.gateway][row.field][row.value] += row.counted
    for frame, column in ((tally.failures, "count"), (tally.traffic, "requests")):
        for id_, number in frame.groupby("gateway", observed=True)[column].sum().items():
            counts[str(id_)] += int(number)
    stacks = _stacks(tally)
    found = []
    for id_ in sorted({*names, *counts}, key=lambda g: (-counts[g], g)):
        name, region = names.get(id_, (id_.rpartition("@")[0].rsplit("/", 1)[-1], id_.rpartition("@")[2]))
        tier, tier_from = (option, TierFrom.OPTION) if option else _tier(seen[id_], stacks[id_])
        one = Gateway(id=id_, name=name, region=region, tier=tier, tier_from=tier_from)
        found.append(with_settings(one, settings or {}))
    return tuple(found)


def _tier(seen: dict[str, dict[str, int]], stacks: dict[str, int]) -> tuple[Tier, TierFrom]:
    if "request-forwarder" in seen["source"]:
        return Tier.SELF_HOSTED, TierFrom.TEXT
    for sku, _ in sorted(seen["sku"].items(), key=lambda item: -item[1]):
        tier = SKUS.get(sku.lower().replace(" ", "").replace("_", ""))
        if tier is not None:
            return tier, TierFrom.SKU
    if stacks["netfx"] > stacks["dotnet"]:
        return Tier.CLASSIC, TierFrom.TEXT
    if stacks["dotnet"] > stacks["netfx"]:
        return Tier.V2, TierFrom.TEXT
    return Tier.CLASSIC, TierFrom.ASSUMED


def _stacks(tally: Tally) -> dict[str, dict[str, int]]:
    """Failures per gateway and per stack that words its errors so."""
    from analyzer.tally import rows

    stacks: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sums = tally.failures.groupby(["gateway", "signature"], observed=True)["count"].sum()
    of = {text: messages.classify(text).stack for text in tally.failures["signature"].cat.categories}
    for row in rows(sums.reset_index()):
        stack = of[row.signature]
        if stack:
            stacks[row.gateway][stack] += row.counted
    return stacks
