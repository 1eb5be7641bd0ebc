"""Application Insights: each row counts once, the backend is the operation's, and neither files nor their order matter."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.lab import insights as lab
from analyzer.lab import logs
from analyzer.lab.rows import Row
from analyzer.model import Window
from analyzer.sources import read
from analyzer.sources.insights import FIELDS, MOST, is_insights, row
from analyzer.sources.insights_join import UNEXPLAINED
from analyzer.sources.shapes import SHAPES
from analyzer.tally import Tally
from tests.sources.build import FAILED, TRUST, answered, backends, counts, failed, requests, write

START = datetime(2026, 3, 14, 9, 15, 27, 441000, UTC)
ORDERS = ("https", "orders.example", 443, "")
FAILURE = logs.failure("orders.example", TRUST, START)


def _lines(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(one) + "\n" for one in rows)


def _array(rows: Iterable[Row]) -> str:
    return json.dumps(list(rows), indent=1)


def _filled(rows: Iterable[Row]) -> tuple[list[str], list[Row]]:
    rows = list(rows)
    columns = list(dict.fromkeys(column for one in rows for column in one))
    return columns, [{column: one.get(column) for column in columns} for one in rows]


def _answer(rows: Iterable[Row]) -> str:
    columns, filled = _filled(rows)
    cells = [list(one.values()) for one in filled]
    table = {"name": "PrimaryResult", "columns": [{"name": c, "type": "string"} for c in columns], "rows": cells}
    return json.dumps({"tables": [table]})


def _az(rows: Iterable[Row]) -> str:
    _, filled = _filled(rows)
    return json.dumps(
        [{**{k: str(v) for k, v in one.items()}, "TableName": "PrimaryResult"} for one in filled], indent=2
    )


WRITERS: Mapping[str, Callable[[Iterable[Row]], str]] = {
    "Application Insights, JSON lines": _lines,
    "Application Insights, JSON": _array,
    "Application Insights, JSON (answer)": _answer,
    "Application Insights, az output": _az,
    "Application Insights, CSV": lab.union_csv,
}
SPELLINGS: Mapping[str, Callable[[Row], Row]] = {"classic": dict, "workspace": lab.workspace}


def _read(folder: Path, *files: Sequence[Row], **how: Any) -> Tally:
    for number, rows in enumerate(files):
        (folder / f"{number}.json").write_text(_lines(rows))
    return read([str(folder)], **how)


def _exception(**changes: object) -> Row:
    return {**(lab.exception(FAILURE) or {}), **changes}


def _dependency(**changes: object) -> Row:
    return {**(lab.dependency(FAILURE) or {}), **changes}


# ── shapes and spellings ─────────────────────────────────────────────────────────────────────────────────────────────


def _week() -> list[logs.Event]:
    at = [START + timedelta(minutes=10 * n) for n in range(8)]
    return [
        *(logs.failure("orders.example", TRUST, t) for t in at[:3]),
        *(logs.success("orders.example", t) for t in at[3:5]),
        logs.lookalike(logs.Lookalike.TIMEOUT, "slow.example", at[5]),
        logs.lookalike(logs.Lookalike.BROKEN_BODY, "orders.example", at[6]),
        logs.lookalike(logs.Lookalike.OPERATION_NOT_FOUND, "orders.example", at[7]),
    ]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("shape", WRITERS)
def test_every_shape_in_both_spellings_counts_the_same(tmp_path: Path, shape: str, spelling: str) -> None:
    for name, rows in (
        ("e", lab.exceptions(_week())),
        ("d", lab.dependencies(_week())),
        ("all", lab.requests(_week())),
    ):
        (tmp_path / name).write_text(WRITERS[shape](map(SPELLINGS[spelling], rows)))
    found = read([str(tmp_path)])
    assert {s.shape for s in found.intake.sources} == {shape.partition(" (")[0]}
    assert counts(found) == (3, 3, 7 + 8, 0)
    assert {s.value for s in found.intake.lookalike_reasons} == {
        "Timeout",
        "OperationNotFound",
        "BackendConnectionFailure at transfer-response",
    }
    assert backends(found) == {ORDERS}
    # the broken body had an answer
    assert requests(found) == {ORDERS: 6, ("https", "slow.example", 443, ""): 1}
    assert {(r.name, r.region) for r in found.gateways.itertuples()} == {("contoso-apim", "West Europe")}
    assert found.found.start == START
    affected = {(r.dimension, r.value, r.count) for r in found.affected.itertuples(name="Row")}
    assert {(d, v) for d, v, _ in affected} == {
        ("api", "orders-api"),
        ("operation", "get-orders"),
        ("product", "internal"),
        ("subscription", "contoso-portal"),
    }
    assert set(found.failures["first_id"]) <= {e.correlation_id for e in _week()}
    assert found.caveats == ()


def test_every_shape_of_application_insights_has_a_writer_here() -> None:
    assert {s.name for s in SHAPES if s.insights} == {name.partition(" (")[0] for name in WRITERS}


def test_the_portals_local_dates_are_read(tmp_path: Path) -> None:
    text = lab.union_csv([_exception(timestamp="3/14/2026, 9:15:27.441 AM")])
    (tmp_path / "exceptions.csv").write_text(text)
    assert read([str(tmp_path)]).found.start == START


@pytest.mark.parametrize(
    ("columns", "is_it"),
    [
        (["timestamp [UTC]", "problemId"], True),
        (["TimeGenerated", "OuterMessage"], True),
        (["timestamp", "target", "resultCode"], True),
        (["timestamp", "operation_Id"], True),
        (["TimeGenerated", "OperationId"], False),
        (["TimeGenerated", "OperationId", "BackendUrl", "Properties"], False),
        (["TimeGenerated", "ItemCount", "LastErrorReason"], False),
        (["a", "b"], False),
    ],
)
def test_the_columns_tell_whose_table_it_is(columns: list[str], is_it: bool) -> None:
    assert is_insights(columns) is is_it
    assert is_insights(dict.fromkeys(columns, "x")) is is_it


def test_gateway_logs_beside_it_stay_what_they_are(tmp_path: Path) -> None:
    write(tmp_path, failed(), answered(), name="gateway.json")
    found = _read(tmp_path, [_exception(), _dependency()])
    assert counts(found) == (2, 0, 2, 0)


# ── what a row says ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("count", "weight"),
    [
        (None, 1), ("", 1), ("0", 1), ("-3", 1), ("7", 7), (7, 7), ("7.0", 7), ("many", 1), ("1e9", 1), ("NaN", 1),
        (str(MOST), MOST), (str(MOST + 1), MOST), ("9" * 5000, MOST), ("007", 7), ("2.5", 1), ([7], 1), (True, 1),
    ],
)  # fmt: skip
def test_a_row_stands_for_as_many_records_as_it_says(count: object, weight: int) -> None:
    value = str(count) if isinstance(count, int) and not isinstance(count, bool) else count  # readers keep numbers text
    assert row(_exception(itemCount=value))["count"] == str(weight)


@pytest.mark.parametrize(
    ("data", "target", "origin"),
    [
        ("https://orders.example:8443/v1?sig=CANARY", "other.example", "https://orders.example:8443"),
        ("GET https://orders.example/v1", "", "https://orders.example"),
        ("", "orders.example", "//orders.example"),
        ("/v1/items", "orders.example:8443 | cid-v1:7f", "//orders.example:8443"),
        ("", "https://orders.example/v1", "https://orders.example"),
        ("", "a name with spaces", ""),
        ("", "", ""),
        ("https://" + "a" * 2000, "", ""),
    ],
)
def test_the_backend_is_the_datas_else_the_targets(data: str, target: str, origin: str) -> None:
    assert row(_dependency(data=data, target=target)).get("origin", "") == origin


def test_a_target_without_url_names_the_backend(tmp_path: Path) -> None:
    found = _read(tmp_path, [_exception(), _dependency(data="", target="orders.example:8443")])
    assert backends(found) == {("", "orders.example", 8443, "")}


@pytest.mark.parametrize(
    ("success", "code", "state"),
    [
        ("True", "200", "answered"),
        ("True", "", "answered"),
        ("False", "200", "answered"),  # the body broke off
        ("False", "503", "erred"),
        ("False", "503 [not sent in full]", "erred"),
        ("False", "", "failed"),
        ("false", "0", "failed"),
        ("False", "Faulted", "failed"),
        ("", "200", "answered"),
        ("", "404", "erred"),
        ("", "0", "failed"),
        ("", "", ""),
    ],
)
def test_how_an_attempt_ended(success: str, code: str, state: str) -> None:
    assert row(_dependency(success=success, resultCode=code)).get("state", "") == state


@pytest.mark.parametrize(
    ("name", "ident", "resource"),
    [
        ("contoso-apim.azure-api.net", "x", "contoso-apim"),
        ("Contoso-APIM.azure-api.us", "", "contoso-apim"),
        ("api.contoso.example", "contoso-apim", "contoso-apim"),
        ("contoso-apim", "", "contoso-apim"),
    ],
)
def test_the_gateway_is_named_by_the_service(name: str, ident: str, resource: str) -> None:
    bag = json.dumps({"Service Type": "API Management", "Service Name": name, "Service ID": ident})
    assert row(_exception(customDimensions=bag))["resource"] == resource


def test_without_its_bag_the_operations_name_still_says_the_api() -> None:
    bare = {k: v for k, v in _exception().items() if k != "customDimensions"}
    told = row({**bare, "operation_Name": "orders-api;rev=3 - get - order"})
    assert (told["api"], told["operation"]) == ("orders-api", "get - order")
    assert told["correlation_id"] == told["operation_id"]


def test_a_row_says_nothing_but_its_fields_and_no_url() -> None:
    for one in (_exception(), _dependency(data="https://u:p@orders.example/CANARY"), lab.request(FAILURE), {"a": "b"}):
        for spelled in (one, lab.workspace(one) if "itemType" in one else one):
            told = row(spelled)
            assert set(told) <= set(FIELDS)
            assert "CANARY" not in str(told)
            assert all(told.values())


@given(
    st.dictionaries(
        st.sampled_from([*lab.WORKSPACE, *lab.WORKSPACE.values(), "time", "zz"]),
        st.none()
        | st.booleans()
        | st.text(max_size=20)
        | st.sampled_from(["{", "[]", '{"Region": {}}', "API Management"]),
        max_size=8,
    )
)
def test_no_row_is_too_odd(record: dict[str, object]) -> None:
    told = row(record)
    assert told["kind"] in ("exception", "dependency", "request", "other")
    assert told["count"] == "1" or record.keys() & {"itemCount", "ItemCount"}


# ── the join ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failure_whose_backend_nobody_names_is_unnamed(tmp_path: Path) -> None:
    assert backends(_read(tmp_path, [_exception()])) == {("", "", None, "")}


def test_the_message_names_the_backend_where_the_dependency_is_missing(tmp_path: Path) -> None:
    found = _read(tmp_path, [_exception(outerMessage="Connection refused (old.example:8443)")])
    assert backends(found) == {("", "old.example", 8443, "")}


def test_a_failed_dependency_whose_exception_was_not_kept_is_no_guess(tmp_path: Path) -> None:
    found = _read(tmp_path, [_dependency(itemCount=5)])
    assert counts(found) == (0, 5, 0, 0)
    assert [s.value for s in found.intake.lookalike_reasons] == [UNEXPLAINED]
    assert requests(found) == {ORDERS: 5}


def test_rows_that_no_operation_holds_together_are_not_joined(tmp_path: Path) -> None:
    for nothing in ("", "0" * 32):
        found = _read(tmp_path, [_exception(operation_Id=nothing), _dependency(operation_Id=nothing)])
        assert counts(found) == (1, 1, 0, 0)
        assert backends(found) == {("", "", None, "")}


def test_the_window_cuts_rows_but_not_what_they_say_of_others(tmp_path: Path) -> None:
    early = START - timedelta(seconds=30)
    rows = [_exception(), _dependency(timestamp=f"{early:%Y-%m-%dT%H:%M:%S.%f}0Z")]
    found = _read(tmp_path, rows, window=Window(start=START, end=START + timedelta(hours=1)))
    assert counts(found) == (1, 0, 0, 0)
    assert backends(found) == {ORDERS}
    assert any("outside the window" in caveat for caveat in found.caveats)


def test_sampling_is_spoken_of(tmp_path: Path) -> None:
    found = _read(tmp_path, [_exception(itemCount=20), _dependency(itemCount=20), lab.request(FAILURE, count=2)])
    assert counts(found) == (20, 0, 22, 0)
    assert int(found.affected[found.affected["dimension"] == "api"]["count"].sum()) == 20
    assert any("3 rows of Application Insights stand for 42 records" in caveat for caveat in found.caveats)


def test_its_tables_are_one_source_that_does_not_overlap_itself(tmp_path: Path) -> None:
    (tmp_path / "exceptions.csv").write_text(lab.union_csv([_exception()]))
    (tmp_path / "dependencies.json").write_text(_lines([lab.workspace(_dependency())]))
    assert read([str(tmp_path / "exceptions.csv"), str(tmp_path / "dependencies.json")]).caveats == ()


def test_the_time_an_attempt_took_is_the_failures(tmp_path: Path) -> None:
    found = _read(tmp_path, [_exception(), _dependency(duration="21030.4")])
    assert found.failures["elapsed_bucket"].tolist() == [22_000]


# ── against an oracle ────────────────────────────────────────────────────────────────────────────────────────────────

WEIGHTS = {None: 1, "0": 1, "3": 3, "x": 1, "12": 12}
PROBLEMS = (
    f"{FAILED} at forward-request",
    f"{FAILED} at request-forwarder",
    f"{FAILED} at transfer-response",
    f"{FAILED} at send-request",
    "Timeout at forward-request",
    "ClientConnectionFailure at forward-request",
    "OperationNotFound at configuration",
    "ExpressionValueEvaluationFailure at retry",
    "System.NullReferenceException at Shop.Get",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One row as it was drawn."""

    kind: str
    operation: str | None
    gateway: str | None  # None: the query left the bag out; "": an application's row
    minute: int
    weight: str | None
    problem: str
    host: str | None
    success: str | None
    code: str | None


DRAWN = st.builds(
    Drawn,
    kind=st.sampled_from(["exception", "exception", "dependency", "dependency", "dependency", "request", "trace"]),
    operation=st.sampled_from(["a1", "a1", "a1", "b2", None]),
    gateway=st.sampled_from(["one", "one", "two", None, ""]),
    minute=st.integers(0, 150),
    weight=st.sampled_from(list(WEIGHTS)),
    problem=st.sampled_from(PROBLEMS),
    host=st.sampled_from(["h1.example", "h2.example", "h3.example", None]),
    success=st.sampled_from(["True", "False", "False", None]),
    code=st.sampled_from(["200", "503", "0", "", None]),
)


def _spelled(drawn: Drawn, serial: int) -> Row:
    made: Row = {
        "timestamp": f"{START + timedelta(minutes=drawn.minute):%Y-%m-%dT%H:%M:%S.%f}0Z",
        "itemType": drawn.kind,
        "operation_Id": drawn.operation,
        "id": f"row {serial}",
        "itemCount": drawn.weight,
    }
    if drawn.gateway:
        made["customDimensions"] = json.dumps(
            {"Service Type": "API Management", "Service Name": f"{drawn.gateway}.azure-api.net", "Region": "X"}
        )
    elif drawn.gateway == "":
        made["customDimensions"] = '{"AspNetCoreEnvironment": "Production"}'
    if drawn.kind == "exception":
        made |= {"problemId": drawn.problem, "outerMessage": TRUST}
    if drawn.kind == "dependency":
        made |= {
            "data": f"https://{drawn.host}/v1" if drawn.host else "",
            "success": drawn.success,
            "resultCode": drawn.code,
            "duration": str(serial),
        }
    if drawn.kind == "request":
        made |= {"url": "https://one.azure-api.net/", "success": drawn.success, "resultCode": drawn.code}
    return {key: value for key, value in made.items() if value is not None}


def _expected(drawn: Sequence[Drawn]) -> list[tuple[str, str | None, str | None, bool]]:
    """Of each row its class, the host that a failure is blamed on, the host with traffic, and whether it answered."""

    def ours(one: Drawn) -> bool:
        telling = one.kind == "exception" and one.problem.split(" at ")[0] in (
            FAILED, "Timeout", "ClientConnectionFailure", "OperationNotFound",
        )  # fmt: skip
        return one.gateway != "" or telling

    def status(one: Drawn) -> int:
        return int(one.code or 0)

    def unanswered(one: Drawn) -> bool:
        said = one.success == "False" or (one.success is None and bool(one.code))
        return ours(one) and one.kind == "dependency" and not status(one) and said

    def erred(one: Drawn) -> bool:
        return ours(one) and one.kind == "dependency" and one.success != "True" and status(one) >= 400

    def reason(one: Drawn) -> str:
        return one.problem.partition(" at ")[0]

    def failure(one: Drawn) -> bool:
        return one.kind == "exception" and one.problem in PROBLEMS[:2]

    def meet(one: Drawn, other: Drawn) -> bool:
        same = one.gateway == other.gateway or not one.gateway or not other.gateway
        return one.operation is not None and one.operation == other.operation and same

    chosen: dict[int, int] = {}
    for place, one in enumerate(drawn):
        if failure(one) or (one.kind == "exception" and reason(one) in ("Timeout", "ClientConnectionFailure")):
            tries = [
                (unanswered(d), d.minute, n)
                for n, d in enumerate(drawn)
                if (unanswered(d) or erred(d)) and meet(one, d)
            ]
            if tries:
                chosen[place] = max(tries)[2]
    told = []
    for place, one in enumerate(drawn):
        host = drawn[chosen[place]].host if place in chosen else None
        if failure(one):
            told.append(("failure", host or "", host, False))
        elif one.kind == "exception" and reason(one) in (
            FAILED,
            "Timeout",
            "ClientConnectionFailure",
            "OperationNotFound",
        ):
            told.append(("lookalike", None, host, False))
        elif one.kind != "dependency" or not ours(one):
            told.append(("other", None, None, False))
        elif unanswered(one):
            due = any(
                meet(e, one) and e.kind == "exception" and reason(e) in (FAILED, "Timeout", "ClientConnectionFailure")
                for e in drawn
            )
            told.append(("other", None, None, False) if due else ("lookalike", None, one.host, False))
        elif erred(one):
            told.append(("other", None, None if place in chosen.values() else one.host, True))
        else:
            known = one.success == "True" or status(one)
            told.append(("other", None, one.host if known else None, bool(known)))
    return told


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DRAWN, st.integers(0, 2)), min_size=1, max_size=14), st.data())
def test_each_row_counts_once_as_the_oracle_says(drawn: list[tuple[Drawn, int]], data: st.DataObject) -> None:
    rows = [one for one, _ in drawn]
    order = data.draw(st.permutations(range(len(rows))))
    with tempfile.TemporaryDirectory() as folder:
        names: dict[str, Counter[str]] = {}
        for file in {f for _, f in drawn}:
            inside = [n for n in order if drawn[n][1] == file]
            path = Path(folder, str(file))
            # a table of traces alone is none of ours: each file has a row that tells
            spelled = [
                {"itemType": "trace", "itemCount": "1", "id": path.name},
                *(_spelled(rows[n], n) for n in inside),
            ]
            if data.draw(st.booleans()):
                kinds = {"exception": "AppExceptions", "dependency": "AppDependencies", "request": "AppRequests"}
                named = {**lab.WORKSPACE, "id": "Id"}
                spelled = [
                    {named[k]: kinds.get(v, "AppTraces") if k == "itemType" else v for k, v in one.items()}
                    for one in spelled
                ]
            path.write_text(data.draw(st.sampled_from([_lines, _array]))(spelled))
            names[path.as_posix()] = Counter(other=1)
            for n in inside:
                names[path.as_posix()][_expected(rows)[n][0]] += WEIGHTS[rows[n].weight]
        found = read([folder])
    assert {s.name: (s.failures, s.lookalikes, s.records) for s in found.intake.sources} == {
        name: (c["failure"], c["lookalike"], c.total()) for name, c in names.items()
    }
    blamed: Counter[str] = Counter()
    traffic: Counter[str] = Counter()
    succeeded: set[str] = set()
    for one, (_, blame, host, success) in zip(rows, _expected(rows), strict=True):
        if blame is not None:
            blamed[blame] += WEIGHTS[one.weight]
        if host is not None:
            traffic[host] += WEIGHTS[one.weight]
            succeeded |= {host} if success else set()
    assert found.failures.groupby("host")["count"].sum().to_dict() == blamed
    assert found.traffic.groupby("host")["requests"].sum().to_dict() == traffic
    assert set(found.traffic[found.traffic["last_success"].notna()]["host"]) == succeeded
