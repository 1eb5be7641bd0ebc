"""What the log's times, counts and steps show: hairpin, spent ports, idle cuts, broken bodies; each beside its twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.model import (
    Attribution,
    Backend,
    CauseName,
    Cluster,
    Evidence,
    Family,
    Finding,
    Gateway,
    Hour,
    Neighbours,
    Outcome,
    Stage,
    State,
    Tier,
    Verdict,
)
from tests import build
from tests.build import NOW, handshake

C, L, U, R = Verdict.CONFIRMED, Verdict.LIKELY, Verdict.UNKNOWN, Verdict.RULED_OUT
CONNECT = "Unable to connect to the remote server"
CLOSED = "The underlying connection was closed: The connection was closed unexpectedly."
CUT = "Underlying transport connection was unexpectedly closed."
PORTS = "Only one usage of each socket address (protocol/network address/port) is normally permitted 203.0.113.7:443"
TIMED_OUT = "The operation has timed out"
STANDS = handshake(Outcome.COMPLETED, stage=Stage.CONNECT, version=None, suite=None)
AFTER_21_S, IN_2_S, AFTER_4_MIN, QUICK, NOT_LOGGED = 22_000, 5_000, 242_000, 100, -1


def judge(
    cluster: Cluster,
    *evidence: Evidence,
    gateway: Gateway | None = None,
    beside: Neighbours = Neighbours(),  # noqa: B008  frozen
) -> Finding:
    return attribute(cluster, gateway or build.gateway(), evidence, anchors=Anchors(roots=()), neighbours=beside)


def of(finding: Finding, cause: CauseName) -> Attribution:
    return next(a for a in finding.attributions if a.cause is cause)


def words(attribution: Attribution) -> str:
    return " ".join(r.text for r in attribution.reasons)


def at(host: str, **changes: Any) -> Cluster:
    return build.cluster(CONNECT, backend=Backend(scheme="https", host=host, port=443), **changes)


OWN = "gw.azure-api.net"


@pytest.mark.parametrize(
    ("host", "changes", "gateway", "verdict"),
    [
        (OWN, {"elapsed": ((AFTER_21_S, 10),)}, {}, L),
        (OWN, {}, {}, L),
        ("gw-westeurope-01.regional.azure-api.net", {}, {}, L),
        ("another.azure-api.net", {}, {}, R),
        ("gw.azure-api.net.evil.example", {}, {}, R),
        ("api.contoso.example", {"own_host_calls": 4}, {}, L),
        ("api.contoso.example", {}, {"hosts": ("api.contoso.example",)}, L),
        ("api.contoso.example", {"elapsed": ((AFTER_21_S, 10),)}, {"hosts": ("other.contoso.example",)}, R),
        ("api.contoso.example", {"elapsed": ((AFTER_21_S, 10),)}, {}, U),  # may be a custom host name
        ("api.contoso.example", {"elapsed": ((IN_2_S, 10),)}, {}, R),
        (OWN, {}, {"tier": Tier.V2}, U),
        (OWN, {}, {"tier": Tier.SELF_HOSTED}, U),
    ],
)
def test_a_hairpin_is_a_call_to_the_own_host(
    host: str, changes: dict[str, Any], gateway: dict[str, Any], verdict: Verdict
) -> None:
    found = judge(at(host, **changes), gateway=build.gateway(**gateway))
    assert of(found, CauseName.HAIRPIN).verdict is verdict


def test_a_host_that_answers_others_speaks_for_the_hairpin_and_one_that_answers_nobody_for_a_timeout() -> None:
    answers = judge(at(OWN), build.evidence(STANDS, address="10.0.0.5", vantage="gateway"))
    assert (answers.lead.cause, answers.lead.verdict) == (CauseName.HAIRPIN, L)
    assert "answers others than the gateway itself" in words(answers.lead)
    silent = judge(at(OWN), build.evidence(handshake(Outcome.CONNECT_TIMEOUT), address="10.0.0.5", vantage="gateway"))
    assert (silent.lead.cause, silent.lead.verdict) == (CauseName.TIMEOUT, C)


def test_a_failure_of_trust_at_the_own_host_is_no_hairpin() -> None:
    trust = build.cluster(backend=Backend(scheme="https", host=OWN, port=443), elapsed=((AFTER_21_S, 10),))
    assert of(judge(trust), CauseName.HAIRPIN).verdict is R


@pytest.mark.parametrize(("edge", "verdict"), [(AFTER_21_S, L), (IN_2_S, U), (NOT_LOGGED, U)])
def test_21_seconds_tell_a_timeout_from_a_refusal_in_the_same_words(edge: int, verdict: Verdict) -> None:
    found = judge(build.cluster(CONNECT, elapsed=((edge, 10),)))
    assert of(found, CauseName.TIMEOUT).verdict is verdict
    refused = judge(build.cluster(CONNECT, elapsed=((edge, 10),)), build.evidence(handshake(Outcome.REFUSED)))
    # a probe that is refused and a log that waited 21 s differ, and that is said
    assert of(refused, CauseName.TIMEOUT).verdict is (U if verdict is L else R)


# ── ports ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_that_names_spent_ports_makes_them_likely() -> None:
    some = judge(build.cluster(PORTS, state=State.INTERMITTENT))
    assert (some.lead.cause, some.lead.verdict) == (CauseName.SNAT_EXHAUSTION, L)
    every = judge(build.cluster(PORTS, state=State.ONGOING))
    assert every.lead.cause is CauseName.SNAT_EXHAUSTION
    assert "exhaustion is partial" in words(every.lead)


@pytest.mark.parametrize(
    ("state", "requests", "beside", "address", "verdict"),
    [
        (State.INTERMITTENT, 900, 4, "8.8.8.8", L),
        (State.INTERMITTENT, 900, 0, "8.8.8.8", U),  # one backend alone
        (State.INTERMITTENT, 900, 4, "10.1.2.3", R),  # no translation
        (State.ONGOING, 900, 4, "8.8.8.8", R),  # every call fails
        (State.UNKNOWN, None, 4, "8.8.8.8", U),  # successes are not in the log
    ],
)
def test_without_such_a_text_only_the_whole_pattern_makes_them_likely(
    state: State, requests: int | None, beside: int, address: str, verdict: Verdict
) -> None:
    cluster = build.cluster(CONNECT, state=state, requests=requests)
    evidence = build.evidence(STANDS, address=address, vantage="gateway")
    found = judge(cluster, evidence, beside=Neighbours(failing_beside=beside))
    assert of(found, CauseName.SNAT_EXHAUSTION).verdict is verdict


def test_trust_is_never_a_matter_of_ports() -> None:
    found = judge(build.cluster(state=State.INTERMITTENT), beside=Neighbours(failing_beside=9))
    assert of(found, CauseName.SNAT_EXHAUSTION).verdict is R


# ── idle ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "elapsed", "verdict"),
    [
        (CLOSED, ((AFTER_4_MIN, 9), (QUICK, 1)), L),
        (CUT, ((AFTER_4_MIN, 9), (NOT_LOGGED, 30)), L),
        (TIMED_OUT, ((AFTER_4_MIN, 10),), L),
        (CLOSED, ((AFTER_4_MIN, 2), (QUICK, 8)), U),
        (CLOSED, ((QUICK, 10),), R),
        (CLOSED, ((AFTER_21_S, 5), (300_000, 5)), R),
        (CLOSED, ((NOT_LOGGED, 10),), U),
        (CLOSED, (), U),
        (build.TRUST, ((AFTER_4_MIN, 10),), R),
        ("No connection could be made because the target machine actively refused it", ((AFTER_4_MIN, 10),), R),
    ],
)
def test_an_idle_cut_is_known_by_its_time(text: str, elapsed: tuple[tuple[int, int], ...], verdict: Verdict) -> None:
    finding = judge(build.cluster(text, elapsed=elapsed))
    assert of(finding, CauseName.IDLE_TIMEOUT).verdict is verdict
    if verdict is L:
        assert finding.lead.cause is CauseName.IDLE_TIMEOUT
        assert "229 s to 242 s" in words(finding.lead)


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_broken_body_is_its_own_cause_whatever_its_words_and_nothing_of_tls() -> None:
    for text in (CLOSED, build.TRUST, "Connection reset by peer", ""):
        finding = judge(build.cluster(f"transfer-response: {text}"))
        assert finding.cluster.family is Family.TRANSFER
        assert (finding.lead.cause, finding.lead.verdict) == (CauseName.BODY_TRANSFER, L)
        others = {a.cause: a.verdict for a in finding.attributions[1:]}
        del others[CauseName.NOT_REPRODUCED], others[CauseName.IDLE_TIMEOUT]
        assert set(others.values()) == {R}


def test_a_healthy_handshake_is_no_news_of_a_body() -> None:
    finding = judge(build.cluster(f"transfer-response: {CLOSED}"), build.evidence(handshake(), vantage="gateway"))
    assert finding.lead.cause is CauseName.BODY_TRANSFER


def test_a_body_that_was_cut_when_idle_says_so() -> None:
    finding = judge(build.cluster(f"transfer-response: {CLOSED}", elapsed=((AFTER_4_MIN, 10),)))
    assert finding.lead.cause is CauseName.IDLE_TIMEOUT
    assert "see idle_timeout" in words(of(finding, CauseName.BODY_TRANSFER))


def test_the_same_words_before_an_answer_are_no_broken_body() -> None:
    assert of(judge(build.cluster(CLOSED)), CauseName.BODY_TRANSFER).verdict is R


# ── one gateway or all, one backend or many ──────────────────────────────────────────────────────────────────────────


def hours(*counts: tuple[int, int | None]) -> tuple[Hour, ...]:
    start = (NOW - timedelta(hours=20)).replace(minute=0)
    return tuple(
        Hour(start=start + timedelta(hours=n), failures=failures, requests=requests)
        for n, (failures, requests) in enumerate(counts)
    )


def test_many_backends_at_once_point_to_what_they_share() -> None:
    refused = build.cluster(CONNECT), build.evidence(handshake(Outcome.REFUSED))
    assert "subnet" in words(judge(*refused, beside=Neighbours(failing_beside=3)).lead)
    assert "subnet" not in words(judge(*refused, beside=Neighbours(failing_beside=1)).lead)
    shared = words(judge(*refused, beside=Neighbours(failing_at=("gw2 (North Europe)",))).lead)
    assert "gw2 (North Europe) could not connect to this backend either" in shared
