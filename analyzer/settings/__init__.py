"""Exported settings of API Management in, what the gateways were told out."""

from analyzer.settings.backends import Route, route_of
from analyzer.settings.gateways import Configured, GivenCa, configure
from analyzer.settings.policies import Policy
from analyzer.settings.reading import load, settings_of
from analyzer.settings.service import (
    Api,
    ClientCertificate,
    Entity,
    Scoped,
    SelfHosted,
    Service,
    Settings,
    UploadedCa,
)

__all__ = [
    "Api",
    "ClientCertificate",
    "Configured",
    "Entity",
    "GivenCa",
    "Policy",
    "Route",
    "Scoped",
    "SelfHosted",
    "Service",
    "Settings",
    "UploadedCa",
    "configure",
    "load",
    "route_of",
    "settings_of",
]
