"""From a report to what a reader wants first (what fails, how often, since when, what to do) and last (what was not seen)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from analyzer.model import Attribution, CauseName, Finding, Incident, Reason, Remedy, Report, State, Verdict
from analyzer.report import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An incident with the findings it speaks of."""

    incident: Incident
    findings: tuple[Finding, ...]
    remedies: tuple[Remedy, ...]

    @property
    def failures(self) -> int:
        """Of all its findings."""
        return sum(f.cluster.failures for f in self.findings)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of its findings, strongest first."""
        return tuple(sorted({f.lead.verdict for f in self.findings}, key=tuple(Verdict).index))

    @property
    def over(self) -> bool:
        """Whether all of it stopped."""
        return all(f.cluster.state is State.STOPPED for f in self.findings)

    @property
    def title(self) -> str:
        """The incident's own sentence; where it has none, what is wrong with which backends."""
        if self.incident.title:
            return self.incident.title
        backends = words.listed((words.label(f.cluster.backend) for f in self.findings), 2)
        return f"{words.capital(words.cause(self.findings[0].lead))}: {backends}"

    @property
    def lost(self) -> str:
        """What it cost: with cause and backends where the title is the incident's own, which may name neither."""
        if not self.incident.title:
            return words.count(self.failures, "failed call")
        return f"{words.capital(words.cause(self.findings[0].lead))}. {self.who}"

    @property
    def who(self) -> str:
        """How often which backends failed."""
        return f"{words.count(self.failures, 'failed call')} to {words.listed(words.label(f.cluster.backend) for f in self.findings)}"

    @property
    def first_seen(self) -> datetime:
        """The first failure of any."""
        return min(f.cluster.first_seen for f in self.findings)

    @property
    def last_seen(self) -> datetime:
        """The last failure of any."""
        return max(f.cluster.last_seen for f in self.findings)

    @property
    def state(self) -> str:
        """Whether the failures go on; of several states, how many findings have each."""
        states = Counter(words.STATES[f.cluster.state] for f in self.findings)
        return words.listed((f"{n} {state}" for state, n in states.items()) if len(states) > 1 else states, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Causes that were answered alike: the same verdict for the same reasons."""

    causes: str  # named together
    number: int
    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def open(self) -> bool:
        """Whether they could still be it."""
        return self.verdict is not Verdict.RULED_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that the report did not see, with its particulars."""

    title: str
    items: tuple[str, ...]


def failures(report: Report) -> int:
    """Of all clusters, also of those that were only counted."""
    return sum(f.cluster.failures for f in report.findings) + report.rest.failures


def headline(report: Report) -> str:
    """What fails, in half a sentence, led by the explanation of most failures."""
    total = failures(report)
    if not report.findings:
        records = report.intake.records
        return f"No failed backend connection in {words.count(records, 'record')}" if records else "No record was found"
    explained = _explained(report)
    if not explained:
        return f"{words.count(total, 'failed backend connection')}: cause not known"
    cause, those = explained.most_common(1)[0]
    if those == total:
        return f"{'All ' if total > 1 else ''}{words.count(total, 'failed backend connection')}: {words.CAUSES[cause]}"
    return f"{those:,} of {words.count(total, 'failed backend connection')}: {words.CAUSES[cause]}"


def told(report: Report) -> str:
    """How many backends fail, and gateways, since when, and how much of it is explained; two to four sentences."""
    findings = report.findings
    if not findings:
        return "Nothing to mend was found. What was read is listed below."
    backends = len({f.cluster.backend.label for f in findings})
    gateways = len({f.cluster.gateway for f in findings})
    since = min(f.cluster.first_seen for f in findings)
    going = sum(f.cluster.state is State.ONGOING for f in findings)
    verdicts = Counter(f.lead.verdict for f in findings)
    answers = (
        (verdicts[Verdict.CONFIRMED], "confirmed"),
        (verdicts[Verdict.LIKELY], "likely"),
        (verdicts[Verdict.UNKNOWN] + verdicts[Verdict.RULED_OUT], "not known"),
    )
    spread = words.listed(f"{verdict} for {number}" for number, verdict in answers if number)
    return (
        f"{words.count(gateways, 'gateway')} could not connect to {words.count(backends, 'backend')}, since {words.when(since)}. "
        f"Of {words.count(len(findings), 'case')}, {going or 'none'} still {'fails' if going == 1 else 'fail'}. The cause is {spread}."
        f"{' ' if report.rest.clusters else ''}{words.rest(report)}"
    )


def groups(report: Report) -> tuple[Group, ...]:
    """The incidents with their findings, those that stopped last, most failures first; findings that no incident names stand alone at their place."""
    by_id = {f.cluster.id: f for f in report.findings}
    named = {id_ for incident in report.incidents for id_ in incident.clusters}
    alone = [
        Incident(cause=f.lead.cause, clusters=(f.cluster.id,), shared="", remedies=f.remedies)
        for f in report.findings
        if f.cluster.id not in named
    ]
    found = []
    for incident in (*report.incidents, *alone):
        findings = tuple(by_id[id_] for id_ in incident.clusters if id_ in by_id)
        if findings:
            remedies = incident.remedies or findings[0].remedies
            found.append(Group(incident=incident, findings=findings, remedies=remedies))
    return tuple(sorted(found, key=lambda group: (group.over, -group.failures)))


def alike(attributions: tuple[Attribution, ...]) -> tuple[Answers, ...]:
    """The other explanations, those open first; "unknown" is none."""
    together: dict[tuple[Verdict, tuple[Reason, ...]], list[str]] = {}
    for one in attributions:
        if one.cause is not CauseName.UNKNOWN:
            together.setdefault((one.verdict, one.reasons), []).append(words.cause(one))
    found = [
        Answers(causes=words.listed(causes, len(causes)), number=len(causes), verdict=verdict, reasons=reasons)
        for (verdict, reasons), causes in together.items()
    ]
    return tuple(sorted(found, key=lambda one: not one.open))


def not_seen(report: Report) -> tuple[Note, ...]:
    """What the report could not see or had to assume, without the sources' own counts."""
    intake = report.intake
    unprobed = tuple(dict.fromkeys(words.label(f.cluster.backend) for f in report.findings if not f.evidence))
    uncounted = tuple(
        dict.fromkeys(words.label(f.cluster.backend) for f in report.findings if f.cluster.requests is None)
    )
    elsewhere = tuple(
        dict.fromkeys(
            words.place(e.collected) for f in report.findings for e in f.evidence if e.collected.vantage != "gateway"
        )
    )
    notes = (
        Note(title="Caveats", items=report.caveats),
        Note(title="Backends that were not probed", items=unprobed),
        Note(title="Probes that did not run in the gateway's network", items=elsewhere),
        Note(
            title="Records that only look like a failed connection, by reason",
            items=tuple(f"{share.value}: {share.failures:,}" for share in intake.lookalike_reasons),
        ),
        Note(
            title="Hosts that send-request policies failed to reach, not counted above",
            items=tuple(f"{share.value}: {share.failures:,}" for share in intake.send_request),
        ),
        Note(
            title="Backends whose successful calls are not in these logs, so that no share of failures can be given",
            items=(words.listed(uncounted, 5),) if uncounted else (),
        ),
    )
    return tuple(note for note in notes if note.items)


def _explained(report: Report) -> Counter[CauseName]:
    """Failures by leading cause, where that is confirmed or likely."""
    found: Counter[CauseName] = Counter()
    for finding in report.findings:
        if finding.lead.verdict in (Verdict.CONFIRMED, Verdict.LIKELY):
            found[finding.lead.cause] += finding.cluster.failures
    return found
