"""A Log Analytics query API on loopback: records in, real answers to real queries out, in whatever mood it is told to be.

It answers `POST /v1/workspaces/ID/query`, `/v1/workspaces/ID/search` (tables on the Basic plan) and `/v1/RESOURCE-ID/query` as
the service does (https://learn.microsoft.com/rest/api/loganalytics/query), by HTTP or by HTTPS, on 127.0.0.1 only.
No row is canned: see `query_tables`.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from analyzer.lab.query_moods import CODES, MESSAGES, TOO_LARGE, Mood, error, partial
from analyzer.lab.query_tables import Refused, Result, Scope, Store, Tables

ADDRESS = "127.0.0.1"
TOKEN = "lab"  # noqa: S105  what its clients have to show; it opens nothing else
_LONGEST_QUERY = 1 << 20  # bytes
_NOT_ON_BASIC = re.compile(r"\b(join|find|search|externaldata|union|datatable)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that was made."""

    path: str  # below /v1/
    query: str
    timespan: str
    prefer: str
    workspaces: tuple[str, ...]  # asked as well
    mood: Mood


@dataclass(slots=True, kw_only=True)
class Temper:
    """How the API behaves; it may be changed while it runs."""

    moods: deque[Mood] = field(default_factory=deque)  # of the next requests, one each
    mood: Mood = Mood.FINE  # of all others
    retry_after: str = "0"  # seconds, in the answers of Mood.THROTTLE
    most_rows: int = 500_000  # an answer holds the first so many, and says that it is truncated
    basic: frozenset[str] = frozenset()  # tables on the Basic plan
    token: str = TOKEN
    clock_ahead: timedelta = timedelta()  # of the answers' Date


class QueryApi:
    """The API of some workspaces, as a context manager; one thread serves each request.

    `tls` makes it speak HTTPS. `now` is what the queries' `now()` is.
    """

    def __init__(
        self,
        workspaces: Mapping[str, Tables],
        *,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.temper = Temper()
        self.requests: list[Request] = []
        self.at_once = 0  # the most requests that were under way together
        self.sent = 0  # bytes of all answers
        self.stop = threading.Event()
        self._workspaces, self._now, self._tls = tuple(workspaces), now, tls
        self._store = Store(workspaces)
        self._busy, self._lock = 0, threading.Lock()
        self._server = _Server((ADDRESS, 0), _Handler)
        self._server.api = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        """Where it listens: what `endpoint` of `LogsQueryClient` takes."""
        scheme, host = ("https", "localhost") if self._tls else ("http", ADDRESS)
        return f"{scheme}://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> QueryApi:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="query-api", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._store.close()

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes, Mood]:
        """Status, headers and body of the answer to one request, and the mood that it was answered in."""
        with self._lock:
            mood = self.temper.moods.popleft() if self.temper.moods else self.temper.mood
            self._busy += 1
            self.at_once = max(self.at_once, self._busy)
        try:
            status, extra, said = self._answer(path, headers, body, mood)
        finally:
            with self._lock:
                self._busy -= 1
        with self._lock:
            self.sent += len(said)
        date = format_datetime(datetime.now(UTC) + self.temper.clock_ahead, usegmt=True)
        return status, {"Content-Type": "application/json; charset=utf-8", "Date": date, **extra}, said, mood

    def _answer(
        self, path: str, headers: Mapping[str, str], body: bytes, mood: Mood
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(path)
        below = unquote(parts.path).removeprefix("/v1/")
        try:
            asked: Any = json.loads(body)
            text = str(asked["query"])
        except (ValueError, TypeError, KeyError):
            return 400, {}, error("BadArgumentError", "The request had some invalid properties")
        query = parse_qs(parts.query)
        timespan = str((query.get("timespan") or [asked.get("timespan") or ""])[0])
        also = tuple(map(str, asked.get("workspaces") or ()))
        with self._lock:
            self.requests.append(
                Request(
                    path=below,
                    query=text,
                    timespan=timespan,
                    prefer=headers.get("Prefer", ""),
                    workspaces=also,
                    mood=mood,
                )
            )
        if headers.get("Authorization") != f"Bearer {self.temper.token}":
            return 401, {}, error("InvalidTokenError", "Valid authentication was not provided")
        if mood in CODES:
            status, code, message = CODES[mood]
            extra = {"Retry-After": self.temper.retry_after} if mood is Mood.THROTTLE else {}
            return status, extra, error(code, message)
        if mood in MESSAGES:
            status, kind, said = MESSAGES[mood]
            return status, {"Content-Type": kind}, said
        if mood is Mood.SILENT:
            self.stop.wait(60)
            return 504, {}, b""
        try:
            return 200, {}, self._executed(below, text, timespan, also, mood, search=below.endswith("/search"))
        except Refused as refused:
            if refused.code == "PathNotFoundError":
                return 404, {}, error(refused.code, str(refused))
            return (
                400,
                {},
                error("BadArgumentError", "The request had some invalid properties", (refused.code, str(refused))),
            )

    def _executed(
        self, below: str, text: str, timespan: str, also: tuple[str, ...], mood: Mood, *, search: bool
    ) -> bytes:
        scope = self._scope(below, timespan, also)
        basic = [table for table in self.temper.basic if re.search(rf"\b{table}\b", text)]
        if basic and not search:
            raise Refused(
                "UnsupportedApiQueryValidationError",
                f"Query of Basic Logs table is not supported with the API: {basic[0]}",
            )
        if search:
            if len(basic) != 1 or _NOT_ON_BASIC.search(re.sub(r"//.*", "", text)):
                raise Refused(
                    "BasicLogsQueryValidationError", "The query should contain a single Basic or Auxiliary Logs table"
                )
            if not timespan or also:
                raise Refused("BasicLogsQueryValidationError", "A search needs a time range, and one workspace")
        result = self._store.query(text, scope, now=self._now())
        if mood is Mood.WARN:
            return partial(_tables(result), severity=3, code="-1", message="One leg of the union could not be resolved")
        most = max(1, len(result.rows) // 2) if mood is Mood.TRUNCATE else self.temper.most_rows
        if len(result.rows) > most or mood is Mood.TRUNCATE:
            cut = Result(columns=result.columns, rows=result.rows[:most])
            return partial(_tables(cut), severity=2, code=TOO_LARGE[0], message=TOO_LARGE[1])
        return json.dumps({"tables": _tables(result)}).encode()

    def _scope(self, below: str, timespan: str, also: tuple[str, ...]) -> Scope:
        start, end = _span(timespan)
        if below.startswith("workspaces/"):
            names = (below.split("/")[1], *also)
            if any(name not in self._workspaces for name in names):
                raise Refused("PathNotFoundError", "The requested path does not exist")
            return Scope(workspaces=names, start=start, end=end)
        resource = f"/{below.removesuffix('/query')}"
        return Scope(workspaces=self._workspaces, start=start, end=end, resource=resource)


def _tables(result: Result) -> list[dict[str, Any]]:
    columns = [{"name": name, "type": kind} for name, kind in result.columns]
    return [{"name": "PrimaryResult", "columns": columns, "rows": result.rows}]


def _span(timespan: str) -> tuple[datetime | None, datetime | None]:
    """Both ends of `start/end`; None where there is no such timespan."""
    start, slash, end = timespan.partition("/")
    if not slash:
        return None, None
    return datetime.fromisoformat(start), datetime.fromisoformat(end)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: QueryApi

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  a client may leave at any time
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def do_POST(self) -> None:
        """Answer one query."""
        length = min(int(self.headers.get("Content-Length") or 0), _LONGEST_QUERY)
        status, headers, said, mood = self.server.api.answer(self.path, dict(self.headers), self.rfile.read(length))
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if mood is Mood.CUT:
            self.wfile.write(said[: len(said) // 2])
            self.close_connection = True
            return
        self.wfile.write(said)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002  its name there
        return
