"""The options that name workspaces, and what they come to: what is asked, and the two answers that need no report."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.model import Window
    from analyzer.sources.workspace.places import Workspaces

WorkspaceIds = Annotated[
    list[str] | None,
    typer.Option(
        "--workspace",
        metavar="ID",
        help="A Log Analytics workspace, by its Workspace ID: it does the counting, and only the tally travels. Repeatable.",
    ),
]
Resources = Annotated[
    list[str] | None,
    typer.Option(
        "--resource",
        metavar="RESOURCE_ID",
        help="An API Management service: its logs in whatever workspaces they are; Reader on the service is enough. Repeatable.",
    ),
]
CrossWorkspace = Annotated[
    bool,
    typer.Option(
        "--cross-workspace",
        help="Ask all workspaces in one query: an hour of a service that is in several tables of them counts once.",
    ),
]
AppInsights = Annotated[
    bool,
    typer.Option(
        "--app-insights",
        help="Ask the workspaces for Application Insights (AppExceptions, AppDependencies, AppRequests), not for the gateway's logs.",
    ),
]
AuthWay = Annotated[
    str,
    typer.Option(
        "--auth",
        metavar="HOW",
        help="How to sign in to workspaces: default (environment, managed identity, az, …), cli, env, managed-identity, "
        "workload-identity or browser.",
    ),
]
CloudName = Annotated[
    str, typer.Option("--cloud", metavar="CLOUD", help="Where the workspaces are: public, usgov or china.")
]
SliceLength = Annotated[
    str | None,
    typer.Option(
        "--slice",
        metavar="SPAN",
        help="How much time one query asks for, such as 6h; a day by default, 4h of a table on the Basic plan.",
    ),
]
SaveTally = Annotated[
    Path | None,
    typer.Option(
        "--save-tally",
        metavar="FILE.parquet",
        help="Keep what was counted, without any record: give the file to analyze later, alone or with --workspace to go on from there.",
    ),
]
PrintQuery = Annotated[
    bool,
    typer.Option("--print-query", help="Print what would be sent to the workspaces, and stop; nothing is sent."),
]
Estimate = Annotated[
    bool,
    typer.Option(
        "--estimate", help="Ask the workspaces how much they hold of this time (from the free Usage table), and stop."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which workspaces are asked, and how."""

    workspace: WorkspaceIds = None
    resource: Resources = None
    cross_workspace: CrossWorkspace = False
    app_insights: AppInsights = False
    auth: AuthWay = "default"
    cloud: CloudName = "public"
    slice_length: SliceLength = None


def asked(named: Named) -> Workspaces | None:
    """What the options ask of which workspaces; None: of none. Raises UsageError."""
    from analyzer.sources.workspace.places import Auth, Cloud, Workspaces, as_one, resource, workspace

    places = (*map(workspace, named.workspace or ()), *map(resource, named.resource or ()))
    if named.cross_workspace:
        places = as_one(places)
    if named.app_insights:
        places = tuple(replace(place, insights=True) for place in places)
    try:
        way = Auth(named.auth)
    except ValueError:
        raise UsageError(f"--auth {named.auth}: one of {', '.join(Auth)}") from None
    try:
        where = Cloud(named.cloud)
    except ValueError:
        raise UsageError(f"--cloud {named.cloud}: one of {', '.join(Cloud)}") from None
    length = _length(named.slice_length) if named.slice_length else None
    if not places:
        return None
    return Workspaces(places=places, auth=way, cloud=where, slice=length)


def _length(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,4})([mhd])", text.strip().lower())
    length = timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[match[2]]: int(match[1])}) if match else None
    if length is None or not timedelta(minutes=5) <= length <= timedelta(days=31):
        raise UsageError(f"--slice {text}: write 5m to 31d, such as 6h")
    return length


def print_query(workspaces: Workspaces, window: Window, now: datetime) -> Sequence[str]:
    """The lines of what would be sent for the first window of each place, and how many more there are."""
    from analyzer.sources.workspace.plan import plan

    return [line for one in plan(workspaces, window, now) for line in one]


def estimate(workspaces: Workspaces, window: Window, now: datetime) -> Sequence[str]:
    """How much the places hold of a window, a line each. Raises SourceError."""
    from analyzer.sources.workspace.plan import estimates

    return estimates(workspaces, window, now)
