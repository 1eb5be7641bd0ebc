"""How to sign in, in, a client of the query API out; nothing is asked of the network yet."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from analyzer.errors import SourceError, UsageError
from analyzer.sources.workspace.places import SERVICES, Auth, Cloud, Workspaces

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.query import LogsQueryClient

ENDPOINT = "APIM_TRIAGE_LOGS_ENDPOINT"
"""Names another endpoint of the query API, such as a private one; the token is still asked for the cloud's own."""

_SECRETS = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH")
_FEDERATED = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")


def endpoint(cloud: Cloud) -> str:
    """Where the query API is: the cloud's own, unless the environment names another. Raises UsageError."""
    named = os.environ.get(ENDPOINT, "").strip().rstrip("/")
    if not named:
        return SERVICES[cloud].endpoint
    parts = urlsplit(named)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
        raise UsageError(f"{ENDPOINT}: write https://host[:port]; a token is sent there, so nothing else is taken")
    return named


def client(asked: Workspaces) -> LogsQueryClient:
    """A client for what is asked. Raises SourceError where the credential lacks what the environment should say."""
    if asked.connect is not None:
        return asked.connect()
    where = endpoint(asked.cloud)
    from azure.monitor.query import LogsQueryClient

    _quiet()
    # retried by `workspace_retry`, which knows what a query costs; redirects would carry the token elsewhere
    return LogsQueryClient(
        credential(asked.auth, asked.cloud),
        endpoint=where,
        audience=SERVICES[asked.cloud].endpoint,
        retry_total=0,
        permit_redirects=False,
    )


def credential(auth: Auth, cloud: Cloud) -> TokenCredential:
    """The credential that `auth` names. Raises SourceError where a variable that it needs is not set."""
    from azure import identity

    # az knows its cloud by itself; AZURE_AUTHORITY_HOST stands above the cloud's own
    place: dict[str, Any] = {"authority": os.environ.get("AZURE_AUTHORITY_HOST") or SERVICES[cloud].authority}
    match auth:
        case Auth.CLI:
            return identity.AzureCliCredential()
        case Auth.ENV:
            _need("AZURE_TENANT_ID", "AZURE_CLIENT_ID", auth=auth)
            if not any(map(os.environ.get, _SECRETS)):
                raise SourceError(f"--auth env: neither {' nor '.join(_SECRETS)} is set; set one of them")
            return identity.EnvironmentCredential(**place)
        case Auth.MANAGED_IDENTITY:
            return identity.ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"))
        case Auth.WORKLOAD_IDENTITY:
            _need(*_FEDERATED, auth=auth)
            return identity.WorkloadIdentityCredential(**place)
        case Auth.BROWSER:
            return identity.InteractiveBrowserCredential(**place)
        case Auth.DEFAULT:
            try:
                return identity.DefaultAzureCredential(**place)
            except ValueError:
                raise SourceError(
                    "--auth default: AZURE_TOKEN_CREDENTIALS names no credential that azure-identity knows; unset it, or set dev or prod"
                ) from None


def _need(*names: str, auth: Auth) -> None:
    if missing := [name for name in names if not os.environ.get(name)]:
        raise SourceError(f"--auth {auth}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set")


def _quiet() -> None:
    """Keep the libraries from telling their troubles on the terminal: they are told in one line, by us."""
    logging.getLogger("azure").addHandler(logging.NullHandler())
