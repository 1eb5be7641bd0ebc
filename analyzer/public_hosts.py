"""Hosts that are public beyond doubt: a host in, whether only a public CA can have issued what its operator serves out.

How they were chosen. Of `SERVICES`, every name below belongs to the operator, who ends TLS itself with a certificate of a public CA:
a customer cannot install one of a private CA there. Domains under which customers serve their own certificates are left out
(cloudapp.azure.com, appserviceenvironment.net, azurecontainer.io, azmk8s.io, trafficmanager.net, most of amazonaws.com), and so are
whole domains of companies, whose inner hosts may have a private CA: of these `SITES` has single hosts that the public uses.
"""

from __future__ import annotations

SERVICES = frozenset(
    {
        # Microsoft Azure: fronts that the service itself runs
        "azure-api.net",
        "azure-devices.net",
        "azurecontainerapps.io",
        "azurecr.io",
        "azureedge.net",
        "azurefd.net",
        "azurestaticapps.net",
        "azurewebsites.net",
        "cognitiveservices.azure.com",
        "documents.azure.com",
        "logic.azure.com",
        "management.azure.com",
        "microsoftonline.com",
        "openai.azure.com",
        "vault.azure.net",
        "windows.net",
        # others
        "appspot.com",
        "github.io",
        "githubusercontent.com",
        "googleapis.com",
        "run.app",
        "s3.amazonaws.com",
        "sts.amazonaws.com",
        "workers.dev",
    }
)
"""The name itself and all below it."""

CUSTOMERS = frozenset({"p.azurewebsites.net"})
"""Below a service and yet with customers' certificates: the older App Service Environments."""

SITES = frozenset(
    {
        "api.github.com",
        "api.openai.com",
        "api.stripe.com",
        "api.twilio.com",
        "azure.microsoft.com",
        "bing.com",
        "cloudflare.com",
        "debian.org",
        "github.com",
        "google.com",
        "graph.microsoft.com",
        "learn.microsoft.com",
        "microsoft.com",
        "mozilla.org",
        "portal.azure.com",
        "python.org",
        "ubuntu.com",
        "wikipedia.org",
        "www.amazon.com",
        "www.apple.com",
        "www.bing.com",
        "www.cloudflare.com",
        "www.debian.org",
        "www.github.com",
        "www.google.com",
        "www.microsoft.com",
        "www.mozilla.org",
        "www.office.com",
        "www.python.org",
        "www.ubuntu.com",
        "www.wikipedia.org",
    }
)
"""These hosts and no others of their domains."""


def is_public(host: str) -> bool:
    """Whether a private CA's certificate for this host can only come from somebody between; the host in lower case or not."""
    host = host.lower().rstrip(".")
    labels = host.split(".")
    above = {".".join(labels[place:]) for place in range(len(labels))}
    return host in SITES or (bool(above & SERVICES) and not above & CUSTOMERS)
