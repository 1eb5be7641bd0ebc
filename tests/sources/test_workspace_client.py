"""The real client meets the query API in every mood: what comes of it is an answer, or one kind of trouble."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from analyzer.lab.query_api import QueryApi
from analyzer.lab.query_moods import Mood
from analyzer.lab.workspace_demo import connect, https
from analyzer.model import Window
from analyzer.sources.workspace.answer import NotAnAnswer, decoded
from analyzer.sources.workspace.client import QueryClient, timespan
from analyzer.sources.workspace.errors import Kind, QueryFailed
from analyzer.sources.workspace.places import Patience, resource, workspace
from tests.sources.workspaces import DAY, ID, PLACE, day, desk, specific

ROWS = "ApiManagementGatewayLogs | project TimeGenerated, CorrelationId, BackendResponseCode, Errors"


@pytest.fixture
def api() -> Iterator[QueryApi]:
    with desk() as opened:
        yield opened.api


def client(api: QueryApi, patience: Patience = Patience(client=1.0)) -> QueryClient:  # noqa: B008  frozen
    return QueryClient(connect(api, None), patience)


def test_rows_come_back_with_their_types(api: QueryApi) -> None:
    answer = client(api).ask(PLACE, ROWS, DAY)
    frame = answer.frame()
    assert len(answer.rows) == len(frame) == 48
    assert answer.size > 48 * 50
    assert [str(t) for t in frame.dtypes] == ["datetime64[us, UTC]", "string", "Int32", "object"]
    assert isinstance(frame["Errors"].dropna().iloc[0], list)


TROUBLE = [
    (Mood.THROTTLE, Kind.THROTTLED, "429 ThrottledError"),
    (Mood.THROTTLE_MUTELY, Kind.THROTTLED, "429 ThrottledError"),
    (Mood.TIME_OUT, Kind.TIMED_OUT, "504 GatewayTimeout"),
    (Mood.SILENT, Kind.TIMED_OUT, "no answer in 1 s"),
    (Mood.BAD_GATEWAY, Kind.SERVICE, "502 BadGateway"),
    (Mood.UNAVAILABLE, Kind.SERVICE, "503 ServiceUnavailable"),
    (Mood.CUT, Kind.BROKEN, ""),
    (Mood.HTML, Kind.NOT_THE_API, "200, text/html"),
    (Mood.PROXY_DENIES, Kind.NOT_THE_API, "403, text/html"),
    (Mood.NONSENSE, Kind.NOT_THE_API, ""),
    (Mood.REFUSE_TOKEN, Kind.TOKEN_REFUSED, "401 InvalidTokenError"),
    (Mood.FORBID, Kind.FORBIDDEN, "403 InsufficientAccessError"),
    (Mood.PRIVATE, Kind.PRIVATE, "403 InsufficientAccessError"),
]
ANSWERS = [Mood.TRUNCATE, Mood.WARN, Mood.EMPTY, Mood.FINE]


@pytest.mark.parametrize(("mood", "kind", "detail"), TROUBLE)
def test_each_mood_is_one_kind_of_trouble(api: QueryApi, mood: Mood, kind: Kind, detail: str) -> None:
    api.temper.moods.append(mood)
    with pytest.raises(QueryFailed) as failed:
        client(api).ask(PLACE, ROWS, DAY)
    assert (failed.value.kind, failed.value.detail) == (kind, detail)
    assert len(api.requests) == 1  # nothing repeats it behind our back


def test_the_moods_that_are_answers_are_read(api: QueryApi) -> None:
    api.temper.moods.extend(ANSWERS)
    half, warned, empty, fine = (client(api).ask(PLACE, ROWS, DAY) for _ in range(4))
    assert (half.is_truncated, len(half.rows)) == (True, 24)
    assert (warned.is_truncated, warned.incomplete, len(warned.rows)) == (False, "", 48)
    assert warned.warnings
    assert (list(empty.columns), list(empty.rows)) == ([], [])
    assert not fine.warnings


def test_no_mood_is_left_out() -> None:
    assert {mood for mood, _, _ in TROUBLE} | set(ANSWERS) == set(Mood)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("Nothing | count", Kind.NO_TABLE),
        ("ApiManagementGatewayLogs | where Nope == 1", Kind.NO_TABLE),
        ("ApiManagementGatewayLogs | whree 1", Kind.REFUSED),
    ],
)
def test_a_query_that_is_refused_says_why(api: QueryApi, query: str, kind: Kind) -> None:
    with pytest.raises(QueryFailed) as failed:
        client(api).ask(PLACE, query, DAY)
    assert failed.value.kind is kind


def test_another_workspace_is_not_found(api: QueryApi) -> None:
    with pytest.raises(QueryFailed) as failed:
        client(api).ask(workspace(ID.replace("0b", "ff")), ROWS, DAY)
    assert failed.value.kind is Kind.NOT_FOUND


def test_nobody_there_is_unreachable(api: QueryApi, unused_port: object) -> None:
    asker = client(api)
    port = unused_port()  # type: ignore[operator]
    asker._client._config.endpoint = f"http://127.0.0.1:{port}"
    with pytest.raises(QueryFailed) as failed:
        asker.ask(PLACE, ROWS, DAY)
    assert failed.value.kind is Kind.UNREACHABLE


def test_a_root_that_is_not_trusted_is_told_apart() -> None:
    now = datetime.now(UTC)
    with https(now) as (tls, ca), https(now) as (_, other), QueryApi({ID: specific(day())}, tls=tls) as api:
        assert len(QueryClient(connect(api, ca), Patience()).ask(PLACE, ROWS, DAY).rows) == 48
        with pytest.raises(QueryFailed) as failed:
            QueryClient(connect(api, other), Patience()).ask(PLACE, ROWS, DAY)
    assert failed.value.kind is Kind.UNTRUSTED


def test_the_service_gets_its_time_and_a_little_more(api: QueryApi) -> None:
    patience = Patience()
    assert patience.client > patience.server
    client(api, patience).ask(PLACE, ROWS, DAY)
    assert api.requests[0].prefer == "wait=600"


def test_a_resource_is_asked_for_with_its_permissions(api: QueryApi) -> None:
    found = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg/providers/Microsoft.ApiManagement/service/contoso-apim"
    assert len(client(api).ask(resource(found), ROWS, DAY).rows) == 48
    assert client(api).ask(resource(found + "-2"), ROWS, DAY).rows == []
    assert api.requests[0].path == f"{found[1:]}/query"
    assert api.requests[0].prefer == "wait=600,include-permissions=true"


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("1.5", 1.5), ("soon", None), ("-3", None)])
def test_what_a_retry_after_says_is_kept(api: QueryApi, said: str, seconds: float | None) -> None:
    api.temper.moods.append(Mood.THROTTLE)
    api.temper.retry_after = said
    with pytest.raises(QueryFailed) as failed:
        client(api).ask(PLACE, ROWS, DAY)
    assert failed.value.retry_after == seconds


@pytest.mark.parametrize("minutes", [30, -30])
def test_a_clock_that_is_wrong_is_noticed(api: QueryApi, minutes: int) -> None:
    api.temper.clock_ahead = timedelta(minutes=minutes)
    api.temper.moods.append(Mood.REFUSE_TOKEN)
    with pytest.raises(QueryFailed) as failed:
        client(api).ask(PLACE, ROWS, DAY)
    assert failed.value.skew is not None
    assert abs(failed.value.skew - timedelta(minutes=minutes)) < timedelta(minutes=2)


def test_what_a_token_is_never_stands_in_an_error(api: QueryApi) -> None:
    api.temper.token = "another"
    with pytest.raises(QueryFailed) as failed:
        client(api).ask(PLACE, ROWS, DAY)
    assert failed.value.kind is Kind.TOKEN_REFUSED
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("start", "end", "query", "search"),
    [
        ("10:00", "11:00", "10:00:00.000000Z/11:00:00.000000Z", "10:00:00.0000000Z/10:59:59.9999999Z"),
        ("10:20", "10:40", "10:00:00.000000Z/11:00:00.000000Z", "10:20:00.0000000Z/10:39:59.9999999Z"),
    ],
)
def test_a_timespan_has_whole_hours_and_a_search_none_of_its_end(start: str, end: str, query: str, search: str) -> None:
    window = Window(start=_at(start), end=_at(end))
    assert timespan(window).replace("2026-11-16T", "") == query
    assert timespan(window, search=True).replace("2026-11-16T", "") == search
    assert timespan(Window()) == ""


def _at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-16T{time}:00+00:00")


def body(*, severity: int | None = 2, code: str = "-2133196797", message: str = "too big", rows: int = 1) -> bytes:
    inner: dict[str, object] = {"code": code, "message": message}
    if severity is not None:
        inner["severity"] = severity
    error = {"code": "PartialError", "details": [{"code": "EngineError", "innererror": inner}]}
    table = {"name": "PrimaryResult", "columns": [{"name": "n", "type": "long"}], "rows": [[1]] * rows}
    return json.dumps({"tables": [table], "error": error}).encode()


@pytest.mark.parametrize(
    ("said", "truncated", "incomplete"),
    [
        (body(), True, ""),
        (body(code="1", message="(E_QUERY_RESULT_SET_TOO_LARGE; see …)"), True, ""),
        (body(severity=3), False, ""),  # the code alone does not say that rows are missing
        (body(code="-2133196799"), False, "-2133196799"),  # nor does the severity say that there are too many
        (body(severity=None, code="Odd"), False, "Odd"),
        (b'{"tables": [], "error": {"code": "PartialError"}}', False, "PartialError"),
    ],
)
def test_truncation_needs_both_severity_and_code(said: bytes, truncated: bool, incomplete: str) -> None:
    answer = decoded(said)
    assert (answer.is_truncated, answer.incomplete) == (truncated, incomplete)


def test_as_many_rows_as_ever_come_are_taken_for_truncated() -> None:
    table = {"name": "PrimaryResult", "columns": [{"name": "n", "type": "long"}], "rows": []}
    body = json.dumps({"tables": [table]}).encode().replace(b"[]", b"[" + b"[1]," * 499_999 + b"[1]]")
    assert decoded(body).is_truncated


@pytest.mark.parametrize(
    "said",
    [
        b"null",
        b"[]",
        b"{}",
        b"<html>",
        b'{"tables": [{"columns": [{"name": "a"}], "rows": [[1, 2]]}]}',
        b'{"tables": [{"columns"',
        b'{"tables": 3}',
        b'{"value": []}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_answer_is_refused(said: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        decoded(said)


def test_frames_have_the_same_types_whatever_is_in_them() -> None:
    kinds = ["long", "int", "real", "bool", "datetime", "timespan", "dynamic", "string", "guid", "decimal"]
    full = [7, 3, "NaN", True, "2026-11-16T10:00:00.1234567Z", "1.02:03:04", '{"a": 1}', "x", "0b1f", "1.5"]
    columns = [{"name": k, "type": k} for k in kinds]
    frames = [
        decoded(json.dumps({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}).encode()).frame()
        for rows in ([full], [[None] * 10], [], [full, [None] * 10])
    ]
    for frame in frames:
        assert [str(t) for t in frame.dtypes] == [
            *("Int64", "Int32", "Float64", "boolean", "datetime64[us, UTC]", "timedelta64[us]", "object", "string"),
            *("string", "Float64"),
        ]
    assert frames[0]["timespan"][0] == pd.Timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert frames[0]["dynamic"][0] == {"a": 1}
    assert frames[1]["guid"].isna().all()


@pytest.mark.parametrize(
    ("permissions", "denied"),
    [
        ({"resources": [{"resourceId": "x", "dataSources": ["ws"]}], "dataSources": [{"resourceId": "ws"}]}, False),
        ({"resources": [], "dataSources": [{"resourceId": "ws", "denyTables": ["ApiManagementGatewayLogs"]}]}, True),
        ({"resources": [{"resourceId": "x", "denyTables": []}]}, False),
    ],
)
def test_tables_that_are_kept_from_us_are_noticed(permissions: object, denied: bool) -> None:
    assert decoded(json.dumps({"tables": [], "permissions": permissions}).encode()).denied is denied
