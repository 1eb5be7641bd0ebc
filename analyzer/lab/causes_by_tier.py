"""`python -m analyzer.lab.causes_by_tier [FILE]`: every cause at a classic, a v2 and a self-hosted gateway, as the lab shows it.

Logs of three gateways with the same backends go in, each in its own stack's words; the backends of the lab are probed in each
gateway's own voice; the verdicts and remedies come out as a page. Nothing in the page is written by hand but its head.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from analyzer.aim import Aim
from analyzer.checking import probe_backends
from analyzer.lab import Lab, texts, week
from analyzer.lab.catalogue import CATALOGUE, Fault
from analyzer.lab.demo import DEADLINE, LOOPBACK
from analyzer.lab.events import CLASSIC, SELF_HOSTED, V2, Event, LogGateway, failure
from analyzer.lab.logs import blob_lines
from analyzer.model import SCENARIOS, CauseName, Evidence, Finding, Tier
from analyzer.pipeline import analyze
from analyzer.probing import Policy, Target

GATEWAYS: Mapping[Tier, LogGateway] = MappingProxyType(
    {Tier.CLASSIC: CLASSIC, Tier.V2: V2, Tier.SELF_HOSTED: SELF_HOSTED}
)

SHOWN_BY: Mapping[CauseName, Fault | None] = MappingProxyType(
    {
        CauseName.NAME_MISMATCH: Fault.NAME_MISMATCH,
        CauseName.UNTRUSTED_ROOT: Fault.UNTRUSTED_ROOT,
        CauseName.SELF_SIGNED: Fault.SELF_SIGNED,
        CauseName.INCOMPLETE_CHAIN: Fault.INCOMPLETE_CHAIN,
        CauseName.EXPIRED: Fault.EXPIRED_LEAF,
        CauseName.NOT_YET_VALID: Fault.NOT_YET_VALID,
        CauseName.WEAK_SIGNATURE: Fault.MD5_SIGNATURE,
        CauseName.WEAK_KEY: Fault.RSA_768,
        CauseName.WRONG_USAGE: Fault.WRONG_USAGE,
        CauseName.CHAIN_CONSTRAINT: Fault.NAME_CONSTRAINT,
        CauseName.TLS_VERSION: Fault.TLS_1_0_AND_1_1_ONLY,
        CauseName.CIPHER_SUITE: Fault.CCM_ONLY,
        CauseName.TLS_PARAMETERS: Fault.P_521_ONLY,
        CauseName.CLIENT_CERTIFICATE: Fault.CLIENT_CERTIFICATE,
        CauseName.SERVER_NAME: Fault.NAME_REFUSED,
        CauseName.NOT_TLS: Fault.PLAIN_HTTP,
        CauseName.HANDSHAKE_ABORTED: Fault.INTERNAL_ERROR,
        CauseName.DNS: Fault.NAME_UNKNOWN,
        CauseName.REFUSED: Fault.REFUSED,
        CauseName.UNREACHABLE: Fault.UNREACHABLE,
        CauseName.HAIRPIN: Fault.OWN_HOST,
        CauseName.SNAT_EXHAUSTION: Fault.PORTS_EXHAUSTED,
        CauseName.IDLE_TIMEOUT: Fault.CUT_WHEN_IDLE,
        CauseName.BODY_TRANSFER: Fault.BODY_BREAKS_OFF,
        CauseName.TIMEOUT: Fault.SILENT,
        CauseName.RESET: Fault.RESET_ON_HELLO,
        CauseName.NOT_REPRODUCED: Fault.RECOVERED,
        CauseName.UNKNOWN: None,  # records that name no backend
    }
)
"""The lab's fault that shows each cause at a classic gateway."""

_HANDSHAKE_FAILURE = "error:0A000410:SSL routines::ssl/tls alert handshake failure"
MODERN: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.TLS_1_0_AND_1_1_ONLY: "error:0A00042E:SSL routines::tlsv1 alert protocol version",
        Fault.CCM_ONLY: _HANDSHAKE_FAILURE,
        Fault.P_521_ONLY: _HANDSHAKE_FAILURE,
        Fault.CLIENT_CERTIFICATE: _HANDSHAKE_FAILURE,
        Fault.NAME_REFUSED: "error:0A000458:SSL routines::tlsv1 unrecognized name",
        Fault.PLAIN_HTTP: "Cannot determine the frame size or a corrupted frame was received.",
        Fault.INTERNAL_ERROR: "error:0A000438:SSL routines::tlsv1 alert internal error",
        Fault.NAME_UNKNOWN: "Name or service not known ({host}:443)",
        Fault.REFUSED: texts.CONNECTION_REFUSED,
        Fault.UNREACHABLE: "Network is unreachable ({host}:443)",
        Fault.OWN_HOST: "connection timed out: {host}/10.20.3.4:443",
        Fault.PORTS_EXHAUSTED: "Address already in use ({host}:443)",
        Fault.CUT_WHEN_IDLE: "Underlying transport connection was unexpectedly closed.",
        Fault.BODY_BREAKS_OFF: "Underlying transport connection was unexpectedly closed.",
        Fault.SILENT: "The operation has timed out.",
        Fault.RESET_ON_HELLO: "Connection reset by peer",
    }
)
"""What modern .NET logs (measured, and DotNetty's); of every fault of a certificate the one sentence `texts.CALLBACK`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cause at one tier."""

    cause: CauseName
    tier: Tier
    finding: Finding


def rows(now: datetime) -> tuple[Row, ...]:
    """Every cause at every tier, in the order of the causes; the lab is started and gone again. Takes seconds."""
    with Lab(now=now) as lab, TemporaryDirectory(prefix="apim-triage-") as folder:
        log, given = Path(folder) / "gatewaylogs.json", Path(folder) / "given.pem"
        log.write_text(blob_lines(week.in_order(_events())), encoding="utf-8")
        given.write_bytes(lab.ca_pem)
        places: dict[tuple[str, int | None], tuple[str, int | None]] = {
            (b.host, 443): ("127.0.0.1", b.port) for b in lab.backends.values()
        }

        def probe(targets: Sequence[Target]) -> tuple[Evidence, ...]:
            # a host without a server is judged from the log alone: what a resolver here says of it is not the lab's
            served = [t for t in targets if (t.host, 443) in places]
            return probe_backends(served, policy=Policy(allow=LOOPBACK), deadline=DEADLINE)

        report = analyze([log], probe=probe, ca_files=[given], aim=Aim(connect_to=places), now=now)
    tier_of = {g.id: g.tier for g in report.gateways}
    found = {(f.cluster.backend.host, tier_of[f.cluster.gateway]): f for f in report.findings}
    return tuple(
        Row(cause=cause, tier=tier, finding=found[CATALOGUE[fault].host if fault else "", tier])
        for cause, fault in SHOWN_BY.items()
        for tier in GATEWAYS
    )


def page(of: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = []
    for row in of:
        lead = row.finding.lead
        scenario = f" ({SCENARIOS[row.cause]})" if row.cause in SCENARIOS else ""
        name = f"`{row.cause}`{scenario}" if row.tier is Tier.CLASSIC else ""
        said = f"{lead.verdict}" if lead.cause is row.cause else f"{lead.verdict}: `{lead.cause}`"
        remedies = "<br>".join(_cell(f"{r.owner}: {r.text}") for r in row.finding.remedies[:3])
        lines.append(f"| {name} | {row.tier} | {said.replace('ruled_out', 'ruled out')} | {remedies} |")
    return _HEAD + "\n".join(lines) + "\n"


def _events() -> Iterator[Event]:
    for tier, gateway in GATEWAYS.items():
        for fault in SHOWN_BY.values():
            if fault is None:
                said = texts.TRUST if tier is Tier.CLASSIC else texts.CALLBACK
                yield from (failure(None, said, at, gateway=gateway) for at in week.moments(f"unnamed {tier}", 6))
                continue
            text = MODERN.get(fault, texts.CALLBACK).format(host=CATALOGUE[fault].host)
            yield from (_at(event, gateway, text) for event in week.host_events(fault))
        yield from week.traffic(f"by tier {tier}", 5, gateway=gateway)


def _at(event: Event, gateway: LogGateway, text: str) -> Event:
    """A classic gateway's event as another gateway would have logged it."""
    if gateway is CLASSIC:
        return event
    return replace(
        event,
        gateway=gateway,
        errors=tuple(
            replace(e, message=text, source=gateway.source if e.source == CLASSIC.source else e.source)
            for e in event.errors
        ),
    )


def _cell(text: str) -> str:
    """A text in one cell, without what differs from run to run: fingerprints of keys made afresh."""
    return re.sub(r"\b[0-9a-f]{16,64}\b", "…", text).replace("|", r"\|").replace("\n", " ")


_HEAD = """\
# Each cause at each kind of gateway

Written by `python -m analyzer.lab.causes_by_tier docs/causes-by-tier.md`: one backend of the lab per cause, behind a classic, a v2 and a
self-hosted gateway that were given root A and no other certificate. Each gateway logs the failure in its own stack's words; each backend is probed in the
gateway's own voice; a host without a server in the lab (`dns`, `unreachable`) is judged from the log alone. Where the verdict names another
cause, that is what this kind of gateway makes of the same backend: `not_reproduced` means that it connects. Remedies: the first three.

| cause (scenario) | gateway | verdict | what to do |
|---|---|---|---|
"""


def write(path: Path) -> None:
    """The page, as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(rows(datetime.now(UTC))), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/causes-by-tier.md"))
