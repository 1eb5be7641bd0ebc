"""What was concluded: attributions, findings, incidents, the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from analyzer.model.gateways import Gateway
from analyzer.model.log import Cluster, Hour, Intake, Window
from analyzer.model.observed import Certificate, Evidence
from analyzer.model.vocabulary import SCENARIOS, CauseName, Tier, Verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One observation that bears on a verdict, and where it was made."""

    origin: str  # "log", "probe" or "settings"; `from` in report.json
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One thing that one owner can do."""

    owner: str  # "backend", "gateway" or "network"
    text: str
    tier: Tier | None = None  # None: the same for every tier
    command: str | None = None
    caution: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A change, and whether the connection would then stand; None: not known from what was observed."""

    change: str
    connects: bool | None
    test_only: bool = False  # it weakens what the gateway checks: to prove the cause with, never to leave on
    why: str = ""  # what would still stand in the way, or what was not observed; "": nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """One cause's answer for one cluster."""

    cause: CauseName
    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def scenario(self) -> str | None:
        """The article's scenario number; None where the cause belongs to none."""
        return SCENARIOS.get(self.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A cluster with everything that was concluded about it."""

    cluster: Cluster
    attributions: tuple[Attribution, ...]  # strongest first; every cause is here
    what_if: tuple[WhatIf, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    evidence: tuple[Evidence, ...] = ()  # the one that was believed first
    chain: tuple[Certificate, ...] = ()  # of the evidence that was believed
    root: Certificate | None = None  # where that chain ends, wherever the root was seen; None: it was not
    path: tuple[Certificate, ...] = ()  # from the leaf up as far as issuers were seen, sent or elsewhere
    proof: str = ""  # how to see the leading cause with one's own eyes: a line for a shell; "": not said

    @property
    def lead(self) -> Attribution:
        """The strongest attribution."""
        return self.attributions[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Clusters that one change would mend."""

    cause: CauseName
    clusters: tuple[str, ...]
    shared: str  # what they share: a certificate fingerprint or an address, in words
    title: str = ""  # one sentence for whoever reads only that; "": the cause and `shared` must do
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFinding:
    """Something in a gateway's settings that makes, or can make, connections to backends fail."""

    gateway: str  # Gateway.id
    text: str
    explains: tuple[str, ...] = ()  # clusters that it bears on; (): none of those in the logs
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The clusters beyond the worst: counted, not judged."""

    clusters: int = 0
    failures: int = 0
    timeline: tuple[Hour, ...] = ()  # of all of them together
    each: tuple[Cluster, ...] = ()  # most failures first, without messages, timeline and state; not in report.json


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """Which roots were taken as the gateways' own."""

    words: str  # where they come from
    roots: int  # of the store
    given: int = 0  # that --ca-file adds
    microsofts: bool = False  # Microsoft's own list: a root that it lacks is not trusted by Windows
    stored: datetime | None = None  # when `trust update` stored it; None: it did not
    elsewhere: str | None = None  # where those of gateways that do not run on Windows come from; None: the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the outputs show."""

    made_at: datetime
    asked: Window
    found: Window
    intake: Intake
    gateways: tuple[Gateway, ...]
    findings: tuple[Finding, ...]  # worst first
    rest: Rest = field(default=Rest())  # clusters that are only counted
    incidents: tuple[Incident, ...] = ()
    caveats: tuple[str, ...] = ()
    settings: tuple[SettingsFinding, ...] = ()  # what the gateways' exported settings show by themselves
    evidence: tuple[Evidence, ...] = field(default=())
    trust: TrustStore | None = None  # None: the report was made by a program that does not say

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """The report as small pandas frames: clusters, timeline, attributions, messages, handshakes, chains, what_if, rest (see `report.frames`)."""
        from analyzer.report.frames import frames_of

        return frames_of(self)
