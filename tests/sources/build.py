"""Log records for tests: a storage account's line, right and answered unless something else is asked for by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from analyzer.model import Window
from analyzer.sources import read
from analyzer.tally import Tally

SERVICE = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/CONTOSO-APIM"
GATEWAY = f"{SERVICE.lower()}@west europe"
TRUST = "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
TIME = "2026-03-04T09:15:27.4418203Z"
FAILED = "BackendConnectionFailure"
HOUR = timedelta(hours=1)

Json = dict[str, Any]


def answered(*, properties: Mapping[str, object] | None = None, **top: object) -> Json:
    """A request that the backend answered; a value of None takes its key away."""
    record: Json = {
        "Level": 4,
        "isRequestSuccess": True,
        "time": TIME,
        "operationName": "Microsoft.ApiManagement/GatewayLogs",
        "category": "GatewayLogs",
        "correlationId": "5b0f0000-0000-4000-8000-000000000001",
        "location": "West Europe",
        "properties": {
            "method": "GET",
            "url": "https://contoso-apim.azure-api.net/orders/17",
            "backendResponseCode": 200,
            "responseCode": 200,
            "backendTime": 58,
            "apiId": "orders-api",
            "operationId": "get-order",
            "backendUrl": "https://orders.example/v1/orders/17",
        },
        "resourceId": SERVICE,
    }
    record["properties"].update(properties or {})
    record.update(top)
    record["properties"] = {k: v for k, v in record["properties"].items() if v is not None}
    return {k: v for k, v in record.items() if v is not None}


def error(message: str = TRUST, **changes: object) -> Json:
    """An element of `errors`, or the value of `lastError`: a backend that was not reached."""
    made = {
        "elapsed": 61,
        "source": "forward-request",
        "scope": "api",
        "section": "backend",
        "reason": FAILED,
        "message": message,
        **changes,
    }
    return {k: v for k, v in made.items() if v is not None}


def failed(
    last: Json | None = None, errors: object = None, *, properties: Mapping[str, object] | None = None, **top: object
) -> Json:
    """A request that failed with `last`; `errors` is [last] unless given."""
    last = error() if last is None else last
    changes = {
        "backendResponseCode": None,
        "responseCode": 500,
        "lastError": last,
        "errors": [last] if errors is None else errors,
        **(properties or {}),
    }
    return answered(properties=changes, isRequestSuccess=False, **top)


def write(folder: Path, *records: Json | str | bytes, name: str = "PT1H.json") -> Path:
    """One line per record; texts and bytes as they are."""
    path = folder / name
    path.write_bytes(b"".join(_line(r) + b"\n" for r in records))
    return path


def tally(folder: Path, *records: Json | str | bytes, window: Window | None = None) -> Tally:
    """What reading a file of those records gives."""
    return read([str(write(folder, *records))], window=window or Window())


def counts(of: Tally) -> tuple[int, int, int, int]:
    """Failures, look-alikes, others, rejected."""
    return of.intake.failures, of.intake.lookalikes, of.intake.others, of.intake.rejected


def backends(of: Tally) -> set[tuple[str, str, int | None, str]]:
    """Scheme, host, port and backend entity of every failure."""
    return _places(of.failures)


def requests(of: Tally) -> dict[tuple[str, str, int | None, str], int]:
    """Requests per backend."""
    places = _places(of.traffic)
    return {p: sum(int(r.requests) for r in of.traffic.itertuples() if _place(r) == p) for p in places}


def _places(frame: Any) -> set[tuple[str, str, int | None, str]]:
    return {_place(row) for row in frame.itertuples()}


def _place(row: Any) -> tuple[str, str, int | None, str]:
    return row.scheme, row.host, None if str(row.port) == "<NA>" else int(row.port), row.backend_id


def _line(record: Json | str | bytes) -> bytes:
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else json.dumps(record)).encode()
