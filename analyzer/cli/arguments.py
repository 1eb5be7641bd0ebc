"""Options that several commands share: their names, their help, their bounds."""

from pathlib import Path
from typing import Annotated

import typer

Gateway = Annotated[
    str,
    typer.Option(
        "--gateway", metavar="TIER", help="The gateway's tier: auto, classic, v2, consumption or self-hosted."
    ),
]
CaFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--ca-file",
        metavar="PEM",
        help="Certificates that were given to the gateway, roots and intermediates alike. Repeatable.",
    ),
]
TrustStore = Annotated[
    str,
    typer.Option(
        "--trust-store",
        metavar="STORE",
        help="The roots that the gateway is taken to have: default, system, certifi, microsoft (what `trust update` stored), or a file: "
        "certificates, or the CCADB's CSV report of Microsoft's program. default: microsoft where it is stored, else certifi and system.",
    ),
]
HostHeaders = Annotated[
    list[str] | None,
    typer.Option(
        "--host-header",
        metavar="HOST=NAME",
        help="A policy sets the Host header: ask for NAME and judge it, where the log says HOST. Repeatable.",
    ),
]
ConnectTo = Annotated[
    list[str] | None,
    typer.Option(
        "--connect-to",
        metavar="HOST:PORT:ADDR:PORT",
        help="Connect elsewhere, as curl does; SNI and the name judged stay HOST. Repeatable.",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-address",
        metavar="CIDR",
        help="Allow an address range that is refused by default (loopback, link-local, metadata, multicast). Repeatable.",
    ),
]
Deny = Annotated[
    list[str] | None,
    typer.Option(
        "--deny-address", metavar="CIDR", help="Never probe this address range. Repeatable; wins over --allow-address."
    ),
]
Vantage = Annotated[
    str,
    typer.Option(
        "--vantage",
        metavar="WHERE",
        help="Where this machine stands: gateway (in the gateway's network), outside, or unstated.",
    ),
]
Deadline = Annotated[
    float,
    typer.Option(
        "--deadline", metavar="SECONDS", help="For all connections to one backend together.", min=0.1, max=300
    ),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on", metavar="CAUSE|any", help="Exit with code 1 where this cause is confirmed or likely. Repeatable."
    ),
]
Evidences = Annotated[
    list[str] | None,
    typer.Option(
        "--evidence",
        metavar="[HOST[:PORT]=]FILE",
        help="Evidence collected elsewhere: by apim-triage probe, openssl s_client or SSL Labs, or an exported certificate; "
        "HOST[:PORT]= where the file does not say whose it is. Repeatable.",
    ),
]
EvidenceVantage = Annotated[
    str,
    typer.Option(
        "--evidence-vantage",
        metavar="WHERE",
        help="Where openssl s_client's output and exported certificates were collected: gateway (in its network), outside or unstated.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--setting",
        metavar="KEY=VALUE",
        help="A setting of the gateways, as in the service's customProperties: Security.Backend.Protocols.Tls13=true, "
        "Security.Ciphers.TripleDes168=true. It decides the hello that is spoken. Repeatable.",
    ),
]
ApimConfig = Annotated[
    list[Path] | None,
    typer.Option(
        "--apim-config",
        metavar="PATH",
        help="The gateways' settings, exported: JSON as `az rest` gives it (the service, its backends, apis, policies, "
        "certificates, gateways, diagnostics), an ARM template or compiled Bicep, a self-hosted gateway's ConfigMap; a file or "
        "a folder. They decide tier, hello, CA certificates, switches and Host. Repeatable.",
    ),
]
Apim = Annotated[
    list[str] | None,
    typer.Option(
        "--apim",
        metavar="RESOURCE_ID",
        help="Read the same settings from the service itself, as `az login` allows; only GETs. Takes the extra [arm]. Repeatable.",
    ),
]
ProxyUrl = Annotated[
    str | None,
    typer.Option(
        "--proxy",
        metavar="URL",
        help="Connect through this HTTP proxy (CONNECT): http://host:port, or env:NAME to read the URL, with its "
        "password, from the environment.",
    ),
]
Control = Annotated[
    str | None,
    typer.Option(
        "--control",
        metavar="HOST[:PORT]",
        help="A public host to ask as well: where the same unknown root signs it too, TLS is intercepted on the way. "
        "With --proxy, unless given: www.microsoft.com.",
    ),
]
NoRequest = Annotated[
    bool,
    typer.Option(
        "--no-request",
        help="Never send an HTTP request (HEAD / after a TLS 1.3 handshake shows whether a client certificate is required).",
    ),
]
NoAia = Annotated[
    bool,
    typer.Option("--no-aia", help="Never fetch a missing issuer from the address that a certificate names."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Write this too: adaptive-card (card.json, for Teams and workflows). Repeatable.",
    ),
]
Post = Annotated[
    str | None,
    typer.Option(
        "--post",
        metavar="env:NAME",
        help="Post the adaptive card to the webhook whose https address the environment variable NAME holds.",
    ),
]
JsonTo = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write report.json here as well; - is standard output, and what people read goes to standard error.",
    ),
]
