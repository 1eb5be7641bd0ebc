"""The tally: failures and traffic counted per gateway, backend, error signature and hour; tallies in, one tally out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyzer.model import Intake, Share, SourceIntake, Window

NAME, TEXT, COUNT, PORT, TIME = "category", "string", "int64", "Int64", "datetime64[us, UTC]"
# NAME is text that many rows repeat: each text is held once, and the categories are those in use, in order

_BACKEND = {"gateway": NAME, "scheme": NAME, "host": NAME, "port": PORT, "backend_id": NAME}

FAILURES: Mapping[str, str] = {
    **_BACKEND,
    "signature": NAME,
    "kind": NAME,
    "hour": TIME,
    "elapsed_bucket": COUNT,
    "count": COUNT,
    "first": TIME,
    "last": TIME,
    "first_id": TEXT,
    "last_id": TEXT,
}
TRAFFIC: Mapping[str, str] = {**_BACKEND, "hour": TIME, "requests": COUNT, "last_success": TIME}
AFFECTED: Mapping[str, str] = {**_BACKEND, "signature": NAME, "dimension": NAME, "value": NAME, "count": COUNT}
GATEWAYS: Mapping[str, str] = {
    "gateway": NAME,
    "name": NAME,
    "region": NAME,
    "field": NAME,
    "value": NAME,
    "count": COUNT,
}

_COUNTED = frozenset({"count", "first", "last", "first_id", "last_id", "requests", "last_success"})

ELAPSED_EDGES_MS: tuple[int, ...] = (
    100,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    20_000,
    22_000,  # 21 s: Windows gives up on a SYN that nothing answers, as an internal gateway's own address does (hairpin)
    30_000,
    60_000,
    99_000,
    102_000,  # 100 s: the default of .NET's HttpClient.Timeout and HttpWebRequest.Timeout
    120_000,
    180_000,
    229_000,
    242_000,  # 230 s to 240 s: idle connections cut by a load balancer
    300_000,
    86_400_000,  # and above
)
"""Upper edges, in ms, of the buckets that a failure's elapsed time is counted in; NOT_LOGGED where there was none."""
NOT_LOGGED = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What was counted; adding two tallies up loses nothing, so files, workspaces, workers and months meet here.

    Strings are never null ("": the log does not say), `port` may be. A backend without host and without backend_id is
    one that the log does not name. Hours are UTC and begin at `hour`.
    """

    failures: pd.DataFrame  # FAILURES; first_id, last_id: correlation ids of the first and the last failure, or ""
    traffic: pd.DataFrame  # TRAFFIC; requests answered or failed; last_success NaT where no request was answered
    affected: pd.DataFrame  # AFFECTED; dimension: api, operation, product, subscription; caller where it was asked for
    gateways: pd.DataFrame  # GATEWAYS; field "sku": all records by Sku ("" where none); "source": failures by source
    intake: Intake
    found: Window  # times of the first and the last record
    caveats: tuple[str, ...] = ()  # what reading had to assume, one sentence each
    asked: tuple[
        tuple[str, Window], ...
    ] = ()  # what was asked of which workspace, and answered: it need not be asked again


def empty() -> Tally:
    """The tally of nothing: what `merge` leaves any tally unchanged by."""
    return Tally(
        failures=_frame(FAILURES),
        traffic=_frame(TRAFFIC),
        affected=_frame(AFFECTED),
        gateways=_frame(GATEWAYS),
        intake=Intake(),
        found=Window(),
    )


def merge(tallies: Iterable[Tally]) -> Tally:
    """One tally with everything that is in any of them; neither their order nor how they are grouped matters."""
    parts = [empty(), *tallies]
    starts = [p.found.start for p in parts if p.found.start]
    ends = [p.found.end for p in parts if p.found.end]
    return Tally(
        failures=_failures([p.failures for p in parts]),
        traffic=_sum([p.traffic for p in parts], TRAFFIC, requests="sum", last_success="max"),
        affected=_sum([p.affected for p in parts], AFFECTED, count="sum"),
        gateways=_sum([p.gateways for p in parts], GATEWAYS, count="sum"),
        intake=Intake(
            sources=tuple(sorted((s for p in parts for s in p.intake.sources), key=_order)),
            lookalike_reasons=shares(s for p in parts for s in p.intake.lookalike_reasons),
            send_request=shares(s for p in parts for s in p.intake.send_request),
        ),
        found=Window(start=min(starts, default=None), end=max(ends, default=None)),
        caveats=tuple(sorted({caveat for p in parts for caveat in p.caveats})),
        asked=tuple(asked for p in parts for asked in p.asked),
    )


def rows(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of one of a tally's frames as named tuples; `count` is called `counted`, because tuples have a method of that name."""
    return iter(frame.rename(columns={"count": "counted"}).itertuples(index=False))


def shares(parts: Iterable[Share]) -> tuple[Share, ...]:
    """The same values added up, most frequent first."""
    total: Counter[str] = Counter()
    for part in parts:
        total[part.value] += part.failures
    return tuple(Share(value=v, failures=n) for v, n in sorted(total.items(), key=lambda item: (-item[1], item[0])))


def typed(frame: pd.DataFrame, schema: Mapping[str, str]) -> pd.DataFrame:
    """A frame with exactly the schema's columns and dtypes, null strings as "", in the order of what its rows are counted by."""
    made = pd.DataFrame({name: _column(frame[name], dtype) for name, dtype in schema.items()}, copy=False)
    return made.sort_values([name for name in schema if name not in _COUNTED], kind="stable", ignore_index=True)


def _column(values: Any, dtype: str) -> Any:
    if dtype == TIME:
        return pd.to_datetime(values, utc=True).astype(TIME)
    if dtype == NAME:
        codes, names = pd.factorize(values.astype(object).fillna(""), sort=True)
        return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names, dtype=TEXT)), index=values.index)
    return values.fillna("").astype(TEXT) if dtype == TEXT else values.astype(dtype)


def _frame(schema: Mapping[str, str]) -> pd.DataFrame:
    return typed(pd.DataFrame({name: [] for name in schema}), schema)


def _sum(frames: list[pd.DataFrame], schema: Mapping[str, str], **how: str) -> pd.DataFrame:
    return _added(frames, schema, lambda rows, key: rows.groupby(key).agg(how))


def _failures(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return _added(frames, FAILURES, _add_failures)


def _add_failures(whole: pd.DataFrame, key: pd.Series[int]) -> pd.DataFrame:
    # Of several records at the same time the greatest id stands, so that the order of adding up does not show.
    first = whole.sort_values(["first", "first_id"], ascending=[True, False], kind="stable")
    last = whole.sort_values(["last", "last_id"], ascending=[False, False], kind="stable")
    ids = {"first_id": first.groupby(key)["first_id"].first(), "last_id": last.groupby(key)["last_id"].first()}
    return whole.groupby(key).agg({"count": "sum", "first": "min", "last": "max"}).assign(**ids)


def _added(
    frames: list[pd.DataFrame],
    schema: Mapping[str, str],
    add: Callable[[pd.DataFrame, pd.Series[int]], pd.DataFrame],
) -> pd.DataFrame:
    """The rows of all frames, those of one key added up by `add`, which is given their key's number and indexes by it."""
    whole = typed(pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True), schema)
    number = _numbers(whole, schema)
    repeated = number.duplicated(keep=False)
    if not repeated.any():
        return whole
    keys = [name for name in schema if name not in _COUNTED]
    rows, number_of = whole[repeated], number[repeated]
    added = rows[keys].groupby(number_of).head(1).set_axis(number_of.unique()).join(add(rows, number_of))
    lone = whole[~repeated].set_axis(number[~repeated])
    return pd.concat([lone, added[list(schema)]]).sort_index().reset_index(drop=True).astype(dict(schema))


def _numbers(ordered: pd.DataFrame, schema: Mapping[str, str]) -> pd.Series[int]:
    """The number of each row's key; rows of one key are neighbours, as `typed` leaves them."""
    differs = np.zeros(len(ordered), dtype=bool)
    differs[:1] = True
    for name, dtype in schema.items():
        if name not in _COUNTED:
            values = (
                ordered[name].cat.codes
                if dtype == NAME
                else ordered[name].fillna(-1)
                if dtype == PORT
                else ordered[name]
            )
            plain = values.to_numpy()
            differs[1:] |= plain[1:] != plain[:-1]
    return pd.Series(differs.cumsum(), index=ordered.index)


def _order(source: SourceIntake) -> tuple[str, str, int, int, int, int, tuple[str, ...]]:
    return (
        source.name,
        source.shape,
        source.records,
        source.failures,
        source.lookalikes,
        source.rejected,
        source.first_rejected,
    )
