"""Why can this Azure API Management gateway not connect to its backend? The names below are what programs and notebooks use.

They are loaded on first use, so that `import analyzer` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer import messages, trust
    from analyzer.aim import Aim
    from analyzer.checking import probe_backends as probe
    from analyzer.model import Evidence, Report, Tier, Window
    from analyzer.pipeline import analyze
    from analyzer.probing import Policy, Target
    from analyzer.report import load as load_report
    from analyzer.sources.workspace.places import Workspaces

__version__ = "0.1.0"

__all__ = [
    "Aim",
    "Evidence",
    "Policy",
    "Report",
    "Target",
    "Tier",
    "Window",
    "Workspaces",
    "analyze",
    "load_report",
    "messages",
    "probe",
    "trust",
]

_WHERE = {
    "Aim": ("analyzer.aim", "Aim"),
    "Evidence": ("analyzer.model", "Evidence"),
    "Policy": ("analyzer.probing", "Policy"),
    "Report": ("analyzer.model", "Report"),
    "Target": ("analyzer.probing", "Target"),
    "Tier": ("analyzer.model", "Tier"),
    "Window": ("analyzer.model", "Window"),
    "Workspaces": ("analyzer.sources.workspace.places", "Workspaces"),
    "analyze": ("analyzer.pipeline", "analyze"),
    "load_report": ("analyzer.report", "load"),
    "messages": ("analyzer.messages", None),
    "probe": ("analyzer.checking", "probe_backends"),
    "trust": ("analyzer.trust", None),
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'analyzer' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    loaded = importlib.import_module(module)
    return getattr(loaded, attribute) if attribute else loaded
