"""One query in, one answer out, or why there is none: the real LogsQueryClient, its requests and answers as they are on the wire.

Requests go through `LogsQueryClient.send_request`, the client's public way for requests that it has no method of its own for. It has
none for `/search`, which tables on the Basic plan need; and its `query_workspace` makes each row an object (30 s and 1 GB for 500,000
rows), writes null as "None", and raises five kinds of errors for one kind of trouble.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from analyzer.model import Window
from analyzer.sources.workspace.answer import Answer, NotAnAnswer, decoded
from analyzer.sources.workspace.errors import Kind, QueryFailed, no_token, refused, unsent
from analyzer.sources.workspace.places import Patience, Place

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse
    from azure.monitor.query import LogsQueryClient

_LARGEST = 512 << 20  # bytes, unpacked: the API says it sends some 100 MB at most
_LARGEST_ERROR = 1 << 16  # bytes
_CHUNK = 1 << 16
_HOUR = timedelta(hours=1)


class QueryClient:
    """Asks the query API; several threads may use it at once."""

    def __init__(self, client: LogsQueryClient, patience: Patience) -> None:
        self._client, self._patience = client, patience
        self.skew: timedelta | None = None  # this machine's clock behind the service's; None: no answer yet

    def ask(
        self, place: Place, query: str, window: Window, *, search: bool = False, around: timedelta = timedelta()
    ) -> Answer:
        """The answer to one query, asked once. `search`: of a table on the Basic plan, whose time is the request's alone.
        `around`: how much time on both sides of the window the query looks at.

        Raises QueryFailed.
        """
        from azure.core.exceptions import (
            AzureError,
            ClientAuthenticationError,
            ServiceRequestError,
            ServiceResponseTimeoutError,
        )

        try:
            answered = self._client.send_request(
                self._request(place, query, wider(window, around), search=search),
                stream=True,
                connection_timeout=15,
                read_timeout=self._patience.client,
            )
            try:
                return self._read(answered)
            finally:
                answered.close()
        except QueryFailed as error:
            failed = error
        except ClientAuthenticationError as error:
            failed = no_token(str(error))
        except ServiceResponseTimeoutError:
            failed = QueryFailed(Kind.TIMED_OUT, f"no answer in {self._patience.client:.0f} s")
        except ServiceRequestError as error:
            failed = unsent(str(error))
        except AzureError:
            failed = QueryFailed(Kind.BROKEN)
        except NotAnAnswer:
            failed = QueryFailed(Kind.NOT_THE_API)
        failed.skew = self.skew
        raise failed from None  # what it was raised from may quote a token

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()

    def _request(self, place: Place, query: str, window: Window, *, search: bool) -> Any:
        from azure.core.rest import HttpRequest

        span = timespan(window, search=search)
        prefer = f"wait={self._patience.server}" + (",include-permissions=true" if place.is_resource else "")
        body: dict[str, Any] = {"query": query}
        params = {}
        if search:
            params["timespan"] = span
        elif span:
            body["timespan"] = span
        if place.also:
            body["workspaces"] = list(place.also)
        return HttpRequest(
            "POST",
            f"{place.path}/{'search' if search else 'query'}",
            params=params,
            json=body,
            headers={"Prefer": prefer, "Accept": "application/json"},
        )

    def _read(self, answered: HttpResponse) -> Answer:
        self._note_date(answered.headers.get("Date", ""))
        kind = answered.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if answered.status_code >= 300:
            raise _error(answered, _body(answered, _LARGEST_ERROR, self._patience.client), kind)
        if kind and not kind.endswith("json") and answered.status_code != 204:
            raise QueryFailed(Kind.NOT_THE_API, f"{answered.status_code}, {kind[:40]}" if kind.isprintable() else "")
        return decoded(_body(answered, _LARGEST, self._patience.client))

    def _note_date(self, date: str) -> None:
        try:
            then = parsedate_to_datetime(date)
        except (ValueError, TypeError):
            return
        self.skew = (then if then.tzinfo else then.replace(tzinfo=UTC)) - datetime.now(UTC)


def wider(window: Window, around: timedelta) -> Window:
    """A window with so much more on both sides."""
    return Window(start=window.start and window.start - around, end=window.end and window.end + around)


def timespan(window: Window, *, search: bool = False) -> str:
    """ISO 8601, both ends; "" where the window is open.

    The end is part of a timespan, and none of a window. A query says in its text where it ends, and its timespan is rounded outward
    to whole hours: which of two tables tells of an hour shows in all of the hour. A search has nothing but its timespan, which ends
    one tick (100 ns) before the window does; that the service keeps the seventh digit is not documented.
    """
    if window.start is None or window.end is None:
        return ""
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    if search:
        return f"{_text(start)}0Z/{_text(end - timedelta(microseconds=1))}9Z"
    whole = start.replace(minute=0, second=0, microsecond=0)
    return f"{_text(whole)}Z/{_text(whole - (whole - end) // _HOUR * _HOUR)}Z"


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}"


def _body(answered: HttpResponse, most: int, seconds: float) -> bytes:
    """The body, unpacked. Raises AzureError where it breaks off, QueryFailed where it is too long or takes too long."""
    until, held = time.monotonic() + seconds, bytearray()
    for part in answered.iter_bytes(chunk_size=_CHUNK):
        held += part
        if len(held) > most:
            if most == _LARGEST_ERROR:
                break
            raise QueryFailed(Kind.TRUNCATED, f"more than {most >> 20} MB")
        if time.monotonic() > until:
            raise QueryFailed(Kind.TIMED_OUT, f"no whole answer in {seconds:.0f} s")
    return bytes(held)


def _error(answered: HttpResponse, body: bytes, kind: str) -> QueryFailed:
    status = answered.status_code
    try:
        said = msgspec.json.decode(body)["error"]
        code, message = _innermost(said)
    except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError):
        # the service's own gateways answer 5xx and 429 with pages; a page with 403 is a proxy's
        if status == 407 or status == 429 or status >= 500:
            return refused(status, "", "", retry_after=_asked_for(answered))
        return QueryFailed(Kind.NOT_THE_API, f"{status}, {kind[:40]}" if kind.isprintable() else str(status))
    return refused(status, code, message, retry_after=_asked_for(answered))


def _innermost(said: dict[str, Any]) -> tuple[str, str]:
    """The last code and all messages: the outer ones only say that the request was wrong."""
    messages, code = [str(said.get("message", ""))], str(said.get("code", ""))
    while True:
        below = said.get("innererror") or next((d for d in said.get("details") or () if isinstance(d, dict)), None)
        if not isinstance(below, dict):
            return code, " ".join(messages)
        said = below
        code = str(said.get("code", code))
        messages.append(str(said.get("message", "")))


def _asked_for(answered: HttpResponse) -> float | None:
    """Seconds that the service asks to wait; None where it does not say."""
    for name, unit in (("Retry-After", 1.0), ("x-ms-retry-after-ms", 0.001), ("retry-after-ms", 0.001)):
        said = answered.headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", said):
            return float(said) * unit
        if said and name == "Retry-After":
            try:
                then = parsedate_to_datetime(said)
            except (ValueError, TypeError):
                continue
            return max(0.0, ((then if then.tzinfo else then.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
    return None
