"""A workspace: counting in it against downloading its rows, both through the real client, from the lab's query API on loopback.

The bytes are those of the service's answers, unpacked. The seconds are duckdb-kql's and not Kusto's, and without a network between:
they say what the answers cost to make and to read, not how long a workspace takes.

`APIM_TRIAGE_BENCH_RECORDS` says of how many records the week is: 100,000 if nothing is said, which takes under a minute; a million takes ten.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, overload

from pandas.testing import assert_frame_equal

from analyzer.lab import week
from analyzer.lab.logs import failure, success
from analyzer.lab.query_api import QueryApi
from analyzer.lab.rows import Row, resource_row
from analyzer.lab.texts import TRUST
from analyzer.lab.workspace_demo import connect
from analyzer.model import Window
from analyzer.sources import read
from analyzer.sources.workspace_client import QueryClient
from analyzer.sources.workspace_places import Patience, Workspaces, workspace
from analyzer.sources.workspace_windows import pieces
from analyzer.tally import Tally

RECORDS = "APIM_TRIAGE_BENCH_RECORDS"
USUAL = 100_000
MIXES = ((0.005, 40), (0.3, 40), (0.3, 2_000))  # share of failures, hosts
ID = "0b1f6471-1bf0-4dda-aec3-111122223333"
WEEK = Window(start=week.START, end=week.END)
ALL = "ApiManagementGatewayLogs | where TimeGenerated >= {0} and TimeGenerated < {1}"


class Rows(Sequence[Row]):
    """A week's rows of the resource-specific table, made when they are asked for."""

    def __init__(self, records: int, failures: float, hosts: int) -> None:
        self._records, self._failures, self._hosts = records, failures, hosts
        made = (success("host.example", week.START), failure("host.example", TRUST, week.START))
        self._templates = [resource_row(one) for one in made]
        self._step = (week.END - week.START) / records

    def __len__(self) -> int:
        return self._records

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        fails = at * 0.618033988749895 % 1 < self._failures  # spread evenly, and over every host
        return {
            **self._templates[fails],
            "TimeGenerated": f"{week.START + at * self._step:%Y-%m-%dT%H:%M:%S.%f}0Z",
            "CorrelationId": f"{at:08x}-5db5-47d9-8992-{at * 2654435761 % (1 << 48):012x}",
            "BackendUrl": f"https://b{at * 7919 % self._hosts}.example/v1/items/{at}",
        }


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


def downloaded(api: QueryApi, asked: Workspaces, folder: Path) -> Cost:
    """What it costs to fetch all rows, an hour at a time, and to count them here."""

    def tally() -> Tally:
        client, number = QueryClient(connect(api, None), Patience()), count()
        try:
            for part in pieces(WEEK, timedelta(hours=1)):
                ends = [f"datetime({end:%Y-%m-%dT%H:%M:%S.%f}Z)" for end in (part.start, part.end) if end]
                _write(folder / f"{next(number):03}.json", client.ask(asked.places[0], ALL.format(*ends), part).dicts())
        finally:
            client.close()
        return read([str(folder)])

    return _measured(api, tally)


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _measured(api: QueryApi, way: Any) -> Cost:
    sent, asked, began = api.sent, len(api.requests), time.perf_counter()
    tally = way()
    return Cost(
        queries=len(api.requests) - asked,
        megabytes=(api.sent - sent) / 1e6,
        seconds=time.perf_counter() - began,
        tally=tally,
    )


def run() -> None:
    """Print the table; both ways must come to the same tally."""
    records = int(os.environ.get(RECORDS) or USUAL)
    for share, hosts in MIXES if records <= USUAL else MIXES[:1]:
        print(f"workspace: {records:,} records of a week, {share:.1%} failures, {hosts:,} hosts")
        with (
            tempfile.TemporaryDirectory() as name,
            QueryApi({ID: {"ApiManagementGatewayLogs": Rows(records, share, hosts)}}, now=lambda: week.END) as api,
        ):
            asked = Workspaces(places=(workspace(ID),), connect=lambda api=api: connect(api, None))
            few, all_ = counted(api, asked), downloaded(api, asked, Path(name))
        for title, cost in (("counted there", few), ("all rows fetched", all_)):
            print(f"  {title:<18} {cost.queries:4} queries {cost.megabytes:10.2f} MB {cost.seconds:8.1f} s", flush=True)
        print(
            f"  {'ratio':<18} {'':12} {all_.megabytes / few.megabytes:10.0f} x  {all_.seconds / few.seconds:7.1f} x",
            flush=True,
        )
        for frame in ("failures", "traffic", "affected", "gateways"):
            assert_frame_equal(getattr(few.tally, frame), getattr(all_.tally, frame))
