"""Tallies of weeks from a drawing: one character an hour, one backend a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from analyzer.lab import texts
from analyzer.model import Intake, Kind, SourceIntake, Week, Window
from analyzer.tally import AFFECTED, FAILURES, GATEWAYS, TRAFFIC, Tally, empty, typed
from analyzer.weekly.weeks import before, last_full

NOW = datetime(2026, 11, 27, tzinfo=UTC)
LAST = last_full(UTC, NOW)
HOUR = timedelta(hours=1)
KINDS = {"F": Kind.REFUSED, "x": Kind.REFUSED, "T": Kind.TIMEOUT, "V": Kind.TRUST_UNSPECIFIED, "P": Kind.EXPIRED}
"""Every call failed (x: every other one). "." all were answered; " " there was none."""


TEXTS = {Kind.REFUSED: texts.REFUSED_ADDRESS}


def weeks(number: int) -> tuple[Week, ...]:
    """The last weeks, oldest first."""
    return (*before(LAST, UTC, number - 1), LAST)


def tally(week: Week, drawn: Mapping[str, str], *, start: int = 0, gateway: str = "g@r") -> Tally:
    """What a week's hours from `start` on hold, by host; a host may be drawn twice, as "a" and "a2", for two kinds at once."""
    failures: list[dict[str, Any]] = []
    traffic: list[dict[str, Any]] = []
    for name, hours in drawn.items():
        backend = {"gateway": gateway, "scheme": "https", "host": name.rstrip("2"), "port": 443, "backend_id": ""}
        for place, sign in enumerate(hours):
            at = week.start + (start + place) * HOUR
            if sign in KINDS:
                failures.append(
                    {
                        **backend,
                        "signature": TEXTS.get(KINDS[sign], f"text of {KINDS[sign]}"),
                        "kind": KINDS[sign].value,
                        "hour": at,
                    }
                    | {"elapsed_bucket": -1, "count": 2, "first": at + HOUR / 4, "last": at + HOUR / 2}
                    | {"first_id": "", "last_id": ""}
                )
            if sign != " ":
                answered = 0 if sign in KINDS and sign != "x" else 2
                lost = 2 if sign in KINDS else 0
                traffic.append(
                    {**backend, "hour": at, "requests": answered + lost}
                    | {"last_success": at + HOUR / 3 if answered else None}
                )
    number = sum(row["count"] for row in failures)
    records = sum(row["requests"] for row in traffic)
    source = SourceIntake(name="drawing", shape="s", records=records, failures=number, rejected=0)
    affected = [
        {key: row[key] for key in ("gateway", "scheme", "host", "port", "backend_id", "signature")}
        | {"dimension": "subscription", "value": "mobile", "count": row["count"]}
        for row in failures
    ]
    times = [row["hour"] for row in traffic]
    return replace(
        empty(),
        failures=typed(pd.DataFrame(failures, columns=list(FAILURES)), FAILURES),
        traffic=typed(pd.DataFrame(traffic, columns=list(TRAFFIC)), TRAFFIC),
        affected=typed(pd.DataFrame(affected, columns=list(AFFECTED)), AFFECTED),
        gateways=typed(
            pd.DataFrame(
                [{"gateway": gateway, "name": "g", "region": "r", "field": "sku", "value": "Premium", "count": 1}]
            ),
            GATEWAYS,
        ),
        intake=Intake(sources=(source,)),
        found=Window(start=min(times, default=None), end=max(times, default=None)),
    )


def without_successes(one: Tally) -> Tally:
    """The same from a source that holds failures alone."""
    lost = one.failures.groupby(["gateway", "scheme", "host", "port", "backend_id", "hour"], observed=True)[
        "count"
    ].sum()
    traffic = lost.reset_index().rename(columns={"count": "requests"}).assign(last_success=None)
    return replace(one, traffic=typed(traffic, TRAFFIC))
