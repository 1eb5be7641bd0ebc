"""The tally of a workspace's Application Insights is that of its exported rows; the query itself is executed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.lab import insights as lab
from analyzer.lab import logs
from analyzer.lab.rows import Row
from analyzer.sources import read
from analyzer.tally import Tally
from tests.queries.executed import answer, as_csv
from tests.queries.test_equal import ALWAYS, assert_equal
from tests.sources.build import TRUST, counts

START = datetime(2026, 3, 14, 6, tzinfo=UTC)
NAME = "app-insights-tally"


def at_random(count: int = 150) -> list[Row]:
    """Rows of operations with some attempts each, of every end, some of them without what would explain them."""
    draw = random.Random(7)
    rows: list[Row] = []
    for number in range(count):
        at = START + timedelta(seconds=97 * number)
        gateway = draw.choice([logs.CLASSIC, logs.V2])
        host = draw.choice(["orders.example", "slow.example:8443", "user:CANARY@svc.example"])
        operation = draw.choice([f"{number:032x}", f"{number:032x}", "", "0" * 32])
        event = logs.failure(
            "orders.example", draw.choice([TRUST, f"{TRUST} key=CANARY", "Error (a.example:443)"]), at, gateway=gateway
        )
        reason = draw.choice(
            ["BackendConnectionFailure"] * 3
            + ["Timeout", "ClientConnectionFailure", "OperationNotFound", "QuotaExceeded"]
        )
        source = draw.choice(["forward-request", "request-forwarder", "send-request", "transfer-response", ""])
        problem = {"problemId": f"{reason} at {source}" if source else reason, "type": reason, "method": source}
        if draw.random() < 0.8:
            rows.append(
                {
                    **(lab.exception(event) or {}),
                    **problem,
                    "operation_Id": operation,
                    "itemCount": draw.choice([1, 1, 4]),
                }
            )
        for attempt in range(draw.choice([0, 1, 1, 2, 3])):
            code, success = draw.choice(
                [("", "False"), ("", "False"), ("200", "True"), ("502", "False"), ("200", "False")]
            )
            rows.append(
                {
                    **(lab.dependency(event) or {}),
                    "timestamp": f"{at + timedelta(seconds=attempt + 1):%Y-%m-%dT%H:%M:%S.%f}0Z",
                    "operation_Id": operation,
                    "data": f"https://{attempt}.{host}/x?sig=CANARY",
                    "resultCode": code,
                    "success": success,
                    "duration": draw.choice([0.0, 58.5, 21_030.0]),
                    "itemCount": draw.choice([1, 1, 7]),
                }
            )
        rows.append({**lab.request(event), "operation_Id": operation})
    return rows


def tables(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The workspace with these rows: those of the classic tables, as a workspace spells them."""
    found: dict[str, list[Row]] = {}
    for row in map(lab.workspace, rows):
        found.setdefault(row["Type"], []).append(
            {**row, "Success": row.get("Success") == "True" if "Success" in row else None}
        )
    return found


def by_query(folder: Path, workspace: dict[str, list[Row]]) -> Tally:
    rows = answer(NAME, workspace, window_start=ALWAYS.start or START, window_end=ALWAYS.end or START)
    assert "CANARY" not in json.dumps(rows)
    path = folder / "tally.csv"
    path.write_text(as_csv(rows), encoding="utf-8", newline="")
    return read([str(path)])


def by_file(folder: Path, rows: Iterable[Row]) -> Tally:
    path = folder / "rows.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read([str(path)])


def test_a_workspace_and_its_exported_rows_give_equal_tallies(tmp_path: Path) -> None:
    rows = at_random()
    expected = by_file(tmp_path, map(lab.workspace, rows))
    assert min(counts(expected)[:3]) > 20
    assert_equal(by_query(tmp_path, tables(rows)), expected)


@pytest.mark.parametrize("missing", ["AppExceptions", "AppDependencies", "AppRequests"])
def test_a_workspace_that_lacks_a_table_tells_what_the_others_hold(tmp_path: Path, missing: str) -> None:
    kept = [row for row in at_random() if lab.workspace(row)["Type"] != missing]
    assert_equal(by_query(tmp_path, tables(kept)), by_file(tmp_path, map(lab.workspace, kept)))


def test_what_other_applications_wrote_is_left_out(tmp_path: Path) -> None:
    rows = at_random()
    others = [
        {
            **row,
            "customDimensions": {"AspNetCoreEnvironment": "Production"},
            "problemId": "System.Exception at X",
            "type": "x",
        }
        for row in rows
    ]
    assert_equal(by_query(tmp_path, tables([*rows, *others])), by_file(tmp_path, map(lab.workspace, rows)))


def test_a_workspace_without_rows_has_none() -> None:
    assert answer(NAME, {}) == []
