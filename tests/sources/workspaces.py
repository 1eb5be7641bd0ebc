"""A workspace for tests: the lab's query API on loopback, by HTTP, and the real client that asks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analyzer.lab import logs, week
from analyzer.lab.events import Event
from analyzer.lab.query_api import QueryApi
from analyzer.lab.query_tables import Tables
from analyzer.lab.rows import resource_row
from analyzer.lab.workspace_demo import connect
from analyzer.model import Window
from analyzer.sources import read
from analyzer.sources.workspace.places import Patience, Place, Workspaces, workspace
from analyzer.tally import Tally
from tests.sources.build import TRUST

ID, OTHER = "0b1f6471-1bf0-4dda-aec3-111122223333", "0b1f6471-1bf0-4dda-aec3-444455556666"
PLACE = workspace(ID)
START = week.START
DAY = Window(start=START, end=START + timedelta(days=1))
NOW = START + timedelta(days=7)
HASTY = Patience(pause=0.0)
"""Asks as often as in earnest, and does not wait where nobody asked it to."""


def day(start: datetime = START, hours: int = 24, host: str = "orders.example") -> list[Event]:
    """A failure and a success in each hour."""
    made = []
    for hour in range(hours):
        at = start + timedelta(hours=hour, minutes=10)
        made.append(logs.failure(host, TRUST, at, backend_id="orders"))
        made.append(logs.success(host, at + timedelta(minutes=20)))
    return made


def specific(events: Sequence[Event]) -> Tables:
    """The resource-specific table with these records."""
    return {"ApiManagementGatewayLogs": [resource_row(e) for e in events]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where tests ask."""

    api: QueryApi

    def workspaces(self, *places: Place, slice_: timedelta | None = None) -> Workspaces:
        return Workspaces(places=places or (PLACE,), connect=lambda: connect(self.api, None), slice=slice_)

    def read(
        self,
        *sources: str,
        window: Window = DAY,
        places: Sequence[Place] = (),
        slice_: timedelta | None = None,
        patience: Patience = HASTY,
    ) -> Tally:
        asked = replace(self.workspaces(*places, slice_=slice_), patience=patience)
        return read(sources, window=window, workspaces=asked, now=NOW)


@contextmanager
def desk(tables: Tables | None = None, *, more: Tables | None = None) -> Iterator[Desk]:
    """One workspace with these tables (a day of the resource-specific one), and another with `more`."""
    given = {ID: specific(day()) if tables is None else tables}
    if more is not None:
        given[OTHER] = more
    with QueryApi(given, now=lambda: NOW) as api:
        yield Desk(api=api)
