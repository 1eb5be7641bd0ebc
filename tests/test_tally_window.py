"""A saved tally is cut by whole hours, rounded outward, and what could not be cut is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.model import Intake, SourceIntake, Window
from analyzer.tally import AFFECTED, FAILURES, TRAFFIC, Tally, empty, typed
from analyzer.tally_window import cut
from tests.test_tally import START


@settings(deadline=None)
@given(st.integers(0, 4), st.integers(1, 4), st.integers(0, 59))
def test_cutting_rounds_outward_and_says_so(first: int, hours: int, minutes: int) -> None:
    whole = hourly(6)
    window = Window(start=START + timedelta(hours=first), end=START + timedelta(hours=first + hours, minutes=minutes))
    part = cut(whole, window)
    kept = range(first, min(6, first + hours + (minutes > 0)))
    assert list(part.failures["hour"]) == [START + timedelta(hours=h) for h in kept]
    assert list(part.traffic["hour"]) == [START + timedelta(hours=h) for h in kept]
    cropped = len(kept) < 6
    assert any("rounded outward" in c for c in part.caveats) is (cropped and minutes > 0)
    assert any("whole tally" in c for c in part.caveats) is cropped
    assert part.intake.failures == len(kept)


def hourly(hours: int) -> Tally:
    backend = {"gateway": "g", "scheme": "https", "host": "a", "port": 443, "backend_id": ""}
    times = [START + timedelta(hours=h) for h in range(hours)]
    failures = [
        {**backend, "signature": "s", "kind": "refused", "hour": t, "elapsed_bucket": -1, "count": 1}
        | {"first": t, "last": t, "first_id": "", "last_id": ""}
        for t in times
    ]
    traffic = [{**backend, "hour": t, "requests": 2, "last_success": t} for t in times]
    affected = [{**backend, "signature": "s", "dimension": "api", "value": "v", "count": 6}]
    return replace(
        empty(),
        failures=typed(pd.DataFrame(failures), FAILURES),
        traffic=typed(pd.DataFrame(traffic), TRAFFIC),
        affected=typed(pd.DataFrame(affected), AFFECTED),
        intake=Intake(sources=(SourceIntake(name="a", shape="s", records=2 * hours, failures=hours, rejected=0),)),
        found=Window(start=datetime(2026, 3, 4, 9, tzinfo=UTC), end=times[-1]),
    )
