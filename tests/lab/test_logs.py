"""The lab's log writers keep to the shapes of real records."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from analyzer.lab.logs import (
    SELF_HOSTED,
    V2,
    Event,
    Lookalike,
    api_answer,
    az_output,
    blob_line,
    blob_lines,
    blob_path,
    diagnostics_row,
    export_line,
    export_lines,
    failed_over,
    failure,
    lookalike,
    overwritten,
    portal_csv,
    records_document,
    resource_row,
    success,
)

AT = datetime(2026, 11, 16, 21, 5, 7, 441_800, tzinfo=UTC)
TRUST = "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
FAILED = failure("orders.contoso.example", TRUST, AT, backend_id="orders-backend")
ANSWERED = success("catalog.contoso.example", AT)


def test_a_blob_line_is_one_object_without_empty_keys() -> None:
    record = json.loads(blob_line(FAILED))
    assert record["time"] == "2026-11-16T21:05:07.4418000Z"
    assert record["isRequestSuccess"] is False
    assert record["location"] == "West Europe"
    assert record["resourceId"].endswith("/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/CONTOSO-APIM")
    assert "Sku" not in record
    properties = record["properties"]
    assert properties["backendUrl"] == "https://orders.contoso.example/v1/items"
    assert properties["backendId"] == "orders-backend"
    assert not {"backendResponseCode", "backendProtocol", "requestHeaders"} & set(properties)
    assert properties["lastError"] == properties["errors"][0]
    assert properties["lastError"] == {
        "elapsed": 61,
        "source": "forward-request",
        "scope": "api",
        "section": "backend",
        "reason": "BackendConnectionFailure",
        "message": TRUST,
    }
    assert blob_lines([FAILED, ANSWERED]) == f"{blob_line(FAILED)}\n{blob_line(ANSWERED)}\n"


def test_a_success_has_the_backends_answer_and_no_error() -> None:
    record = json.loads(blob_line(success("catalog.contoso.example", AT, gateway=V2, code=404)))
    assert record["Sku"] == "StandardV2"
    assert record["isRequestSuccess"] is False, "the backend answered; the request did not succeed"
    assert record["properties"]["backendResponseCode"] == 404
    assert not {"lastError", "errors"} & set(record["properties"])


def test_a_blob_lies_where_its_hour_is_kept() -> None:
    assert blob_path(FAILED).endswith("/SERVICE/CONTOSO-APIM/y=2026/m=11/d=16/h=21/m=00/PT1H.json")


def test_a_records_document_holds_blob_records() -> None:
    document = json.loads(records_document([FAILED, ANSWERED]))
    assert document == {"records": [json.loads(blob_line(FAILED)), json.loads(blob_line(ANSWERED))]}


def test_a_resource_row_has_every_column_in_the_tables_names() -> None:
    row = resource_row(FAILED)
    assert set(row) == set(resource_row(ANSWERED))
    assert row["BackendResponseCode"] is None
    assert row["LastErrorReason"] == "BackendConnectionFailure"
    assert row["Errors"][0]["message"] == TRUST
    assert row["_ResourceId"].endswith("/providers/microsoft.apimanagement/service/contoso-apim")
    assert "LastErrorPath" not in row, "the table has no such column"


def test_an_export_line_is_flat_and_keeps_errors_as_an_array() -> None:
    line = json.loads(export_line(FAILED))
    assert line["Errors"] == resource_row(FAILED)["Errors"]
    assert None not in line.values()
    assert export_lines([FAILED]) == export_line(FAILED) + "\n"


def test_a_diagnostics_row_has_suffixes_and_only_real_numbers() -> None:
    row = diagnostics_row(failure("a.contoso.example", TRUST, AT, gateway=SELF_HOSTED, transport_error_code=111))
    assert row["responseCode_d"] == 500.0
    assert row["lastError_transportErrorCode_d"] == 111.0
    assert not any(type(value) is int for value in row.values())
    assert json.loads(row["errors_s"])[0]["path"] == r"forward-request\forward-request"
    assert row["Resource"] == "CONTOSO-APIM"


@pytest.mark.parametrize("row", [resource_row, diagnostics_row])
def test_an_api_answer_has_typed_columns_and_dynamic_cells_as_strings(row: object) -> None:
    (table,) = json.loads(api_answer([FAILED, ANSWERED], row))["tables"]  # type: ignore[arg-type]
    assert table["name"] == "PrimaryResult"
    types = {column["name"]: column["type"] for column in table["columns"]}
    assert types["TimeGenerated"] == "datetime"
    for cells in table["rows"]:
        for (name, type_), cell in zip(types.items(), cells, strict=True):
            wanted = {"int": int, "long": int, "real": float, "bool": bool}.get(type_, str)
            assert cell is None or type(cell) is wanted, (name, type_, cell)


def test_az_output_turns_every_value_into_a_string() -> None:
    failed, answered = json.loads(az_output([FAILED, ANSWERED]))
    assert next(iter(failed)) == "TableName"
    assert (failed["BackendResponseCode"], failed["ResponseCode"], failed["IsRequestSuccess"]) == (
        "None",
        "500",
        "False",
    )
    assert json.loads(failed["Errors"])[0]["reason"] == "BackendConnectionFailure"
    assert answered["Errors"] == "None"


def test_portal_csv_shows_local_american_time_to_the_millisecond() -> None:
    failed, answered = csv.DictReader(io.StringIO(portal_csv([FAILED, ANSWERED])))
    assert failed["TimeGenerated [UTC]"] == "11/16/2026, 9:05:07.441 PM"
    assert failed["BackendResponseCode"] == ""
    assert json.loads(failed["Errors"])[0]["message"] == TRUST
    assert (answered["BackendResponseCode"], answered["IsRequestSuccess"], answered["Errors"]) == ("200", "true", "")


def test_the_same_request_is_the_same_record_and_another_is_not() -> None:
    again = failure("orders.contoso.example", TRUST, AT, backend_id="orders-backend")
    assert again == FAILED
    ids = {
        event.correlation_id
        for event in (
            FAILED,
            ANSWERED,
            failure("orders.contoso.example", TRUST, AT, gateway=SELF_HOSTED),
            failure("orders.contoso.example", TRUST, AT.replace(microsecond=0)),
            *(lookalike(kind, "orders.contoso.example", AT) for kind in Lookalike),
        )
    }
    assert len(ids) == 4 + len(Lookalike)


def test_an_overwritten_error_is_last_and_the_failure_stays() -> None:
    event = overwritten(FAILED)
    assert event.last_error is not None
    assert event.last_error.reason == "ExpressionValueEvaluationFailure"
    assert event.is_failure


def test_a_failover_names_the_backend_that_answered() -> None:
    event = failed_over(FAILED, "catalog.contoso.example")
    assert event.backend_url is not None
    assert "//catalog.contoso.example/" in event.backend_url
    assert (event.response_code, event.backend_code, event.is_failure) == (200, 200, True)


@pytest.mark.parametrize("kind", Lookalike)
def test_a_lookalike_is_no_failure(kind: Lookalike) -> None:
    event = lookalike(kind, "orders.contoso.example", AT)
    assert event.is_lookalike
    assert not event.is_failure


@pytest.mark.parametrize(
    ("event", "url"),
    [
        (failure("2001:db8::1", TRUST, AT), "https://[2001:db8::1]/v1/items"),
        (failure("a.contoso.example", TRUST, AT, port=8443), "https://a.contoso.example:8443/v1/items"),
        (failure("a.contoso.example", TRUST, AT, scheme="http", port=80), "http://a.contoso.example/v1/items"),
        (failure(None, TRUST, AT), None),
    ],
)
def test_a_backend_url_is_written_as_the_gateway_writes_it(event: Event, url: str | None) -> None:
    assert event.backend_url == url
