"""report.json keeps its contract, word by word, and comes back as the report it was."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import EvidenceError
from analyzer.model import CauseName, Report, Verdict
from analyzer.report.json_file import dumps, load
from analyzer.report.plain import UNSEEN
from tests.report import make

NUMBER = (int, float)
MAYBE = (str, type(None))
REMEDY = {"owner": str, "tier": MAYBE, "text": str, "command": MAYBE, "caution": MAYBE}
CONTRACT: dict[str, Any] = {
    "schema": str,
    "window": {"asked": {"from": MAYBE, "to": MAYBE}, "found": {"from": MAYBE, "to": MAYBE}},
    "intake": {
        "records": int,
        "failures": int,
        "lookalikes": int,
        "others": int,
        "rejected": int,
        "sources": [
            {"name": str, "shape": str, "records": int, "failures": int, "rejected": int, "first_rejected": [str]},
        ],
    },
    "gateways": [{"id": str, "name": str, "region": str, "tier": str, "tier_from": str}],
    "clusters": [
        {
            "id": str,
            "gateway": str,
            "backend": {"scheme": str, "host": str, "port": (int, type(None)), "backend_ids": [str]},
            "failures": int,
            "requests": (int, type(None)),
            "state": str,
            "first_seen": str,
            "last_seen": str,
            "last_success": MAYBE,
            "apis": [str],
            "correlation_ids": [str],
            "messages": [{"text": str, "kind": str, "failures": int}],
            "cause": str,
            "scenario": MAYBE,
            "verdict": str,
            "attributions": [
                {"cause": str, "scenario": MAYBE, "verdict": str, "reasons": [{"from": str, "text": str}]},
            ],
            "what_if": [{"change": str, "connects": (bool, type(None))}],
            "remedy": [REMEDY],
            "evidence": [{"vantage": str, "at": str, "connections": int, "seconds": NUMBER}],
        }
    ],
    "incidents": [{"cause": str, "clusters": [str], "shared": str, "remedy": [REMEDY]}],
    "caveats": [str],
}


def written(report: Report) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(dumps(report))
    return loaded


def holds(value: Any, shape: Any, where: str = "$") -> int:
    """Assert the shape and return how many leaves were seen."""
    if isinstance(shape, dict):
        assert list(shape) == [key for key in value if key in shape], f"{where}: keys or their order"
        return sum(holds(value[key], inner, f"{where}.{key}") for key, inner in shape.items())
    if isinstance(shape, list):
        assert isinstance(value, list), where
        return sum(holds(one, shape[0], f"{where}[{place}]") for place, one in enumerate(value))
    assert isinstance(value, shape), f"{where}: {value!r}"
    return 1


def only_contract(value: Any, shape: Any) -> Any:
    """The document without additions."""
    if isinstance(shape, dict):
        return {key: only_contract(value[key], inner) for key, inner in shape.items()}
    return [only_contract(one, shape[0]) for one in value] if isinstance(shape, list) else value


def as_carried(report: Report) -> Report:
    """What of a report the file carries: all but the DER of certificates, evidence beside the clusters, and the rest one by one."""
    return replace(
        report,
        evidence=(),
        rest=replace(report.rest, each=()),
        findings=tuple(
            replace(
                f,
                chain=tuple(replace(c, der=b"") for c in f.chain),
                evidence=tuple(
                    replace(e, handshakes=tuple(replace(h, chain=()) for h in e.handshakes)) for e in f.evidence
                ),
            )
            for f in report.findings
        ),
    )


def saved(tmp_path: Path, content: bytes | str) -> Path:
    path = tmp_path / "report.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_every_key_of_the_contract_is_there_in_its_order_with_its_type() -> None:
    assert holds(written(make.rich()), CONTRACT) > 1000


def test_an_empty_report_keeps_the_contract_too() -> None:
    document = written(make.empty())
    holds(document, CONTRACT)
    assert document["schema"] == "apim-triage/report/1"
    assert document["clusters"] == document["incidents"] == []


def test_every_record_is_counted_once() -> None:
    intake = written(make.rich())["intake"]
    assert intake["records"] == intake["failures"] + intake["lookalikes"] + intake["others"]
    assert intake["failures"] == sum(c["failures"] for c in written(make.rich())["clusters"])


def test_failures_of_clusters_that_were_only_counted_add_up_too() -> None:
    document = written(make.crowded())
    holds(document, CONTRACT)
    judged, rest = sum(c["failures"] for c in document["clusters"]), document["rest"]
    assert len(document["clusters"]) == 1
    assert (rest["clusters"], rest["failures"]) == (2, 624)
    assert document["intake"]["failures"] == judged + rest["failures"]
    assert rest["failures"] == sum(hour["failures"] for hour in rest["timeline"])


def test_a_cluster_names_its_strongest_attribution() -> None:
    first = written(make.rich())["clusters"][0]
    assert (first["cause"], first["scenario"], first["verdict"]) == ("untrusted_root", "2a", "confirmed")
    assert {a["cause"] for a in first["attributions"]} == {c.value for c in CauseName}
    assert first["evidence"][0]["vantage"] == "build-7, outside"
    assert first["apis"] == ["orders-v2"]


def test_times_are_iso_8601_in_utc() -> None:
    times = re.findall(
        r'"(?:from|to|at|start|first_seen|last_\w+|not_\w+|made_at)": "([^"]+)"', dumps(make.rich()).decode()
    )
    times = [t for t in times if t not in ("log", "probe", "settings")]
    assert len(times) > 100
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", t) for t in times)


def test_a_name_that_does_not_resolve_took_no_connection() -> None:
    connections = {
        c["backend"]["host"]: [e["connections"] for e in c["evidence"]] for c in written(make.rich())["clusters"]
    }
    assert connections["old.contoso.example"] == [0]
    assert connections["orders.contoso.example"] == [1]
    assert connections["mainframe.contoso.example"] == [3]


@pytest.mark.parametrize("report", [make.rich(), make.empty(), make.crowded(), *map(make.hostile, make.HOSTILE)])
def test_what_was_written_comes_back(tmp_path: Path, report: Report) -> None:
    content = dumps(report)
    back = load(saved(tmp_path, content))
    assert back == as_carried(report)
    assert dumps(back) == content


@pytest.mark.parametrize("text", make.HOSTILE)
def test_the_file_holds_no_character_that_cannot_be_seen(text: str) -> None:
    content = dumps(make.hostile(text)).decode()
    assert UNSEEN.search(content) is None


def test_certificates_are_told_of_and_not_copied() -> None:
    canary = b"CANARY-DER"
    finding = make.finding(
        chain=(make.certificate(der=canary),),
        evidence=(make.evidence("orders.contoso.example", make.handshake(chain=(canary,))),),
    )
    content = dumps(make.report(finding))
    assert b"CANARY" not in content
    assert b"Q0FOQVJZLURFU" not in content  # the same in base64


def test_unknown_fields_are_ignored_and_additions_may_be_absent(tmp_path: Path) -> None:
    document = only_contract(written(make.rich()), CONTRACT)
    document["from_the_future"] = {"a": 1}
    document["clusters"][0]["from_the_future"] = document["clusters"][0]["backend"]["too"] = 7
    back = load(saved(tmp_path, json.dumps(document)))
    assert [f.lead for f in back.findings] == [f.lead for f in make.rich().findings]
    assert back.findings[0].lead.verdict is Verdict.CONFIRMED
    assert [f.cluster.family for f in back.findings] == [f.cluster.family for f in make.rich().findings]
    assert back.findings[0].cluster.timeline == ()


def broken(change: Any) -> str:
    document = written(make.rich())
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not JSON"),
        ("\x00\xff\x00PNG", "not JSON"),
        (b"\xff\xfe\x00\x01", "not JSON"),
        ('{"schema": "apim-triage/report/1", "x": NaN}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a report"),
        ("{}", "not a report"),
        ('{"schema": 1}', "not a report"),
        ('{"schema": "apim-triage/evidence/1"}', "not a report"),
        ('{"schema": "apim-triage/report/2"}', "version '2'"),
        ('{"schema": "apim-triage/report/1"}', "missing required field"),
        (broken(lambda d: d["clusters"][0].update(id="../../etc")), "$.clusters[0].id"),
        (broken(lambda d: d["clusters"][0].update(attributions=[])), "attributions"),
        (broken(lambda d: d["clusters"][0].update(failures="many")), "failures"),
        (broken(lambda d: d["clusters"][0].update(first_seen="2025-11-17T08:00:00")), "first_seen"),
        (broken(lambda d: d["clusters"][0].update(cause="bad luck")), "cause"),
    ],
)
def test_what_is_not_a_report_is_refused_in_one_line(tmp_path: Path, content: bytes | str, says: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(EvidenceError) as refused:
        load(path)
    assert says in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < len(str(path)) + 300


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"nowhere\.json: No such file"):
        load(tmp_path / "nowhere.json")
    with pytest.raises(EvidenceError, match="directory"):
        load(tmp_path)


def test_a_later_minor_version_is_read(tmp_path: Path) -> None:
    document = written(make.rich())
    document["schema"] = "apim-triage/report/1.3"
    assert len(load(saved(tmp_path, json.dumps(document))).findings) == 9
