"""From a finding to the chain as sent, link by link, with what is wrong at each link."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.model import CauseName, Certificate, Finding, Verdict
from analyzer.report.words import count, listed, when


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One certificate of the drawn chain, or the place of one that was not sent."""

    certificate: Certificate | None  # None: not sent
    role: str
    name: str
    fault: str | None = None  # where the chain breaks, as the leading cause has it
    note: str | None = None  # worth knowing, breaks nothing by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that the gateway needs, beside what the server shows."""

    what: str
    needed: str
    shown: str
    holds: bool | None  # None: not known from what was observed


def checks_of(finding: Finding) -> tuple[Check, ...]:
    """Name, date and anchor of the chain as sent, each held against what the gateway needs; empty where no chain was seen."""
    if not finding.chain:
        return ()
    leaf, top, failed = finding.chain[0], finding.chain[-1], finding.cluster.last_seen
    asked = finding.evidence[0].server_name if finding.evidence else finding.cluster.backend.host
    valid = all(one.not_before <= failed <= one.not_after for one in finding.chain)
    first, last = max(one.not_before for one in finding.chain), min(one.not_after for one in finding.chain)
    last_link = top.subject if top.self_issued else f"{top.issuer} (not sent)"
    return (
        Check(
            what="Name",
            needed=asked,
            shown=listed(leaf.dns_names + leaf.ip_addresses, 12) or "no names",
            holds=_holds(finding, CauseName.NAME_MISMATCH),
        ),
        Check(
            what="Date of the last failure",
            needed=when(failed),
            shown=f"valid {when(first)} to {when(last)}" if first <= last else "no day on which all of it is valid",
            holds=valid,
        ),
        Check(
            what="End of the chain",
            needed="a root that the gateway has, and every link up to it",
            shown=f"{count(len(finding.chain), 'certificate')}, up to {last_link}",
            holds=_holds(finding, CauseName.UNTRUSTED_ROOT, CauseName.INCOMPLETE_CHAIN, CauseName.SELF_SIGNED),
        ),
    )


def _holds(finding: Finding, *causes: CauseName) -> bool | None:
    """What the verdicts of these causes say together; ruled out counts only where the probe itself saw it."""
    answers = [a for a in finding.attributions if a.cause in causes]
    if any(a.verdict in (Verdict.CONFIRMED, Verdict.LIKELY) for a in answers):
        return False
    seen = [a.verdict is Verdict.RULED_OUT and any(r.origin == "probe" for r in a.reasons) for a in answers]
    return True if seen and all(seen) else None


def links_of(finding: Finding) -> tuple[Link, ...]:
    """The links in the order sent, then the issuer of the last one where that was not sent; empty where no chain was seen."""
    chain = finding.chain
    if not chain:
        return ()
    sent = [_link(finding, one, place) for place, one in enumerate(chain)]
    top = chain[-1]
    if not top.self_issued:
        fault, note = _beyond(finding)
        sent.append(Link(certificate=None, role="not sent", name=top.issuer, fault=fault, note=note))
    return tuple(sent)


def _link(finding: Finding, one: Certificate, place: int) -> Link:
    fault = _fault(finding, one, place)
    return Link(
        certificate=one,
        role=_role(one, place),
        name=one.common_name or one.subject or "(no subject)",
        fault=fault,
        note=None if fault else _note(finding, one, place),
    )


def _role(one: Certificate, place: int) -> str:
    if place == 0:
        return "server certificate"
    return "root" if one.self_issued else "intermediate" if one.is_ca else "not a CA"


def _leads(finding: Finding, *causes: CauseName) -> bool:
    return finding.lead.cause in causes and finding.lead.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)


def _fault(finding: Finding, one: Certificate, place: int) -> str | None:
    leaf, top, failed = place == 0, place == len(finding.chain) - 1, finding.cluster.last_seen
    if one.not_after < failed and _leads(finding, CauseName.EXPIRED):
        return f"expired on {when(one.not_after)}"
    if one.not_before > failed and _leads(finding, CauseName.NOT_YET_VALID):
        return f"not valid before {when(one.not_before)}"
    if leaf and _leads(finding, CauseName.NAME_MISMATCH):
        asked = finding.evidence[0].server_name if finding.evidence else finding.cluster.backend.host
        return f"does not cover {asked}"
    if leaf and _leads(finding, CauseName.SELF_SIGNED):
        return "signed by itself, and not given to the gateway"
    if leaf and _leads(finding, CauseName.WRONG_USAGE):
        return "not issued for server authentication"
    if top and one.self_issued and _leads(finding, CauseName.UNTRUSTED_ROOT):
        return "not among the roots that the gateway is taken to have"
    return None


def _note(finding: Finding, one: Certificate, place: int) -> str | None:
    failed = finding.cluster.last_seen
    if one.not_before > failed:
        return "issued after the last failure: another certificate failed"
    if one.not_after < failed:
        return f"expired on {when(one.not_after)}"
    following = finding.chain[place + 1 : place + 2]
    if following and following[0].subject != one.issuer:
        return "the next certificate sent is not its issuer"
    return None


def _beyond(finding: Finding) -> tuple[str | None, str | None]:
    """Fault and note of the issuer that was not sent."""
    if _leads(finding, CauseName.INCOMPLETE_CHAIN):
        return "missing: the server does not send it", None
    if _leads(finding, CauseName.UNTRUSTED_ROOT):
        if finding.root is not None and finding.root.subject != finding.chain[-1].issuer:
            return (
                "missing: the server does not send it",
                f"the root above it, {finding.root.subject}, is not the gateway's",
            )
        return "not among the roots that the gateway is taken to have", "a server need not send its root"
    return None, "a server need not send its root"
