"""A gateway and what it offers and trusts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from analyzer.model.vocabulary import Tier, TierFrom


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One gateway and what it offers and trusts."""

    id: str
    name: str
    region: str  # "" where the log does not say
    tier: Tier
    tier_from: TierFrom
    profile: str = ""  # the hello it speaks, by its settings (probing/profiles.py); "": its tier's own
    created: date | None = None  # None: its settings were not given, or do not say
    hosts: tuple[str, ...] = ()  # its own host names by its settings, lower case; empty: not known
    told: tuple[str, ...] = ()  # switches of the hello that its settings speak of; the others are taken as the default

    def __post_init__(self) -> None:
        if not self.profile:
            object.__setattr__(self, "profile", self.tier.value)
