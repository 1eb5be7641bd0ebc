"""From a week's Summary to small pandas frames with fixed columns and dtypes, also where they are empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analyzer.model import Run, Summary

TEXT, COUNT, MAYBE_COUNT, FLAG, PERCENT, TIME = "string", "int64", "Int64", "boolean", "Float64", "datetime64[us, UTC]"
SPAN = "timedelta64[us]"

RUNS = {
    "incident": TEXT,
    "gateway": TEXT,  # Gateway.id
    "backend": TEXT,
    "host": TEXT,
    "port": MAYBE_COUNT,
    "kind": TEXT,
    "status": TEXT,
    "ending": TEXT,
    "start": TIME,
    "start_known": FLAG,
    "end": TIME,
    "duration": SPAN,
    "lost": COUNT,
    "lost_in_all": COUNT,
    "peak": COUNT,  # failures of the worst hour
    "peak_at": TIME,  # NaT: none fell into the week
    "calls": MAYBE_COUNT,  # <NA>: the source has no successes to count
    "gateway_calls": MAYBE_COUNT,  # <NA> likewise
    "cause": TEXT,  # <NA>: not judged
    "verdict": TEXT,
    "subscriptions": MAYBE_COUNT,  # how many are known to be affected
}
AVAILABILITY = {
    "gateway": TEXT,
    "backend": TEXT,
    "failures": COUNT,
    "requests": MAYBE_COUNT,
    "at_least": PERCENT,  # <NA>: no failure, or not known
    "failing_hours": COUNT,
    "at_least_before": PERCENT,
}
TREND = {
    "week": TEXT,
    "start": TIME,
    "known": FLAG,
    "failures": MAYBE_COUNT,  # <NA>: nothing is known of the week
    "requests": MAYBE_COUNT,
    "incidents": MAYBE_COUNT,
}
TREND_KINDS = {"week": TEXT, "kind": TEXT, "failures": COUNT}
OUTLOOK = {
    "change": TEXT,
    "at": TIME,
    "subject": TEXT,
    "role": TEXT,
    "backend": TEXT,  # one row for each backend of a forecast
    "statuses": TEXT,
    "seen": TIME,
}
HEAT = {"backend": TEXT, "hour": TIME, "failures": COUNT}


def frames_of(summary: Summary) -> dict[str, pd.DataFrame]:
    """Frames by name.

    runs: one row per incident of the week, most lost first. availability: one per gateway and backend, worst first. trend: one
    per week, oldest first; trend_kinds: its failures by kind. outlook: one per forecast and backend. heat: one per backend and
    hour with failures. Columns and dtypes: RUNS, AVAILABILITY, TREND, TREND_KINDS, OUTLOOK, HEAT of this module.
    """
    return {
        "runs": _frame(RUNS, map(_run, summary.runs)),
        "availability": _frame(
            AVAILABILITY,
            (
                {
                    "gateway": a.gateway,
                    "backend": a.backend.label,
                    "failures": a.failures,
                    "requests": a.requests,
                    "at_least": a.at_least,
                    "failing_hours": a.failing_hours,
                    "at_least_before": a.before,
                }
                for a in summary.availability
            ),
        ),
        "trend": _frame(
            TREND,
            (
                {
                    "week": t.week.label,
                    "start": t.week.start,
                    "known": t.known,
                    "failures": t.failures if t.known else None,
                    "requests": t.requests,
                    "incidents": t.runs if t.known else None,
                }
                for t in summary.trend
            ),
        ),
        "trend_kinds": _frame(
            TREND_KINDS,
            ({"week": t.week.label, "kind": k.value, "failures": k.failures} for t in summary.trend for k in t.kinds),
        ),
        "outlook": _frame(
            OUTLOOK,
            (
                {
                    "change": f.change.value,
                    "at": f.at,
                    "subject": f.subject,
                    "role": f.role,
                    "backend": backend,
                    "statuses": ", ".join(f.statuses),
                    "seen": f.seen,
                }
                for f in summary.outlook.forecasts
                for backend in f.backends
            ),
        ),
        "heat": _frame(
            HEAT,
            ({"backend": name, "hour": h.start, "failures": h.failures} for name, hours in summary.heat for h in hours),
        ),
    }


def _run(run: Run) -> Mapping[str, Any]:
    finding = run.finding
    return {
        "incident": run.id,
        "gateway": run.gateway,
        "backend": run.backend.label,
        "host": run.backend.host,
        "port": run.backend.port,
        "kind": run.kind.value,
        "status": run.status.value,
        "ending": run.ending.value,
        "start": run.start,
        "start_known": run.start_known,
        "end": run.end,
        "duration": run.duration,
        "lost": run.lost,
        "lost_in_all": run.lost_in_all,
        "peak": run.peak,
        "peak_at": run.peak_at,
        "calls": run.calls,
        "gateway_calls": run.gateway_calls,
        "cause": finding.lead.cause.value if finding else None,
        "verdict": finding.lead.verdict.value if finding else None,
        "subscriptions": len(finding.cluster.subscriptions) if finding else None,
    }


def _frame(schema: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    listed = list(rows)
    return pd.DataFrame({name: pd.Series([row[name] for row in listed], dtype=dtype) for name, dtype in schema.items()})
