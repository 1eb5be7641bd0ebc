"""From a tally to clusters: gateway × backend × family of failure, each with its timeline and whether it goes on."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from analyzer import messages
from analyzer.model import Backend, Cluster, Family, Hour, Kind, Message, Share, State
from analyzer.tally import Tally, rows

SAMPLES = 5  # correlation ids kept per cluster
TOP_CALLERS = 100  # client addresses kept
TOP = 20  # values kept per affected dimension, and messages
_HOUR = timedelta(hours=1)

Place = tuple[str, str, str, int | None, str]
"""gateway, scheme, host, port, backend id; the id is "" where a host names the backend, so that entities of one host meet."""


@dataclass(slots=True)
class _Failing:
    """The failure rows of one cluster, gathered."""

    first: datetime
    last: datetime
    failures: int = 0
    texts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    kinds: dict[str, Kind] = field(default_factory=dict)
    hours: dict[datetime, int] = field(default_factory=lambda: defaultdict(int))
    elapsed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    ids: dict[str, None] = field(default_factory=dict)
    affected: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))


@dataclass(slots=True)
class _Traffic:
    requests: dict[datetime, int] = field(default_factory=lambda: defaultdict(int))
    last_success: datetime | None = None


def clusters_of(tally: Tally) -> tuple[Cluster, ...]:
    """The clusters of a tally, most failures first.

    A cluster's `requests` is None where its gateway's records hold no success at all: such a source was filtered to failures.
    """
    failing: dict[tuple[Place, Family], _Failing] = {}
    entities: dict[Place, dict[str, None]] = defaultdict(dict)
    failed_hours: dict[Place, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows(tally.failures):
        place, kind = _place(row), Kind(row.kind)
        one = failing.setdefault(
            (place, messages.family_of(kind)), _Failing(first=_time(row.first), last=_time(row.last))
        )
        one.first, one.last = min(one.first, _time(row.first)), max(one.last, _time(row.last))
        one.failures += row.counted
        one.texts[row.signature] += row.counted
        one.kinds[row.signature] = kind
        one.hours[_time(row.hour)] += row.counted
        one.elapsed[row.elapsed_bucket] += row.counted
        one.ids.update({i: None for i in (row.first_id, row.last_id) if i})
        failed_hours[place][_time(row.hour)] += row.counted
        if row.backend_id:
            entities[place][row.backend_id] = None
    for row in rows(tally.affected):
        place = _place(row)
        for family in Family:
            group = failing.get((place, family))
            if group is not None and row.signature in group.texts:
                group.affected[row.dimension][row.value] += row.counted
    traffic, counting = _traffic(tally)
    end = tally.found.end
    found = [
        _cluster(
            place,
            family,
            one,
            tuple(entities[place]),
            traffic.get(place),
            place[0] in counting,
            failed_hours[place],
            end,
        )
        for (place, family), one in failing.items()
    ]
    return tuple(sorted(found, key=lambda c: (-c.failures, c.id)))


def cluster_id(gateway: str, backend: Backend, family: Family) -> str:
    """First 12 hex digits of SHA-256 over gateway, backend and family: the same in every run."""
    name = backend.host or ",".join(backend.backend_ids)
    parts = (gateway, backend.scheme, name, str(backend.port or ""), family.value)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def _cluster(
    place: Place,
    family: Family,
    one: _Failing,
    backend_ids: tuple[str, ...],
    traffic: _Traffic | None,
    counting: bool,
    failed_hours: dict[datetime, int],
    end: datetime | None,
) -> Cluster:
    gateway, scheme, host, port, _ = place
    backend = Backend(scheme=scheme, host=host, port=port, backend_ids=tuple(sorted(backend_ids)))
    requests = traffic.requests if traffic and counting else {}
    hours = sorted(set(one.hours) | set(requests))
    return Cluster(
        id=cluster_id(gateway, backend, family),
        gateway=gateway,
        backend=backend,
        family=family,
        failures=one.failures,
        requests=sum(requests.values()) if requests else None,
        state=_state(one, traffic, failed_hours, end),
        first_seen=one.first,
        last_seen=one.last,
        last_success=traffic.last_success if traffic else None,
        messages=tuple(
            Message(text=text, kind=one.kinds[text], also=_also(text, one.kinds[text]), failures=count)
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
            for h in hours
        ),
        elapsed=tuple(sorted(one.elapsed.items())),
    )


def _state(one: _Failing, traffic: _Traffic | None, failed_hours: dict[datetime, int], end: datetime | None) -> State:
    """Whether failures go on at the end of the window.

    Intermittent: calls succeeded between the first and the last failure. Stopped: a call succeeded after the last failure.
    Ongoing: nothing succeeded since onset and the last failure is as recent as the failures' own rhythm lets one expect.
    """
    if traffic is not None and traffic.last_success is not None:
        inside = [h for h in traffic.requests if one.first < h and h + _HOUR <= one.last]
        if (
            any(traffic.requests[h] > failed_hours.get(h, 0) for h in inside)
            or one.first < traffic.last_success < one.last
        ):
            return State.INTERMITTENT
        if traffic.last_success > one.last:
            return State.STOPPED
    if end is None:
        return State.UNKNOWN
    hours = sorted(one.hours)
    gaps = [later - earlier for earlier, later in pairwise(hours)]
    patience = max([2 * _HOUR, *(3 * gap for gap in gaps)])
    return State.ONGOING if end - one.last <= patience else State.UNKNOWN


def _traffic(tally: Tally) -> tuple[dict[Place, _Traffic], set[str]]:
    """Traffic by place, and the gateways whose records hold at least one success."""
    places: dict[Place, _Traffic] = defaultdict(_Traffic)
    counting: set[str] = set()
    for row in rows(tally.traffic):
        one = places[_place(row)]
        one.requests[_time(row.hour)] += row.requests
        success = _time_or_none(row.last_success)
        if success is not None:
            counting.add(row.gateway)
            one.last_success = max(one.last_success or success, success)
    return places, counting


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


def _time_or_none(value: Any) -> datetime | None:
    return None if pd.isna(value) else _time(value)


def _top(counts: dict[str, int], most: int = TOP) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def _shares(counts: dict[str, int], most: int = TOP) -> tuple[Share, ...]:
    return tuple(Share(value=value, failures=count) for value, count in _top(counts, most))
