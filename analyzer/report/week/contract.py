"""The contract of weekly.json (`apim-triage/weekly/1`) as types, and a Summary as one; additions are allowed, renaming is not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from analyzer.model import (
    Availability,
    CauseName,
    Change,
    Ending,
    Forecast,
    Gateway,
    Kind,
    Run,
    Share,
    Status,
    Summary,
    Trend,
    Verdict,
    Week,
    Window,
)
from analyzer.report.contract import IntakePart, Moment, ReasonPart, RemedyPart, SourcePart

SCHEMA = "apim-triage/weekly/1"

Percent = Annotated[float, Meta(ge=0, le=100)]


class SpanPart(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    start: Moment | None
    end: Moment | None


class WeekPart(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    label: Annotated[str, Meta(pattern="^[0-9]{4}-W[0-9]{2}$")]
    zone: str
    start: Moment
    end: Moment
    hours: int


class BackendPart(Struct, frozen=True, kw_only=True):
    label: str
    scheme: str
    host: str
    port: int | None
    backend_ids: tuple[str, ...]


class GatewayPart(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    region: str
    tier: str


class AffectedPart(Struct, frozen=True, kw_only=True):
    incidents: int  # of the week, that these counts are of together
    apis: tuple[Share, ...]
    operations: tuple[Share, ...]
    products: tuple[Share, ...]
    subscriptions: tuple[Share, ...]


class IncidentPart(Struct, frozen=True, kw_only=True):
    id: str
    gateway: str
    backend: BackendPart
    kind: Kind
    status: Status
    ending: Ending
    start: Moment
    start_known: bool
    end: Moment
    seconds: int
    lost: int
    lost_in_all: int
    peak: int
    peak_at: Moment | None
    calls: int | None
    share_of_calls_at_most: Percent | None
    gateway_calls: int | None
    share_of_gateway_at_most: Percent | None
    previous_end: Moment | None
    cause: CauseName | None
    scenario: str | None
    verdict: Verdict | None
    reasons: tuple[ReasonPart, ...]
    remedy: tuple[RemedyPart, ...]
    affected: AffectedPart | None
    known_from: str


class AvailabilityPart(Struct, frozen=True, kw_only=True):
    gateway: str
    backend: BackendPart
    failures: int
    requests: int | None
    at_least: Percent | None
    failing_hours: int
    at_least_before: Percent | None


class TrendPart(Struct, frozen=True, kw_only=True):
    week: str
    known: bool
    partial: bool
    failures: int | None
    requests: int | None
    incidents: int | None
    kinds: tuple[Share, ...]
    source: str


class ForecastPart(Struct, frozen=True, kw_only=True):
    change: Change
    at: Moment
    subject: str
    role: str
    sha256: str
    lifetime_days: float | None
    statuses: tuple[str, ...]
    backends: tuple[str, ...]
    failures: int
    seen: Moment


class OutlookPart(Struct, frozen=True, kw_only=True):
    backends: int
    asked: int
    judged: int
    forecasts: tuple[ForecastPart, ...]
    unseen: tuple[str, ...]
    why_not: str


class TopPart(Struct, frozen=True, kw_only=True):
    apis: tuple[Share, ...]
    products: tuple[Share, ...]
    subscriptions: tuple[Share, ...]


class Document(Struct, frozen=True, kw_only=True):
    schema: str
    made_at: Moment
    week: WeekPart
    seen_to: Moment
    found: SpanPart
    intake: IntakePart
    gateways: tuple[GatewayPart, ...]
    incidents: tuple[IncidentPart, ...]
    counted: int
    availability: tuple[AvailabilityPart, ...]
    top: TopPart
    trend: tuple[TrendPart, ...]
    outlook: OutlookPart
    caveats: tuple[str, ...]


def document_of(summary: Summary) -> Document:
    """A summary by the contract."""
    intake, outlook = summary.intake, summary.outlook
    return Document(
        schema=SCHEMA,
        made_at=summary.made_at,
        week=_week(summary.week),
        seen_to=summary.seen_to,
        found=_span(summary.found),
        intake=IntakePart(
            records=intake.records,
            failures=intake.failures,
            lookalikes=intake.lookalikes,
            others=intake.others,
            rejected=intake.rejected,
            sources=tuple(
                SourcePart(
                    name=s.name,
                    shape=s.shape,
                    records=s.records,
                    failures=s.failures,
                    rejected=s.rejected,
                    first_rejected=s.first_rejected,
                    lookalikes=s.lookalikes,
                )
                for s in intake.sources
            ),
            lookalike_reasons=intake.lookalike_reasons,
            send_request=intake.send_request,
        ),
        gateways=tuple(_gateway(g) for g in summary.gateways),
        incidents=tuple(_incident(r) for r in summary.runs),
        counted=summary.counted,
        availability=tuple(_availability(a) for a in summary.availability),
        top=TopPart(apis=summary.apis, products=summary.products, subscriptions=summary.subscriptions),
        trend=tuple(_trend(t) for t in summary.trend),
        outlook=OutlookPart(
            backends=outlook.of,
            asked=outlook.asked,
            judged=outlook.judged,
            forecasts=tuple(_forecasts(outlook.forecasts)),
            unseen=outlook.unseen,
            why_not=outlook.why_not,
        ),
        caveats=summary.caveats,
    )


def _week(week: Week) -> WeekPart:
    return WeekPart(label=week.label, zone=week.zone, start=week.start, end=week.end, hours=week.hours)


def _span(window: Window) -> SpanPart:
    return SpanPart(start=window.start, end=window.end)


def _gateway(one: Gateway) -> GatewayPart:
    return GatewayPart(id=one.id, name=one.name, region=one.region, tier=one.tier.value)


def _backend(one: Run | Availability) -> BackendPart:
    b = one.backend
    return BackendPart(label=b.label, scheme=b.scheme, host=b.host, port=b.port, backend_ids=b.backend_ids)


def _incident(run: Run) -> IncidentPart:
    finding = run.finding
    lead = finding.lead if finding else None
    return IncidentPart(
        id=run.id,
        gateway=run.gateway,
        backend=_backend(run),
        kind=run.kind,
        status=run.status,
        ending=run.ending,
        start=run.start,
        start_known=run.start_known,
        end=run.end,
        seconds=int(run.duration.total_seconds()),
        lost=run.lost,
        lost_in_all=run.lost_in_all,
        peak=run.peak,
        peak_at=run.peak_at,
        calls=run.calls,
        share_of_calls_at_most=_share(run.lost, run.calls),
        gateway_calls=run.gateway_calls,
        share_of_gateway_at_most=_share(run.lost, run.gateway_calls),
        previous_end=run.previous_end,
        cause=lead.cause if lead else None,
        scenario=lead.scenario if lead else None,
        verdict=lead.verdict if lead else None,
        reasons=tuple(ReasonPart(origin=r.origin, text=r.text) for r in lead.reasons) if lead else (),
        remedy=tuple(
            RemedyPart(owner=r.owner, tier=r.tier, text=r.text, command=r.command, caution=r.caution)
            for r in finding.remedies
        )
        if finding
        else (),
        affected=AffectedPart(
            incidents=run.alike,
            apis=finding.cluster.apis,
            operations=finding.cluster.operations,
            products=finding.cluster.products,
            subscriptions=finding.cluster.subscriptions,
        )
        if finding
        else None,
        known_from=run.known_from,
    )


def _share(lost: int, calls: int | None) -> float | None:
    """An upper bound in percent; None where it is not known."""
    return min(-(-lost * 10_000 // calls) / 100, 100.0) if calls else None


def _availability(one: Availability) -> AvailabilityPart:
    return AvailabilityPart(
        gateway=one.gateway,
        backend=_backend(one),
        failures=one.failures,
        requests=one.requests,
        at_least=one.at_least,
        failing_hours=one.failing_hours,
        at_least_before=one.before,
    )


def _trend(one: Trend) -> TrendPart:
    return TrendPart(
        week=one.week.label,
        known=one.known,
        partial=one.partial,
        failures=one.failures if one.known else None,
        requests=one.requests,
        incidents=one.runs if one.known else None,
        kinds=one.kinds,
        source=one.source,
    )


def _forecasts(forecasts: Iterable[Forecast]) -> Iterable[ForecastPart]:
    for one in forecasts:
        yield ForecastPart(
            change=one.change,
            at=one.at,
            subject=one.subject,
            role=one.role,
            sha256=one.sha256,
            lifetime_days=round(one.lifetime.total_seconds() / 86_400, 2) if one.lifetime else None,
            statuses=one.statuses,
            backends=one.backends,
            failures=one.failures,
            seen=one.seen,
        )


def dumps(summary: Summary) -> bytes:
    """weekly.json: UTF-8, keys in the contract's order, times ISO 8601 UTC; nothing unseen in it."""
    from analyzer.report.json_file import encoded

    return encoded(msgspec.to_builtins(document_of(summary), builtin_types=(datetime,)))
