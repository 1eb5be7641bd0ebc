"""Builders of reports with plausible defaults: one with every verdict and many causes, one of hostile text, one of nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from analyzer.model import (
    Attribution,
    Backend,
    CauseName,
    Certificate,
    Cluster,
    Collected,
    Evidence,
    Family,
    Finding,
    Gateway,
    Handshake,
    Hour,
    Incident,
    Intake,
    Kind,
    Message,
    Outcome,
    Reason,
    Remedy,
    Report,
    Rest,
    Share,
    SourceIntake,
    Stage,
    State,
    Tier,
    TierFrom,
    Verdict,
    WhatIf,
    Window,
)

START = datetime(2025, 11, 17, 6, tzinfo=UTC)
END = datetime(2025, 11, 19, 6, tzinfo=UTC)
PROBED = datetime(2025, 11, 19, 8, 12, 30, 250000, tzinfo=UTC)
SERVICE = (
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourcegroups/rg/providers/microsoft.apimanagement/service/"
)

CLASSIC = Gateway(
    id=f"{SERVICE}contoso-apim@west europe",
    name="contoso-apim",
    region="West Europe",
    tier=Tier.CLASSIC,
    tier_from=TierFrom.SKU,
)
V2 = Gateway(
    id=f"{SERVICE}contoso-apim-v2@north europe",
    name="contoso-apim-v2",
    region="North Europe",
    tier=Tier.V2,
    tier_from=TierFrom.TEXT,
)
ONPREM = Gateway(id="edge-7", name="edge-7", region="", tier=Tier.SELF_HOSTED, tier_from=TierFrom.ASSUMED)

TRUST = "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
SUITE = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "](javascript:alert(2))",
    "![x](http://evil.example/x.png) <img src=x onerror=alert(3)> @everyone",
    "moc.elpmaxe\u202egnp.exe",
    "W" * 10_000,
    "first\nsecond\r\n# heading\n| a | b |\n```\nfence",
    "＝1+1; =2+2",
    "naïve 🚀 Grüße \x1b[31mred\x07 $\\frac{1}{2}$ \ud800 \u0000",
    "\"><svg onload=alert(4)> ' onmouseover=alert(5) {{ 7*7 }} {% raw %}",
)


def id_of(*parts: str) -> str:
    """A cluster id."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


def certificate(
    name: str = "orders.contoso.example", issuer: str = "Contoso Issuing CA 1", **changes: object
) -> Certificate:
    """A server's certificate, valid for a year around the failures."""
    made = Certificate(
        der=name.encode("utf-8", "replace"),
        subject=f"CN={name},O=Contoso",
        issuer=f"CN={issuer},O=Contoso",
        common_name=name,
        dns_names=(name,),
        ip_addresses=(),
        not_before=datetime(2025, 3, 1, tzinfo=UTC),
        not_after=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC),
        is_ca=False,
        self_issued=False,
        self_signed=False,
        usages=("1.3.6.1.5.5.7.3.1",),
        aia=(),
        key="RSA 2048",
        signature="sha256WithRSAEncryption",
        sha256=hashlib.sha256(name.encode("utf-8", "replace")).hexdigest(),
        public_looking=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def ca(name: str, issuer: str) -> Certificate:
    """A CA certificate; a root where it is its own issuer."""
    own = name == issuer
    return certificate(
        name, issuer, dns_names=(), is_ca=True, self_issued=own, self_signed=own, usages=None, key="EC secp384r1",
        not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2035, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def handshake(**changes: object) -> Handshake:
    """A TLS 1.2 handshake whose server flight was read to its end."""
    made = Handshake(
        offer="gateway",
        outcome=Outcome.COMPLETED,
        stage=Stage.CERTIFICATE,
        version="TLS 1.2",
        suite=SUITE,
        group="secp256r1",
        client_cert_requested=False,
        seconds=0.0118,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def evidence(host: str, *handshakes: Handshake, address: str | None = "10.1.4.20", **changes: object) -> Evidence:
    """Evidence from a machine outside the gateway's network."""
    made = Evidence(
        host=host,
        port=443,
        server_name=host,
        address=address,
        addresses=(address,) if address else (),
        handshakes=handshakes or (handshake(),),
        collected=Collected(
            host="build-7", at=PROBED, tool="apim-triage", version="0.1.0", resolver="10.0.0.53", vantage="outside"
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def attributions(
    lead: CauseName, verdict: Verdict, *reasons: Reason, likely: CauseName | None = None
) -> tuple[Attribution, ...]:
    """Every cause: the lead, one that is open, all others ruled out."""
    rest = [c for c in CauseName if c not in (lead, likely)]
    found = [Attribution(cause=lead, verdict=verdict, reasons=reasons or (Reason(origin="log", text="It says so."),))]
    if likely:
        found.append(
            Attribution(
                cause=likely, verdict=Verdict.UNKNOWN, reasons=(Reason(origin="probe", text="It was not looked at."),)
            )
        )
    return (
        *found,
        *(
            Attribution(
                cause=c,
                verdict=Verdict.RULED_OUT,
                reasons=(Reason(origin="probe", text="The handshake reached the end."),),
            )
            for c in rest
        ),
    )


def hours(counts: dict[int, int], requests: int | None = None) -> tuple[Hour, ...]:
    """Hours after START with so many failures."""
    return tuple(
        Hour(start=START + timedelta(hours=at), failures=n, requests=requests) for at, n in sorted(counts.items())
    )


def finding(
    host: str = "orders.contoso.example",
    *,
    gateway: Gateway = CLASSIC,
    lead: CauseName = CauseName.UNTRUSTED_ROOT,
    verdict: Verdict = Verdict.CONFIRMED,
    reasons: tuple[Reason, ...] = (),
    counts: dict[int, int] | None = None,
    requests: int | None = None,
    state: State = State.ONGOING,
    message: str = TRUST,
    kind: Kind = Kind.TRUST_UNSPECIFIED,
    family: Family = Family.TLS,
    cluster: dict[str, object] | None = None,
    **rest: object,
) -> Finding:
    """One finding; `cluster` and the keywords left over replace fields of the cluster and of the finding."""
    timeline = hours(counts or {2: 5, 3: 40, 4: 38, 5: 12, 26: 90, 27: 100, 47: 27}, requests)
    failures = sum(h.failures for h in timeline)
    failing = [h.start for h in timeline if h.failures]
    made = Cluster(
        id=id_of(gateway.id, host, family.value),
        gateway=gateway.id,
        backend=Backend(scheme="https", host=host, port=443),
        family=family,
        failures=failures,
        requests=sum(h.requests or 0 for h in timeline) if requests is not None else None,
        state=state,
        first_seen=failing[0] + timedelta(minutes=2, seconds=11),
        last_seen=failing[-1] + timedelta(minutes=58, seconds=3),
        last_success=None,
        messages=(Message(text=message, kind=kind, also=(Kind.EXPIRED,), failures=failures),),
        apis=(Share(value="orders-v2", failures=failures),),
        operations=(Share(value="create-order", failures=failures),),
        correlation_ids=("6f0e7c0a-96d5-4b0e-8d3a-6a5d2f7f9f11", "c2d1b7aa-0a52-4f0f-8b52-9f4e1a2b3c4d"),
        timeline=timeline,
        elapsed=((250, failures - 1), (-1, 1)),
    )
    whole = Finding(
        cluster=replace(made, **(cluster or {})),  # type: ignore[arg-type]
        attributions=attributions(
            lead, verdict, *reasons, likely=CauseName.INCOMPLETE_CHAIN if lead is CauseName.UNTRUSTED_ROOT else None
        ),
    )
    return replace(whole, **rest)  # type: ignore[arg-type]


ROOT, ISSUING = ca("Contoso Root CA", "Contoso Root CA"), ca("Contoso Issuing CA 1", "Contoso Root CA")
SWITCH = """az rest --method patch --headers 'If-Match=*' \\
  --url "https://management.azure.com$APIM_ID/backends/$BACKEND_ID?api-version=2024-05-01" \\
  --body '{"properties":{"tls":{"validateCertificateChain":false,"validateCertificateName":true}}}'"""
GIVE_ROOT = Remedy(
    owner="gateway",
    tier=Tier.CLASSIC,
    text="Security > Certificates > CA certificates > + Add: the root “CN=Contoso Root CA,O=Contoso”, as .cer, store Root; Save.",
    caution="Takes 15 minutes or longer, more with units and regions; Developer tier is down meanwhile. At most 10 CA certificates.",
)
PUBLIC = Remedy(owner="backend", text="Or serve a certificate of a publicly trusted CA.")
PROVE = Remedy(
    owner="gateway",
    text="To prove the cause: APIs > Backends > orders-be > clear “Validate certificate chain”, call again, then set it back.",
    command=SWITCH,
    caution="For proving the cause, in test. Switched off in production, the gateway accepts any server that answers on that address.",
)


def rich() -> Report:
    """Three gateways, every verdict, chains good and broken, probes of every stage, a backend that was not probed."""
    orders = finding(
        reasons=(
            Reason(
                origin="probe",
                text="The server sends 2 certificates, from “orders.contoso.example” up to “Contoso Issuing CA 1”, issued by "
                "“CN=Contoso Root CA,O=Contoso”, which is not among the roots the gateway is taken to have.",
            ),
            Reason(origin="log", text=f"312 of 312 failures say: “{TRUST}”"),
            Reason(origin="settings", text="Two CA certificates were given to this gateway; neither is this root."),
        ),
        requests=90,
        cluster={
            "backend": Backend(scheme="https", host="orders.contoso.example", port=443, backend_ids=("orders-be",)),
            "last_success": START - timedelta(hours=3),
            "products": (Share(value="Partner", failures=300), Share(value="Internal", failures=12)),
            "subscriptions": (Share(value="acme", failures=312),),
        },
        chain=(certificate(), ISSUING),
        remedies=(GIVE_ROOT, PUBLIC, PROVE),
        what_if=(
            WhatIf(change="validateCertificateChain=false", connects=True),
            WhatIf(change="validateCertificateName=false", connects=False),
            WhatIf(change="the gateway is given the root “CN=Contoso Root CA,O=Contoso”", connects=None),
        ),
        evidence=(evidence("orders.contoso.example", handshake(chain=(b"leaf", b"issuing"))),),
    )
    stock = finding(
        "stock.contoso.example",
        verdict=Verdict.LIKELY,
        counts={3: 10, 9: 14, 30: 8},
        state=State.INTERMITTENT,
        chain=(certificate("stock.contoso.example"), ISSUING, ROOT),
        remedies=(GIVE_ROOT, PUBLIC),
        evidence=(evidence("stock.contoso.example", handshake(version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")),),
    )
    name = finding(
        "pay.fabrikam.example",
        gateway=V2,
        lead=CauseName.NAME_MISMATCH,
        counts={i: 3 + i % 5 for i in range(10, 30)},
        state=State.STOPPED,
        message="The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch",
        kind=Kind.NAME_MISMATCH,
        cluster={"last_success": END - timedelta(hours=1)},
        reasons=(
            Reason(
                origin="probe",
                text="The certificate is for *.fabrikam.net, fabrikam.net; the gateway asks for pay.fabrikam.example.",
            ),
        ),
        chain=(
            certificate("*.fabrikam.net", "R11", dns_names=("*.fabrikam.net", "fabrikam.net")),
            ca("R11", "ISRG Root X1"),
        ),
        remedies=(
            Remedy(
                owner="backend",
                text="Issue the certificate with pay.fabrikam.example among its subject alternative names.",
            ),
        ),
        evidence=(evidence("pay.fabrikam.example", address="203.0.113.7"),),
    )
    expired = finding(
        "crm.contoso.example",
        lead=CauseName.EXPIRED,
        remedies=(
            Remedy(
                owner="backend",
                text="Renew the certificate and serve the new one.",
                caution="Check afterwards with: apim-triage check HOST:PORT",
            ),
        ),
        counts={40: 9, 41: 12},
        chain=(certificate("crm.contoso.example", not_after=datetime(2025, 11, 18, 21, 59, 59, tzinfo=UTC)), ISSUING),
        evidence=(evidence("crm.contoso.example"),),
    )
    missing = finding(
        "legacy.contoso.example",
        lead=CauseName.INCOMPLETE_CHAIN,
        verdict=Verdict.LIKELY,
        counts={1: 4, 12: 6},
        remedies=(
            Remedy(
                owner="backend",
                text="Send the full chain: append the intermediate to the certificate file that the server presents.",
            ),
            GIVE_ROOT,
        ),
        chain=(certificate("legacy.contoso.example", "DigiCert TLS RSA SHA256 2020 CA1"),),
        evidence=(evidence("legacy.contoso.example", pinned=True),),
    )
    version = finding(
        "mainframe.contoso.example",
        gateway=ONPREM,
        lead=CauseName.TLS_VERSION,
        counts=dict.fromkeys(range(0, 48, 4), 2),
        message="error:0A00042E:SSL routines::tlsv1 alert protocol version",
        kind=Kind.TLS_VERSION,
        evidence=(
            evidence(
                "mainframe.contoso.example",
                handshake(
                    outcome=Outcome.ALERT,
                    stage=Stage.HELLO,
                    version=None,
                    suite=None,
                    group=None,
                    alert="protocol_version",
                ),
                handshake(offer="tls-1.0", version="TLS 1.0", suite="TLS_RSA_WITH_AES_128_CBC_SHA", group=None),
                handshake(
                    offer="everything", outcome=Outcome.RESET, stage=Stage.HELLO, version=None, suite=None, group=None
                ),
                profile="self-hosted",
                address="fd00::42",
            ),
        ),
    )
    client = finding(
        "partner.example",
        gateway=V2,
        lead=CauseName.CLIENT_CERTIFICATE,
        counts={20: 2, 21: 3},
        evidence=(
            evidence(
                "partner.example",
                handshake(
                    outcome=Outcome.ALERT,
                    alert="certificate_required",
                    client_cert_requested=True,
                    client_cert_required=True,
                ),
            ),
        ),
    )
    gone = finding(
        "old.contoso.example",
        lead=CauseName.DNS,
        counts={5: 1},
        message="The remote name could not be resolved: 'old.contoso.example'",
        kind=Kind.DNS,
        family=Family.NETWORK,
        evidence=(
            evidence(
                "old.contoso.example",
                Handshake(offer="gateway", outcome=Outcome.NAME_NOT_FOUND, stage=Stage.RESOLVE, seconds=0.004),
                address=None,
            ),
        ),
    )
    dark = finding(
        "",
        lead=CauseName.UNKNOWN,
        verdict=Verdict.UNKNOWN,
        counts={7: 4, 8: 2},
        state=State.UNKNOWN,
        cluster={
            "id": id_of("pool"),
            "backend": Backend(scheme="", host="", port=None, backend_ids=("pool-a", "pool-b")),
        },
        reasons=(
            Reason(
                origin="probe", text="Missing: the backend was not probed: the log does not name the backend's host."
            ),
        ),
    )
    findings = (orders, name, stock, version, expired, missing, dark, client, gone)
    alone = [
        Incident(cause=f.lead.cause, clusters=(f.cluster.id,), shared=f.cluster.backend.label, remedies=f.remedies)
        for f in findings
        if f not in (orders, stock)
    ]
    shared = Incident(
        cause=CauseName.UNTRUSTED_ROOT,
        clusters=(orders.cluster.id, stock.cluster.id),
        shared=f"the CA certificate “Contoso Issuing CA 1”, SHA-256 {ISSUING.sha256[:16]}…",
        remedies=(GIVE_ROOT, PUBLIC, PROVE),
    )
    return report(
        *findings,
        incidents=(shared, *alone),
        caveats=(
            "Nothing says which tier edge-7 is: classic was assumed, and remedies are given per tier (--gateway sets it).",
        ),
    )


def report(*findings: Finding, **changes: object) -> Report:
    """A report of these findings, read from two sources."""
    failures = sum(f.cluster.failures for f in findings)
    gateways = {g.id: g for g in (CLASSIC, V2, ONPREM)}
    made = Report(
        made_at=PROBED + timedelta(seconds=2),
        asked=Window(start=START, end=None),
        found=Window(start=START, end=END),
        intake=Intake(
            sources=(
                SourceIntake(
                    name="logs/PT1H.json",
                    shape="storage account, GatewayLogs",
                    records=18_432,
                    failures=failures,
                    rejected=3,
                    lookalikes=41,
                    first_rejected=("logs/PT1H.json:17: not JSON: unexpected end",),
                ),
                SourceIntake(name="portal.csv", shape="portal CSV", records=210, failures=0, rejected=0),
            ),
            lookalike_reasons=(
                Share(value="ClientConnectionFailure", failures=30),
                Share(value="Timeout", failures=11),
            ),
            send_request=(Share(value="auth.contoso.example", failures=7),),
        ),
        gateways=tuple(gateways[id_] for id_ in dict.fromkeys(f.cluster.gateway for f in findings) if id_ in gateways),
        findings=findings,
        incidents=tuple(
            Incident(cause=f.lead.cause, clusters=(f.cluster.id,), shared=f.cluster.backend.label, remedies=f.remedies)
            for f in findings
        ),
        evidence=tuple(e for f in findings for e in f.evidence),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def crowded() -> Report:
    """A report beyond whose findings two clusters were only counted."""
    judged, *others = (finding(f"{name}.contoso.example") for name in ("a", "b", "c"))
    counted = tuple(replace(f.cluster, messages=(), timeline=(), state=State.UNKNOWN) for f in others)
    rest = Rest(clusters=2, failures=sum(c.failures for c in counted), timeline=hours({1: 600, 2: 24}), each=counted)
    made = report(judged, rest=rest)
    source = replace(made.intake.sources[0], failures=judged.cluster.failures + rest.failures)
    return replace(made, intake=replace(made.intake, sources=(source,)))


def empty() -> Report:
    """Logs were read, and nothing failed."""
    return report(caveats=("One window was asked for and is empty.",))


def hostile(text: str) -> Report:
    """A report in which everything that logs, backends or files can write is `text`."""
    share = (Share(value=text, failures=3),)
    gateway = Gateway(id=text, name=text, region=text, tier=Tier.CLASSIC, tier_from=TierFrom.ASSUMED)
    remedy = Remedy(owner="backend", text=text, caution=text)
    leaf = certificate(
        text,
        dns_names=(text, text),
        ip_addresses=(text,),
        aia=(text,),
        key=text,
        signature=text,
        subject=text,
        issuer=text,
    )
    shake = handshake(
        offer=text,
        version=text,
        suite=text,
        group=text,
        alert=text,
        detail=text,
        outcome=Outcome.NOT_TLS,
        chain=(b"x",),
    )
    seen = evidence(text, shake, address=text, server_name=text + "2")
    seen = replace(
        seen, collected=Collected(host=text, at=PROBED, tool=text, version=text, resolver=text, vantage=text)
    )
    one = finding(
        text,
        gateway=gateway,
        lead=CauseName.NAME_MISMATCH,
        reasons=tuple(Reason(origin=o, text=text) for o in ("log", "probe", "settings")),
        message=text,
        cluster={
            "backend": Backend(scheme=text, host=text, port=443, backend_ids=(text,)),
            "apis": share,
            "operations": share,
            "products": share,
            "subscriptions": share,
            "correlation_ids": (text,),
        },
        remedies=(remedy,),
        what_if=(WhatIf(change=text, connects=None),),
        evidence=(seen,),
        chain=(leaf, ISSUING),
    )
    source = SourceIntake(name=text, shape=text, records=5, failures=3, rejected=1, first_rejected=(text,))
    return report(
        one,
        replace(one, cluster=replace(one.cluster, id=id_of("second"))),
        gateways=(gateway,),
        intake=Intake(sources=(source,), lookalike_reasons=share, send_request=share),
        incidents=(
            Incident(
                cause=CauseName.NAME_MISMATCH,
                clusters=(one.cluster.id, id_of("second")),
                shared=text,
                remedies=(remedy,),
            ),
        ),
        caveats=(text,),
    )
