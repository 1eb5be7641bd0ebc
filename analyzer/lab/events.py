"""Requests as a gateway logs them: builders with plausible defaults; `logs` turns them into the shapes that users hold.

The same arguments give the same event: no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum, auto
from hashlib import sha256
from uuid import UUID

from analyzer.lab import texts

RESOURCE_GROUP = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGateway:
    """The gateway that wrote a record."""

    name: str
    region: str
    sku: str | None = None  # None: the record does not carry it, as most do not
    source: str = "forward-request"  # what it calls the step that connects

    @property
    def resource_id(self) -> str:
        """The service's resource id, as Azure spells it; logs hold it in upper or in lower case."""
        return f"{RESOURCE_GROUP}/providers/Microsoft.ApiManagement/service/{self.name}"


CLASSIC = LogGateway(name="contoso-apim", region="West Europe")
V2 = LogGateway(name="contoso-apim-v2", region="North Europe", sku="StandardV2")
# A self-hosted gateway belongs to a service; its region is the location it was configured with.
SELF_HOSTED = LogGateway(name="contoso-apim", region="onprem", source="request-forwarder")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedError:
    """One element of `errors`; the last one is also `lastError`."""

    source: str
    reason: str
    message: str
    section: str = "backend"
    scope: str | None = "api"  # None: the record does not carry it
    path: str | None = None  # None likewise
    elapsed: int = 61  # ms since the request was received
    transport_error_code: int | None = None  # Linux errno; None: not logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One request, as the gateway logs it; what is None is absent from the record."""

    time: datetime  # UTC; when the gateway started to process the request
    gateway: LogGateway
    correlation_id: str
    api: str | None
    operation: str | None
    product: str | None = "internal"
    subscription: str | None = "contoso-portal"
    method: str = "GET"
    url: str
    caller: str = "203.0.113.9"
    response_code: int
    response_size: int = 191
    total_ms: int
    backend_url: str | None
    backend_id: str | None = None
    backend_code: int | None = None  # None: no answer came
    backend_ms: int | None = None
    request_headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[LoggedError, ...] = ()

    @property
    def last_error(self) -> LoggedError | None:
        """The last of the errors: a later policy error hides the first."""
        return self.errors[-1] if self.errors else None

    @property
    def is_failure(self) -> bool:
        """Whether the gateway failed to connect, in any of its attempts."""
        return any(
            error.reason == "BackendConnectionFailure" and error.source in ("forward-request", "request-forwarder")
            for error in self.errors
        )

    @property
    def is_broken_body(self) -> bool:
        """Whether the backend answered and the body broke off: a look-alike that has clusters of its own."""
        return self.is_lookalike and any(error.source == "transfer-response" for error in self.errors)

    @property
    def is_lookalike(self) -> bool:
        """Whether an error was logged that is not a failed connection."""
        return bool(self.errors) and not self.is_failure


def failure(
    host: str | None,
    message: str,
    time: datetime,
    *,
    gateway: LogGateway = CLASSIC,
    port: int = 443,
    scheme: str = "https",
    path: str = "/v1/items",
    query: str = "",
    backend_id: str | None = None,
    elapsed: int = 61,
    transport_error_code: int | None = None,
    correlation_id: str | None = None,
    product: str | None = "internal",
    subscription: str | None = "contoso-portal",
) -> Event:
    """A request whose backend could not be connected to; `host` None: the record does not name a backend.

    `path` starts with `/` and `query`, when there is one, with `?`; `elapsed` is in ms.
    """
    error = LoggedError(
        source=gateway.source,
        reason="BackendConnectionFailure",
        message=message,
        scope="api" if gateway.source == "forward-request" else None,
        path=None if gateway.source == "forward-request" else r"forward-request\forward-request",
        elapsed=elapsed,
        transport_error_code=transport_error_code,
    )
    return Event(
        time=time,
        gateway=gateway,
        correlation_id=correlation_id or correlation(gateway, host, time, message),
        api=api_of(host),
        operation=f"get-{label_of(host)}",
        product=product,
        subscription=subscription,
        url=_client_url(gateway, host, path, query),
        response_code=500,
        total_ms=elapsed + 2,
        backend_url=_backend_url(scheme, host, port, path, query),
        backend_id=backend_id,
        backend_ms=max(elapsed - 3, 0) if host else None,
        errors=(error,),
    )


def success(
    host: str,
    time: datetime,
    *,
    gateway: LogGateway = CLASSIC,
    code: int = 200,
    port: int = 443,
    scheme: str = "https",
    path: str = "/v1/items",
    query: str = "",
    backend_id: str | None = None,
    elapsed: int = 38,
) -> Event:
    """A request that the backend answered, with any status `code`; `elapsed` is in ms."""
    return Event(
        time=time,
        gateway=gateway,
        correlation_id=correlation(gateway, host, time, str(code)),
        api=api_of(host),
        operation=f"get-{label_of(host)}",
        url=_client_url(gateway, host, path, query),
        response_code=code,
        response_size=1843,
        total_ms=elapsed + 4,
        backend_url=_backend_url(scheme, host, port, path, query),
        backend_id=backend_id,
        backend_code=code,
        backend_ms=elapsed,
    )


class Lookalike(StrEnum):
    """Records that look like a failed connection and are none (Microsoft's error-handling page, and real records)."""

    CLIENT_ABORT = auto()  # the caller went away
    TIMEOUT = auto()  # forward-request's own timer ran out
    OPERATION_NOT_FOUND = auto()  # no API matches: mostly scanners
    BROKEN_BODY = auto()  # the backend answered 200 and the body broke off
    SEND_REQUEST = auto()  # another policy's call failed; the record's backend is healthy


def lookalike(
    kind: Lookalike,
    host: str,
    time: datetime,
    *,
    gateway: LogGateway = CLASSIC,
    called: str = "payments-old.contoso.invalid",
    elapsed: int = 61,
) -> Event:
    """A request to `host` that failed otherwise; `called` is the host that a send-request policy could not reach;
    `elapsed`, in ms, is when a body broke off."""
    answered = replace(
        success(host, time, gateway=gateway), correlation_id=correlation(gateway, host, time, f"{kind} {called}")
    )
    unanswered = replace(answered, backend_code=None, response_code=500, response_size=191)
    if kind is Lookalike.CLIENT_ABORT:
        text = "Client connection was unexpectedly closed."
        error = LoggedError(source=gateway.source, reason="ClientConnectionFailure", message=text, elapsed=75_003)
        return replace(
            unanswered, response_code=0, response_size=0, total_ms=75_004, backend_ms=75_001, errors=(error,)
        )
    if kind is Lookalike.TIMEOUT:
        text = "Request to the backend service timed out"
        error = LoggedError(source=gateway.source, reason="Timeout", message=text, elapsed=20_004)
        return replace(unanswered, total_ms=20_006, backend_ms=20_000, errors=(error,))
    if kind is Lookalike.OPERATION_NOT_FOUND:
        text = "Unable to match incoming request to an operation."
        error = LoggedError(
            source="configuration", reason="OperationNotFound", message=text, section="inbound", scope=None, elapsed=0
        )
        return replace(
            unanswered,
            url=f"https://{gateway.name}.azure-api.net/.env",
            api=None,
            operation=None,
            product=None,
            subscription=None,
            backend_url=None,
            backend_ms=None,
            response_code=404,
            total_ms=1,
            errors=(error,),
        )
    if kind is Lookalike.BROKEN_BODY:
        text = texts.CLOSED_UNEXPECTEDLY
        error = LoggedError(
            source="transfer-response",
            reason="BackendConnectionFailure",
            message=text,
            section="outbound",
            elapsed=elapsed,
        )
        return replace(answered, errors=(error,), total_ms=elapsed + 2)
    text = texts.NAME_NOT_RESOLVED.format(host=called)
    error = LoggedError(source="send-request", reason="BackendConnectionFailure", message=text, section="inbound")
    return replace(unanswered, backend_url=None, backend_ms=None, errors=(error,))


def overwritten(event: Event) -> Event:
    """The same failure where the retry policy's own error came last and so became `lastError`."""
    text = "Expression evaluation failed. Object reference not set to an instance of an object."
    last = LoggedError(
        source="retry",
        reason="ExpressionValueEvaluationFailure",
        message=text,
        elapsed=event.total_ms + 3,
        path="retry[1]",
    )
    return replace(event, errors=(*event.errors, last))


def failed_over(event: Event, to: str) -> Event:
    """The same failure where the retry then reached host `to`, which answered 200: the record's backend is `to`."""
    return replace(
        success(to, event.time, gateway=event.gateway, backend_id=event.backend_id),
        correlation_id=event.correlation_id,
        url=event.url,
        api=event.api,
        operation=event.operation,
        errors=event.errors,
    )


def draw(key: str, below: int) -> int:
    """A number in [0, below) that depends on `key` alone, alike on every machine and version."""
    return int.from_bytes(sha256(key.encode()).digest()[:8]) % below


def correlation(gateway: LogGateway, host: str | None, time: datetime, what: str) -> str:
    """The correlation id of a request: a UUID that depends on the arguments alone."""
    seed = f"{gateway.name} {gateway.region} {host} {time.isoformat()} {what}"
    return str(UUID(bytes=sha256(seed.encode()).digest()[:16], version=4))


def label_of(host: str | None) -> str:
    """The first label of a host name; addresses and records without a host have one as well."""
    if host is None:
        return "unnamed"
    return host.split(".", 1)[0] if not host.replace(".", "").isdigit() else "address"


def api_of(host: str | None) -> str:
    """The id of the API in front of a host."""
    return f"{label_of(host)}-api"


def _client_url(gateway: LogGateway, host: str | None, path: str, query: str) -> str:
    return f"https://{gateway.name}.azure-api.net/{label_of(host)}{path}{query}"


def _backend_url(scheme: str, host: str | None, port: int, path: str, query: str) -> str | None:
    if host is None:
        return None
    authority = f"[{host}]" if ":" in host else host
    default = {"https": 443, "http": 80}.get(scheme)
    return f"{scheme}://{authority}{'' if port == default else f':{port}'}{path}{query}"
