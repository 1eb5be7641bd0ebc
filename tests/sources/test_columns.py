"""Every spelling of a field leads to the one canonical name, and the dialects that DuckDB reads say the same as the table."""

from __future__ import annotations

import json

import duckdb
import pytest

from analyzer.sources.columns import (
    CANONICAL,
    FIELDS,
    FORMS,
    RESOURCE_LOG,
    TABLE,
    canonical,
    is_gateway_log,
    normal,
)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("backendUrl", "backendurl"),
        ("BACKENDURL_s", "backendurl"),
        ("lastError_reason_s", "lasterrorreason"),
        ("lastError.reason", "lasterrorreason"),
        ("LastErrorReason", "lasterrorreason"),
        ("correlationId_g", "correlationid"),
        ("_ResourceId", "resourceid"),
        ("TimeGenerated [UTC]", "timegenerated"),
        ("isRequestSuccess_b", "isrequestsuccess"),
        ("x" * 10_000, ""),
    ],
)
def test_a_key_loses_what_spellings_differ_in(key: str, form: str) -> None:
    assert normal(key) == form


def test_every_spelling_of_the_table_leads_to_its_field() -> None:
    spelled = [(f.name, s) for f in FIELDS for s in (f.log, f.table, f.diagnostics, *f.also) if s]
    assert len(spelled) > 50
    for name, spelling in spelled:
        assert FORMS[normal(spelling.removeprefix("properties."))][0] == name


@pytest.mark.parametrize("dialect", [RESOURCE_LOG, TABLE, CANONICAL], ids=lambda d: d.name)
def test_each_dialect_has_every_field_and_columns_that_duckdb_takes(dialect: object) -> None:
    assert dialect.fields.keys() == RESOURCE_LOG.fields.keys()  # type: ignore[attr-defined]
    with duckdb.connect() as db:
        query = f"SELECT {', '.join(dialect.fields.values())}, {dialect.sure} FROM read_json($p, columns = {dialect.columns})"  # type: ignore[attr-defined]
        with pytest.raises(duckdb.IOException, match="No files found"):
            db.execute(query, {"p": "/nowhere.json"})


def test_nested_flattened_and_packed_errors_are_one() -> None:
    leaves = {"reason": "R", "source": "S", "section": "X", "message": "M", "elapsed": "5"}
    flat = {f"lastError_{k}_s": v for k, v in leaves.items()}
    pascal = {f"LastError{k.title()}": v for k, v in leaves.items()}
    nested = {"properties": {"lastError": leaves}}
    packed = {"properties": json.dumps({"lastError": json.dumps(leaves)})}
    overflow = {"AdditionalFields": json.dumps({f"lastError_{k}": v for k, v in leaves.items()})}
    for record in (flat, pascal, nested, packed, overflow, {"lastError": leaves}):
        assert canonical(record) == leaves


def test_what_stands_outside_a_container_is_believed_first() -> None:
    record = {"AdditionalFields": {"backendUrl": "c"}, "properties": {"backendUrl": "b"}, "BackendUrl": "a"}
    assert canonical(record) == {"backend_url": "a"}
    assert canonical({"Timestamp": "late", "TimeGenerated": "right"}) == {"time": "right"}


def test_empty_and_absent_values_leave_the_place_to_another_spelling() -> None:
    assert canonical({"BackendUrl": "", "backendUrl_s": "https://x"}) == {"backend_url": "https://x"}
    assert canonical({"BackendUrl": "None", "ApiId": "a"}, absent=frozenset({"None"})) == {"api": "a"}
    assert canonical({"BackendUrl": None, "BackendTime": 0, "Errors": [{"a": 1}]}) == {
        "backend_time": "0",
        "errors": '[{"a": 1}]',
    }


def test_only_the_gateways_own_fields_make_a_gateway_log() -> None:
    assert is_gateway_log({"backend_url": "x"})
    assert is_gateway_log({"category": "GatewayLogs"})
    assert not is_gateway_log({"category": "AuditLogs", "time": "t", "region": "r", "errors": "[]", "operation": "o"})
