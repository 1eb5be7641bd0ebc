"""Tallies of several weeks in, one timeline out: which hours failed how at which backend, and in which of them it answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer import messages
from analyzer.model import Backend, Kind, Week
from analyzer.tally import Tally, rows

Place = tuple[str, str, str, int | None, str]
"""gateway, scheme, host, port, backend entity; the entity is "" where a host names the backend."""

VAGUE = frozenset({Kind.TRUST_UNSPECIFIED, Kind.TLS_OTHER, Kind.CHAIN_OTHER, Kind.OTHER})
"""Kinds that say no more than another one: in an hour in which the same backend fails with a plainer one, they count as that."""

Key = tuple[Place, Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingHour:
    """One hour in which a backend failed in one way."""

    hour: datetime  # its start, UTC
    failures: int
    first: datetime
    last: datetime
    week: int  # position of the week among those of the timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHour:
    """One hour in which a backend was called."""

    hour: datetime
    requests: int
    failures: int  # of any kind
    last_success: datetime | None
    week: int

    @property
    def answered(self) -> bool:
        """Whether any call was."""
        return self.requests > self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What is known of some weeks, hour by hour. An hour that the boundary of two weeks cuts is there twice, once for each."""

    weeks: tuple[Week, ...]  # without gap, oldest first
    known: tuple[bool, ...]  # whether any record of a week was seen
    failing: Mapping[Key, tuple[FailingHour, ...]]  # in order
    calls: Mapping[Place, tuple[CallHour, ...]]  # in order; of every backend in the traffic
    backends: Mapping[Place, Backend]
    counting: frozenset[tuple[str, int]]  # gateway and position of a week: its records hold successes too


def timeline_of(weeks: Sequence[tuple[Week, Tally | None]]) -> Timeline:
    """The timeline of weeks that follow each other, oldest first; None where nothing is known of one."""
    failing: dict[Key, list[FailingHour]] = defaultdict(list)
    calls: dict[Place, list[CallHour]] = defaultdict(list)
    entities: dict[Place, set[str]] = defaultdict(set)
    counting: set[tuple[str, int]] = set()
    for position, (_, tally) in enumerate(weeks):
        if tally is None:
            continue
        _add_failures(tally, position, failing, entities)
        _add_calls(tally, position, calls, entities)
        counting |= {(gateway, position) for gateway in _with_successes(tally)}
    return Timeline(
        weeks=tuple(week for week, _ in weeks),
        known=tuple(tally is not None for _, tally in weeks),
        failing={key: tuple(hours) for key, hours in failing.items()},
        calls={place: tuple(hours) for place, hours in calls.items()},
        backends={
            place: Backend(scheme=place[1], host=place[2], port=place[3], backend_ids=tuple(sorted(names)))
            for place, names in entities.items()
        },
        counting=frozenset(counting),
    )


def plainer_kinds(failures: pd.DataFrame) -> pd.Series[str]:
    """The kind of each row of a tally's failures; of a vague one, the most frequent plainer kind of its backend, family and hour."""
    kinds = failures["kind"].astype(str)
    vague = kinds.isin(VAGUE).to_numpy()
    if not vague.any() or vague.all():
        return kinds
    family = kinds.map({kind: messages.family_of(kind).value for kind in map(Kind, kinds.unique())})
    hour = failures["hour"].astype("int64")
    of = pd.DataFrame({"place": _numbered(failures)[0], "family": family, "hour": hour}, index=failures.index)
    plain = of[~vague].assign(kind=kinds[~vague], count=failures["count"][~vague])
    sums: pd.DataFrame = plain.groupby(["place", "family", "hour", "kind"])["count"].sum().reset_index()
    sums = sums.sort_values(["count", "kind"], ascending=[False, True]).drop_duplicates(["place", "family", "hour"])
    found = of.merge(sums, how="left", on=["place", "family", "hour"])["kind"].set_axis(failures.index)
    return kinds.where(~vague | found.isna(), found)


def _add_failures(
    tally: Tally, position: int, failing: dict[Key, list[FailingHour]], entities: dict[Place, set[str]]
) -> None:
    number, places = _numbered(tally.failures)
    frame = tally.failures.assign(place=number, said=plainer_kinds(tally.failures))
    for row in rows(frame[["place", "backend_id"]].drop_duplicates()):
        entities[places[row.place]].update(filter(None, (row.backend_id,)))
    sums = frame.groupby(["place", "said", "hour"], as_index=False, observed=True).agg(
        {"count": "sum", "first": "min", "last": "max"}
    )
    for row in rows(sums):
        failing[places[row.place], Kind(row.said)].append(
            FailingHour(
                hour=row.hour.to_pydatetime(),
                failures=int(row.counted),
                first=row.first.to_pydatetime(),
                last=row.last.to_pydatetime(),
                week=position,
            )
        )


def _add_calls(
    tally: Tally, position: int, calls: dict[Place, list[CallHour]], entities: dict[Place, set[str]]
) -> None:
    number, places = _numbered(tally.traffic)
    failed, of = _numbered(tally.failures)
    lost: dict[tuple[Place, datetime], int] = defaultdict(int)
    per_hour = tally.failures.assign(place=failed).groupby(["place", "hour"])["count"].sum().reset_index()
    for row in rows(per_hour):
        lost[of[row.place], row.hour.to_pydatetime()] += int(row.counted)
    frame = tally.traffic.assign(place=number)
    for row in rows(frame[["place", "backend_id"]].drop_duplicates()):
        entities[places[row.place]].update(filter(None, (row.backend_id,)))
    sums = frame.groupby(["place", "hour"], as_index=False).agg({"requests": "sum", "last_success": "max"})
    for row in rows(sums):
        place, hour = places[row.place], row.hour.to_pydatetime()
        calls[place].append(
            CallHour(
                hour=hour,
                requests=int(row.requests),
                failures=lost.get((place, hour), 0),
                last_success=None if pd.isna(row.last_success) else row.last_success.to_pydatetime(),
                week=position,
            )
        )


def _with_successes(tally: Tally) -> set[str]:
    """Gateways whose records hold at least one answered call."""
    return set(tally.traffic[tally.traffic["last_success"].notna()]["gateway"].astype(str).unique())


def _numbered(frame: pd.DataFrame) -> tuple[npt.NDArray[np.int64], list[Place]]:
    """The number of each row's place, and the places by number."""
    host = frame["host"].astype(str)
    keys = pd.DataFrame(
        {
            "gateway": frame["gateway"].astype(str),
            "scheme": frame["scheme"].astype(str),
            "host": host,
            "port": frame["port"].fillna(-1).astype("int64"),
            "entity": frame["backend_id"].astype(str).where(host == "", ""),
        }
    )
    number = keys.groupby(list(keys), sort=False).ngroup().to_numpy().astype(np.int64)
    first = np.unique(number, return_index=True)[1]
    places: list[Place] = [
        (row.gateway, row.scheme, row.host, None if row.port == -1 else int(row.port), row.entity)
        for row in rows(keys.iloc[first])
    ]
    return number, places
