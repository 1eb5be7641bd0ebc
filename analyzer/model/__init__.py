"""The nouns of the diagnosis and their enums: frozen, no I/O, no clock; every step imports these and nothing downstream of itself."""

from __future__ import annotations

from analyzer.model.concluded import (
    Attribution,
    Finding,
    Incident,
    Reason,
    Remedy,
    Report,
    Rest,
    SettingsFinding,
    WhatIf,
)
from analyzer.model.gateways import Gateway
from analyzer.model.log import Backend, Cluster, Hour, Intake, Message, Share, SourceIntake, Window, cluster_id
from analyzer.model.neighbours import Neighbours
from analyzer.model.observed import Aia, Certificate, Collected, Evidence, Handshake, Judgement
from analyzer.model.vocabulary import (
    EXPORTED,
    OTHER_VOICES,
    SCENARIOS,
    CauseName,
    DateOrder,
    Family,
    Fetched,
    Kind,
    Outcome,
    Stage,
    State,
    Tier,
    TierFrom,
    Verdict,
)

__all__ = [
    "EXPORTED",
    "OTHER_VOICES",
    "SCENARIOS",
    "Aia",
    "Attribution",
    "Backend",
    "CauseName",
    "Certificate",
    "Cluster",
    "Collected",
    "DateOrder",
    "Evidence",
    "Family",
    "Fetched",
    "Finding",
    "Gateway",
    "Handshake",
    "Hour",
    "Incident",
    "Intake",
    "Judgement",
    "Kind",
    "Message",
    "Neighbours",
    "Outcome",
    "Reason",
    "Remedy",
    "Report",
    "Rest",
    "SettingsFinding",
    "Share",
    "SourceIntake",
    "Stage",
    "State",
    "Tier",
    "TierFrom",
    "Verdict",
    "WhatIf",
    "Window",
    "cluster_id",
]
