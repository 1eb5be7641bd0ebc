"""A workspace: counting in it against downloading its rows, both through the real client, from the lab's query API on loopback.

The bytes are those of the service's answers, unpacked. The seconds are duckdb-kql's and not Kusto's, and without a network between:
they say what the answers cost to make and to read, not how long a workspace takes.

`APIM_TRIAGE_BENCH_RECORDS` says of how many records the week is: a million if nothing is said. Beyond `ALL_OF` records only every 24th hour is
fetched, and what that takes is multiplied; below, all of them are, and both ways must come to the same tally.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.testing import assert_frame_equal

from analyzer.lab import week
from analyzer.lab.logs import failure, success
from analyzer.lab.query_api import QueryApi
from analyzer.lab.rows import COLUMN_TYPES, resource_row
from analyzer.lab.texts import TRUST
from analyzer.lab.workspace_demo import connect
from analyzer.model import Window
from analyzer.sources import read
from analyzer.sources.workspace.client import QueryClient
from analyzer.sources.workspace.places import Patience, Workspaces, workspace
from analyzer.sources.workspace.windows import pieces
from analyzer.tally import Tally

RECORDS = "APIM_TRIAGE_BENCH_RECORDS"
USUAL = 1_000_000
ALL_OF = 100_000
MIXES = ((0.005, 40), (0.3, 40))  # share of failures, hosts
FRAMES = ("failures", "traffic", "affected", "gateways")
ID = "0b1f6471-1bf0-4dda-aec3-111122223333"
WEEK = Window(start=week.START, end=week.END)
ALL = "ApiManagementGatewayLogs | where TimeGenerated >= {0} and TimeGenerated < {1}"


def rows(records: int, failures: float, hosts: int) -> pd.DataFrame:
    """A week's rows of the resource-specific table, that share of them failures, spread evenly over the time and over every host."""
    number = np.arange(records)
    fails = number * 0.618033988749895 % 1 < failures
    good, bad = (
        resource_row(one) for one in (success("h.example", week.START), failure("h.example", TRUST, week.START))
    )
    columns: dict[str, Any] = {}
    for name in good:
        values = [_stored(row[name], COLUMN_TYPES.get(name, "string")) for row in (good, bad)]
        columns[name] = pd.Series(np.array(values, dtype=object)[fails.astype(int)]).infer_objects()
    step = (week.END - week.START) / records
    columns["TimeGenerated"] = pd.Series(
        np.datetime64(week.START.replace(tzinfo=None), "us") + number * np.timedelta64(step)
    )
    columns["CorrelationId"] = [f"{n:08x}-5db5-47d9-8992-{n * 2654435761 % (1 << 48):012x}" for n in range(records)]
    columns["BackendUrl"] = [f"https://b{n * 7919 % hosts}.example/v1/items/{n}" for n in range(records)]
    return pd.DataFrame(columns)


def _stored(value: Any, kind: str) -> Any:
    if kind == "string":
        return "" if value is None else str(value)
    return json.dumps(value) if isinstance(value, list | dict) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one way to a tally."""

    queries: int
    megabytes: float
    seconds: float
    tally: Tally


def counted(api: QueryApi, asked: Workspaces) -> Cost:
    """What it costs to let the workspace count."""
    return _measured(api, lambda: read([], window=WEEK, workspaces=asked, now=week.END))


def downloaded(api: QueryApi, asked: Workspaces, folder: Path, every: int) -> Cost:
    """What it costs to fetch all rows, an hour at a time, and to count them here."""

    def tally() -> Tally:
        client, number = QueryClient(connect(api, None), Patience()), count()
        try:
            for part in pieces(WEEK, timedelta(hours=1))[::every]:
                ends = [f"datetime({end:%Y-%m-%dT%H:%M:%S.%f}Z)" for end in (part.start, part.end) if end]
                _write(folder / f"{next(number):03}.json", client.ask(asked.places[0], ALL.format(*ends), part).dicts())
        finally:
            client.close()
        return read([str(folder)])

    return _measured(api, tally, every)


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _measured(api: QueryApi, way: Callable[[], Tally], times: int = 1) -> Cost:
    sent, asked, began = api.sent, len(api.requests), time.perf_counter()
    tally = way()
    return Cost(
        queries=(len(api.requests) - asked) * times,
        megabytes=(api.sent - sent) * times / 1e6,
        seconds=(time.perf_counter() - began) * times,
        tally=tally,
    )


def run() -> None:
    """Print the table."""
    records = int(os.environ.get(RECORDS) or USUAL)
    every = 1 if records <= ALL_OF else 24
    for share, hosts in MIXES if every == 1 else MIXES[:1]:
        print(f"workspace: {records:,} records of a week, {share:.1%} failures, {hosts:,} hosts")
        with (
            tempfile.TemporaryDirectory() as name,
            QueryApi({ID: {"ApiManagementGatewayLogs": rows(records, share, hosts)}}, now=lambda: week.END) as api,
        ):
            asked = Workspaces(places=(workspace(ID),), connect=lambda api=api: connect(api, None))
            few, all_ = counted(api, asked), downloaded(api, asked, Path(name), every)
        for title, cost in (("counted there", few), ("all rows fetched", all_)):
            print(f"  {title:<18} {cost.queries:4} queries {cost.megabytes:10.2f} MB {cost.seconds:8.1f} s", flush=True)
        print(
            f"  {'ratio':<18} {'':12} {all_.megabytes / few.megabytes:10.0f} x  {all_.seconds / few.seconds:7.1f} x",
            flush=True,
        )
        for frame in FRAMES if every == 1 else ():
            assert_frame_equal(getattr(few.tally, frame), getattr(all_.tally, frame))
