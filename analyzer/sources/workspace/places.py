"""What is asked for gateway logs in Log Analytics: workspaces and resources, the cloud they are in, the credential to ask with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from analyzer.errors import UsageError

if TYPE_CHECKING:
    from azure.monitor.query import LogsQueryClient


class Auth(StrEnum):
    """Where a token comes from, in azure-identity's terms."""

    DEFAULT = (
        "default"  # the first that works of environment, workload identity, managed identity, az, …; never a browser
    )
    CLI = "cli"
    ENV = "env"
    MANAGED_IDENTITY = "managed-identity"
    WORKLOAD_IDENTITY = "workload-identity"
    BROWSER = "browser"


class Cloud(StrEnum):
    """Which Azure."""

    PUBLIC = "public"
    USGOV = "usgov"
    CHINA = "china"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One cloud's query API."""

    endpoint: str
    authority: str  # who gives out its tokens
    portal: str


SERVICES: Mapping[Cloud, Service] = {
    Cloud.PUBLIC: Service(
        endpoint="https://api.loganalytics.io", authority="login.microsoftonline.com", portal="portal.azure.com"
    ),
    Cloud.USGOV: Service(
        endpoint="https://api.loganalytics.us", authority="login.microsoftonline.us", portal="portal.azure.us"
    ),
    Cloud.CHINA: Service(
        endpoint="https://api.loganalytics.azure.cn", authority="login.chinacloudapi.cn", portal="portal.azure.cn"
    ),
}
"""https://learn.microsoft.com/azure/azure-monitor/logs/api/access-api and the README of azure-monitor-query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One workspace, several that are asked as one, or one resource whose logs are asked for wherever they are."""

    id: str  # a workspace's GUID, or a resource id
    also: tuple[str, ...] = ()  # workspaces asked in the same query
    insights: bool = False  # asked for Application Insights' tables, and not for the gateway's logs

    @property
    def is_resource(self) -> bool:
        """Whether it is named by a resource id."""
        return self.id.startswith("/")

    @property
    def path(self) -> str:
        """Of the API, without /query or /search."""
        return self.id if self.is_resource else f"/workspaces/{self.id}"

    @property
    def name(self) -> str:
        """What it is called in reports."""
        of = (
            f"logs of {self.id.rsplit('/', 1)[1]}"
            if self.is_resource
            else " + ".join(f"workspace {i}" for i in (self.id, *self.also))
        )
        return f"{of} (Application Insights)" if self.insights else of


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a query is asked, and how long one answer may take."""

    attempts: int = 6  # where it is throttled
    repeats: int = 3  # where the service fails or the answer breaks off
    pause: float = 2.0  # seconds before the second attempt; doubled before each further one
    longest: float = 120.0  # seconds that a Retry-After may ask for
    server: int = 600  # seconds that the service may take for one query; it allows no more
    client: float = 630.0  # seconds until an answer is given up: above the service's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspaces:
    """All that is asked in one run, and how."""

    places: tuple[Place, ...]
    auth: Auth = Auth.DEFAULT
    cloud: Cloud = Cloud.PUBLIC
    slice: timedelta | None = None
    # None: a query asks for a day, of a table on the Basic plan for four hours
    connect: Callable[[], LogsQueryClient] | None = None
    # None: a client is made from `auth` and `cloud`; a program that has a client of its own gives it here
    patience: Patience = Patience()

    @classmethod
    def of(
        cls,
        *ids: str,
        resources: Sequence[str] = (),
        auth: Auth | str = Auth.DEFAULT,
        cloud: Cloud | str = Cloud.PUBLIC,
    ) -> Workspaces:
        """Workspaces by their IDs and services by their resource ids. Raises UsageError, ValueError for another auth or cloud."""
        places = (*map(workspace, ids), *map(resource, resources))
        return cls(places=places, auth=Auth(auth), cloud=Cloud(cloud))


_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_RESOURCE = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resource[gG]roups/[^/?#\s%\\]{1,90}/providers/[A-Za-z.]+(?:/[A-Za-z]+/[A-Za-z0-9_.-]{1,128})+",
    re.IGNORECASE,
)
_WORKSPACE_TYPE = "/microsoft.operationalinsights/workspaces/"


def workspace(word: str) -> Place:
    """A workspace by its Workspace ID, or by its resource id. Raises UsageError."""
    bare = word.strip().rstrip("/")
    if _GUID.fullmatch(bare):
        return Place(id=bare.lower())
    if _WORKSPACE_TYPE in bare.lower() and _RESOURCE.fullmatch(bare):
        return Place(id=bare)
    raise UsageError(
        f"--workspace {word}: not a Workspace ID (a GUID, on the workspace's Overview page); "
        "`az monitor log-analytics workspace show -g GROUP -n NAME --query customerId -o tsv` prints it"
    )


def resource(word: str) -> Place:
    """An API Management service by its resource id. Raises UsageError."""
    bare = word.strip().rstrip("/")
    if not _RESOURCE.fullmatch(bare) or "/microsoft.apimanagement/service/" not in bare.lower():
        raise UsageError(
            f"--resource {word}: not the resource id of an API Management service, "
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.ApiManagement/service/NAME; "
            "`az apim show -g GROUP -n NAME --query id -o tsv` prints it"
        )
    return Place(id=bare)


def as_one(places: tuple[Place, ...]) -> tuple[Place, ...]:
    """Workspaces that are asked by one query together; resources stay alone. Raises UsageError."""
    several = [one for one in places if not one.is_resource]
    if len(several) < 2:
        raise UsageError("--cross-workspace: name two workspaces or more, each by --workspace and its Workspace ID")
    first, *others = several
    whole = Place(id=first.id, also=tuple(one.id for one in others))
    return (whole, *(one for one in places if one.is_resource))
