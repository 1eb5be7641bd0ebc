"""From a log to incidents: what the settings and the hours say reaches them, and the report keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from analyzer import report as report_files
from analyzer.model import CauseName
from analyzer.pipeline import analyze
from analyzer.report import markdown
from tests.build import NOW
from tests.settings import nouns

UNANSWERED = (
    "A connection attempt failed because the connected party did not properly respond after a period of time, or established "
    "connection failed because connected host has failed to respond"
)
UNRESOLVED = "The remote name could not be resolved: '{}'"


def record(host: str, text: str, at: datetime) -> dict[str, object]:
    return {
        "time": at.isoformat(),
        "category": "GatewayLogs",
        "resourceId": nouns.ID.upper(),
        "location": "West Europe",
        "properties": {
            "backendUrl": f"https://{host}/x",
            "backendId": f"be-{host.split('.')[0]}",
            "lastError": {
                "source": "forward-request",
                "section": "backend",
                "reason": "BackendConnectionFailure",
                "message": text,
            },
        },
    }


def written(tmp_path: Path, records: Sequence[dict[str, object]]) -> Path:
    path = tmp_path / "log.json"
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def test_backends_behind_the_proxy_of_the_exported_settings_are_one_incident(tmp_path: Path) -> None:
    hosts = ("a.contoso.example", "b.contoso.example", "c.contoso.example")
    logs = written(tmp_path, [record(h, UNANSWERED, NOW - timedelta(hours=3)) for h in hosts])
    entities = [
        nouns.entity(f"be-{h[0]}", f"https://{h}", proxy="10.0.0.9:3128" if h != hosts[2] else None) for h in hosts
    ]
    config = nouns.settings(nouns.service(entities=tuple(entities)))
    made = analyze([logs], probe=None, config=config, now=NOW)
    assert {f.lead.cause for f in made.findings} == {CauseName.TIMEOUT}
    first, second = made.incidents
    assert (len(first.clusters), len(second.clusters)) == (2, 1)
    assert "look there first" in first.title


def test_names_that_stop_resolving_in_one_hour_are_one_incident_in_every_output(tmp_path: Path) -> None:
    began = NOW.replace(hour=7, minute=10)
    hosts = [f"h{n}.contoso.example" for n in range(5)]
    early = record("old.contoso.example", UNRESOLVED.format("old.contoso.example"), NOW - timedelta(days=2))
    records = [record(h, UNRESOLVED.format(h), began + timedelta(minutes=n)) for n, h in enumerate(hosts)]
    made = analyze([written(tmp_path, [early, *records])], probe=None, now=NOW)
    assert [len(i.clusters) for i in made.incidents if len(i.clusters) > 1] == [5]
    (one,) = [i for i in made.incidents if len(i.clusters) == 5]
    assert one.title.startswith("5 backends behind one gateway ")
    assert "all beginning in the hour of 2026-11-23 07:00 UTC" in one.title
    assert "look for one change in the network at that time" in one.title
    assert len([r for r in one.remedies if "spelt right" in r.text]) == 1
    report_files.write(made, tmp_path / "out")
    assert report_files.load(tmp_path / "out" / "report.json").incidents == made.incidents
    assert "5 backends behind one gateway" in markdown.render(made)
