"""The sample logs as a workspace holds them, behind a query API on loopback, and the real LogsQueryClient that asks it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from analyzer.lab import week
from analyzer.lab.certificates import ISSUED, Period, root
from analyzer.lab.events import Event
from analyzer.lab.exports import overflowing_row
from analyzer.lab.query_api import TOKEN, QueryApi
from analyzer.lab.query_tables import Tables
from analyzer.lab.rows import diagnostics_row, resource_row
from analyzer.lab.sample_logs import samples
from analyzer.model import Window
from analyzer.sources.workspace.places import SERVICES, Cloud, Workspaces, workspace

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.monitor.query import LogsQueryClient

WORKSPACE_ID = "2f0c7a52-5d51-4a0e-9d4b-6f2b0a9d1c11"
MIGRATED = week.START + timedelta(days=2)
"""From then on the diagnostic setting writes to the resource-specific table, before it to AzureDiagnostics."""
WINDOW = Window(start=week.START, end=week.END)
_NOT_IN_WORKSPACES = ("shapes/console", "shapes/kubectl", "shapes/trace", "shapes/blob_2017")


def events() -> tuple[Event, ...]:
    """The records of the sample logs that a workspace can hold, in their order of time."""
    kept = [e for s in samples() if not s.folder.startswith(_NOT_IN_WORKSPACES) for e in s.events]
    return tuple(sorted((e for e in kept if week.START <= e.time < week.END), key=lambda e: (e.time, e.correlation_id)))


def tables(of: tuple[Event, ...]) -> Tables:
    """Records in both tables: a service that was migrated in the middle of the week, and whose old table had run out of columns."""
    old = [e for e in of if e.time < MIGRATED]
    megabytes: Mapping[str, int] = {
        "AzureDiagnostics": len(old),
        "ApiManagementGatewayLogs": len(of) - len(old),
    }
    usage = [
        {"TimeGenerated": MIGRATED.isoformat(), "DataType": name, "Quantity": 0.002 * records, "IsBillable": True}
        for name, records in megabytes.items()
    ]
    return {
        "AzureDiagnostics": [(overflowing_row if i % 2 else diagnostics_row)(e) for i, e in enumerate(old)],
        "ApiManagementGatewayLogs": [resource_row(e) for e in of if e.time >= MIGRATED],
        "Usage": usage,
    }


class LabCredential:
    """A credential that the local API takes, and nobody else."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ARG002  what every credential is asked
        """A token that does not expire while anything runs."""
        from azure.core.credentials import AccessToken

        return AccessToken(TOKEN, int((datetime.now(UTC) + timedelta(days=1)).timestamp()))


def connect(api: QueryApi, ca: Path | None) -> LogsQueryClient:
    """The real client of the local API, which no proxy of the environment stands between. `ca`: None where it speaks HTTP."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.core.pipeline.transport import RequestsTransport
    from azure.monitor.query import LogsQueryClient

    class PlainHttp(SansIOHTTPPolicy[Any, Any]):
        """Lets a token go out by HTTP, to loopback."""

        def on_request(self, request: Any) -> None:
            request.context.options["enforce_https"] = False

    return LogsQueryClient(
        LabCredential(),
        endpoint=api.url,
        audience=SERVICES[Cloud.PUBLIC].endpoint,
        transport=RequestsTransport(use_env_settings=False, connection_verify=str(ca) if ca else True),
        per_call_policies=[] if ca else [PlainHttp()],
        retry_total=0,
        permit_redirects=False,
    )


@contextmanager
def https(now: datetime) -> Iterator[tuple[ssl.SSLContext, Path]]:
    """What a server called localhost needs to speak HTTPS, and the file with the root that its clients have to trust."""
    period = Period(ISSUED, now + timedelta(days=365))
    authority = root("Lab Query API Root", period)
    with TemporaryDirectory(prefix="apim-triage-") as folder:
        own, ca = Path(folder) / "server.pem", Path(folder) / "root.pem"
        own.write_bytes(authority.identity("localhost", period).pem)
        ca.write_bytes(authority.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own)
        yield context, ca


@contextmanager
def asked(now: datetime, of: tuple[Event, ...] | None = None) -> Iterator[tuple[Workspaces, Window, QueryApi]]:
    """The sample logs' workspace, what to ask it for, and the API that answers, for as long as the context lasts.

    `of`: the records that the workspace holds instead, in order; None: those of the sample logs.
    """
    with https(now) as (tls, ca), QueryApi({WORKSPACE_ID: tables(events() if of is None else of)}, tls=tls) as api:
        made: Callable[[], LogsQueryClient] = lambda: connect(api, ca)  # noqa: E731  a parameter of Workspaces
        yield Workspaces(places=(workspace(WORKSPACE_ID),), connect=made), WINDOW, api
