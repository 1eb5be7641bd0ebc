"""When failures began and ended, held against the certificate that is seen: through the whole pipeline, and case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import analyzer
from analyzer import Aim, Policy
from analyzer.attribution import Anchors, attribute
from analyzer.lab import Lab
from analyzer.lab.catalogue import RENEWAL, Fault
from analyzer.lab.events import V2, Event, LogGateway
from analyzer.lab.logs import CLASSIC, blob_lines, failure, success
from analyzer.model import Attribution, CauseName, Finding, Hour, Neighbours, State, Verdict
from tests import build, make
from tests.build import TRUST, handshake

EXPIRED_TEXT = "The remote certificate is invalid because of errors in the certificate chain: NotTimeValid"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BROKE = RENEWAL - 30 * HOUR


def of(finding: Finding, cause: CauseName) -> Attribution:
    return next(a for a in finding.attributions if a.cause is cause)


def words(attribution: Attribution) -> str:
    return " ".join(r.text for r in attribution.reasons)


@pytest.fixture(scope="module")
def lab() -> Lab:  # type: ignore[misc]
    with Lab(now=datetime.now(UTC)) as running:
        yield running


def analysed(lab: Lab, folder: Path, fault: Fault, events: list[Event]) -> tuple[Finding, ...]:
    (folder / "log.json").write_text(blob_lines(sorted(events, key=lambda e: e.time)))
    (folder / "ca.pem").write_bytes(lab.ca_pem)
    backend = lab.backends[fault]
    return analyzer.analyze(
        [folder / "log.json"],
        probe=partial(analyzer.probe, policy=Policy(allow=("127.0.0.0/8",)), deadline=5.0),
        ca_files=[folder / "ca.pem"],
        aim=Aim(connect_to={(backend.host, 443): ("127.0.0.1", backend.port)}),
    ).findings


def story(
    host: str, *, before: bool = True, after: bool = True, text: str = TRUST, gateway: LogGateway = CLASSIC
) -> list[Event]:
    """Good until BROKE, then nothing but failures until the renewal, then good again."""
    events = [failure(host, text, BROKE + n * HOUR, gateway=gateway) for n in range(1, 30, 3)]
    events += [success(host, BROKE - n * HOUR, gateway=gateway) for n in (1, 5, 9)] if before else []
    return events + ([success(host, RENEWAL + n * HOUR, gateway=gateway) for n in (1, 3, 30)] if after else [])


def test_a_leaf_renewed_in_mid_window_stopped_the_failures_and_nothing_is_left_to_do(lab: Lab, tmp_path: Path) -> None:
    host = lab.backends[Fault.RENEWED].host
    (finding,) = analysed(lab, tmp_path, Fault.RENEWED, story(host))
    assert finding.cluster.state is State.STOPPED
    assert (finding.lead.cause, finding.lead.verdict) == (CauseName.EXPIRED, Verdict.LIKELY)
    (remedy,) = finding.remedies
    assert remedy.text.startswith("Nothing to do; verify with: apim-triage check")
    said = words(finding.lead)
    assert f"{RENEWAL:%Y-%m-%d %H:%M} UTC" in said
    assert "as when a certificate runs out" in said
    assert of(finding, CauseName.NAME_MISMATCH).verdict is Verdict.UNKNOWN, "the certificate that failed was not seen"


def test_its_twin_without_a_renewal_is_healthy_for_no_reason_that_is_known(lab: Lab, tmp_path: Path) -> None:
    host = lab.backends[Fault.RECOVERED].host
    (finding,) = analysed(lab, tmp_path, Fault.RECOVERED, story(host))
    assert finding.cluster.state is State.STOPPED
    assert finding.lead.cause is CauseName.NOT_REPRODUCED
    assert of(finding, CauseName.EXPIRED).verdict is Verdict.RULED_OUT


def test_its_twin_that_goes_on_failing_is_not_called_mended(lab: Lab, tmp_path: Path) -> None:
    host = lab.backends[Fault.RENEWED].host
    late = [failure(host, TRUST, RENEWAL + n * HOUR) for n in (40, 41, 42)]
    (finding,) = analysed(lab, tmp_path, Fault.RENEWED, [*story(host), *late])
    assert finding.lead.cause is not CauseName.EXPIRED


def test_without_successes_in_the_log_a_renewal_alone_explains_nothing_unless_the_words_name_it(
    lab: Lab, tmp_path: Path
) -> None:
    host = lab.backends[Fault.RENEWED].host
    (silent,) = analysed(lab, tmp_path, Fault.RENEWED, story(host, before=False, after=False))
    assert silent.lead.cause is CauseName.NOT_REPRODUCED
    assert of(silent, CauseName.EXPIRED).verdict is Verdict.UNKNOWN
    told = story(host, before=False, after=False, text=EXPIRED_TEXT, gateway=V2)
    (named,) = analysed(lab, tmp_path, Fault.RENEWED, told)
    assert (named.lead.cause, named.lead.verdict) == (CauseName.EXPIRED, Verdict.LIKELY)


def test_another_gateway_that_is_answered_meanwhile_speaks_against_a_fault_of_the_certificate_itself(
    lab: Lab, tmp_path: Path
) -> None:
    host = lab.backends[Fault.EXPIRED_LEAF].host
    start = datetime(2026, 11, 19, tzinfo=UTC)
    failing = [failure(host, TRUST, start + n * HOUR) for n in range(8)]
    alone = analysed(lab, tmp_path, Fault.EXPIRED_LEAF, failing)
    assert (alone[0].lead.cause, alone[0].lead.verdict) == (CauseName.EXPIRED, Verdict.CONFIRMED)
    answered = [success(host, start + n * HOUR + HOUR / 2, gateway=V2) for n in range(8)]
    (beside,) = analysed(lab, tmp_path, Fault.EXPIRED_LEAF, [*failing, *answered])
    assert (beside.lead.cause, beside.lead.verdict) == (CauseName.EXPIRED, Verdict.LIKELY)
    assert "contoso-apim-v2 (North Europe) got answers from this backend meanwhile" in words(beside.lead)
    both = analysed(
        lab, tmp_path, Fault.EXPIRED_LEAF, [*failing, *(failure(host, TRUST, e.time, gateway=V2) for e in failing)]
    )
    assert all("the same backend fails likewise" in words(f.lead) for f in both)
    assert {f.lead.verdict for f in both} == {Verdict.CONFIRMED}


# ── case by case ─────────────────────────────────────────────────────────────────────────────────────────────────────

ROOT = make.ca("Root", not_before=make.NOW - 900 * DAY)


def judge(cluster: analyzer.model.Cluster, leaf: make.Issued, **more: Neighbours) -> Finding:
    chain = (leaf.der,)
    evidence = build.evidence(handshake(chain=chain), vantage="gateway", at=make.NOW)
    return attribute(cluster, build.gateway(), [evidence], anchors=Anchors(roots=(ROOT.der,)), **more)


def cluster(**changes: object) -> analyzer.model.Cluster:
    times = {"first_seen": make.NOW - 20 * HOUR, "last_seen": make.NOW - 2 * HOUR}
    return build.cluster(TRUST, **{**times, **changes})


def timeline(*counts: tuple[int, int]) -> tuple[Hour, ...]:
    start = (make.NOW - 20 * HOUR).replace(minute=0, second=0)
    return tuple(Hour(start=start + n * HOUR, failures=f, requests=r) for n, (f, r) in enumerate(counts))


LATE = make.leaf("api.contoso.example", ROOT, not_before=make.NOW - 90 * DAY, not_after=make.NOW - DAY)


def test_failures_before_the_expiry_had_another_cause_or_certificate() -> None:
    after = judge(cluster(), LATE)
    assert (after.lead.cause, after.lead.verdict) == (CauseName.EXPIRED, Verdict.CONFIRMED)
    before = judge(cluster(first_seen=make.NOW - 5 * DAY), LATE)
    assert (before.lead.cause, before.lead.verdict) == (CauseName.EXPIRED, Verdict.LIKELY)
    assert "failures began before it expired" in words(before.lead)


@pytest.mark.parametrize(
    "changes",
    [
        {"last_success": make.NOW - 9 * HOUR},
        {"state": State.INTERMITTENT, "last_success": make.NOW - HOUR},
    ],
)
def test_one_success_after_onset_speaks_against_a_certificate(changes: dict[str, object]) -> None:
    finding = judge(cluster(**changes), LATE)
    assert finding.lead.verdict is Verdict.LIKELY
    assert "succeeded" in words(finding.lead)


def test_how_many_calls_failed_is_said_as_a_bound_and_never_as_a_hundred_percent() -> None:
    every = words(judge(cluster(requests=12, timeline=timeline((6, 6), (6, 6))), LATE).lead)
    assert "No success is logged in the hours of the 12 failures" in every
    some = words(judge(cluster(requests=20, timeline=timeline((6, 9), (6, 11))), LATE).lead)
    assert "at least 8 of 20 logged calls did not fail so" in some
    assert "%" not in every + some


def test_a_cas_back_dating_does_not_hide_a_renewal() -> None:
    """notBefore may lie an hour before the moment of issue, and so before the last failure."""
    fresh = make.leaf("api.contoso.example", ROOT, not_before=make.NOW - 3 * HOUR, not_after=make.NOW + 90 * DAY)
    stopped = cluster(state=State.STOPPED, last_success=make.NOW - HOUR, requests=30)
    finding = judge(stopped, fresh)
    assert (finding.lead.cause, finding.lead.verdict) == (CauseName.EXPIRED, Verdict.LIKELY)
    old = make.leaf("api.contoso.example", ROOT, not_before=make.NOW - 30 * HOUR, not_after=make.NOW + 90 * DAY)
    assert judge(stopped, old).lead.cause is CauseName.NOT_REPRODUCED


def test_a_leaf_that_was_issued_after_calls_had_recovered_did_not_mend_them() -> None:
    fresh = make.leaf("api.contoso.example", ROOT, not_before=make.NOW - HOUR, not_after=make.NOW + 90 * DAY)
    long_ago = cluster(
        state=State.STOPPED,
        first_seen=make.NOW - 90 * HOUR,
        last_seen=make.NOW - 80 * HOUR,
        last_success=make.NOW - 70 * HOUR,
        requests=30,
    )
    assert of(judge(long_ago, fresh), CauseName.EXPIRED).verdict is not Verdict.LIKELY
