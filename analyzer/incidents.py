"""From findings to incidents: clusters that one change would mend; the key is a certificate's fingerprint or an address, never text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analyzer.model import CauseName, Finding, Incident, Verdict

_BY_TOP = frozenset({CauseName.UNTRUSTED_ROOT, CauseName.INCOMPLETE_CHAIN})
_BY_LEAF = frozenset(
    {
        CauseName.NAME_MISMATCH,
        CauseName.SELF_SIGNED,
        CauseName.EXPIRED,
        CauseName.NOT_YET_VALID,
        CauseName.WRONG_USAGE,
        CauseName.CHAIN_CONSTRAINT,
    }
)


def incidents_of(findings: Sequence[Finding]) -> tuple[Incident, ...]:
    """Incidents, most failures first; a cluster whose cause is neither confirmed nor likely stands alone."""
    groups: dict[tuple[CauseName, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[(finding.lead.cause, *_key(finding))].append(finding)
    ordered = sorted(groups.items(), key=lambda item: -sum(f.cluster.failures for f in item[1]))
    return tuple(
        Incident(
            cause=cause,
            clusters=tuple(f.cluster.id for f in members),
            shared=shared,
            remedies=tuple(dict.fromkeys(remedy for f in members for remedy in f.remedies)),
        )
        for (cause, _, shared), members in ordered
    )


def _key(finding: Finding) -> tuple[str, str]:
    """What a fix would touch, and the same in words."""
    cause, chain = finding.lead.cause, finding.chain
    if finding.lead.verdict not in (Verdict.CONFIRMED, Verdict.LIKELY):
        return finding.cluster.id, finding.cluster.backend.label
    top = finding.root if cause is CauseName.UNTRUSTED_ROOT and finding.root else chain[-1] if chain else None
    if cause in _BY_TOP and top and top.is_ca:
        return top.sha256, f"the CA certificate “{top.common_name or top.subject}”, SHA-256 {top.sha256[:16]}…"
    if cause in _BY_LEAF | _BY_TOP and chain:
        leaf = chain[0]
        return leaf.sha256, f"the certificate “{leaf.common_name or leaf.subject}”, SHA-256 {leaf.sha256[:16]}…"
    backend = finding.cluster.backend
    address = next((e.address for e in finding.evidence if e.address), None)
    place = f"{address}:{backend.port}" if address else finding.cluster.id
    return f"{backend.label} {place}", backend.label
