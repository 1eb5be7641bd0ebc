"""The local query API is strict where the service is: who asks, what for, of which time, and what a Basic table may be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from analyzer.lab.query_api import ADDRESS, TOKEN, QueryApi
from analyzer.lab.workspace_demo import MIGRATED, events, tables
from tests.sources.workspaces import ID, desk

COUNT = "ApiManagementGatewayLogs | count"
ONE_HOUR = "2026-11-16T05:00:00.0000000Z/2026-11-16T05:59:59.9999999Z"


@pytest.fixture
def api() -> Iterator[QueryApi]:
    with desk() as opened:
        yield opened.api


def post(
    api: QueryApi, path: str, body: Mapping[str, object] | bytes, *, token: str = TOKEN
) -> tuple[int, Mapping[str, Any]]:
    place = urlsplit(api.url)
    assert place.hostname == ADDRESS
    client = HTTPConnection(ADDRESS, place.port or 0, timeout=30)
    try:
        sent = body if isinstance(body, bytes) else json.dumps(body)
        client.request("POST", f"/v1/{path}", sent, {"Authorization": f"Bearer {token}"})
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        client.close()


def number(answer: Mapping[str, Any]) -> int:
    return int(answer["tables"][0]["rows"][0][0])


def test_a_timespan_shows_its_time_only(api: QueryApi) -> None:
    path = f"workspaces/{ID}/query"
    assert number(post(api, path, {"query": COUNT})[1]) == 48
    assert number(post(api, path, {"query": COUNT, "timespan": ONE_HOUR})[1]) == 2


@pytest.mark.parametrize(
    ("path", "body", "token", "status", "code"),
    [
        (f"workspaces/{ID}/query", {"query": COUNT}, "other", 401, "InvalidTokenError"),
        ("workspaces/other/query", {"query": COUNT}, "lab", 404, "PathNotFoundError"),
        (f"workspaces/{ID}/query", {"query": COUNT, "workspaces": ["other"]}, "lab", 404, "PathNotFoundError"),
        (f"workspaces/{ID}/query", {"query": "ApiManagementGatewayLogs | whree 1"}, "lab", 400, "SyntaxError"),
        (f"workspaces/{ID}/query", {"query": "Nope | count"}, "lab", 400, "SemanticError"),
        (f"workspaces/{ID}/query", {"no": "query"}, "lab", 400, "BadArgumentError"),
        (f"workspaces/{ID}/query", b"{", "lab", 400, "BadArgumentError"),
    ],
)
def test_what_the_service_refuses_is_refused(
    api: QueryApi, path: str, body: Mapping[str, object] | bytes, token: str, status: int, code: str
) -> None:
    got, answer = post(api, path, body, token=token)
    said = answer.get("error", {})
    assert (got, said.get("innererror", said).get("code", "")) == (status, code)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("query", {"query": COUNT, "timespan": ONE_HOUR}, 400),
        ("search", {"query": COUNT}, 400),  # no time
        (f"search?timespan={ONE_HOUR}", {"query": COUNT}, 200),
        (f"search?timespan={ONE_HOUR}", {"query": f"union (datatable(a: int)[]), ({COUNT})"}, 400),
        (f"search?timespan={ONE_HOUR}", {"query": f"{COUNT} | join kind=inner (AzureDiagnostics) on Count"}, 400),
        (f"search?timespan={ONE_HOUR}", {"query": COUNT, "workspaces": [ID]}, 400),
        (f"search?timespan={ONE_HOUR}", {"query": "print 1"}, 400),
    ],
)
def test_a_basic_table_takes_little(api: QueryApi, path: str, body: Mapping[str, object], status: int) -> None:
    api.temper.basic = frozenset({"ApiManagementGatewayLogs"})
    assert post(api, f"workspaces/{ID}/{path}", body)[0] == status


def test_the_demo_s_workspace_holds_the_sample_logs_once() -> None:
    of = events()
    made = tables(of)
    assert len(of) > 600
    assert len(made["AzureDiagnostics"]) + len(made["ApiManagementGatewayLogs"]) == len(of)
    assert all(row["TimeGenerated"] < MIGRATED.isoformat() for row in made["AzureDiagnostics"])
    assert any(row.get("AdditionalFields") for row in made["AzureDiagnostics"])
