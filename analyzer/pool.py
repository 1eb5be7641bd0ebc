"""Several addresses of one backend, each judged by itself, in; one answer for the backend, which names the bad member, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyzer.causes import CAUSES, Case, cause
from analyzer.causes.observed import met
from analyzer.model import Attribution, CauseName, Cluster, Evidence, Reason, Remedy, Verdict
from analyzer.witnesses import tells

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_ORDER = {one.name: order for order, one in enumerate(CAUSES)}
_HONESTY = frozenset({CauseName.NOT_REPRODUCED, CauseName.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One address, judged as if it were the only one."""

    evidence: Evidence | None  # None: nothing was asked
    case: Case
    answers: tuple[Attribution, ...]  # every cause, in any order

    @property
    def lead(self) -> Attribution:
        """The strongest answer; `unknown` where nothing is confirmed or likely."""
        return ranked(self.answers)[0]

    @property
    def healthy(self) -> bool:
        """The gateway would connect here."""
        return self.lead.cause is CauseName.NOT_REPRODUCED and self.lead.verdict is Verdict.LIKELY

    @property
    def faulty(self) -> bool:
        """A fault is shown here."""
        return self.lead.cause not in _HONESTY and self.lead.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)

    @property
    def asked(self) -> bool:
        """Whether the member itself was met, and not only the limits of the machine that asked."""
        return self.evidence is not None and tells(self.evidence)

    @property
    def address(self) -> str:
        """The address, or words for none."""
        return (self.evidence.address if self.evidence else None) or "no address"


def ranked(answers: Sequence[Attribution]) -> tuple[Attribution, ...]:
    """Strongest first; `unknown` leads where nothing is confirmed or likely, and is ruled out where something is."""
    found = sorted(
        answers,
        key=lambda a: (
            _RANK[a.verdict],
            a.cause is not CauseName.UNKNOWN if a.verdict is Verdict.UNKNOWN else False,
            _ORDER[a.cause],
        ),
    )
    if found[0].verdict in (Verdict.UNKNOWN, Verdict.RULED_OUT):
        return tuple(found)
    settled = Reason(origin="probe", text=f"{found[0].cause.value} is {found[0].verdict.value}.")
    rest = [a for a in found if a.cause is not CauseName.UNKNOWN]
    unknown = next(a for a in found if a.cause is CauseName.UNKNOWN)
    return (*rest, replace(unknown, verdict=Verdict.RULED_OUT, reasons=(settled,)))


def leading(members: Sequence[Member]) -> Member:
    """The member that speaks for the backend: one with a fault, else one that TLS left undecided, else a healthy one."""
    asked = [m for m in members if m.asked] or list(members)

    def weight(member: Member) -> tuple[int, int, int]:
        lead = member.lead
        alike = sum(m.lead.cause is lead.cause for m in asked)
        kind = 0 if member.faulty else 1 if not member.healthy and member.case.handshake_stands is not None else 2
        return kind, _RANK[lead.verdict], -alike

    return min(asked, key=weight)


def answers_of(members: Sequence[Member]) -> tuple[Attribution, ...]:
    """Every cause's answer for the backend: the strongest of its members' answers, with the address where that tells.

    A cause is ruled out only where every member that was asked rules it out.
    """
    lead = leading(members)
    asked = [m for m in members if m.asked] or [lead]
    if not differ(members):
        return ranked(_with(lead.answers, lead.lead.cause, (), _unasked(members)))
    found = []
    for own in lead.answers:
        if own.cause in _HONESTY:
            found.append(own)
            continue
        best, whose = own, lead
        for member in asked:
            theirs = next(a for a in member.answers if a.cause is own.cause)
            if _RANK[theirs.verdict] < _RANK[best.verdict]:
                best, whose = theirs, member
        found.append(best if whose is lead else replace(best, reasons=(_said(f"At {whose.address}:"), *best.reasons)))
    return ranked(_with(found, lead.lead.cause, (_said(_shares(lead, members)),), _unasked(members)))


def differ(members: Sequence[Member]) -> bool:
    """Whether the addresses that were asked come to different causes."""
    return len({m.lead.cause for m in members if m.asked}) > 1


def doubt(faulty: Sequence[Member], members: Sequence[Member], cluster: Cluster) -> tuple[str, ...]:
    """Why a fault at some of the addresses does not confirm: the log does not show that calls fail only in part.

    A fault at one address fails the calls that go there and no others. A success among the failures fits it, then, as much
    as it speaks against a fault of all; where there is none, the bad member may have little to do with the log.
    """
    if not cluster.failures or (
        cluster.last_success is not None and cluster.first_seen < cluster.last_success < cluster.last_seen
    ):
        return ()
    asked = [m for m in members if m.asked]
    return (
        f"{len(faulty)} of {len(asked)} addresses are at fault, and the log shows no success between the first and the last "
        "failure, as calls to the others would be: whether the failing calls went to this address is not known",
    )


def remedies_of(members: Sequence[Member]) -> tuple[Remedy, ...]:
    """What mends every member that shows the leading cause; where others are healthy, which address it is about."""
    lead = leading(members)
    showing = [m for m in members if m.lead.cause is lead.lead.cause and (m.asked or m is lead)]
    of_cause = dict.fromkeys(r for m in showing for r in cause(lead.lead.cause).remedies(m.case))
    healthy = [m.address for m in members if m.healthy]
    if not lead.faulty or not healthy:
        return tuple(of_cause)
    bad, sound = listed([m.address for m in showing]), listed(healthy)
    apart = Remedy(
        owner="backend",
        text=f"Mend {bad} first, or take it out of what the name resolves to until it is mended: {sound} "
        f"{'are' if len(healthy) > 1 else 'is'} healthy.",
    )
    return (apart, *of_cause)


def listed(addresses: Sequence[str], most: int = 6) -> str:
    """Addresses in a sentence."""
    if len(addresses) > most:
        return f"{', '.join(addresses[:most])} and {len(addresses) - most} more"
    return " and ".join(filter(None, (", ".join(addresses[:-1]), *addresses[-1:])))


def _shares(lead: Member, members: Sequence[Member]) -> str:
    """`1 of 3 addresses (10.0.0.3) shows this; 10.0.0.1 and 10.0.0.2 are healthy.`"""
    asked = [m for m in members if m.asked]
    alike = [m for m in asked if m.lead.cause is lead.lead.cause]
    shown = f"{len(alike)} of {len(asked)} addresses ({listed([m.address for m in alike])})"
    one, more = ("shows this", "show this") if lead.faulty else ("is healthy", "are healthy")
    if not lead.faulty and not lead.healthy:
        one, more = "leaves it open", "leave it open"
    told = [f"{shown} {more if len(alike) > 1 else one}"]
    groups: dict[str, list[str]] = {}
    for member in asked:
        if member not in alike:
            groups.setdefault(_state(member), []).append(member.address)
    told += [
        f"{listed(addresses)} {'are' if len(addresses) > 1 else 'is'} healthy"
        if state == "healthy"
        else f"{listed(addresses)}: {state}"
        for state, addresses in groups.items()
    ]
    return "; ".join(told) + "."


def _state(member: Member) -> str:
    if member.healthy:
        return "healthy"
    if member.faulty:
        return f"{member.lead.cause.value}, {member.lead.verdict.value}"
    first = member.case.first
    return f"{met(first)}, which decides nothing here" if first else "not decided"


def _unasked(members: Sequence[Member]) -> tuple[Reason, ...]:
    """The addresses that this machine could not ask; nothing is known of them."""
    if not any(m.asked for m in members):
        return ()
    return tuple(
        _said(
            f"{m.address} could not be asked from here: {met(m.case.first) if m.case.first else 'nothing was tried'}."
        )
        for m in members
        if not m.asked
    )


def _with(
    answers: Sequence[Attribution], name: CauseName, first: tuple[Reason, ...], last: tuple[Reason, ...]
) -> list[Attribution]:
    return [replace(a, reasons=(*first, *a.reasons, *last)) if a.cause is name else a for a in answers]


def _said(text: str) -> Reason:
    return Reason(origin="probe", text=text)
