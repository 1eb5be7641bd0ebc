"""From a tally to clusters: gateway × backend × family of failure; the worst with timeline, messages and state, the rest counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer import messages
from analyzer.model import Backend, Cluster, Family, Hour, Kind, Message, Rest, Share, State, cluster_id
from analyzer.tally import Tally, rows

SAMPLES = 5  # correlation ids kept per cluster
TOP_CALLERS = 100  # client addresses kept
TOP = 20  # values kept per affected dimension, and messages
_HOUR = timedelta(hours=1)
_FAMILIES = tuple(Family)

Place = tuple[str, str, str, int | None, str]
"""gateway, scheme, host, port, backend id; the id is "" where a host names the backend, so that entities of one host meet."""

Numbers = npt.NDArray[np.int64]


@dataclass(slots=True)
class _Failing:
    """The failure rows of one cluster, gathered."""

    texts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    kinds: dict[str, Kind] = field(default_factory=dict)
    hours: dict[datetime, int] = field(default_factory=lambda: defaultdict(int))
    elapsed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    ids: dict[str, None] = field(default_factory=dict)
    affected: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))


@dataclass(slots=True)
class _Hours:
    """What one place was asked and failed, hour by hour; of all its families."""

    requests: dict[datetime, int] = field(default_factory=lambda: defaultdict(int))
    failures: dict[datetime, int] = field(default_factory=lambda: defaultdict(int))


def clusters_of(tally: Tally, most: int | None = None) -> tuple[tuple[Cluster, ...], Rest]:
    """The worst `most` clusters of a tally (None: all), most failures first, and the rest, which are only counted.

    A cluster's `requests` is None where its gateway's records hold no success at all: such a source was filtered to failures.
    """
    place_of, places = _places(tally.failures)
    number_of = place_of * len(_FAMILIES) + _family_of(tally.failures)
    counted = _counted(tally, number_of, place_of, places)
    ranked = sorted(counted, key=lambda n: (-counted[n].failures, counted[n].id))
    worst = ranked[:most]
    beyond = ranked[len(worst) :]
    failing, hours = _gathered(tally, number_of, places, set(worst))
    also = cache(_also)
    return (
        tuple(_told(counted[n], failing[n], hours[places[n // len(_FAMILIES)]], tally.found.end, also) for n in worst),
        Rest(
            clusters=len(beyond),
            failures=sum(counted[n].failures for n in beyond),
            timeline=_hourly(tally.failures[np.isin(number_of, beyond)]) if beyond else (),
            each=tuple(counted[n] for n in beyond),
        ),
    )


def _places(frame: pd.DataFrame) -> tuple[Numbers, list[Place]]:
    """The number of each row's place, and the places by number."""
    keys = pd.DataFrame({name: frame[name].cat.codes for name in ("gateway", "scheme", "host")})
    keys["port"] = frame["port"].fillna(-1).to_numpy(dtype=np.int64)
    keys["entity"] = frame["backend_id"].cat.codes.where(frame["host"] == "", -1)
    number = keys.groupby(list(keys), sort=False).ngroup().to_numpy().astype(np.int64)
    first = np.unique(number, return_index=True)[1]
    return number, [_place(row) for row in rows(frame.iloc[first])]


def _family_of(failures: pd.DataFrame) -> Numbers:
    """The position in _FAMILIES of each row's kind."""
    kinds = failures["kind"].cat
    families = [_FAMILIES.index(messages.family_of(Kind(kind))) for kind in kinds.categories]
    return np.array(families, dtype=np.int64)[kinds.codes.to_numpy()]


def _counted(tally: Tally, number_of: Numbers, place_of: Numbers, places: Sequence[Place]) -> dict[int, Cluster]:
    """Every cluster by its number, with what adding up tells: no messages, no timeline, and no state yet."""
    sums = tally.failures.groupby(number_of).agg({"count": "sum", "first": "min", "last": "max"})
    entities: dict[int, set[str]] = defaultdict(set)
    for row in rows(tally.failures[["backend_id"]].assign(place=place_of).drop_duplicates()):
        entities[row.place].update(filter(None, (row.backend_id,)))
    backends = [
        Backend(scheme=scheme, host=host, port=port, backend_ids=tuple(sorted(entities[n])))
        for n, (_, scheme, host, port, _) in enumerate(places)
    ]
    requests, successes = _answered(tally.traffic)
    found = {}
    for row in rows(sums.reset_index(names="number")):
        place, family = places[row.number // len(_FAMILIES)], _FAMILIES[row.number % len(_FAMILIES)]
        backend = backends[row.number // len(_FAMILIES)]
        found[row.number] = Cluster(
            id=cluster_id(place[0], backend, family),
            gateway=place[0],
            backend=backend,
            family=family,
            failures=row.counted,
            requests=requests.get(place),
            state=State.UNKNOWN,
            first_seen=_time(row.first),
            last_seen=_time(row.last),
            last_success=successes.get(place),
            messages=(),
        )
    return found


def _answered(traffic: pd.DataFrame) -> tuple[dict[Place, int], dict[Place, datetime]]:
    """Requests by place, of gateways whose records hold at least one success, and the last success by place."""
    place_of, places = _places(traffic)
    sums = traffic.groupby(place_of).agg({"requests": "sum", "last_success": "max"})
    successes = {place: _time(at) for place, at in zip(places, sums["last_success"], strict=True) if not pd.isna(at)}
    counting = {place[0] for place in successes}
    requests = zip(places, sums["requests"].tolist(), strict=True)
    return {place: number for place, number in requests if place[0] in counting}, successes


def _gathered(
    tally: Tally, number_of: Numbers, places: Sequence[Place], worst: set[int]
) -> tuple[dict[int, _Failing], dict[Place, _Hours]]:
    """The rows of the worst clusters, by their number, and the hours of their places."""
    failing: dict[int, _Failing] = defaultdict(_Failing)
    hours: dict[Place, _Hours] = defaultdict(_Hours)
    chosen = {n // len(_FAMILIES) for n in worst}
    mine = np.isin(number_of // len(_FAMILIES), list(chosen))
    for number, row in zip(number_of[mine].tolist(), rows(tally.failures[mine]), strict=True):
        hour = _time(row.hour)
        hours[places[number // len(_FAMILIES)]].failures[hour] += row.counted
        if number in worst:
            one = failing[number]
            one.texts[row.signature] += row.counted
            one.kinds[row.signature] = Kind(row.kind)
            one.hours[hour] += row.counted
            one.elapsed[row.elapsed_bucket] += row.counted
            one.ids.update({i: None for i in (row.first_id, row.last_id) if i})
    named = {places[n]: n for n in chosen}
    for place, row in _of(tally.affected, named):
        for number in range(named[place] * len(_FAMILIES), (named[place] + 1) * len(_FAMILIES)):
            if number in worst and row.signature in failing[number].texts:
                failing[number].affected[row.dimension][row.value] += row.counted
    for place, row in _of(tally.traffic, named):
        hours[place].requests[_time(row.hour)] += row.requests
    return failing, hours


def _of(frame: pd.DataFrame, wanted: Mapping[Place, int]) -> list[tuple[Place, Any]]:
    """The rows whose place is wanted, each with it."""
    place_of, places = _places(frame)
    mine = np.isin(place_of, [n for n, place in enumerate(places) if place in wanted])
    return [(places[n], row) for n, row in zip(place_of[mine].tolist(), rows(frame[mine]), strict=True)]


def _told(
    counted: Cluster,
    one: _Failing,
    hours: _Hours,
    end: datetime | None,
    also: Callable[[str, Kind], tuple[Kind, ...]],
) -> Cluster:
    """A counted cluster with everything that its rows tell."""
    requests = hours.requests if counted.requests is not None else {}
    return replace(
        counted,
        state=_state(counted, one, hours, end),
        messages=tuple(
            Message(text=text, kind=one.kinds[text], also=also(text, one.kinds[text]), failures=count)
            for text, count in _top(one.texts)
        ),
        apis=_shares(one.affected["api"]),
        operations=_shares(one.affected["operation"]),
        products=_shares(one.affected["product"]),
        subscriptions=_shares(one.affected["subscription"]),
        callers=_shares(one.affected["caller"], TOP_CALLERS),
        correlation_ids=tuple(one.ids)[:SAMPLES],
        timeline=tuple(
            Hour(start=h, failures=one.hours.get(h, 0), requests=requests.get(h, 0) if requests else None)
            for h in sorted(set(one.hours) | set(requests))
        ),
        own_host_calls=sum(one.affected["own_host"].values()),
        elapsed=tuple(sorted(one.elapsed.items())),
    )


def _state(counted: Cluster, one: _Failing, hours: _Hours, end: datetime | None) -> State:
    """Whether failures go on at the end of the window.

    Intermittent: calls succeeded between the first and the last failure. Stopped: a call succeeded after the last failure.
    Ongoing: nothing succeeded since onset and the last failure is as recent as the failures' own rhythm lets one expect.
    """
    first, last, success = counted.first_seen, counted.last_seen, counted.last_success
    if success is not None:
        inside = [h for h in hours.requests if first < h and h + _HOUR <= last]
        if any(hours.requests[h] > hours.failures.get(h, 0) for h in inside) or first < success < last:
            return State.INTERMITTENT
        if success > last:
            return State.STOPPED
    if end is None:
        return State.UNKNOWN
    gaps = [later - earlier for earlier, later in pairwise(sorted(one.hours))]
    patience = max([2 * _HOUR, *(3 * gap for gap in gaps)])
    return State.ONGOING if end - last <= patience else State.UNKNOWN


def _hourly(failures: pd.DataFrame) -> tuple[Hour, ...]:
    """Failures by hour of all rows together."""
    sums = failures.groupby("hour")["count"].sum()
    return tuple(Hour(start=_time(at), failures=int(number), requests=None) for at, number in sums.items())


def _also(text: str, kind: Kind) -> tuple[Kind, ...]:
    match = messages.classify(text)
    return tuple(k for k in dict.fromkeys((match.kind, *match.also)) if k is not kind)


def _place(row: Any) -> Place:
    return (
        row.gateway,
        row.scheme,
        row.host,
        None if pd.isna(row.port) else int(row.port),
        "" if row.host else row.backend_id,
    )


def _time(value: Any) -> datetime:
    moment: datetime = value.to_pydatetime()
    return moment


def _top(counts: dict[str, int], most: int = TOP) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def _shares(counts: dict[str, int], most: int = TOP) -> tuple[Share, ...]:
    return tuple(Share(value=value, failures=count) for value, count in _top(counts, most))
