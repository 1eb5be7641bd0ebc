"""What the log and the probe say together becomes the right cause with the right strength."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.model import (
    Attribution,
    CauseName,
    Cluster,
    Evidence,
    Finding,
    Gateway,
    Outcome,
    Stage,
    State,
    Tier,
    TierFrom,
    Verdict,
)
from analyzer.probing import plan
from tests import build
from tests.build import NOW, SECURE_CHANNEL, TRUST, handshake

C, L, U, R = Verdict.CONFIRMED, Verdict.LIKELY, Verdict.UNKNOWN, Verdict.RULED_OUT
REFUSED = handshake(Outcome.REFUSED)
NAMELESS = (handshake(Outcome.CLOSED, offer="tls1.2-any"), handshake(offer=plan.NO_SNI))
ALERT = handshake(Outcome.ALERT, alert="handshake_failure")
VERSION_ALERT = handshake(Outcome.ALERT, alert="protocol_version")


def judge(cluster: Cluster, *evidence: Evidence, gateway: Gateway | None = None, not_probed: str = "") -> Finding:
    return attribute(cluster, gateway or build.gateway(), evidence, anchors=Anchors(roots=()), not_probed=not_probed)


def of(finding: Finding, cause: CauseName) -> Attribution:
    return next(a for a in finding.attributions if a.cause is cause)


def words(attribution: Attribution) -> str:
    return " ".join(r.text for r in attribution.reasons)


@pytest.mark.parametrize(
    ("text", "handshakes", "cause", "verdict"),
    [
        (
            SECURE_CHANNEL,
            [handshake(Outcome.WRONG_VERSION, version="TLS 1.1", stage=Stage.CERTIFICATE)],
            CauseName.TLS_VERSION,
            C,
        ),
        (
            SECURE_CHANNEL,
            [VERSION_ALERT, handshake(offer="tls1.3-any", version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")],
            CauseName.TLS_VERSION,
            C,
        ),
        (
            SECURE_CHANNEL,
            [VERSION_ALERT, handshake(Outcome.ALERT, offer="tls1.3-any", alert="protocol_version")],
            CauseName.TLS_VERSION,
            L,
        ),
        (
            SECURE_CHANNEL,
            [ALERT, handshake(offer="tls1.2-any", suite="TLS_RSA_WITH_AES_256_CCM")],
            CauseName.CIPHER_SUITE,
            C,
        ),
        (
            SECURE_CHANNEL,
            [ALERT, handshake(offer="tls1.2-any", suite="TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")],
            CauseName.CIPHER_SUITE,
            L,
        ),
        (SECURE_CHANNEL, [ALERT, handshake(offer="tls1.2-any", group="secp521r1")], CauseName.TLS_PARAMETERS, C),
        (
            SECURE_CHANNEL,
            [handshake(client_cert_requested=True, client_cert_required=True, alert="handshake_failure")],
            CauseName.CLIENT_CERTIFICATE,
            C,
        ),
        (SECURE_CHANNEL, [handshake(Outcome.NOT_TLS, detail="HTTP")], CauseName.NOT_TLS, C),
        (SECURE_CHANNEL, [handshake(Outcome.CLOSED), *NAMELESS], CauseName.SERVER_NAME, C),
        (
            SECURE_CHANNEL,
            [handshake(Outcome.ALERT, alert="unrecognized_name"), *NAMELESS],
            CauseName.SERVER_NAME,
            C,
        ),
        (
            SECURE_CHANNEL,
            [handshake(Outcome.ALERT, alert="unrecognized_name"), handshake(Outcome.CLOSED, offer=plan.NO_SNI)],
            CauseName.SERVER_NAME,
            C,
        ),
        (SECURE_CHANNEL, [handshake(Outcome.RESET), *NAMELESS], CauseName.SERVER_NAME, C),
        (SECURE_CHANNEL, [handshake(Outcome.RESET), handshake()], CauseName.RESET, L),
        (SECURE_CHANNEL, [handshake(Outcome.RESET), handshake(offer="tls1.2-any"), handshake()], CauseName.RESET, L),
        (SECURE_CHANNEL, [handshake(Outcome.CLOSED), handshake()], CauseName.HANDSHAKE_ABORTED, L),
        ("Unable to connect to the remote server", [REFUSED, handshake()], CauseName.REFUSED, L),
        ("Unable to connect to the remote server", [REFUSED, REFUSED], CauseName.REFUSED, C),
        (
            SECURE_CHANNEL,
            [handshake(Outcome.RESOLVER_FAILED), handshake(Outcome.CLOSED)],
            CauseName.HANDSHAKE_ABORTED,
            C,
        ),
        (SECURE_CHANNEL, [handshake(Outcome.CLOSED)], CauseName.HANDSHAKE_ABORTED, C),
        (
            SECURE_CHANNEL,
            [
                handshake(Outcome.ALERT, alert="internal_error"),
                handshake(Outcome.ALERT, offer="tls1.2-any", alert="internal_error"),
            ],
            CauseName.HANDSHAKE_ABORTED,
            C,
        ),
        (
            "The underlying connection was closed: An unexpected error occurred on a send.",
            [handshake(Outcome.RESET)],
            CauseName.RESET,
            C,
        ),
        ("Unable to connect to the remote server", [REFUSED], CauseName.REFUSED, C),
        ("Unable to connect to the remote server", [handshake(Outcome.CONNECT_TIMEOUT)], CauseName.TIMEOUT, C),
        ("Unable to connect to the remote server", [handshake(Outcome.UNREACHABLE)], CauseName.UNREACHABLE, C),
        ("The operation has timed out", [handshake(Outcome.SILENT)], CauseName.TIMEOUT, C),
        (
            "The remote name could not be resolved: 'api.contoso.example'",
            [handshake(Outcome.NAME_NOT_FOUND)],
            CauseName.DNS,
            C,
        ),
        (
            "The remote name could not be resolved: 'api.contoso.example'",
            [handshake(Outcome.RESOLVER_FAILED)],
            CauseName.DNS,
            L,
        ),
    ],
)
def test_a_fault_that_log_and_probe_agree_on_leads(
    text: str, handshakes: list, cause: CauseName, verdict: Verdict
) -> None:
    finding = judge(build.cluster(text), build.evidence(*handshakes, vantage="gateway"))
    assert (finding.lead.cause, finding.lead.verdict) == (cause, verdict)
    assert of(finding, CauseName.UNKNOWN).verdict is R
    assert finding.remedies


def test_a_log_that_proves_trust_and_a_probe_that_finds_no_name_is_unknown() -> None:
    finding = judge(build.cluster(TRUST), build.evidence(handshake(Outcome.NAME_NOT_FOUND), address=None))
    assert (finding.lead.cause, finding.lead.verdict) == (CauseName.UNKNOWN, U)
    assert of(finding, CauseName.DNS).verdict is U
    assert "do not fit" in words(of(finding, CauseName.DNS))


def test_evidence_from_the_gateways_network_is_believed_over_another() -> None:
    outside = build.evidence(handshake(Outcome.NAME_NOT_FOUND), vantage="outside", address=None)
    inside = build.evidence(handshake(Outcome.NOT_TLS, detail="HTTP"), vantage="gateway", at=NOW - timedelta(hours=1))
    finding = judge(build.cluster(SECURE_CHANNEL), outside, inside)
    assert finding.lead.cause is CauseName.NOT_TLS
    assert finding.evidence == (inside, outside)


def test_without_a_probe_an_unspecific_trust_message_is_unknown_and_says_what_is_missing() -> None:
    finding = judge(build.cluster(TRUST), not_probed="probing was switched off (--no-probe)")
    assert finding.lead.cause is CauseName.UNKNOWN
    assert "probing was switched off" in words(finding.lead)
    assert of(finding, CauseName.NAME_MISMATCH).verdict is U
    assert of(finding, CauseName.REFUSED).verdict is R, "a certificate was received: the connection was not refused"


def test_without_a_probe_a_message_that_names_one_cause_makes_it_likely() -> None:
    finding = judge(
        build.cluster("No connection could be made because the target machine actively refused it 10.0.0.4:443")
    )
    assert (finding.lead.cause, finding.lead.verdict) == (CauseName.REFUSED, L)


def test_the_same_text_for_2a_and_2b_decides_nothing_by_itself() -> None:
    finding = judge(
        build.cluster("The remote certificate is invalid because of errors in the certificate chain: PartialChain")
    )
    assert finding.lead.cause is CauseName.UNKNOWN
    assert of(finding, CauseName.UNTRUSTED_ROOT).verdict is U
    assert of(finding, CauseName.INCOMPLETE_CHAIN).verdict is U
    assert of(finding, CauseName.TLS_VERSION).verdict is R


def test_a_private_address_from_an_unstated_place_does_not_confirm() -> None:
    probe = handshake(Outcome.NOT_TLS, detail="HTTP")
    elsewhere = judge(build.cluster(SECURE_CHANNEL), build.evidence(probe, address="10.1.2.3"))
    inside = judge(build.cluster(SECURE_CHANNEL), build.evidence(probe, address="10.1.2.3", vantage="gateway"))
    named = judge(build.cluster(SECURE_CHANNEL), build.evidence(probe, address="10.1.2.3", allowed=True))
    assert [f.lead.verdict for f in (elsewhere, inside, named)] == [L, C, C]
    assert "not a public address" in words(elsewhere.lead)


def test_an_old_failure_without_a_certificate_to_date_it_is_at_most_likely() -> None:
    old = build.cluster(SECURE_CHANNEL, first_seen=NOW - timedelta(days=9), last_seen=NOW - timedelta(days=5))
    finding = judge(old, build.evidence(handshake(Outcome.NOT_TLS, detail="HTTP"), vantage="gateway"))
    assert finding.lead.verdict is L
    assert "5 days before the probe" in words(finding.lead)


def test_a_forbidden_address_is_not_an_observation_of_the_backend() -> None:
    finding = judge(build.cluster(TRUST), build.evidence(handshake(Outcome.FORBIDDEN), address="127.0.0.1"))
    assert finding.lead.cause is CauseName.UNKNOWN
    assert of(finding, CauseName.NOT_REPRODUCED).verdict is R or of(finding, CauseName.NOT_REPRODUCED).verdict is U


def test_no_common_suite_overrules_a_trust_message_and_the_conflict_is_shown() -> None:
    found = judge(
        build.cluster(TRUST),
        build.evidence(ALERT, handshake(offer="tls1.2-any", suite="TLS_RSA_WITH_AES_256_CCM"), vantage="gateway"),
    )
    assert (found.lead.cause, found.lead.verdict) == (CauseName.CIPHER_SUITE, L)
    assert "log and probe differ" in words(found.lead)


def test_asking_for_a_client_certificate_is_not_requiring_one() -> None:
    asked = judge(
        build.cluster(SECURE_CHANNEL),
        build.evidence(handshake(client_cert_requested=True, client_cert_required=False), vantage="gateway"),
    )
    assert of(asked, CauseName.CLIENT_CERTIFICATE).verdict is R
    required = judge(
        build.cluster(SECURE_CHANNEL),
        build.evidence(handshake(client_cert_requested=True, client_cert_required=True), vantage="gateway"),
    )
    assert of(required, CauseName.CLIENT_CERTIFICATE).verdict is C


def test_a_handshake_whose_certificate_was_not_seen_is_not_called_healthy() -> None:
    finding = judge(build.cluster(TRUST), build.evidence(handshake(version="TLS 1.3"), vantage="gateway"))
    assert of(finding, CauseName.NOT_REPRODUCED).verdict is U


def test_a_backend_that_the_log_does_not_name_is_unknown_and_points_to_a_correlation_id() -> None:
    backend = build.Backend(scheme="", host="", port=None)
    finding = judge(
        build.cluster(TRUST, backend=backend, correlation_ids=("5b0f",)),
        not_probed="the log does not name the backend's host",
    )
    assert finding.lead.cause is CauseName.UNKNOWN
    assert "correlation id" in finding.remedies[0].text


def test_every_cause_answers_for_every_cluster_strongest_first() -> None:
    order = list(Verdict)
    for finding in (
        judge(build.cluster(TRUST)),
        judge(build.cluster(None), build.evidence(REFUSED)),
        judge(build.cluster(SECURE_CHANNEL), build.evidence(ALERT)),
    ):
        assert {a.cause for a in finding.attributions} == set(CauseName)
        ranks = [order.index(a.verdict) for a in finding.attributions]
        assert ranks == sorted(ranks)
        assert all(a.reasons for a in finding.attributions if a.verdict is not R), [
            a.cause for a in finding.attributions if not a.reasons
        ]


@pytest.mark.parametrize("tier", Tier)
def test_no_remedy_writes_the_whole_service_and_each_names_its_owner(tier: Tier) -> None:
    shakes = [
        [handshake(Outcome.WRONG_VERSION, version="TLS 1.1")],
        [ALERT, handshake(offer="tls1.2-any", suite="TLS_RSA_WITH_AES_256_CCM")],
        [REFUSED],
        [handshake(client_cert_requested=True, client_cert_required=True)],
    ]
    for one in shakes:
        finding = judge(build.cluster(SECURE_CHANNEL), build.evidence(*one), gateway=build.gateway(tier))
        assert finding.remedies
        for remedy in finding.remedies:
            assert remedy.owner in ("backend", "gateway", "network")
            assert remedy.command is None or "/backends/" in remedy.command


def test_an_assumed_tier_gets_the_remedy_of_every_tier() -> None:
    shakes = [VERSION_ALERT, handshake(offer="tls1.3-any", version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")]
    finding = judge(
        build.cluster(SECURE_CHANNEL), build.evidence(*shakes), gateway=build.gateway(Tier.CLASSIC, TierFrom.ASSUMED)
    )
    assert {r.tier for r in finding.remedies if r.tier} == set(Tier)


def test_a_stopped_failure_with_a_healthy_backend_needs_nothing() -> None:
    stopped = build.cluster("Unable to connect to the remote server", state=State.STOPPED)
    finding = judge(
        stopped,
        build.evidence(handshake(Outcome.COMPLETED, stage=Stage.CONNECT, version=None, suite=None), vantage="gateway"),
    )
    assert (finding.lead.cause, finding.lead.verdict) == (CauseName.NOT_REPRODUCED, L)
    assert "Nothing to do now" in finding.remedies[0].text


def test_an_accident_is_told_with_how_many_tries_it_took() -> None:
    tries = build.evidence(handshake(Outcome.RESET), handshake(offer="tls1.2-any"), handshake())
    told = words(judge(build.cluster(SECURE_CHANNEL), tries).lead)
    assert "Intermittent: 1 of 2 tries" in told
    assert "reset" in told


def test_of_several_tries_the_one_that_stood_speaks_for_the_gateway_else_the_one_that_got_furthest() -> None:
    failed, reset, stood = handshake(Outcome.RESOLVER_FAILED), handshake(Outcome.RESET), handshake()
    other = handshake(offer="tls1.2-any")
    assert build.evidence(reset, other, stood).first is stood
    assert build.evidence(failed, reset).first is reset
    assert build.evidence(REFUSED, REFUSED).first is REFUSED
    assert build.evidence(reset, other).first is reset
    assert build.evidence().first is None
