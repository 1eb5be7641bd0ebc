"""The resource id of an API Management service in, its settings as Azure Resource Manager answers them out; only GETs, never a change.

Extra `[arm]`. Roles: "API Management Service Reader Role" on the service is enough.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analyzer.errors import SettingsError, UsageError
from analyzer.settings.resources import Read, Resource, in_document

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.apimanagement import ApiManagementClient

MOST_SECONDS = 300.0  # for everything that is asked of one service
MOST_APIS = 500  # whose policies are asked for, one GET each
MOST_BYTES = 64 << 20  # of all answers together
RESOURCE_MANAGERS: Mapping[str, str] = {
    "login.microsoftonline.us": "https://management.usgovcloudapi.net",
    "login.chinacloudapi.cn": "https://management.chinacloudapi.cn",
}
"""Who gives out the tokens (AZURE_AUTHORITY_HOST), and the resource manager of that cloud; any other: the public one's.

https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure, …/azure/china/resources-developer-guide
"""
PUBLIC = "https://management.azure.com"

_ID = re.compile(
    r"/subscriptions/([0-9a-f-]{1,64})/resourcegroups/([^/\s]{1,90})/providers/microsoft\.apimanagement/service/([a-z][a-z0-9-]{0,49})/?",
    re.IGNORECASE,
)
_TIMEOUTS: Mapping[str, Any] = {"connection_timeout": 10, "read_timeout": 30, "retry_total": 3}  # seconds; of one GET
_ROLE = 'it needs the role "API Management Service Reader Role" (or Reader) on the service'

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceId:
    """A service's resource id, in parts."""

    subscription: str
    group: str
    name: str

    def __str__(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.ApiManagement/service/{self.name}"


def service_id(text: str) -> ServiceId:
    """The resource id of a service in its parts; UsageError where it is none."""
    match = _ID.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"--apim {text[:200]}: not the resource id of an API Management service; `az apim list --query [].id` prints them: "
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.ApiManagement/service/NAME"
        )
    return ServiceId(subscription=match[1], group=match[2], name=match[3])


def connect(
    service: ServiceId, *, credential: TokenCredential | None = None, manager: str | None = None
) -> ApiManagementClient:
    """A client for the service's subscription; nothing is asked yet. Raises SettingsError.

    It signs in as azure-identity does, unless `credential` is given, at the resource manager of the cloud that
    AZURE_AUTHORITY_HOST names, unless `manager` is another's URL.
    """
    try:
        from azure.identity import DefaultAzureCredential
        from azure.mgmt.apimanagement import ApiManagementClient
    except ImportError:
        raise SettingsError(
            f'--apim {service.name}: reading a service takes one more package: pip install "apim-triage[arm]"; or export its settings '
            "and name the files with --apim-config"
        ) from None
    logging.getLogger("azure").addHandler(logging.NullHandler())  # else identity tells its troubles on the terminal
    authority = os.environ.get("AZURE_AUTHORITY_HOST", "").rpartition("://")[2].strip("/").lower()
    base = manager or RESOURCE_MANAGERS.get(authority, PUBLIC)
    return ApiManagementClient(
        credential or DefaultAzureCredential(),
        service.subscription,
        base_url=base,
        credential_scopes=[f"{base}/.default"],
        **_TIMEOUTS,
    )


def fetch(
    service: ServiceId,
    client: ApiManagementClient,
    *,
    on_progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Read:
    """All that decides the service's connections to its backends, as `resources.read` gives it from files.

    What the tier does not have, or the credential may not read, is left out, and the notes say so. SettingsError where the
    service itself cannot be read.
    """
    from azure.core.exceptions import AzureError

    asking = _Asking(service, clock)
    try:
        own = asking.one("the service", client.api_management_service.get)
    except AzureError as error:
        raise taught(error, service) from None
    resources = [*own]
    steps = list(_steps(client))
    for done, (what, method) in enumerate(steps):
        if on_progress is not None:
            on_progress("reading the service's settings", done, len(steps))
        resources += asking.listed(what, method)
    resources += _below_gateways(asking, client, resources)
    resources += _policies_of_apis(asking, client, resources, on_progress)
    if not any(r.kind == "" for r in resources):
        raise SettingsError(f"{service}: the answer is no API Management service; check the resource id")
    return Read(resources=tuple(resources), notes=tuple(asking.notes))


def _steps(client: ApiManagementClient) -> Iterator[tuple[str, Callable[..., Any]]]:
    """What is asked once: its name in a sentence, and the client's method that lists it."""
    yield "backends", client.backend.list_by_service
    yield "APIs", client.api.list_by_service
    yield "certificates", client.certificate.list_by_service
    yield "self-hosted gateways", client.gateway.list_by_service
    yield "diagnostics", client.diagnostic.list_by_service
    yield "named values", client.named_value.list_by_service
    yield "policy fragments", client.policy_fragment.list_by_service
    yield "the policy of all APIs", client.policy.list_by_service
    yield "products", client.product.list_by_service


def _below_gateways(asking: _Asking, client: ApiManagementClient, resources: list[Resource]) -> list[Resource]:
    """The CA certificates of each self-hosted gateway; its own resource is marked as asked, so that none means none."""
    found = []
    for place, one in enumerate(resources):
        if one.kind != "gateways":
            continue
        before = len(asking.notes)
        found += asking.listed(
            f"the CA certificates of gateway {one.names[-1]}",
            client.gateway_certificate_authority.list_by_service,
            one.names[-1],
        )
        if len(asking.notes) == before:
            resources[place] = replace(one, asked=("certificateauthorities",))
    return found


def _policies_of_apis(
    asking: _Asking, client: ApiManagementClient, resources: Iterable[Resource], on_progress: Progress | None
) -> list[Resource]:
    known = list(resources)
    # the current revision answers to the API's name alone
    current = (r for r in known if r.kind == "apis" and r.properties.get("isCurrent") is not False)
    apis = list(dict.fromkeys(r.names[-1].partition(";rev=")[0] for r in current))
    products = [r.names[-1] for r in known if r.kind == "products"]
    if len(apis) > MOST_APIS:
        asking.notes.append(f"{len(apis) - MOST_APIS} of {len(apis)} APIs: their policies were not asked for.")
    found = []
    for done, api in enumerate(apis[:MOST_APIS]):
        if on_progress is not None:
            on_progress("reading the APIs' policies", done, min(len(apis), MOST_APIS))
        found += asking.one(
            f"the policy of API {api}", client.api_policy.get, api, "policy", "rawxml", absent_is_fine=True
        )
    for product in products[:MOST_APIS]:
        found += asking.one(
            f"the policy of product {product}",
            client.product_policy.get,
            product,
            "policy",
            "rawxml",
            absent_is_fine=True,
        )
    if apis:
        asking.notes.append(
            "Policies of single operations were not asked for: export them and name the files with --apim-config."
        )
    return found


class _Asking:
    """Asks one thing after another, within one deadline and one bound of bytes; keeps what came as the service wrote it."""

    def __init__(self, service: ServiceId, clock: Callable[[], float]) -> None:
        self._service, self._clock = service, clock
        self._end = clock() + MOST_SECONDS
        self._left = MOST_BYTES
        self.notes: list[str] = []

    def one(self, what: str, method: Callable[..., Any], *more: str, absent_is_fine: bool = False) -> list[Resource]:
        """One resource; raises what the client raises, unless it may be absent."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        pages: list[bytes] = []
        if self._spent(what):
            return []
        try:
            method(self._service.group, self._service.name, *more, raw_response_hook=self._keep(pages))
        except ResourceNotFoundError:
            if not absent_is_fine:
                raise
            return []
        except AzureError as error:
            if not absent_is_fine:
                raise
            self._refused(what, error)
            return []
        return self._read(pages)

    def listed(self, what: str, method: Callable[..., Any], *more: str) -> list[Resource]:
        """All pages of a list; where it is refused, a note."""
        from azure.core.exceptions import AzureError

        pages: list[bytes] = []
        if self._spent(what):
            return []
        try:
            found = method(
                self._service.group,
                self._service.name,
                *more,
                raw_response_hook=self._keep(pages),
                **({"params": {"format": "rawxml"}} if "polic" in what else {}),
            )
            for _ in found:
                if self._spent(what):
                    break
        except AzureError as error:
            self._refused(what, error)
        return self._read(pages)

    def _keep(self, pages: list[bytes]) -> Callable[[Any], None]:
        """The answers as they came: the client's own types leave out properties that they do not know."""

        def keep(response: Any) -> None:
            if response.http_response.status_code == 200:
                body = response.http_response.body()
                self._left -= len(body)
                pages.append(body)

        return keep

    def _read(self, pages: Iterable[bytes]) -> list[Resource]:
        found: list[Resource] = []
        for page in pages:
            try:
                found += in_document(json.loads(page), str(self._service))
            except (ValueError, RecursionError):
                self.notes.append(f"{self._service.name}: an answer was not JSON, and was passed over.")
        return found

    def _spent(self, what: str) -> bool:
        """Whether time or bytes are used up; then what is left is not asked for, and that is said."""
        if self._clock() < self._end and self._left > 0:
            return False
        note = f"{self._service.name}: {what} and what follows was not asked for: the time or size allowed was used up."
        if not any("was used up" in n for n in self.notes):
            self.notes.append(note)
        return True

    def _refused(self, what: str, error: Exception) -> None:
        status = getattr(error, "status_code", None)
        why = f"answered {status} {_code(error)}".rstrip() if status else "gave no answer"
        self.notes.append(f"{self._service.name}: {what} could not be read: the service {why}.")


def taught(error: Exception, service: ServiceId) -> SettingsError:
    """An error that says what to do; the service's own words are left out."""
    from azure.core.exceptions import ClientAuthenticationError

    status, code = getattr(error, "status_code", None), _code(error)
    if isinstance(error, ClientAuthenticationError) and status is None:
        why = "there is no credential that works: `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and its secret or certificate"
    elif code in ("InvalidAuthenticationTokenTenant", "InvalidAuthenticationToken"):
        why = "the token is not accepted: it may be another tenant's or cloud's; `az login --tenant`, or set AZURE_TENANT_ID (and AZURE_AUTHORITY_HOST)"
    elif status in (401, 403):
        why = f"the credential may not read it; {_ROLE} ({status} {code or 'without a code'})"
    elif code in ("SubscriptionNotFound", "InvalidSubscriptionId"):
        why = f"there is no such subscription for this credential; compare `az account list` ({status} {code})"
    elif status == 404:
        why = f"there is no such service for this credential; compare `az apim list --query [].id` ({status} {code})".rstrip()
    elif status == 429:
        why = "the resource manager asks to wait (429): try again in some minutes"
    elif status is not None:
        why = (
            f"the resource manager answered {status} {code}".rstrip()
            + "; try again, or use --apim-config with exported files"
        )
    elif re.search(r"NameResolutionError|Failed to resolve|getaddrinfo", str(error)):
        why = "the resource manager's name does not resolve here: is this machine offline, or behind a proxy (HTTPS_PROXY)?"
    elif "CERTIFICATE_VERIFY_FAILED" in str(error):
        why = "its certificate is not trusted here: where a proxy stands between, name its root in REQUESTS_CA_BUNDLE"
    else:
        why = "the resource manager cannot be reached: a firewall or a proxy may stand between; use --apim-config with exported files"
    return SettingsError(f"--apim {service.name}: {why}")


def _code(error: Exception) -> str:
    """Azure's code of an error, where it has one that is a word."""
    found = getattr(getattr(error, "error", None), "code", None)
    return found if isinstance(found, str) and re.fullmatch(r"\w{1,60}", found) else ""
