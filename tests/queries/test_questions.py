"""Each question's query answers what the tally of the same rows answers; the queries themselves are executed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.lab import logs
from analyzer.lab.rows import Row, diagnostics_row, resource_row
from analyzer.sources import read
from analyzer.tally import Tally
from tests.queries.executed import answer
from tests.queries.test_equal import (
    ALWAYS,
    LEGACY,
    SPECIFIC,
    START,
    WORKSPACES,
    Tables,
    at_random,
    by_file,
    counted,
    of_samples,
)
from tests.sources.build import TRUST, counts


def asked(name: str, tables: Tables, **values: str | int) -> list[Row]:
    return answer(name, tables, window_start=ALWAYS.start or START, window_end=ALWAYS.end or START, **values)


def exported(folder: Path, rows: list[Row]) -> Tally:
    path = folder / "export.json"
    path.write_text(
        "".join(json.dumps({**row, "TimeGenerated": f"{row['TimeGenerated'].isoformat()}Z"}) + "\n" for row in rows),
        encoding="utf-8",
    )
    return read([str(path)])


def test_which_tables_answer() -> None:
    events = at_random()
    tables = WORKSPACES["overlapping"](events)
    found = {row["Table"]: row for row in asked("which-tables", tables)}
    assert {name: row["Records"] for name, row in found.items()} == {name: len(rows) for name, rows in tables.items()}
    for name, row in found.items():
        times = sorted(r["TimeGenerated"] for r in tables[name])
        assert [f"{row[end].isoformat()}" for end in ("Oldest", "Newest")] == [
            datetime.fromisoformat(t).replace(tzinfo=None).isoformat() for t in (times[0], times[-1])
        ]
        assert row["Services"] == len({r["_ResourceId"] for r in tables[name]})
    assert asked("which-tables", {}) == []


def test_usage_is_added_up_by_table_and_tells_what_that_is_in_records() -> None:
    hour = [
        {
            "TimeGenerated": f"2026-03-14T{h:02}:00:00Z",
            "DataType": table,
            "Quantity": megabytes,
            "Solution": "LogManagement",
        }
        for h in range(4)
        for table, megabytes in (("ApiManagementGatewayLogs", 15.0), ("AzureDiagnostics", 3.0), ("ContainerLog", 99.0))
    ]
    window = {"window_start": datetime(2026, 3, 14, tzinfo=UTC), "window_end": datetime(2026, 3, 14, 3, tzinfo=UTC)}
    found = {row["Table"]: row for row in answer("usage-estimate", {"Usage": hour}, **window)}
    assert {name: row["Megabytes"] for name, row in found.items()} == {SPECIFIC: 45.0, LEGACY: 9.0}
    assert found[SPECIFIC]["Gigabytes"] == 0.045
    assert (found[SPECIFIC]["RecordsAtLeast"], found[SPECIFIC]["RecordsAtMost"]) == (18_000, 45_000)


@pytest.mark.parametrize("name", ["overlapping", "overflown"])
def test_look_alikes_are_those_of_the_tally(tmp_path: Path, name: str) -> None:
    tables = WORKSPACES[name](at_random())
    expected = by_file(tmp_path, counted(tables))
    found: Counter[str] = Counter()
    for row in asked("lookalikes", tables):
        found[row["What"]] += row["Requests"]
        assert row["First"] <= row["Last"]
    assert found == {share.value: share.failures for share in expected.intake.lookalike_reasons}
    assert found.total() > 30


def test_traffic_is_that_of_the_tally(tmp_path: Path) -> None:
    # but for failovers, where the tally tells the failed backend from the message
    events = [e for e in of_samples() if e.backend_url and not (e.backend_code and e.is_failure)]
    tables = WORKSPACES["overlapping"](events)
    expected = by_file(tmp_path, counted(tables))
    rows = asked("traffic-totals", tables)
    traffic = expected.traffic.groupby(["host", "hour"], observed=True)["requests"].sum()
    assert _by_host_and_hour(rows, "Requests") == {(h, t.isoformat()): n for (h, t), n in traffic.items()}
    failures = (
        expected.failures[expected.failures["kind"] != "transfer"]
        .groupby(["host", "hour"], observed=True)["count"]
        .sum()
    )
    found = {key: n for key, n in _by_host_and_hour(rows, "Failures").items() if n}
    assert found == {(h, t.isoformat()): n for (h, t), n in failures.items()}
    broken = sum(
        share.failures for share in expected.intake.lookalike_reasons if share.value.endswith("transfer-response")
    )
    assert sum(row["Broken"] for row in rows) == broken > 0
    answered = expected.traffic["last_success"].max()
    assert (
        max(r["LastAnswer"] for r in rows if r["LastAnswer"]).isoformat() == answered.replace(tzinfo=None).isoformat()
    )
    assert len(found) > 50


def _by_host_and_hour(rows: list[Row], column: str) -> dict[tuple[str, str], int]:
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        host = (
            row["Origin"].rpartition("/")[2].rpartition(":" if row["Origin"].count(":") > 1 else "\x00")[0]
            or row["Origin"].rpartition("/")[2]
        )
        found[host, f"{row['Hour'].isoformat()}+00:00"] += row[column]
    return dict(found)


@pytest.mark.parametrize("name", ["overlapping", "overflown"])
def test_exported_failures_are_those_of_the_tally(tmp_path: Path, name: str) -> None:
    tables = WORKSPACES[name](at_random())
    expected = by_file(tmp_path, counted(tables))
    found = exported(tmp_path, asked("failed-records", tables))
    assert counts(found)[:2] == counts(expected)[:2]
    keys = ["gateway", "host", "port", "backend_id", "signature"]
    columns = [*keys, "hour", "elapsed_bucket", "count", "first_id"]
    assert found.failures[columns].to_dict("records") == expected.failures[columns].to_dict("records")


@pytest.mark.parametrize("host", ["orders.example", "svc.example", "192.0.2.7", "2001:db8::7", "other.example"])
def test_the_records_of_a_cluster_hold_all_of_its_failures(tmp_path: Path, host: str) -> None:
    tables = WORKSPACES["overlapping"](at_random())
    expected = by_file(tmp_path, counted(tables)).failures
    found = exported(tmp_path, asked("cluster-records", tables, backend=host)).failures
    of_host = [frame[frame["host"] == host] for frame in (found, expected)]
    assert of_host[0]["count"].sum() == of_host[1]["count"].sum() > 0


def test_the_records_of_a_cluster_may_be_those_of_one_service_or_of_a_backend_entity() -> None:
    tables = WORKSPACES["specific"](at_random())
    rows = asked("cluster-records", tables, backend="orders", service="other-apim")
    assert {row["BackendId"] for row in rows} == {"orders"}
    assert {row["_ResourceId"].rpartition("/")[2] for row in rows} == {"other-apim"}
    assert asked("cluster-records", tables, backend='" or 1==1 //') == []
    times = [row["TimeGenerated"] for row in rows]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(("siblings", "rows"), [(100, 2), (151, 151)])
def test_tenants_hosts_are_one_row_where_they_are_many(siblings: int, rows: int) -> None:
    hosts = [f"tenant-{n}.apps.example.net" for n in range(150)] + ["orders.example"]
    events = [logs.failure(host, TRUST, START + timedelta(minutes=n)) for n, host in enumerate(hosts)]
    again = [logs.overwritten(events[0])]
    tables = {SPECIFIC: [*map(resource_row, events + again)], LEGACY: [*map(diagnostics_row, events)]}
    found = asked("tenant-hosts", tables, siblings=siblings)
    assert len(found) == rows
    if rows == 2:
        (first, second) = found
        assert (first["Name"], first["Hosts"], first["Failures"]) == ("*.apps.example.net", 150, 151)
        assert (second["Name"], second["Hosts"], second["Failures"]) == ("orders.example", 1, 1)
        assert first["LastHost"] == "tenant-149.apps.example.net"
