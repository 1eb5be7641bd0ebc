"""From findings to incidents: clusters that one change would mend, worst first; the key is a certificate's fingerprint or an address, never text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from analyzer.incidents.shared import Share, Shared, shares_of
from analyzer.incidents.steps import merged
from analyzer.incidents.titles import title_of
from analyzer.model import CauseName, Finding, Gateway, Incident, State, Verdict

__all__ = ["incidents_of"]

OF_THE_NETWORK = frozenset({"dns", "refused", "unreachable", "timeout"})
"""Causes that one change in the network brings upon many backends in the same hour."""

_HOUR = timedelta(hours=1)


def incidents_of(
    findings: Sequence[Finding],
    gateways: Sequence[Gateway] = (),
    since: datetime | None = None,
    proxies: Mapping[str, str] | None = None,
) -> tuple[Incident, ...]:
    """Incidents, worst first: those that go on before those that stopped, then by failures.

    A cluster whose cause is neither confirmed nor likely stands alone, unless one proxy or one inspection of TLS hid it.
    `gateways` are those of the findings, for their tiers; `since` is when the logs begin: what fails from their first hour on
    has no known onset (None: not known, and no onset is taken for a shared one before the earliest failure's hour). `proxies`: by cluster, the proxy (host:port) that its
    gateway's settings put before the backend.
    """
    known = {g.id: g for g in gateways}
    groups: dict[tuple[CauseName, Shared], list[Finding]] = defaultdict(list)
    for finding, shared in zip(findings, shares_of(findings, proxies or {}), strict=True):
        groups[finding.lead.cause, shared].append(finding)
    joined = _with_onsets(groups, since)
    ordered = sorted(joined.items(), key=lambda item: _rank(item[1]))
    return tuple(_incident(cause, shared, members, known) for (cause, shared), members in ordered)


def _incident(
    cause: CauseName, shared: Shared, members: Sequence[Finding], gateways: Mapping[str, Gateway]
) -> Incident:
    worst_first = sorted(members, key=lambda f: _rank([f]))
    return Incident(
        cause=cause,
        clusters=tuple(f.cluster.id for f in worst_first),
        shared=shared.words,
        title=title_of(cause, shared, worst_first, gateways),
        remedies=merged(worst_first, gateways_first=shared.kind is Share.CA and cause is CauseName.UNTRUSTED_ROOT),
    )


def _rank(members: Sequence[Finding]) -> tuple[bool, int]:
    stopped = all(f.cluster.state is State.STOPPED for f in members)
    return stopped, -sum(f.cluster.failures for f in members)


def _with_onsets(
    groups: Mapping[tuple[CauseName, Shared], list[Finding]], since: datetime | None
) -> dict[tuple[CauseName, Shared], list[Finding]]:
    """The groups, with network failures that share nothing finer joined by gateway and hour of their first failure."""
    begin = since or min((f.cluster.first_seen for found in groups.values() for f in found), default=None)
    joined: dict[tuple[CauseName, Shared], list[Finding]] = {}
    began: dict[tuple[CauseName, str, datetime], list[tuple[CauseName, Shared]]] = defaultdict(list)
    for (cause, shared), members in groups.items():
        joined[cause, shared] = members
        one = members[0]
        hour = _hour(one.cluster.first_seen)
        shown = one.lead.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)
        if len(members) == 1 and shown and cause.value in OF_THE_NETWORK and begin and hour > _hour(begin):
            began[cause, one.cluster.gateway, hour].append((cause, shared))
    for (cause, gateway, hour), keys in began.items():
        if len(keys) < 2:
            continue
        words = f"their first failure: between {hour:%Y-%m-%d %H:%M} and {hour + _HOUR:%H:%M} UTC, on one gateway"
        onset = Shared(
            kind=Share.ONSET, key=f"{gateway} {hour:%Y-%m-%dT%H}", words=words, name=f"{hour:%Y-%m-%d %H:%M}"
        )
        joined[cause, onset] = [finding for key in keys for finding in joined.pop(key)]
    return joined


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
