"""Exported settings of API Management in, what the gateways were told out."""

from analyzer.settings.policies import Policy
from analyzer.settings.service import (
    Api,
    ClientCertificate,
    Entity,
    Scoped,
    SelfHosted,
    Service,
    Settings,
    UploadedCa,
    load,
)

__all__ = [
    "Api",
    "ClientCertificate",
    "Entity",
    "Policy",
    "Scoped",
    "SelfHosted",
    "Service",
    "Settings",
    "UploadedCa",
    "load",
]
