"""The worst clusters are told in full, the rest counted, and together they are every failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer import pipeline
from analyzer.clusters import clusters_of
from analyzer.model import State
from analyzer.report import load, write
from tests.report.test_csv_file import rows
from tests.sources import build


def outage(hosts: int) -> list[build.Json]:
    """The first host fails once, the second twice, …, each in an hour of its own, and every tenth answers too."""
    records = []
    for host in range(hosts):
        where = {"backendUrl": f"https://h{host}.example/v1"}
        time = f"2026-03-04T{host % 24:02}:15:00Z"
        records += [build.failed(properties=where, time=time)] * (1 + host % 7)
        if host % 10 == 0:
            records.append(build.answered(properties=where, time=f"2026-03-04T{host % 24:02}:20:00Z"))
    return records


def test_the_rest_is_counted_as_the_worst_are(tmp_path: Path) -> None:
    tally = build.tally(tmp_path, *outage(60))
    every, none = clusters_of(tally)
    worst, rest = clusters_of(tally, 25)
    assert (len(every), none.clusters, none.each, none.timeline) == (60, 0, (), ())
    assert worst == every[:25]
    assert rest.clusters == len(rest.each) == 35
    bare = {"messages": (), "apis": (), "operations": (), "correlation_ids": (), "timeline": (), "elapsed": ()}
    assert rest.each == tuple(replace(c, state=State.UNKNOWN, **bare) for c in every[25:])  # type: ignore[arg-type]
    assert rest.failures == sum(c.failures for c in rest.each) == sum(h.failures for h in rest.timeline)
    assert sum(c.failures for c in worst) + rest.failures == tally.intake.failures
    assert {c.requests for c in rest.each} > {2}
    assert any(c.last_success for c in rest.each)


def test_a_tally_without_failures_has_no_cluster(tmp_path: Path) -> None:
    for number in (None, 0, 5):
        assert clusters_of(build.tally(tmp_path, build.answered()), number)[0] == ()


def test_entities_of_one_host_meet_and_families_do_not(tmp_path: Path) -> None:
    refused = build.error("No connection could be made because the target machine actively refused it 10.0.0.4:443")
    records = [build.failed(properties={"backendId": b}) for b in ("b", "a", "b")]
    (trust, network), _ = clusters_of(build.tally(tmp_path, *records, build.failed(refused)))
    assert (trust.failures, network.failures) == (3, 1)
    assert trust.backend.backend_ids == network.backend.backend_ids == ("a", "b")
    assert trust.id != network.id


def test_beyond_the_worst_thousand_clusters_are_counted_in_the_table(tmp_path: Path) -> None:
    log = build.write(tmp_path, *outage(1010))
    report = pipeline.analyze([log], probe=None)
    assert (len(report.findings), report.rest.clusters) == (1000, 10)
    (said,) = [c for c in report.caveats if "clusters.csv" in c]
    assert said.startswith("10 more clusters with 10 failures were counted, not judged")
    out = tmp_path / "out"
    write(report, out)
    head, *body = rows((out / "clusters.csv").read_text("utf-8-sig"))
    verdict, failures = head.index("verdict"), head.index("failures")
    assert [row[verdict] for row in body[1000:]] == ["not judged"] * 10
    assert "not judged" not in {row[verdict] for row in body[:1000]}
    assert sum(int(row[failures]) for row in body) == report.intake.failures
    back = load(out / "report.json")
    assert (back.rest.clusters, back.rest.failures, back.rest.each) == (10, 10, ())
    assert sum(f.cluster.failures for f in back.findings) + back.rest.failures == back.intake.failures


def test_where_few_are_judged_the_report_says_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MOST_JUDGED", 2)
    report = pipeline.analyze([build.write(tmp_path, *outage(5))], probe=None)
    assert [f.cluster.failures for f in report.findings] == [5, 4]
    assert (report.rest.clusters, report.rest.failures) == (3, 6)
