"""Clusters and the tally's traffic in, what happened beside each cluster out: one gateway or all, one backend or many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from analyzer.model import Cluster, Gateway, Neighbours

if TYPE_CHECKING:
    from analyzer.tally import Tally

_Backend = tuple[str, int | None]


def neighbours_of(tally: Tally, clusters: Sequence[Cluster], gateways: Mapping[str, Gateway]) -> dict[str, Neighbours]:
    """By a cluster's id, what the log shows beside it; clusters that it shows nothing beside are left out."""
    answers = _answers(tally, {c.backend.host for c in clusters if c.backend.host})
    at_backend: dict[tuple[_Backend, str], list[Cluster]] = defaultdict(list)
    in_hour: dict[tuple[str, str, datetime], set[_Backend]] = defaultdict(set)
    for c in clusters:
        if c.backend.host:
            at_backend[_backend(c), c.family].append(c)
            for hour in c.timeline:
                if hour.failures:
                    in_hour[c.gateway, c.family, hour.start].add(_backend(c))
    found = {}
    for c in clusters:
        if not c.backend.host:
            continue
        others = [o for o in at_backend[_backend(c), c.family] if o.gateway != c.gateway and _meet(o, c)]
        answered = [
            gateway
            for gateway, times in answers.get(_backend(c), {}).items()
            if gateway != c.gateway and any(c.first_seen < at < c.last_seen for at in times)
        ]
        beside = set[_Backend]().union(
            *(in_hour[c.gateway, c.family, hour.start] for hour in c.timeline if hour.failures)
        ) - {_backend(c)}
        one = Neighbours(
            answered_at=tuple(sorted(_named(gateways, g) for g in answered)),
            failing_at=tuple(sorted({_named(gateways, o.gateway) for o in others})),
            failing_beside=len(beside),
        )
        if one != Neighbours():
            found[c.id] = one
    return found


def _answers(tally: Tally, hosts: set[str]) -> dict[_Backend, dict[str, list[datetime]]]:
    """By backend and gateway, the last success of each hour; only of backends that more than one gateway called."""
    import pandas as pd

    from analyzer.tally import rows

    traffic = tally.traffic
    mine = traffic[traffic["host"].isin(list(hosts))]
    several = mine.groupby(["host", "port"], observed=True, dropna=False)["gateway"].transform("nunique") > 1
    found: dict[_Backend, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    answered = mine[several & mine["last_success"].notna()]
    for row in rows(answered[["gateway", "host", "port", "last_success"]]):
        port = None if pd.isna(row.port) else int(row.port)
        found[row.host, port][row.gateway].append(row.last_success.to_pydatetime())
    return found


def _backend(cluster: Cluster) -> _Backend:
    return cluster.backend.host, cluster.backend.port


def _meet(one: Cluster, other: Cluster) -> bool:
    """Whether the two failed at the same time."""
    return one.first_seen <= other.last_seen and other.first_seen <= one.last_seen


def _named(gateways: Mapping[str, Gateway], ident: str) -> str:
    gateway = gateways.get(ident)
    if gateway is None:
        return ident
    return f"{gateway.name} ({gateway.region})" if gateway.region else gateway.name or gateway.id
