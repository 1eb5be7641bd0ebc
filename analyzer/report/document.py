"""The way between a Report and the contract's types, both directions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

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
    Handshake,
    Hour,
    Incident,
    Intake,
    Outcome,
    Reason,
    Remedy,
    Report,
    Rest,
    SettingsFinding,
    SourceIntake,
    Stage,
    Window,
)
from analyzer.report.contract import (
    SCHEMA,
    AffectedPart,
    AttributionPart,
    CertificatePart,
    ClusterPart,
    CollectedPart,
    Document,
    ElapsedPart,
    EvidencePart,
    HandshakePart,
    HourPart,
    IncidentPart,
    IntakePart,
    ReasonPart,
    RemedyPart,
    RestPart,
    SettingsPart,
    SourcePart,
    SpanPart,
    WindowPart,
)

_FAMILIES = {
    CauseName.DNS: Family.NETWORK,
    CauseName.REFUSED: Family.NETWORK,
    CauseName.UNREACHABLE: Family.NETWORK,
    CauseName.HAIRPIN: Family.NETWORK,
    CauseName.SNAT_EXHAUSTION: Family.NETWORK,
    CauseName.TIMEOUT: Family.NETWORK,
    CauseName.BODY_TRANSFER: Family.TRANSFER,
}


def document_of(report: Report) -> Document:
    """The report as the contract has it."""
    intake = report.intake
    return Document(
        schema=SCHEMA,
        window=WindowPart(
            asked=SpanPart(**_fields(report.asked, SpanPart)), found=SpanPart(**_fields(report.found, SpanPart))
        ),
        intake=IntakePart(
            records=intake.records,
            failures=intake.failures,
            lookalikes=intake.lookalikes,
            others=intake.others,
            rejected=intake.rejected,
            sources=tuple(SourcePart(**_fields(s, SourcePart)) for s in intake.sources),
            lookalike_reasons=intake.lookalike_reasons,
            send_request=intake.send_request,
        ),
        gateways=report.gateways,
        clusters=tuple(_cluster_part(f) for f in report.findings),
        incidents=tuple(
            IncidentPart(
                cause=i.cause, clusters=i.clusters, shared=i.shared, title=i.title, remedy=_remedy_parts(i.remedies)
            )
            for i in report.incidents
        ),
        caveats=report.caveats,
        rest=RestPart(
            clusters=report.rest.clusters, failures=report.rest.failures, timeline=_hour_parts(report.rest.timeline)
        ),
        made_at=report.made_at,
        settings=tuple(
            SettingsPart(gateway=s.gateway, text=s.text, explains=s.explains, remedy=_remedy_parts(s.remedies))
            for s in report.settings
        ),
        trust=report.trust,
    )


def report_of(document: Document) -> Report:
    """The report that a document describes; certificates come without DER, `evidence` and `rest.each` are empty.

    evidence.json has certificates and evidence, clusters.csv the clusters of the rest.
    """
    window, intake = document.window, document.intake
    return Report(
        made_at=document.made_at or window.found.end or datetime.fromtimestamp(0, UTC),
        asked=Window(**_fields(window.asked, SpanPart)),
        found=Window(**_fields(window.found, SpanPart)),
        intake=Intake(
            sources=tuple(SourceIntake(**_fields(s, SourcePart)) for s in intake.sources),
            lookalike_reasons=intake.lookalike_reasons,
            send_request=intake.send_request,
        ),
        gateways=document.gateways,
        findings=tuple(_finding(part) for part in document.clusters),
        incidents=tuple(
            Incident(cause=i.cause, clusters=i.clusters, shared=i.shared, title=i.title, remedies=_remedies(i.remedy))
            for i in document.incidents
        ),
        caveats=document.caveats,
        settings=tuple(
            SettingsFinding(gateway=s.gateway, text=s.text, explains=s.explains, remedies=_remedies(s.remedy))
            for s in document.settings
        ),
        rest=Rest(
            clusters=document.rest.clusters, failures=document.rest.failures, timeline=_hours(document.rest.timeline)
        ),
        trust=document.trust,
    )


def _cluster_part(finding: Finding) -> ClusterPart:
    c, lead = finding.cluster, finding.lead
    return ClusterPart(
        id=c.id,
        gateway=c.gateway,
        backend=c.backend,
        failures=c.failures,
        requests=c.requests,
        state=c.state,
        first_seen=c.first_seen,
        last_seen=c.last_seen,
        last_success=c.last_success,
        apis=tuple(share.value for share in c.apis),
        correlation_ids=c.correlation_ids,
        messages=c.messages,
        cause=lead.cause,
        scenario=lead.scenario,
        verdict=lead.verdict,
        attributions=tuple(
            AttributionPart(
                cause=a.cause,
                scenario=a.scenario,
                verdict=a.verdict,
                reasons=tuple(ReasonPart(**_fields(r, ReasonPart)) for r in a.reasons),
            )
            for a in finding.attributions
        ),
        what_if=finding.what_if,
        remedy=_remedy_parts(finding.remedies),
        evidence=tuple(_evidence_part(e) for e in finding.evidence),
        family=c.family,
        affected=AffectedPart(**_fields(c, AffectedPart)),
        timeline=_hour_parts(c.timeline),
        elapsed=tuple(ElapsedPart(up_to_ms=edge, failures=failures) for edge, failures in c.elapsed),
        chain=tuple(CertificatePart(**_fields(one, CertificatePart)) for one in finding.chain),
        proof=finding.proof,
    )


def _finding(part: ClusterPart) -> Finding:
    cluster = Cluster(
        id=part.id,
        gateway=part.gateway,
        backend=part.backend,
        family=part.family or _FAMILIES.get(part.cause, Family.TLS),
        failures=part.failures,
        requests=part.requests,
        state=part.state,
        first_seen=part.first_seen,
        last_seen=part.last_seen,
        last_success=part.last_success,
        messages=part.messages,
        correlation_ids=part.correlation_ids,
        timeline=_hours(part.timeline),
        elapsed=tuple((e.up_to_ms, e.failures) for e in part.elapsed),
        **_fields(part.affected, AffectedPart),
    )
    return Finding(
        cluster=cluster,
        attributions=tuple(
            Attribution(
                cause=a.cause,
                verdict=a.verdict,
                reasons=tuple(Reason(**_fields(r, ReasonPart)) for r in a.reasons),
            )
            for a in part.attributions
        ),
        what_if=part.what_if,
        remedies=_remedies(part.remedy),
        evidence=tuple(_evidence(e, part.backend) for e in part.evidence),
        chain=tuple(Certificate(der=b"", **_fields(one, CertificatePart)) for one in part.chain),
        proof=part.proof,
    )


def _evidence_part(evidence: Evidence) -> EvidencePart:
    by = evidence.collected
    tried = [h for h in evidence.handshakes if h.stage is not Stage.RESOLVE and h.outcome is not Outcome.FORBIDDEN]
    return EvidencePart(
        vantage=f"{by.host}, {by.vantage}",
        at=by.at,
        connections=len(tried),
        seconds=sum(h.seconds for h in evidence.handshakes),
        address=evidence.address,
        addresses=evidence.addresses,
        server_name=evidence.server_name,
        profile=evidence.profile,
        pinned=evidence.pinned,
        allowed=evidence.allowed,
        proxy=evidence.proxy,
        collected=CollectedPart(**_fields(by, CollectedPart)),
        handshakes=tuple(HandshakePart(**_fields(h, HandshakePart)) for h in evidence.handshakes),
    )


def _evidence(part: EvidencePart, backend: Backend) -> Evidence:
    by = part.collected or CollectedPart(host=part.vantage, tool="", version="")
    return Evidence(
        host=backend.host,
        port=backend.port or (80 if backend.scheme == "http" else 443),
        server_name=backend.host if part.server_name is None else part.server_name,
        address=part.address,
        addresses=part.addresses,
        profile=part.profile,
        handshakes=tuple(Handshake(**_fields(h, HandshakePart)) for h in part.handshakes),
        collected=Collected(at=part.at, **_fields(by, CollectedPart)),
        pinned=part.pinned,
        allowed=part.allowed,
        proxy=part.proxy,
    )


def _hour_parts(hours: tuple[Hour, ...]) -> tuple[HourPart, ...]:
    return tuple(HourPart(**_fields(h, HourPart)) for h in hours)


def _hours(parts: tuple[HourPart, ...]) -> tuple[Hour, ...]:
    return tuple(Hour(**_fields(h, HourPart)) for h in parts)


def _remedy_parts(remedies: tuple[Remedy, ...]) -> tuple[RemedyPart, ...]:
    return tuple(RemedyPart(**_fields(r, RemedyPart)) for r in remedies)


def _remedies(parts: tuple[RemedyPart, ...]) -> tuple[Remedy, ...]:
    return tuple(Remedy(**_fields(r, RemedyPart)) for r in parts)


def _fields(value: object, part: type[Struct]) -> dict[str, Any]:
    """The attributes of `value` that `part` has fields for: model and contract call them alike."""
    return {name: getattr(value, name) for name in part.__struct_fields__}
