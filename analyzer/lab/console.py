"""The self-hosted gateway's console and request traces: events in, the text of one file out.

After real records: https://github.com/nehalineogi/azure-cross-solution-network-architectures (2021) and issues 226, 230,
274 and 324 of https://github.com/Azure/api-management-self-hosted-gateway; traces after
https://learn.microsoft.com/azure/api-management/api-management-howto-api-inspector.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from analyzer.lab.events import Event
from analyzer.lab.rows import Row, blob_record, compact, without_none

BOILERPLATE = "Error occured while calling backend service."  # misspelt in the product
NOT_JSON = '{"level":"Verbose","timestamp":"2026-11-16T09:00:00.0000000Z"","eventType":"SendingHeartbeat"}'
"""An event that the gateway itself prints with a quote too many (issue 328)."""

POD = "apim-gateway-6c5d8f7b9d-x2x4k"
CONTAINER = "apim-gateway"


def text_2021(event: Event) -> str:
    """An entry of 2021, over several lines where there is an error: no quotes, and beside an error no backendUrl."""
    row = _row(event)
    if event.errors:
        row = {key: value for key, value in row.items() if not key.startswith("backend")}
        row["errors"] = [{key: value for key, value in error.items() if key != "reason"} for error in row["errors"]]
    return _month_first(event, row)


def text_with_month_first(event: Event) -> str:
    """The same, of a version that says the backend's URL also beside an error."""
    return _month_first(event, _row(event))


def _month_first(event: Event, row: Row) -> str:
    row = row | {"timeGenerated": f"{event.time:%m/%d/%Y %H:%M:%S}"}
    return f"[Info] {_half_day_clock(event.time)}, {_pairs(row, _bare)}"


def text_2024(event: Event) -> str:
    """An entry of 2023 and 2024: the event's name behind the clock, times without a zone."""
    return f"[Info] {_clock(event.time)} [GatewayLogs], {_pairs(_row(event) | {'timeGenerated': _clock(event.time)}, _bare)}"


def text_2_7(event: Event) -> str:
    """An entry since 2.7: texts quoted, lower-case booleans, errors on the same line."""
    row = {"correlationId": event.correlation_id} | _row(event)

    def spelled(key: str, value: Any) -> str:
        return _clock(event.time) if key == "timeGenerated" else compact(value)

    return f"[Info] {_clock(event.time)} [GatewayLogs], {_pairs(row, spelled)}"


def console_text(events: Iterable[Event], entry: Callable[[Event], str] = text_2_7) -> str:
    """The console in text, an entry a request."""
    return "".join(f"{entry(event)}\n" for event in events)


def console_json_line(event: Event) -> str:
    """One line of the console in JSON: flat, the blob's keys, `timeGenerated` and `region`."""
    return compact(_row(event))


def console_json(events: Iterable[Event]) -> str:
    """The console in JSON, one object a line."""
    return "".join(f"{console_json_line(event)}\n" for event in events)


def kubectl(text: str, start: datetime, *, prefix: bool = True, timestamps: bool = True) -> str:
    """Lines as `kubectl logs --prefix --timestamps` shows them, a millisecond apart from `start` on."""
    lines = []
    for number, line in enumerate(text.splitlines()):
        clock = f"{start + timedelta(milliseconds=number):%Y-%m-%dT%H:%M:%S.%f}000Z "
        pod = f"[pod/{POD}/{CONTAINER}] "
        lines.append(f"{pod if prefix else ''}{clock if timestamps else ''}{line}\n")
    return "".join(lines)


def trace(event: Event) -> Row:
    """The trace of a request, as `listTrace` gives it; each error's message is split where it says `--->`."""
    inbound = _step("api-inspector", event, 1, {"request": {"method": event.method, "url": event.url, "headers": []}})
    backend = []
    if event.backend_url:
        sent = {
            "message": "Request is being forwarded to the backend service. Timeout set to 300 seconds",
            "request": {"method": event.method, "url": event.backend_url, "headers": []},
        }
        backend.append(_step("forward-request", event, 2, sent))
    if event.backend_code is not None:
        answer = {"response": {"status": {"code": event.backend_code, "reason": "OK"}, "headers": []}}
        backend.append(_step("forward-request", event, event.total_ms, answer))
    sections: Row = {"inbound": [inbound], "backend": backend, "outbound": [], "on-error": []}
    for error in event.errors:
        data = {"messages": [BOILERPLATE, *error.message.split(" ---> ")]}
        sections[error.section].append(_step(error.source, event, error.elapsed, data))
    return {"serviceName": event.gateway.name, "traceId": event.correlation_id, "traceEntries": sections}


def trace_document(event: Event) -> str:
    """The trace of a request as a file of its own."""
    return json.dumps(trace(event), indent=2) + "\n"


def portal_trace(event: Event) -> str:
    """The trace of a request as the portal's tab shows it."""
    lines = []
    for section, steps in trace(event)["traceEntries"].items():
        lines.append(section.capitalize())
        for step in steps:
            hours, minutes, seconds = step["elapsed"].split(":")
            ms = ((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1000
            lines += [f"{step['source']} ({ms:.3f} ms)", json.dumps(step["data"], indent=4)]
    return "\n".join(lines) + "\n"


def _step(source: str, event: Event, ms: int, data: Row) -> Row:
    at = event.time + timedelta(milliseconds=ms)
    seconds, rest = divmod(ms, 1000)
    elapsed = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}0000"  # .NET's TimeSpan
    return {"source": source, "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z", "elapsed": elapsed, "data": data}


def _row(event: Event) -> Row:
    """The keys of an entry in their order; those without a value are left out."""
    record = blob_record(event)
    properties = record["properties"]
    row = {
        "isRequestSuccess": record["isRequestSuccess"],
        "totalTime": event.total_ms,
        "category": "GatewayLogs",
        "callerIpAddress": event.caller,
        "timeGenerated": record["time"],
        "region": event.gateway.region,
        "correlationId": event.correlation_id,
        **{key: value for key, value in properties.items() if key not in ("lastError", "errors", "requestHeaders")},
        "lastError": properties.get("lastError"),
        "errors": properties.get("errors"),
    }
    return without_none(row)


def _pairs(row: Row, spelled: Callable[[str, Any], str]) -> str:
    return ", ".join(f"{key}: {spelled(key, value)}" for key, value in row.items())


def _bare(_: str, value: Any) -> str:
    return json.dumps(value, indent=2) if isinstance(value, list | dict) else str(value)


def _clock(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}"


def _half_day_clock(time: datetime) -> str:
    """The clock of 2021: 12 hours, and no word on which half of the day."""
    return f"{time:%Y-%m-%dT%I:%M:%S}.{time.microsecond // 1000:03d}"
