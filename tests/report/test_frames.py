"""Report.to_frames() gives the documented columns and dtypes, full or empty."""

from __future__ import annotations

import pandas as pd
import pytest

from analyzer.model import CauseName, Report
from analyzer.report import frames
from tests.report import make

COLUMNS = {
    "clusters": frames.CLUSTERS,
    "timeline": frames.TIMELINE,
    "attributions": frames.ATTRIBUTIONS,
    "messages": frames.MESSAGES,
    "handshakes": frames.HANDSHAKES,
    "chains": frames.CHAINS,
    "what_if": frames.WHAT_IF,
    "rest": frames.REST,
}


@pytest.mark.parametrize("report", [make.rich(), make.empty(), make.crowded(), make.hostile("x")])
def test_columns_and_dtypes_are_those_documented(report: Report) -> None:
    found = report.to_frames()
    assert list(found) == list(COLUMNS)
    for name, frame in found.items():
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == COLUMNS[name]


def test_the_frames_hold_what_the_report_holds() -> None:
    report = make.rich()
    found = report.to_frames()
    clusters = found["clusters"].set_index("cluster")
    assert len(clusters) == len(report.findings)
    assert clusters["failures"].sum() == report.intake.failures == found["timeline"]["failures"].sum()
    first = clusters.loc[report.findings[0].cluster.id]
    assert (first["cause"], first["verdict"], first["requests"]) == ("untrusted_root", "confirmed", 630)
    assert first["first_seen"] == pd.Timestamp("2025-11-17T08:02:11Z")
    assert clusters["last_success"].isna().sum() == 7
    assert len(found["attributions"]) == len(report.findings) * len(CauseName)
    assert (found["attributions"].query("rank == 0")["cause"].to_list()) == clusters["cause"].to_list()
    assert found["handshakes"].query("outcome == 'alert'")["alert"].to_list() == [
        "protocol_version",
        "certificate_required",
    ]


def test_chains_and_changes_are_those_of_the_findings() -> None:
    report = make.rich()
    found = report.to_frames()
    assert len(found["chains"]) == sum(len(f.chain) for f in report.findings) > 0
    assert len(found["what_if"]) == sum(len(f.what_if) for f in report.findings) > 0
    unknown = [w.connects is None for f in report.findings for w in f.what_if]
    assert found["what_if"]["connects"].isna().to_list() == unknown


def test_the_frames_join_by_cluster() -> None:
    found = make.rich().to_frames()
    known = set(found["clusters"]["cluster"])
    assert all(set(frame["cluster"]) <= known for name, frame in found.items() if name != "rest")


def test_clusters_that_were_only_counted_are_told_of() -> None:
    assert make.crowded().to_frames()["rest"].to_dict("records") == [{"clusters": 2, "failures": 624}]


def test_an_empty_report_has_empty_frames() -> None:
    assert all(frame.empty for frame in make.empty().to_frames().values())
