"""All evidence about one backend in, rounds of asking out, the one that is believed first; and how another differs, in words.

A round is what one machine saw at one time in one voice: one evidence for each address that it asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from analyzer import trust
from analyzer.causes.case import FRESH
from analyzer.causes.connection import UNDECIDED
from analyzer.causes.observed import day, met
from analyzer.model import OTHER_VOICES, CauseName, Certificate, Cluster, Collected, Evidence, Outcome

NO_ROUTE = "no route from this machine"
"""The detail of an address that only this machine cannot reach, such as IPv6 without a route."""

_PLACES = {"gateway": "In the gateway's network", "outside": "From outside the gateway's network"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one machine saw of one backend at one time in one voice."""

    entries: tuple[Evidence, ...]  # one for each address
    inside: bool  # collected in the gateway's network
    observed: bool  # the backend itself was met, or found not to be there
    own_voice: bool  # asked with the gateway's own hello

    @property
    def collected(self) -> Collected:
        """Who asked, where and when."""
        return self.entries[0].collected

    @property
    def nearness(self) -> tuple[bool, bool, bool]:
        """Sorts what is nearer to the gateway first; time apart."""
        return not self.observed, not self.inside, not self.own_voice


def rounds_of(
    evidence: Sequence[Evidence], profile: str, not_the_backend: Collection[Evidence] = ()
) -> tuple[Round, ...]:
    """The rounds, nearest to the gateway first: what met the backend, in the gateway's network, in its voice, lately.

    `profile` is the gateway's own; `not_the_backend` is evidence of somebody who answered in the backend's place.
    """
    grouped: dict[tuple[object, ...], list[Evidence]] = {}
    for one in dict.fromkeys(evidence):
        grouped.setdefault((one.collected, one.profile, one.server_name, one.proxy, _foreign(one)), []).append(one)
    rounds = [
        Round(
            entries=tuple(entries),
            inside=entries[0].collected.vantage == "gateway",
            observed=any(tells(e) and e not in not_the_backend for e in entries),
            own_voice=entries[0].profile == profile and not _foreign(entries[0]),
        )
        for entries in grouped.values()
    ]
    return tuple(sorted(rounds, key=lambda r: (*r.nearness, -r.collected.at.timestamp())))


def _foreign(one: Evidence) -> bool:
    return one.first is not None and one.first.offer in OTHER_VOICES


def tells(one: Evidence) -> bool:
    """Whether it says something of the backend, and not only of the machine that asked."""
    first = one.first
    if first is None or first.outcome in UNDECIDED or first.outcome is Outcome.PROXY_FAILED:
        return False
    return not (first.outcome is Outcome.UNREACHABLE and NO_ROUTE in (first.detail or ""))


def asked_from(collected: Collected) -> str:
    """Where and when a round was asked, in words that begin a sentence."""
    resolver = f", resolver {collected.resolver}" if collected.resolver else ""
    place = _PLACES.get(collected.vantage, "From another place or time")
    return f"{place} ({collected.host}, {day(collected.at)}{resolver})"


def difference(believed: Evidence, other: Evidence, *, causes: tuple[CauseName, CauseName] | None) -> str:
    """How another evidence differs from the one that is believed; "" where it does not.

    `causes`: what each of the two alone would lead to; None: they are not comparable, because the voices differ.
    """
    told = []
    if causes is not None and causes[0] is not causes[1]:
        alone = "decides nothing" if causes[1] is CauseName.UNKNOWN else f"would be {causes[1].value}"
        told.append(f"{met(other.first) if other.first else 'nothing was asked'}, which alone {alone}")
    mine, theirs = _leaf(believed), _leaf(other)
    if mine and theirs and mine.der != theirs.der:
        told.append(_other_leaf(believed, mine, other, theirs))
    if not told:
        return ""
    place = f"{other.address} " if other.address else "it "
    return f"{place}looked different: {'; '.join(told)}"


def _leaf(evidence: Evidence) -> Certificate | None:
    return next((c for c in map(trust.describe, evidence.chain) if c is not None), None)


def _other_leaf(believed: Evidence, mine: Certificate, other: Evidence, theirs: Certificate) -> str:
    newer, older = (mine, other) if mine.not_before > theirs.not_before else (theirs, believed)
    if newer.not_before > older.collected.at:
        return f"it was renewed in between: SHA-256 {theirs.sha256[:16]}… there, {mine.sha256[:16]}… here"
    same = (
        "a certificate of the same name, but not the same one"
        if mine.subject == theirs.subject
        else "another certificate"
    )
    return (
        f"{same} (“{theirs.common_name or theirs.subject}”, SHA-256 {theirs.sha256[:16]}… there, {mine.sha256[:16]}… here): "
        "DNS that answers differently inside and outside, or a gateway in front such as Application Gateway"
    )


def why_believed(believed: Round, other: Round) -> str:
    """Which of two rounds is believed, and why."""
    if believed.observed != other.observed:
        return "the evidence that met the backend is believed"
    if believed.inside != other.inside:
        return "the evidence nearer to the gateway is believed"
    if believed.own_voice != other.own_voice:
        return "the evidence in the gateway's own voice is believed"
    return "the newer evidence is believed"


def age(collected: Collected, cluster: Cluster) -> str:
    """That the evidence is older than what it is held against, and by how much; "" where it is not.

    Held against: the last failure; where no log speaks of any, the last day.
    """
    if not cluster.failures:
        old = cluster.last_seen - collected.at > FRESH
        before = "more than a day ago"
    else:
        old = collected.at < cluster.last_seen
        when, moment = ("first", cluster.first_seen) if precedes(collected, cluster) else ("last", cluster.last_seen)
        before = f"before the {when} failure ({day(moment)})"
    return (
        f"the evidence is of {day(collected.at)} ({collected.host}), {before}: what changed since was not seen"
        if old
        else ""
    )


def precedes(collected: Collected, cluster: Cluster) -> bool:
    """Whether the evidence is from before the first failure, or, where no log speaks of any, not of the last day."""
    return collected.at < (cluster.first_seen if cluster.failures else cluster.last_seen - FRESH)
