"""Gateway logs as databases and streams hand them out: events in, the content of one file out, the same bytes every time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from analyzer.lab.events import Event
from analyzer.lab.rows import COLUMN_TYPES, Row, blob_record, compact, diagnostics_row, json_text, resource_row

MESSAGES_OF = 3  # records in one message of an Event Hub
SYNC = bytes(range(16))  # of the Avro container; random in real ones

CAPTURE: Mapping[str, Any] = {
    "type": "record",
    "name": "EventData",
    "namespace": "Microsoft.ServiceBus.Messaging",
    "fields": [
        {"name": "SequenceNumber", "type": "long"},
        {"name": "Offset", "type": "string"},
        {"name": "EnqueuedTimeUtc", "type": "string"},
        {
            "name": "SystemProperties",
            "type": {"type": "map", "values": ["long", "double", "string", "bytes"]},
        },
        {
            "name": "Properties",
            "type": {"type": "map", "values": ["long", "double", "string", "bytes", "null"]},
        },
        {"name": "Body", "type": ["null", "bytes"]},
    ],
}
"""The schema of Event Hub Capture (learn.microsoft.com/azure/event-hubs/event-hubs-capture-overview)."""


def kusto_v1(events: Iterable[Event], row: Callable[[Event], Row] = resource_row) -> str:
    """An answer of Kusto's first version: the result, then a table that says how the query went."""
    columns, cells = _table(events, row)
    named = [{"ColumnName": name, "DataType": _NET[kind], "ColumnType": kind} for name, kind in columns]
    status = {
        "TableName": "Table_1",
        "Columns": [{"ColumnName": "Severity", "DataType": "Int32", "ColumnType": "int"}],
        "Rows": [[4]],
    }
    return compact({"Tables": [{"TableName": "Table_0", "Columns": named, "Rows": cells}, status]}) + "\n"


def kusto_v2(events: Iterable[Event], row: Callable[[Event], Row] = resource_row, *, progressive: bool = False) -> str:
    """An answer of Kusto's second version, one frame a line; `progressive`: the result in fragments."""
    columns, cells = _table(events, row)
    named = [{"ColumnName": name, "ColumnType": kind} for name, kind in columns]
    result = {"TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult", "Columns": named}
    frames: list[Row] = [
        {"FrameType": "DataSetHeader", "IsProgressive": progressive, "Version": "v2.0"},
        _own_table(0, "QueryProperties"),
    ]
    if progressive:
        frames.append({"FrameType": "TableHeader", **result})
        frames += [
            {
                "FrameType": "TableFragment",
                "TableFragmentType": "DataAppend",
                "TableId": 1,
                "Rows": cells[i : i + MESSAGES_OF],
            }
            for i in range(0, len(cells), MESSAGES_OF)
        ]
        frames.append({"FrameType": "TableCompletion", "TableId": 1, "RowCount": len(cells)})
    else:
        frames.append({"FrameType": "DataTable", **result, "Rows": cells})
    frames += [
        _own_table(2, "QueryCompletionInformation"),
        {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False},
    ]
    return "[" + "\n,".join(map(compact, frames)) + "]\n"


def messages(events: Sequence[Event]) -> list[Row]:
    """The messages of an Event Hub, each with a few records in its body, a text."""
    groups = [events[i : i + MESSAGES_OF] for i in range(0, len(events), MESSAGES_OF)]
    return [
        {
            "SequenceNumber": 812 + number,
            "Offset": str(40_960 + 4_096 * number),
            "EnqueuedTimeUtc": f"{last.month}/{last.day}/{last.year} {last.hour % 12 or 12}:{last:%M:%S %p}",
            "SystemProperties": {"x-opt-enqueued-time": int(last.timestamp() * 1000)},
            "Properties": {},
            "Body": compact({"records": [blob_record(event) for event in group]}),
        }
        for number, group in enumerate(groups)
        for last in [group[-1].time]
    ]


def capture(of: Iterable[Row], *, codec: str = "null", block: int = 16_000) -> bytes:
    """Messages as Event Hub Capture keeps them: an Avro container. A body is a text or bytes; `block` in bytes."""
    from fastavro import writer

    out = io.BytesIO()
    rows = [{**one, "Body": one["Body"].encode() if isinstance(one["Body"], str) else one["Body"]} for one in of]
    writer(out, dict(CAPTURE), rows, codec=codec, sync_interval=block, sync_marker=SYNC)
    return out.getvalue()


def capture_lines(events: Sequence[Event]) -> str:
    """The same messages as JSON, one a line."""
    return "".join(compact(one) + "\n" for one in messages(events))


def lines_of_2017(events: Iterable[Event]) -> str:
    """A storage blob of 2016 or 2017: `properties` is a text of JSON in PascalCase, and errors are not logged."""
    return "".join(compact(_record_of_2017(event)) + "\n" for event in events)


def overflowing_row(event: Event) -> Row:
    """A row of AzureDiagnostics in a workspace that ran out of columns: the errors are in AdditionalFields, without suffix."""
    row = diagnostics_row(event)
    full = [key for key in row if key.startswith(("lastError_", "errors_"))]
    bag = {key.rpartition("_")[0]: row[key] for key in full if row[key] is not None}
    rest = {key: value for key, value in row.items() if key not in full}
    return {**rest, "AdditionalFields": bag or None}


def _record_of_2017(event: Event) -> Row:
    record = blob_record(event)
    kept = {key: value for key, value in record["properties"].items() if key in _LOGGED_IN_2017}
    return {
        "Tenant": event.gateway.name,
        "DeploymentName": event.gateway.name,
        **{key: record[key] for key in ("time", "resourceId", "category", "operationName", "durationMs", "Level")},
        "properties": json.dumps({_LOGGED_IN_2017[key]: value for key, value in kept.items()}),
    }


_LOGGED_IN_2017 = {
    "apiId": "ApiId",
    "operationId": "OperationId",
    "productId": "ProductId",
    "apimSubscriptionId": "SubscriptionId",
    "method": "Method",
    "url": "Url",
    "requestSize": "RequestSize",
    "backendTime": "ServiceTime",
    "backendMethod": "BackendMethod",
    "backendUrl": "BackendUrl",
    "backendResponseCode": "BackendResponseCode",
    "responseCode": "ResponseCode",
    "responseSize": "ResponseSize",
    "cache": "Cache",
}

_NET = {"string": "String", "datetime": "DateTime", "bool": "SByte", "int": "Int32", "long": "Int64"} | {
    "real": "Double",
    "dynamic": "Object",
}


def _table(events: Iterable[Event], row: Callable[[Event], Row]) -> tuple[list[tuple[str, str]], list[list[Any]]]:
    """Columns with their types, and rows of cells. One event at least."""
    rows = [row(event) for event in events]
    columns = [(name, COLUMN_TYPES.get(name, "string")) for name in rows[0]]
    return columns, [[json_text(value) for value in one.values()] for one in rows]


def _own_table(number: int, kind: str) -> Row:
    """A table that says something of the query, not of the log."""
    columns = [{"ColumnName": "TableId", "ColumnType": "int"}, {"ColumnName": "Value", "ColumnType": "dynamic"}]
    about = {"FrameType": "DataTable", "TableId": number, "TableKind": kind, "TableName": f"@{kind}"}
    return {**about, "Columns": columns, "Rows": [[number, '{"Visualization":null}']]}


def without_errors(events: Iterable[Event]) -> Iterator[Event]:
    """The events as a log that has no place for errors tells them."""
    return (replace(event, errors=()) for event in events)
