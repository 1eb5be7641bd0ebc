"""The probe: backends in, what their servers answered out, as plain JSON-ready entries of evidence/1. It observes and never judges.

Standard library only, Python 3.8 or newer, so that it can be carried to a machine near the gateway.
"""

from __future__ import annotations

from analyzer.probing import x509
from analyzer.probing.dns import resolver
from analyzer.probing.policy import Policy
from analyzer.probing.proxy import Proxy
from analyzer.probing.runner import TOOL, VERSION, probe
from analyzer.probing.settings import of_settings
from analyzer.probing.target import BadName, Target, ascii_name

__all__ = [
    "TOOL",
    "VERSION",
    "BadName",
    "Policy",
    "Proxy",
    "Target",
    "ascii_name",
    "of_settings",
    "probe",
    "resolver",
    "x509",
]
