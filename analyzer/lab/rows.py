"""One event in each spelling of a gateway log record: the blob's object, a row of either table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from analyzer.lab.events import Event, LoggedError

Row = dict[str, Any]

# `properties` of a blob record, with the type of their column in ApiManagementGatewayLogs
# (learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewaylogs).
PROPERTIES: Mapping[str, str] = {
    "method": "string",
    "url": "string",
    "backendResponseCode": "int",
    "responseCode": "int",
    "responseSize": "int",
    "cache": "string",
    "backendTime": "long",
    "requestSize": "int",
    "apiId": "string",
    "operationId": "string",
    "productId": "string",
    "apimSubscriptionId": "string",
    "clientTime": "long",
    "clientProtocol": "string",
    "backendProtocol": "string",
    "apiRevision": "string",
    "clientTlsVersion": "string",
    "backendMethod": "string",
    "backendUrl": "string",
    "backendId": "string",
    "requestHeaders": "dynamic",
}
# Keys of `lastError`; the table has no column for the last two.
ERROR: Mapping[str, str] = {
    "elapsed": "long",
    "source": "string",
    "scope": "string",
    "section": "string",
    "reason": "string",
    "message": "string",
    "path": "string",
    "transportErrorCode": "int",
}
RESOURCE_ERROR = tuple(ERROR)[:6]


def blob_record(event: Event) -> Row:
    """The object that a diagnostic setting archives or streams; keys without a value are left out, as Azure does."""
    errors = [_error(error) for error in event.errors]
    properties = {
        "method": event.method,
        "url": event.url,
        "backendResponseCode": event.backend_code,
        "responseCode": event.response_code,
        "responseSize": event.response_size,
        "cache": "none",
        "backendTime": event.backend_ms,
        "requestSize": 0,
        "apiId": event.api,
        "operationId": event.operation,
        "productId": event.product,
        "apimSubscriptionId": event.subscription,
        "clientTime": 1,
        "clientProtocol": "HTTP/1.1",
        "backendProtocol": "HTTP/1.1" if event.backend_code is not None else None,
        "apiRevision": "1" if event.api else None,
        "clientTlsVersion": "1.2",
        "backendMethod": event.method if event.backend_url else None,
        "backendUrl": event.backend_url,
        "backendId": event.backend_id,
        "requestHeaders": dict(event.request_headers) or None,
        "lastError": errors[-1] if errors else None,
        "errors": errors or None,
    }
    return without_none(
        {
            "DeploymentVersion": "0.40.17500.0",
            "Level": 4,
            "isRequestSuccess": 200 <= event.response_code < 400,
            "time": f"{event.time:%Y-%m-%dT%H:%M:%S.%f}0Z",  # seven fractional digits
            "operationName": "Microsoft.ApiManagement/GatewayLogs",
            "category": "GatewayLogs",
            "durationMs": event.total_ms,
            "callerIpAddress": event.caller,
            "correlationId": event.correlation_id,
            "location": event.gateway.region,
            "Sku": event.gateway.sku,
            "properties": without_none(properties),
            "resourceId": event.gateway.resource_id.upper(),
        }
    )


def resource_row(event: Event) -> Row:
    """The event as a row of ApiManagementGatewayLogs: all columns, None where there is no value; `Errors` is a list."""
    record = blob_record(event)
    properties = record["properties"]
    last = properties.get("lastError", {})
    return {
        "TimeGenerated": record["time"],
        "OperationName": record["operationName"],
        "CorrelationId": event.correlation_id,
        "Region": event.gateway.region,
        "IsRequestSuccess": record["isRequestSuccess"],
        "Category": "GatewayLogs",
        "TotalTime": event.total_ms,
        "CallerIpAddress": event.caller,
        **{_pascal(key): properties.get(key) for key in PROPERTIES},
        **{f"LastError{_pascal(key)}": last.get(key) for key in RESOURCE_ERROR},
        "Errors": properties.get("errors"),
        "_ResourceId": event.gateway.resource_id.lower(),
        "Type": "ApiManagementGatewayLogs",
    }


def diagnostics_row(event: Event) -> Row:
    """The event as a row of AzureDiagnostics: type suffixes, every number a real, `errors_s` a JSON string."""
    record = blob_record(event)
    properties = record["properties"]
    last = properties.get("lastError", {})
    return {
        "TimeGenerated": record["time"],
        "ResourceProvider": "MICROSOFT.APIMANAGEMENT",
        "ResourceType": "SERVICE",
        "Resource": event.gateway.name.upper(),
        "ResourceId": record["resourceId"],
        "Category": "GatewayLogs",
        "OperationName": record["operationName"],
        "CorrelationId": event.correlation_id,
        "CallerIPAddress": event.caller,
        "DurationMs": float(event.total_ms),
        "location_s": event.gateway.region,
        "Sku_s": event.gateway.sku,
        "isRequestSuccess_b": record["isRequestSuccess"],
        **dict(_suffixed(key, type_, properties.get(key)) for key, type_ in PROPERTIES.items()),
        **dict(_suffixed(f"lastError_{key}", type_, last.get(key)) for key, type_ in ERROR.items()),
        "errors_s": json_text(properties.get("errors")),
        "_ResourceId": event.gateway.resource_id.lower(),
        "Type": "AzureDiagnostics",
    }


def _error(error: LoggedError) -> Row:
    """One element of `errors`; keys without a value are left out."""
    return without_none(
        {
            "elapsed": error.elapsed,
            "source": error.source,
            "scope": error.scope,
            "path": error.path,
            "section": error.section,
            "reason": error.reason,
            "message": error.message,
            "transportErrorCode": error.transport_error_code,
        }
    )


def _pascal(key: str) -> str:
    return key[0].upper() + key[1:]


def _suffixed(key: str, type_: str, value: Any) -> tuple[str, Any]:
    """The AzureDiagnostics column of a key, and its value there."""
    if type_ in ("int", "long"):
        return f"{key}_d", None if value is None else float(value)
    return f"{key}_s", json_text(value)


def json_text(value: Any) -> Any:
    """A dynamic value as the JSON string that the service sends in its place; others unchanged."""
    return compact(value) if isinstance(value, list | dict) else value


def compact(value: Any) -> str:
    """A value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def without_none(row: Row) -> Row:
    """The row without the keys that have no value."""
    return {key: value for key, value in row.items() if value is not None}


# Types of the columns of both tables, as an API answer states them; a column that is absent holds strings.
COLUMN_TYPES: Mapping[str, str] = {
    "TimeGenerated": "datetime",
    "IsRequestSuccess": "bool",
    "isRequestSuccess_b": "bool",
    "TotalTime": "long",
    "DurationMs": "real",
    "Errors": "dynamic",
    **{_pascal(key): type_ for key, type_ in PROPERTIES.items()},
    **{f"LastError{_pascal(key)}": ERROR[key] for key in RESOURCE_ERROR},
    **{f"{key}_d": "real" for key, type_ in PROPERTIES.items() if type_ in ("int", "long")},
    **{f"lastError_{key}_d": "real" for key, type_ in ERROR.items() if type_ in ("int", "long")},
}
