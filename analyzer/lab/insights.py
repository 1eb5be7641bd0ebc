"""What Application Insights keeps of a gateway's requests: events in, rows of its three tables out, in both spellings."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from analyzer.lab.events import Event
from analyzer.lab.rows import Row, compact, without_none

WORKSPACE: Mapping[str, str] = {
    "timestamp": "TimeGenerated",
    "itemType": "Type",
    "itemCount": "ItemCount",
    "operation_Id": "OperationId",
    "operation_Name": "OperationName",
    "customDimensions": "Properties",
    "problemId": "ProblemId",
    "type": "ExceptionType",
    "method": "Method",
    "outerMessage": "OuterMessage",
    "name": "Name",
    "target": "Target",
    "data": "Data",
    "url": "Url",
    "resultCode": "ResultCode",
    "success": "Success",
    "duration": "DurationMs",
}
"""Columns of the classic tables, and what the workspace's call them (of a dependency `type` is DependencyType)."""
TABLES = {"exception": "AppExceptions", "dependency": "AppDependencies", "request": "AppRequests"}


def exception(event: Event, *, count: int = 1) -> Row | None:
    """The row of `exceptions` that the gateway writes of its last error; None where there was none."""
    error = event.last_error
    if error is None:
        return None
    return {
        **_shared(event, "exception", count),
        "problemId": f"{error.reason} at {error.source}",
        "type": error.reason,
        "method": error.source,
        "outerMessage": error.message,
    }


def dependency(event: Event, *, count: int = 1) -> Row | None:
    """The row of `dependencies` of the attempt at the event's backend; None where the record names none."""
    if event.backend_url is None:
        return None
    url = urlsplit(event.backend_url)
    broken = any(error.source == "transfer-response" for error in event.errors)
    return {
        **_shared(event, "dependency", count),
        "name": f"{event.method} {url.path}",
        "type": "HTTP",
        "target": url.netloc.rpartition("@")[2],
        "data": event.backend_url,
        "resultCode": "" if event.backend_code is None else str(event.backend_code),
        "success": str(event.backend_code is not None and event.backend_code < 400 and not broken),
        "duration": float(event.backend_ms or 0),
    }


def request(event: Event, *, count: int = 1) -> Row:
    """The row of `requests`."""
    return {
        **_shared(event, "request", count),
        "name": f"{event.method} {urlsplit(event.url).path}",
        "url": event.url,
        "resultCode": str(event.response_code) if event.response_code else "0 [not sent in full]",
        "success": str(200 <= event.response_code < 400),
        "duration": float(event.total_ms),
    }


def exceptions(events: Iterable[Event]) -> list[Row]:
    """All rows of `exceptions`."""
    return [row for event in events if (row := exception(event))]


def dependencies(events: Iterable[Event]) -> list[Row]:
    """All rows of `dependencies`."""
    return [row for event in events if (row := dependency(event))]


def requests(events: Iterable[Event]) -> list[Row]:
    """All rows of `requests`."""
    return [request(event) for event in events]


def workspace(row: Row) -> Row:
    """A classic row as the workspace's table spells it."""
    kind = row["itemType"]
    spelled = {**WORKSPACE, "type": "DependencyType"} if kind == "dependency" else WORKSPACE
    return {spelled[key]: value for key, value in {**row, "itemType": TABLES[kind]}.items()}


def union_csv(rows: Iterable[Row]) -> str:
    """Rows as the portal exports them, of one table or of a union: times in UTC, what a table lacks empty."""
    told = [{**row} for row in rows]
    columns = dict.fromkeys(column for row in told for column in row)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    times = ("timestamp", "TimeGenerated")
    writer.writerow([f"{column} [UTC]" if column in times else column for column in columns])
    for row in told:
        writer.writerow([row.get(column, "") for column in columns])
    return out.getvalue()


def _shared(event: Event, kind: str, count: int) -> Row:
    """What rows of every table have. The operation's id is a trace id (W3C Trace Context), the request's is the gateway's."""
    dimensions = {
        "Service ID": event.gateway.name,
        "Service Name": f"{event.gateway.name}.azure-api.net",
        "Service Type": "API Management",
        "Region": event.gateway.region,
        "Request Id": event.correlation_id,
        "API Name": event.api,
        "API Revision": "1" if event.api else None,
        "Operation Name": event.operation,
        "Product Name": event.product,
        "Subscription Name": event.subscription,
        "HTTP Method": event.method,
    }
    return {
        "timestamp": f"{event.time:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "itemType": kind,
        "itemCount": count,
        "operation_Id": event.correlation_id.replace("-", ""),
        "operation_Name": f"{event.api};rev=1 - {event.operation}" if event.api else "",
        "customDimensions": compact(without_none(dimensions)),
    }
