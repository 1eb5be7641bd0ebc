"""Tallies add up: in any order, in any grouping, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from analyzer.model import Intake, Share, SourceIntake, Window
from analyzer.sources import read
from analyzer.tally import AFFECTED, FAILURES, GATEWAYS, TRAFFIC, Tally, empty, merge, typed
from tests.sources.build import answered, error, failed, write

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
FRAMES = {"failures": FAILURES, "traffic": TRAFFIC, "affected": AFFECTED, "gateways": GATEWAYS}


def assert_same(one: Tally, other: Tally) -> None:
    for name in FRAMES:
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert (one.intake, one.found, one.caveats) == (other.intake, other.found, other.caveats)


_times = st.integers(0, 3).map(lambda m: START + timedelta(minutes=m))
_backend = {
    "gateway": st.sampled_from(["g", "h"]),
    "scheme": st.just("https"),
    "host": st.sampled_from(["a", ""]),
    "port": st.sampled_from([443, None]),
    "backend_id": st.just(""),
}
_failure = st.fixed_dictionaries(
    {
        **_backend,
        "signature": st.sampled_from(["s", "t"]),
        "kind": st.just("refused"),
        "hour": st.just(START),
        "elapsed_bucket": st.sampled_from([-1, 100]),
        "count": st.integers(1, 5),
        "first": _times,
        "last": _times,
        "first_id": st.sampled_from(["", "x", "y"]),
        "last_id": st.sampled_from(["", "x", "y"]),
    }
)
_traffic = st.fixed_dictionaries(
    {
        **_backend,
        "hour": st.just(START),
        "requests": st.integers(1, 5),
        "last_success": st.none() | _times,
    }
)
_affected = st.fixed_dictionaries(
    {
        **_backend,
        "signature": st.just("s"),
        "dimension": st.sampled_from(["api", "product"]),
        "value": st.sampled_from(["v", "w"]),
        "count": st.integers(1, 5),
    }
)
_gateway = st.fixed_dictionaries(
    {
        "gateway": st.just("g"),
        "name": st.just("n"),
        "region": st.just("R"),
        "field": st.just("sku"),
        "value": st.sampled_from(["", "Premium"]),
        "count": st.integers(1, 5),
    }
)
_share = st.builds(Share, value=st.sampled_from(["Timeout", "OperationNotFound"]), failures=st.integers(1, 3))
_source = st.builds(
    SourceIntake,
    name=st.sampled_from(["a", "b"]),
    shape=st.just("CSV"),
    records=st.integers(0, 9),
    failures=st.just(0),
    rejected=st.integers(0, 2),
)


def _frame(rows: list[dict[str, object]], name: str) -> pd.DataFrame:
    return typed(pd.DataFrame(rows, columns=list(FRAMES[name])), FRAMES[name])


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    made = Tally(
        failures=_frame(draw(st.lists(_failure, max_size=4)), "failures"),
        traffic=_frame(draw(st.lists(_traffic, max_size=4)), "traffic"),
        affected=_frame(draw(st.lists(_affected, max_size=3)), "affected"),
        gateways=_frame(draw(st.lists(_gateway, max_size=2)), "gateways"),
        intake=Intake(
            sources=tuple(draw(st.lists(_source, max_size=2))),
            lookalike_reasons=tuple(draw(st.lists(_share, max_size=2))),
            send_request=tuple(draw(st.lists(_share, max_size=2))),
        ),
        found=draw(st.builds(Window, start=st.none() | _times, end=st.none() | _times)),
        caveats=tuple(draw(st.lists(st.sampled_from(["c", "d"]), max_size=2))),
    )
    return merge([made])  # rows of one key are one


@settings(max_examples=40, deadline=None)
@given(tallies(), tallies(), tallies())
def test_merging_is_associative_and_commutative(a: Tally, b: Tally, c: Tally) -> None:
    whole = merge([a, b, c])
    assert_same(whole, merge([c, a, b]))
    assert_same(whole, merge([merge([a, b]), c]))
    assert_same(whole, merge([a, merge([c, b])]))
    for name, column in (("failures", "count"), ("traffic", "requests"), ("affected", "count"), ("gateways", "count")):
        assert getattr(whole, name)[column].sum() == sum(getattr(t, name)[column].sum() for t in (a, b, c))


@settings(max_examples=20, deadline=None)
@given(tallies())
def test_the_empty_tally_changes_nothing(a: Tally) -> None:
    assert_same(merge([a, empty()]), a)


@pytest.mark.parametrize("name", FRAMES)
def test_frames_have_the_schema_also_when_empty(name: str) -> None:
    for tally in (empty(), merge([]), merge([empty(), empty()])):
        assert {c: str(d) for c, d in getattr(tally, name).dtypes.items()} == FRAMES[name]


def test_first_and_last_keep_the_ids_that_belong_to_them() -> None:
    base = {**dict.fromkeys(("gateway", "scheme", "host", "backend_id", "signature", "kind"), ""), "port": None}
    rows = [
        {"first": START + timedelta(minutes=a), "last": START + timedelta(minutes=z), "first_id": i, "last_id": j}
        for a, z, i, j in ((1, 5, "one", "five"), (2, 9, "two", "nine"), (1, 9, "", ""))
    ]
    parts = [merge([_tally({**base, "hour": START, "elapsed_bucket": 100, "count": 1, **row})]) for row in rows]
    added = merge(parts).failures.iloc[0]
    assert (added["first_id"], added["last_id"], added["count"]) == ("one", "nine", 3)


def _tally(row: dict[str, object]) -> Tally:
    nothing = empty()
    return Tally(
        failures=_frame([row], "failures"),
        traffic=nothing.traffic,
        affected=nothing.affected,
        gateways=nothing.gateways,
        intake=nothing.intake,
        found=nothing.found,
    )


def test_reading_together_is_reading_apart_and_adding_up(tmp_path: Path) -> None:
    policy = error("later", reason="ExpressionValueEvaluationFailure", source="retry")
    parts = [
        [failed(), answered(time="2026-03-04T10:00:00Z"), failed(error("refused (b.example:443)"))],
        [
            failed(),
            failed(policy, [error(), policy]),
            failed(error(reason="Timeout")),
            answered(location="North Europe"),
        ],
        [answered()],
    ]
    paths = [str(write(tmp_path, *records, name=f"{i}.json")) for i, records in enumerate(parts)]
    together = read(paths)
    assert all(
        "may count the same requests twice" in caveat for caveat in together.caveats
    )  # which only together shows
    assert_same(replace(together, caveats=()), merge([read([p]) for p in reversed(paths)]))
