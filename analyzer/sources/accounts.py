"""The address of a storage container in, a client that may list and read it out; its errors in, what to do about them out."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from analyzer.errors import SourceError
from analyzer.sources.ranges import code

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
SAS_TOKEN = "AZURE_STORAGE_SAS_TOKEN"  # noqa: S105  the name of a variable
SUFFIX = "AZURE_STORAGE_ENDPOINT_SUFFIX"
PUBLIC = "core.windows.net"
AUTHORITIES: Mapping[str, str] = {
    PUBLIC: "login.microsoftonline.com",
    "storage.azure.net": "login.microsoftonline.com",
    "core.usgovcloudapi.net": "login.microsoftonline.us",
    "core.chinacloudapi.cn": "login.chinacloudapi.cn",
}
"""The clouds: the end of their storage accounts' names, and who gives out their tokens.

https://learn.microsoft.com/azure/storage/common/storage-account-overview
"""

_TIMEOUTS: Mapping[str, Any] = {"connection_timeout": 10, "read_timeout": 30, "retry_total": 0}  # seconds; retried here


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A storage account."""

    name: str
    zone: str = ""  # "z12." where its DNS names have one
    suffix: str = PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A container's client, and what it goes by."""

    client: ContainerClient
    credential: str  # in words
    passed_over: str = ""  # a credential that is set, but for another account


def connect(account: Account, container: str) -> Opened:
    """A client for a container; nothing is asked of the account yet. Raises SourceError.

    It goes by the connection string or the SAS token of the environment where they are this account's, else by Microsoft Entra.
    """
    where = f"az://{account.name}/{container}"
    try:
        from azure.core.credentials import AzureSasCredential
        from azure.identity import DefaultAzureCredential
        from azure.storage.blob import ContainerClient
    except ImportError:
        raise SourceError(
            f'{where}: reading a storage account takes one more package: pip install "apim-triage[blob]"'
        ) from None
    logging.getLogger("azure").addHandler(logging.NullHandler())  # else identity tells its troubles on the terminal
    passed_over = ""
    if text := os.environ.get(CONNECTION_STRING, "").strip():
        if _is_for(account.name, text):
            try:
                made = ContainerClient.from_connection_string(text, container, **_TIMEOUTS)
            except (ValueError, KeyError):
                raise SourceError(
                    f"{where}: {CONNECTION_STRING} is not a connection string; copy it anew from the portal's Access keys"
                ) from None
            return Opened(client=made, credential=CONNECTION_STRING)
        passed_over = f"{CONNECTION_STRING} is for another account, and was not used; "
    url = f"https://{account.name}.{account.zone}blob.{account.suffix}"
    sas = os.environ.get(SAS_TOKEN, "").strip().lstrip("?")
    if sas and os.environ.get("AZURE_STORAGE_ACCOUNT", account.name) == account.name:
        made = ContainerClient(url, container, credential=AzureSasCredential(sas), **_TIMEOUTS)
        return Opened(client=made, credential=SAS_TOKEN, passed_over=passed_over)
    asks = {} if os.environ.get("AZURE_AUTHORITY_HOST") else {"authority": AUTHORITIES.get(account.suffix)}
    entra = DefaultAzureCredential(**{k: v for k, v in asks.items() if v})
    made = ContainerClient(url, container, credential=entra, **_TIMEOUTS)
    return Opened(client=made, credential="Microsoft Entra", passed_over=passed_over)


def _is_for(account: str, connection_string: str) -> bool:
    parts = {
        key.strip().casefold(): value.strip()
        for key, _, value in (part.partition("=") for part in connection_string.split(";"))
    }
    if "accountname" in parts:
        return parts["accountname"] == account
    endpoint = urlsplit(parts.get("blobendpoint", ""))
    return (endpoint.hostname or "").split(".")[0] == account or endpoint.path.strip("/") == account


def is_hopeless(error: Exception) -> bool:
    """Whether no answer will come however often it is asked: the name does not resolve, or the certificate is not trusted."""
    return _is_unresolved(error) or _is_untrusted(error)


def _is_unresolved(error: Exception) -> bool:
    return re.search(r"NameResolutionError|Failed to resolve|getaddrinfo", str(error)) is not None


def _is_untrusted(error: Exception) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


_ROLE = 'it needs the role "Storage Blob Data Reader" on the account or the container'
_FIREWALL = (
    "the account's firewall does not let this machine in, or the credential may not list; see its Networking page"
)
_SAYS: Mapping[str, str] = {
    "ContainerNotFound": "the account has no such container; compare `az storage container list`",
    "ContainerBeingDeleted": "the container is being deleted",
    "AuthorizationPermissionMismatch": f"the credential may not list it; {_ROLE} (or, for a SAS, the permissions r and l)",
    "InsufficientAccountPermissions": f"the credential may not list it; {_ROLE}",
    "AuthorizationFailure": _FIREWALL,
    "AuthorizationSourceIPMismatch": "the SAS does not allow this machine's address",
    "AuthorizationProtocolMismatch": "the SAS does not allow this protocol",
    "AuthorizationServiceMismatch": "the SAS is not for blobs",
    "AuthorizationResourceTypeMismatch": "the SAS must allow the resource types container and object (srt=co)",
    "AuthenticationFailed": "the credential is not accepted: a wrong or rotated key, a SAS that expired, or a clock that is wrong",
    "KeyBasedAuthenticationNotPermitted": f"the account does not allow keys; unset {CONNECTION_STRING}, then `az login`",
    "InvalidAuthenticationInfo": "the token is not accepted: it may be another tenant's; `az login --tenant`, or set AZURE_TENANT_ID",
    "AccountIsDisabled": "the account is disabled",
    "FilesystemNotFound": "the account has no such container; compare `az storage container list`",
}
"""What Azure Storage's error codes come to here: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes"""


def taught(error: Exception, where: str, by: Opened) -> SourceError:
    """An error that says what to do. The service's own words are left out: they can quote a signature."""
    status, name = getattr(error, "status_code", None), code(error)
    login = f"`az login`, or set {CONNECTION_STRING}"
    if _is_unresolved(error):
        why = "the account's name does not resolve; check its spelling (and, outside the public cloud, " + f"{SUFFIX})"
    elif _is_untrusted(error):
        why = "its certificate is not trusted here: where a proxy stands between, name its root in REQUESTS_CA_BUNDLE"
    elif name in _SAYS:
        why = f"{_SAYS[name]} ({status} {name}, by {by.credential})"
    elif _is_unauthenticated(error) and by.credential == CONNECTION_STRING:
        why = f"the key in {CONNECTION_STRING} is damaged; copy it anew from the portal's Access keys"
    elif _is_unauthenticated(error):
        why = f"there is no credential that works: {login}"
    elif status in (401, 403):
        why = f"the credential may not list it; {_ROLE} ({status} {name or 'without a code'}, by {by.credential})"
    elif status is not None:
        why = f"the storage account answered {status} {name}".rstrip()
    else:
        why = "the storage account cannot be reached: a firewall, a private endpoint or a proxy may stand between; try again where `az storage blob list` works"
    return SourceError(f"{where}: {by.passed_over}{why}")


def _is_unauthenticated(error: Exception) -> bool:
    """Whether no token could be had: that error is the identity library's, not the storage account's."""
    from azure.core.exceptions import ClientAuthenticationError

    return isinstance(error, ClientAuthenticationError) and not code(error)
