"""The moods of the local query API, and what it says in each: the service's own statuses and codes.

https://learn.microsoft.com/azure/azure-monitor/logs/api/errors
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum, auto
from typing import Any


class Mood(StrEnum):
    """How a request is treated."""

    FINE = auto()
    THROTTLE = auto()  # 429 with Retry-After
    THROTTLE_MUTELY = auto()  # 429 that says no more, as the service does
    TIME_OUT = auto()  # 504
    BAD_GATEWAY = auto()  # 502
    UNAVAILABLE = auto()  # 503
    TRUNCATE = auto()  # the first half of the rows, and the error that says so
    WARN = auto()  # all rows, and an error of severity 3
    CUT = auto()  # the connection breaks in the middle of the body
    HTML = auto()  # a proxy's page, 200
    PROXY_DENIES = auto()  # a proxy's page, 403
    EMPTY = auto()  # 204, no body
    NONSENSE = auto()  # JSON of another shape
    REFUSE_TOKEN = auto()  # 401
    FORBID = auto()  # 403
    PRIVATE = auto()  # 403: queries from public networks are switched off
    SILENT = auto()  # no answer for a minute


TOO_LARGE = (
    "-2133196797",
    "Query result set has exceeded the internal data size limit 64000000 (E_QUERY_RESULT_SET_TOO_LARGE)",
)
CODES: Mapping[Mood, tuple[int, str, str]] = {
    Mood.THROTTLE: (429, "ThrottledError", "Too many requests"),
    Mood.THROTTLE_MUTELY: (429, "ThrottledError", "Too many requests"),
    Mood.TIME_OUT: (504, "GatewayTimeout", "The gateway did not receive a response from the service in time"),
    Mood.BAD_GATEWAY: (502, "BadGateway", "Bad gateway"),
    Mood.UNAVAILABLE: (503, "ServiceUnavailable", "The service is unavailable"),
    Mood.REFUSE_TOKEN: (401, "InvalidTokenError", "Valid authentication was not provided"),
    Mood.FORBID: (403, "InsufficientAccessError", "The credentials have insufficient access for the operation"),
    Mood.PRIVATE: (403, "InsufficientAccessError", "Access from public networks is disabled: use a private link scope"),
}
_PAGE = b"<html><head><title>Sign in to the proxy</title></head><body>blocked</body></html>"
MESSAGES: Mapping[Mood, tuple[int, str, bytes]] = {
    Mood.HTML: (200, "text/html; charset=utf-8", _PAGE),
    Mood.PROXY_DENIES: (403, "text/html; charset=utf-8", _PAGE),
    Mood.EMPTY: (204, "application/json", b""),
    Mood.NONSENSE: (200, "application/json", b'{"value": []}'),
}


def error(code: str, message: str, inner: tuple[str, str] | None = None) -> bytes:
    """An error's body."""
    said: dict[str, Any] = {"message": message, "code": code, "correlationId": "00000000-0000-0000-0000-000000000000"}
    if inner:
        said["innererror"] = {"code": inner[0], "message": inner[1]}
    return json.dumps({"error": said}).encode()


def partial(tables: list[dict[str, Any]], *, severity: int, code: str, message: str) -> bytes:
    """The body of an answer that has rows and an error: both truncation and mere warnings look like this."""
    inner = {
        "code": code,
        "message": message,
        "severity": severity,
        "severityName": "Error" if severity < 3 else "Warning",
    }
    detail = {
        "code": "EngineError",
        "message": "Something went wrong processing your query on the server.",
        "innererror": inner,
    }
    said = {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": [detail],
    }
    return json.dumps({"tables": tables, "error": said}).encode()
