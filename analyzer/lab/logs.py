"""Gateway logs in the shapes that users hold: events in, the text of one file out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from analyzer.lab.events import (
    CLASSIC,
    SELF_HOSTED,
    V2,
    Event,
    LogGateway,
    LoggedError,
    Lookalike,
    failed_over,
    failure,
    lookalike,
    overwritten,
    success,
)
from analyzer.lab.rows import (
    COLUMN_TYPES,
    Row,
    blob_record,
    compact,
    diagnostics_row,
    json_text,
    resource_row,
    without_none,
)

__all__ = [
    "CLASSIC",
    "SELF_HOSTED",
    "V2",
    "Event",
    "LogGateway",
    "LoggedError",
    "Lookalike",
    "api_answer",
    "az_output",
    "blob_line",
    "blob_lines",
    "blob_path",
    "blob_record",
    "diagnostics_row",
    "export_line",
    "export_lines",
    "failed_over",
    "failure",
    "lookalike",
    "overwritten",
    "portal_csv",
    "records_document",
    "resource_row",
    "success",
]

# What a user who hid the empty columns exports from the portal.
PORTAL_COLUMNS = (
    "TimeGenerated",
    "CorrelationId",
    "Region",
    "ApiId",
    "OperationId",
    "BackendId",
    "BackendUrl",
    "BackendResponseCode",
    "ResponseCode",
    "IsRequestSuccess",
    "LastErrorElapsed",
    "LastErrorSource",
    "LastErrorSection",
    "LastErrorReason",
    "LastErrorMessage",
    "Errors",
    "_ResourceId",
)


def blob_line(event: Event) -> str:
    """One line of a storage blob `PT1H.json`, without the line's end."""
    return compact(blob_record(event))


def blob_lines(events: Iterable[Event]) -> str:
    """A storage blob: one object a line."""
    return "".join(f"{blob_line(event)}\n" for event in events)


def blob_path(event: Event) -> str:
    """Where in the container `insights-logs-gatewaylogs` the event's hour is kept, with `/`."""
    return f"resourceId={event.gateway.resource_id.upper()}/{event.time:y=%Y/m=%m/d=%d/h=%H}/m=00/PT1H.json"


def records_document(events: Iterable[Event]) -> str:
    """`{"records": […]}`: an Event Hub message, or a blob from before November 2018."""
    return compact({"records": [blob_record(event) for event in events]}) + "\n"


def export_line(event: Event) -> str:
    """One line of a data-export blob: the table's column names, flat, empty columns left out."""
    return compact(without_none(resource_row(event)))


def export_lines(events: Iterable[Event]) -> str:
    """A data-export blob: one object a line."""
    return "".join(f"{export_line(event)}\n" for event in events)


def api_answer(events: Iterable[Event], row: Callable[[Event], Row] = resource_row) -> str:
    """An answer of the Log Analytics query API; `row` is `resource_row` or `diagnostics_row`. One event at least."""
    rows = [row(event) for event in events]
    columns = [{"name": name, "type": COLUMN_TYPES.get(name, "string")} for name in rows[0]]
    cells = [[json_text(value) for value in cells.values()] for cells in rows]
    return compact({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": cells}]}) + "\n"


def az_output(events: Iterable[Event], row: Callable[[Event], Row] = resource_row) -> str:
    """What `az monitor log-analytics query` prints: every value went through `str()`, so null is `"None"`."""
    table = [
        {"TableName": "PrimaryResult", **{name: str(json_text(value)) for name, value in row(event).items()}}
        for event in events
    ]
    return json.dumps(table, indent=2) + "\n"


def portal_csv(events: Iterable[Event]) -> str:
    """The portal's "Export to CSV (displayed columns)" from an en-US browser: times in ms, `Errors` a JSON string."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([f"{name} [UTC]" if name == "TimeGenerated" else name for name in PORTAL_COLUMNS])
    for event in events:
        row = resource_row(event) | {"TimeGenerated": _portal_time(event.time)}
        writer.writerow([_portal_cell(row[name]) for name in PORTAL_COLUMNS])
    return out.getvalue()


def _portal_cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else json_text(value)


def _portal_time(time: datetime) -> str:
    clock = f"{time.hour % 12 or 12}:{time:%M:%S}.{time.microsecond // 1000:03d}"
    return f"{time.month}/{time.day}/{time.year}, {clock} {'AM' if time.hour < 12 else 'PM'}"
