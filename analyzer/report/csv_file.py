"""From a Report to clusters.csv, one row per cluster, also of those that are only counted: RFC 4180, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

from analyzer.model import Cluster, Finding, Gateway, Report
from analyzer.report import words
from analyzer.report.plain import elided, line

ENCODING = "utf-8-sig"
"""With the byte order mark, without which Excel reads UTF-8 as the local code page."""

NOT_JUDGED = "not judged"
"""What stands for the verdict of a cluster that was only counted."""

_LONGEST = 8000  # Excel cuts a cell at 32,767 characters
# What starts a formula (OWASP, CSV Injection), at the start of the text or after a semicolon: many locales' Excel parts cells there.
_FORMULA = re.compile(r"(^|;)([\s\"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")

COLUMNS = (
    "id",
    "gateway",
    "region",
    "tier",
    "backend",
    "scheme",
    "host",
    "port",
    "backend_ids",
    "family",
    "failures",
    "requests",
    "state",
    "first_seen_utc",
    "last_seen_utc",
    "last_success_utc",
    "cause",
    "scenario",
    "verdict",
    "what_it_means",
    "message",
    "apis",
    "remedy_owner",
    "remedy",
    "probed_utc",
    "gateway_id",
)


def dumps(report: Report) -> str:
    """The judged clusters in the report's order, then those that were only counted; times UTC to the second; write it with `ENCODING` and without newline translation."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    gateways = {g.id: g for g in report.gateways}
    for finding in report.findings:
        writer.writerow(map(_safe, _row(finding.cluster, finding, gateways.get(finding.cluster.gateway))))
    for counted in report.rest.each:
        writer.writerow(map(_safe, _row(counted, None, gateways.get(counted.gateway))))
    return out.getvalue()


def _row(c: Cluster, finding: Finding | None, gateway: Gateway | None) -> tuple[str | int | None, ...]:
    b, lead = c.backend, finding.lead if finding else None
    remedy = finding.remedies[0] if finding and finding.remedies else None
    return (
        c.id,
        gateway.name if gateway else c.gateway,
        gateway.region if gateway else "",
        gateway.tier.value if gateway else "",
        b.label,
        b.scheme,
        b.host,
        b.port,
        " ".join(b.backend_ids),
        c.family.value,
        c.failures,
        c.requests,
        c.state.value if finding else "",
        _time(c.first_seen),
        _time(c.last_seen),
        _time(c.last_success),
        lead.cause.value if lead else "",
        lead.scenario if lead else "",
        lead.verdict.value if lead else NOT_JUDGED,
        words.CAUSES[lead.cause] if lead else "",
        c.messages[0].text if c.messages else "",
        " ".join(share.value for share in c.apis),
        remedy.owner if remedy else "",
        remedy.text if remedy else "",
        _time(finding.evidence[0].collected.at) if finding and finding.evidence else "",
        c.gateway,
    )


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""


def _safe(cell: str | int | None) -> str | int | None:
    """One line of plain text with an apostrophe before whatever a spreadsheet would take for a formula."""
    return _FORMULA.sub(r"\1'\2", elided(line(cell), _LONGEST)) if isinstance(cell, str) else cell
