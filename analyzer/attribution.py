"""From a cluster and the evidence about its backend to a finding: every cause judged, what-if, remedies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyzer import pool, trust
from analyzer.anchors import Anchors
from analyzer.causes import CAUSES, Case
from analyzer.causes.cause import CERTIFICATE_CAUSES, HANDSHAKE_CAUSES
from analyzer.gateway import PLATFORMS
from analyzer.interception import Interception, between
from analyzer.model import (
    Attribution,
    CauseName,
    Cluster,
    Evidence,
    Finding,
    Gateway,
    Judgement,
    Neighbours,
    Reason,
    Remedy,
    Verdict,
)
from analyzer.pool import Member
from analyzer.proof import by_hand
from analyzer.settings import Route
from analyzer.whatif import consider, foremost
from analyzer.witnesses import Round, age, asked_from, difference, precedes, rounds_of, why_believed


def attribute(
    cluster: Cluster,
    gateway: Gateway,
    evidence: Sequence[Evidence],
    *,
    anchors: Anchors,
    known: Sequence[bytes] = (),
    not_probed: str = "",
    intercepted: Mapping[Evidence, Interception] | None = None,
    route: Route | None = None,
    neighbours: Neighbours = Neighbours(),  # noqa: B008  frozen
) -> Finding:
    """Judge every cause for one cluster, strongest first.

    `evidence` is all there is about the backend; the round nearest to the gateway is believed, each of its addresses is
    judged, and where another round comes to something else, the reasons say so. `known` are certificates that other
    backends sent. `not_probed` says why there is no evidence. `intercepted` is evidence that shows somebody between.
    `route` is what the gateway's settings say of this backend; None: they were not given. `neighbours` is what the log shows
    beside the cluster.
    """
    between_ = intercepted or {}
    judge = _Judge(
        cluster,
        gateway,
        anchors=anchors,
        known=known,
        not_probed=not_probed,
        intercepted=between_,
        route=route,
        neighbours=neighbours,
    )
    rounds = rounds_of(evidence, gateway.profile, {e for e in between_ if judge.hides(e)})
    members = judge.members(rounds[0].entries if rounds else (None,))
    lead = pool.leading(members)
    answers = pool.answers_of(members)
    differing, equals = _differing(judge, rounds, lead, answers[0])
    if equals:
        answers = tuple(replace(a, verdict=Verdict.LIKELY) if a.verdict is Verdict.CONFIRMED else a for a in answers)
    told = (age(lead.evidence.collected, cluster) if lead.evidence else "", *differing)
    more = (Reason(origin="probe", text=text) for text in told if text)
    found = replace(answers[0], reasons=tuple(dict.fromkeys((*answers[0].reasons, *more))))
    remedies = pool.remedies_of(members)
    inspected = between_.get(lead.evidence) if lead.evidence else None
    if inspected is not None and not judge.hides(lead.evidence) and found.cause in _OF_THE_ROOT:
        found, remedies = _inspected_at_the_gateway(found, remedies, inspected)
    considered = consider(lead.case, anchors.roots, anchors.intermediates)
    if (
        lead.faulty and found.cause in CERTIFICATE_CAUSES | HANDSHAKE_CAUSES
    ):  # of what the log alone shows it proves nothing
        remedies = foremost(lead.case, found.cause, considered.cure, remedies)
    believed = (lead.evidence, *(m.evidence for m in members if m is not lead))
    return Finding(
        cluster=cluster,
        attributions=(found, *answers[1:]),
        what_if=considered.what_if,
        remedies=remedies,
        evidence=(*(e for e in believed if e is not None), *(e for r in rounds[1:] for e in r.entries)),
        chain=lead.case.chain,
        root=lead.case.root,
        path=(*lead.case.shape.path, *lead.case.shape.above) if lead.case.shape else (),
        proof=by_hand(found.cause, cluster.backend, lead.evidence.server_name if lead.evidence else ""),
    )


_OF_THE_ROOT = frozenset({CauseName.UNTRUSTED_ROOT, CauseName.INCOMPLETE_CHAIN})


class _Judge:
    """Judges single addresses for one cluster; what is the same for all of them is kept here."""

    def __init__(
        self,
        cluster: Cluster,
        gateway: Gateway,
        *,
        anchors: Anchors,
        known: Sequence[bytes],
        not_probed: str,
        intercepted: Mapping[Evidence, Interception],
        route: Route | None,
        neighbours: Neighbours,
    ) -> None:
        self.cluster, self.gateway, self.anchors, self.known = cluster, gateway, anchors, known
        self.not_probed, self.intercepted, self.route, self.neighbours = not_probed, intercepted, route, neighbours

    def hides(self, evidence: Evidence | None) -> bool:
        """Whether somebody between hides the backend; what stands in the gateway's own network, the gateway meets too."""
        found = self.intercepted.get(evidence) if evidence else None
        return found is not None and found.certain and evidence is not None and evidence.collected.vantage != "gateway"

    def members(self, entries: Sequence[Evidence | None]) -> tuple[Member, ...]:
        """Each address judged by itself; where some are healthy, the others as one bad member of a pool."""
        members = tuple(self.member(one) for one in entries)
        healthy = [m for m in members if m.healthy]
        faulty = [m for m in members if m.faulty and m.asked]
        if not healthy or not faulty:
            return members
        doubts = pool.doubt(faulty, members, self.cluster)
        return tuple(self.member(m.evidence, partial=True, doubts=doubts) if m in faulty else m for m in members)

    def member(self, evidence: Evidence | None, *, partial: bool = False, doubts: Sequence[str] = ()) -> Member:
        """One address, judged by every cause."""
        seen, why, more = evidence, self.not_probed, list(doubts)
        found = self.intercepted.get(evidence) if evidence else None
        if evidence is not None and found is not None and evidence.collected.vantage != "gateway":
            if found.certain:
                seen = None
                why = (
                    f"another answered in its place. {found.proof}: TLS is intercepted {between(evidence)}; run the probe "
                    "inside the gateway's network, or let these hosts pass the inspection"
                )
            else:
                more.append(f"{found.proof}: what was seen may be the inspection's certificate and not the backend's")
        if seen is not None and precedes(seen.collected, self.cluster):
            more.append(age(seen.collected, self.cluster))
        case = case_of(self.cluster, self.gateway, seen, anchors=self.anchors, known=self.known, not_probed=why)
        inspected = found is not None and found.certain
        case = replace(case, partial=partial, doubts=tuple(more), inspected=inspected)
        case = replace(case, route=self.route, neighbours=self.neighbours)
        return Member(evidence=evidence, case=case, answers=tuple(one.judge(case) for one in CAUSES))


def _differing(judge: _Judge, rounds: Sequence[Round], lead: Member, found: Attribution) -> tuple[list[str], bool]:
    """How the other rounds differ from the one that is believed, in words; and whether one of them is worth as much."""
    told: list[str] = []
    equals = False
    for other in rounds[1:]:
        theirs = pool.leading(judge.members(other.entries))
        if lead.evidence is None or theirs.evidence is None:
            continue
        if judge.hides(theirs.evidence):
            proof = judge.intercepted[theirs.evidence].proof
            told.append(f"{asked_from(other.collected)} TLS is intercepted: {proof}; {why_believed(rounds[0], other)}.")
            continue
        comparable = rounds[0].own_voice and other.own_voice
        causes = (found.cause, theirs.lead.cause) if comparable else None
        how = difference(lead.evidence, theirs.evidence, causes=causes)
        if how:
            told.append(f"{asked_from(other.collected)} {how}; {why_believed(rounds[0], other)}.")
            equals |= comparable and other.nearness == rounds[0].nearness and found.cause is not theirs.lead.cause
    return told, equals


def _inspected_at_the_gateway(
    found: Attribution, remedies: tuple[Remedy, ...], by: Interception
) -> tuple[Attribution, tuple[Remedy, ...]]:
    """What inspects TLS in the gateway's own network is what the gateway meets: its CA is the root that is missing."""
    said = f"{by.proof}: TLS is inspected in the gateway's own network, and the gateway meets the inspection's certificate."
    if not by.certain:
        said = f"{by.proof}: TLS may be inspected in the gateway's own network, and the gateway then meets the same."
    exempt = Remedy(
        owner="network",
        text=f"Exempt this backend from the TLS inspection by “{by.by}”, so that the gateway meets the backend's own "
        "certificate; or give the gateway the inspection's CA, as below.",
    )
    return replace(found, reasons=(*found.reasons, Reason(origin="probe", text=said))), (exempt, *remedies)


def case_of(
    cluster: Cluster,
    gateway: Gateway,
    evidence: Evidence | None,
    *,
    anchors: Anchors,
    known: Sequence[bytes] = (),
    not_probed: str = "",
) -> Case:
    """Everything a cause may read, with the chain judged as of the last failure.

    A leaf issued between the last failure and the probe is judged as of the probe: it is not the one that failed.
    """
    sent = evidence.chain if evidence else ()
    chain = tuple(c for c in map(trust.describe, sent) if c is not None)
    probed_at = evidence.collected.at if evidence else cluster.last_seen
    renewed = bool(chain) and cluster.last_seen < chain[0].not_before <= probed_at
    judged_at = probed_at if renewed else cluster.last_seen
    fetched = tuple(a.der for a in evidence.aia if a.der is not None) if evidence else ()

    def judged(*also: bytes) -> list[Judgement]:
        if evidence is None or not sent:
            return []
        given = (*anchors.intermediates, *also)
        return [
            trust.judge(
                sent,
                host=evidence.server_name,
                at=judged_at,
                anchors=anchors.roots,
                intermediates=given,
                platform=platform,
            )
            for platform in PLATFORMS[gateway.tier]
        ]

    judgements = judged()
    shape = (
        trust.shape(sent, anchors=anchors.roots, given_intermediates=anchors.intermediates, known=(*fetched, *known))
        if chain
        else None
    )
    return Case(
        cluster=cluster,
        gateway=gateway,
        evidence=evidence,
        not_probed="" if evidence else (not_probed or "there is no evidence about it"),
        chain=chain,
        judgement=judgements[-1] if judgements else None,
        platforms_agree=len({(j.accepted, j.statuses) for j in judgements}) <= 1,
        per_platform=tuple(j.statuses for j in judgements),
        judged_at=judged_at,
        shape=shape,
        unlisted=anchors.doubt(gateway.tier, root_seen=shape is not None and shape.root is not None),
        renewed=renewed,
        fetching=next(iter(judged(*fetched)[-1:]), None) if fetched else None,
        unseen_cas=anchors.unseen,
    )
