"""How a week's summary calls things: kinds, statuses, shares and times in plain English, the same in every output."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analyzer.model import (
    Availability,
    CauseName,
    Change,
    Ending,
    Forecast,
    Kind,
    Run,
    Status,
    Summary,
    Trend,
    Week,
)
from analyzer.report import words

KINDS = {
    Kind.NAME_MISMATCH: "certificate is for another name",
    Kind.UNTRUSTED_ROOT: "root not trusted",
    Kind.INCOMPLETE_CHAIN: "chain not complete",
    Kind.EXPIRED: "certificate expired or not yet valid",
    Kind.REVOCATION: "revocation could not be checked",
    Kind.CHAIN_OTHER: "certificate chain refused",
    Kind.TRUST_UNSPECIFIED: "certificate not trusted; the log does not say why",
    Kind.TLS_VERSION: "no TLS version or algorithm in common",
    Kind.CIPHER: "no cipher suite in common",
    Kind.TLS_OTHER: "TLS handshake failed; the log does not say why",
    Kind.CLIENT_CERTIFICATE: "client certificate refused",
    Kind.DNS: "name does not resolve",
    Kind.REFUSED: "connection refused",
    Kind.UNREACHABLE: "address unreachable",
    Kind.TIMEOUT: "no answer in time",
    Kind.RESET: "connection reset",
    Kind.SNAT: "no outbound port left (SNAT)",
    Kind.HTTP2: "HTTP/2 broke down",
    Kind.CLIENT_ABORT: "call cancelled",
    Kind.OTHER: "connection failed; the log does not say why",
}

STATUSES = {
    Status.NEW: "new",
    Status.ONGOING: "ongoing",
    Status.RECURRING: "recurring",
    Status.RESOLVED: "resolved",
    Status.UNKNOWN: "age unknown",
}

ENDINGS = {
    Ending.ANSWERED: "over: the backend answered again",
    Ending.FAILING: "nothing has answered since",
    Ending.SPORADIC: "comes and goes: other calls were answered all along",
    Ending.QUIET: "not seen since; the logs hold no answered calls to tell by",
}

CHANGES = {
    Change.BREAKS: "will break",
    Change.EXPIRES: "expires, the chain may stand without it",
    Change.REFUSED: "refused already",
}

_UNSURE = (CauseName.UNKNOWN, CauseName.NOT_REPRODUCED)


def kind(one: Kind) -> str:
    """What the log says, in words; of a kind that has none yet, its name."""
    return KINDS.get(one, one.value.replace("_", " "))


def zone_of(week: Week) -> tzinfo:
    """The zone that a week's times are shown in; UTC where this machine does not know it."""
    try:
        return UTC if week.zone == "UTC" else ZoneInfo(week.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def when(moment: datetime, zone: tzinfo) -> str:
    """To the minute, with the zone's own abbreviation, or its offset."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def shortly(moment: datetime, zone: tzinfo) -> str:
    """To the minute, without year and zone: for a table whose head has them."""
    return f"{moment.astimezone(zone):%a %d %b %H:%M}"


def span(week: Week) -> str:
    """The days of a week."""
    zone = zone_of(week)
    last = (week.end - timedelta(hours=12)).astimezone(zone)
    return f"{week.start.astimezone(zone):%Y-%m-%d} to {last:%Y-%m-%d}, {week.zone}"


def lasted(duration: timedelta) -> str:
    """A duration in its two greatest units."""
    minutes = round(duration / timedelta(minutes=1))
    if minutes < 1:
        return "a moment"
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")]
    shown = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(shown[:2])


def what(run: Run) -> str:
    """What was wrong: the cause where one is confirmed or likely, else what the log says."""
    lead = run.finding.lead if run.finding else None
    if lead is not None and lead.cause not in _UNSURE and lead.verdict.value in ("confirmed", "likely"):
        return words.cause(lead)
    return kind(run.kind)


def certainty(run: Run) -> str:
    """How sure `what` is, in words that follow it; an earlier report's finding where this one has none."""
    lead = run.finding.lead if run.finding else None
    if lead is not None and lead.cause not in _UNSURE and lead.verdict.value in ("confirmed", "likely"):
        return words.VERDICTS[lead.verdict]
    return f"report of {run.known_from}" if run.known_from else "as the log has it"


def share(lost: int, calls: int | None) -> str:
    """The share of calls lost as an upper bound: never more than can be known."""
    if not calls:
        return "share not known"
    if lost >= calls:
        return f"every one of {calls:,} logged calls"
    percent = lost * 100 / calls
    return f"at most {_up(percent)} of {words.count(calls, 'call')}"


def available(one: Availability) -> str:
    """What a backend answered, as a bound."""
    if one.requests is None:
        return "not known: no answered call was logged"
    if not one.failures:
        return f"no failure in {words.count(one.requests, 'call')}"
    if one.at_least is None:
        return "not known: its calls stand under another backend, as after a failover"
    return f"at least {one.at_least:.2f} %"


def compared(trend: tuple[Trend, ...]) -> str:
    """The week against the one before it, as a sentence; "" where there is none to compare with."""
    if len(trend) < 2:
        return ""
    now, last = trend[-1], trend[-2]
    if not last.known:
        return f"Nothing is known of {last.week.label}, so the week cannot be held against it."
    if not last.failures:
        return f"{last.week.label} had none." if now.failures else f"{last.week.label} had none either."
    if now.failures == last.failures:
        return f"As many as in {last.week.label}."
    change = abs(now.failures - last.failures)
    return f"{change:,} {'more' if now.failures > last.failures else 'fewer'} than in {last.week.label} ({last.failures:,})."


def statuses(summary: Summary) -> str:
    """How many incidents have each status: "1 new, 2 ongoing"."""
    counts = Counter(run.status for run in summary.runs)
    return ", ".join(f"{counts[status]} {STATUSES[status]}" for status in Status if counts[status])


def headline(summary: Summary) -> str:
    """The week in one line."""
    week, lost = summary.trend[-1] if summary.trend else None, sum(r.lost for r in summary.runs)
    lost = week.failures if week else lost
    label = summary.week.label
    if not lost:
        calls = week.requests if week else None
        if not summary.intake.records:
            return f"{label}: no record was found"
        return f"{label}: no failed backend connection" + (f" in {words.count(calls, 'call')}" if calls else "")
    number = len([r for r in summary.runs if r.lost]) + summary.counted
    return f"{label}: {words.count(lost, 'call')} lost in {words.count(number, 'incident')}"


def told(summary: Summary) -> str:
    """What a reader wants after the headline: how the incidents stand, against the week before, and what comes."""
    parts = [f"Incidents: {statuses(summary)}." if summary.runs else "", compared(summary.trend), coming(summary)]
    return " ".join(part for part in parts if part)


def coming(summary: Summary) -> str:
    """The outlook in one sentence."""
    outlook = summary.outlook
    if outlook.why_not:
        return f"No outlook: {outlook.why_not}."
    soon = [f for f in outlook.forecasts if f.change is Change.BREAKS]
    if soon:
        return f"{words.count(len(soon), 'certificate')} will break {words.count(len({b for f in soon for b in f.backends}), 'backend')}, the first on {soon[0].at.astimezone(UTC):%Y-%m-%d}."
    refused = sum(f.change is Change.REFUSED for f in outlook.forecasts)
    rest = f"; {words.count(refused, 'chain')} refused already" if refused else ""
    return f"No chain of the {outlook.judged} judged (of {outlook.of} in the traffic) breaks soon{rest}."


def forecast(one: Forecast, now: datetime) -> str:
    """One forecast as a sentence without its backends."""
    if one.change is Change.REFUSED:
        return f"The chain is refused already: {', '.join(one.statuses)}."
    left = max((one.at - now) // timedelta(days=1), 0)
    lifetime = f", of a lifetime of {one.lifetime.days} days" if one.lifetime else ""
    means = (
        f"then the gateway refuses the chain ({', '.join(one.statuses) or 'it cannot be built'})"
        if one.change is Change.BREAKS
        else "the chain may stand without it"
    )
    return f"The {one.role} “{one.subject}” expires on {one.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, in {words.count(left, 'day')}{lifetime}: {means}."


def consumers(run: Run) -> str:
    """Who was affected: subscriptions, else products, else APIs; names only."""
    if run.finding is None:
        return ""
    cluster = run.finding.cluster
    parts = [
        f"{noun} {words.listed(s.value for s in those)}"
        for noun, those in (
            ("subscriptions", cluster.subscriptions),
            ("products", cluster.products),
            ("APIs", cluster.apis),
        )
        if those
    ]
    shared = f" (of all {run.alike} incidents of this kind in the week)" if run.alike > 1 else ""
    return "; ".join(parts) + (shared if parts else "")


def _up(percent: float) -> str:
    """A percentage rounded up, and never a hundred."""
    shown = min(-(-percent * 10 // 1) / 10, 99.9)
    return f"{shown:.1f} %"
