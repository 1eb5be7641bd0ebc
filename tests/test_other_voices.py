"""What causes make of evidence that no gateway's hello brought: OpenSSL's, SSL Labs', an exported certificate's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.model import (
    Attribution,
    CauseName,
    Collected,
    Evidence,
    Finding,
    Handshake,
    Outcome,
    Stage,
    Tier,
    Verdict,
)
from tests import build, make
from tests.build import NOW, SECURE_CHANNEL

HOST = "api.contoso.example"
THEN = NOW - timedelta(days=30)
ROOT = make.ca("Trusted", not_before=THEN, not_after=NOW + timedelta(days=900))
PRIVATE = make.ca("Private", not_before=THEN, not_after=NOW + timedelta(days=900))


def issued(root: make.Issued, host: str = HOST, **changes: Any) -> make.Issued:
    issuing = make.intermediate(f"Issuing of {root.certificate.subject.rfc4514_string()}", root, not_before=THEN)
    return make.leaf(host, issuing, **{"not_before": THEN, **changes})


GOOD, FOREIGN = issued(ROOT), issued(PRIVATE)


def shake(*chain: bytes, offer: str = "openssl", **changes: Any) -> Handshake:
    given: dict[str, Any] = {"outcome": Outcome.COMPLETED, "stage": Stage.FINISHED, "version": "TLS 1.2",
        "suite": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "group": "x25519"}  # fmt: skip
    return Handshake(offer=offer, chain=chain, **{**given, **changes})


def export(*chain: bytes) -> Handshake:
    return shake(*chain, offer="exported", version=None, suite=None, group=None, chain_whole=False, named=None)


def labs(version: str, *accepts: str, chain: Sequence[bytes] = GOOD.chain) -> Handshake:
    return shake(*chain, offer="ssllabs", version=version, suite=accepts[0], accepts=accepts)


def judge(
    *shakes: Handshake,
    text: str | None = build.TRUST,
    vantage: str = "gateway",
    tier: Tier = Tier.CLASSIC,
    roots: Sequence[make.Issued] = (ROOT,),
    **changes: Any,
) -> Finding:
    collected = Collected(host="unstated", at=NOW, tool="openssl s_client", version="", vantage=vantage)
    given = {"address": "8.8.8.8", "collected": collected, **changes}
    evidence: Evidence = build.evidence(*shakes, **given)
    anchors = Anchors(roots=tuple(r.der for r in roots))
    return attribute(build.cluster(text), build.gateway(tier), [evidence], anchors=anchors)


def of(finding: Finding, cause: CauseName) -> Attribution:
    return next(a for a in finding.attributions if a.cause is cause)


def words(answer: Attribution) -> str:
    return " ".join(r.text for r in answer.reasons)


CERTIFICATES = [
    (CauseName.UNTRUSTED_ROOT, (*FOREIGN.chain, PRIVATE.der)),
    (CauseName.NAME_MISMATCH, issued(ROOT, "other.example").chain),
    (CauseName.EXPIRED, issued(ROOT, not_after=NOW - timedelta(days=2)).chain),
]


@pytest.mark.parametrize(("cause", "chain"), CERTIFICATES)
def test_a_chain_that_openssl_was_sent_by_name_confirms_what_it_shows(
    cause: CauseName, chain: tuple[bytes, ...]
) -> None:
    found = judge(shake(*chain))
    assert (found.lead.cause, found.lead.verdict) == (cause, Verdict.CONFIRMED)
    assert "OpenSSL" in words(found.lead)
    assert "RSA and an ECDSA" in words(found.lead)
    assert "openssl s_client" in words(found.lead)


@pytest.mark.parametrize("named", [False, None])
def test_a_chain_that_was_sent_without_the_name_is_at_most_likely(named: bool | None) -> None:
    found = judge(shake(*CERTIFICATES[1][1], named=named))
    assert (found.lead.cause, found.lead.verdict) == (CauseName.NAME_MISMATCH, Verdict.LIKELY)
    assert "SNI" in words(found.lead)


def test_another_place_than_the_gateways_with_a_private_address_is_at_most_likely() -> None:
    chain = CERTIFICATES[1][1]
    assert judge(shake(*chain), vantage="unstated", address="10.0.0.4").lead.verdict is Verdict.LIKELY
    assert judge(shake(*chain), vantage="unstated", address=None).lead.verdict is Verdict.LIKELY
    assert judge(shake(*chain), vantage="unstated").lead.verdict is Verdict.CONFIRMED


@pytest.mark.parametrize("one", [shake(FOREIGN.der, chain_whole=False), export(FOREIGN.der)])
def test_a_leaf_alone_of_a_chain_that_may_be_longer_decides_neither_2a_nor_2b(one: Handshake) -> None:
    found = judge(one)
    for cause in (CauseName.UNTRUSTED_ROOT, CauseName.INCOMPLETE_CHAIN):
        answer = of(found, cause)
        assert answer.verdict is Verdict.UNKNOWN
        assert "-showcerts" in words(answer)
    assert of(found, CauseName.SELF_SIGNED).verdict is Verdict.RULED_OUT
    assert found.lead.cause is CauseName.UNKNOWN
    rows = {row.change: row.connects for row in found.what_if}
    assert rows["validateCertificateName=false"] is None
    assert rows["validateCertificateChain=false"] is (None if one.offer == "exported" else True)
    sent = judge(shake(FOREIGN.der))  # the twin: that was all that was sent
    assert of(sent, CauseName.INCOMPLETE_CHAIN).verdict is Verdict.LIKELY


def test_a_leaf_alone_under_a_known_root_is_not_called_untrusted_and_its_chain_not_whole() -> None:
    direct = make.leaf(HOST, ROOT, not_before=THEN)
    found = judge(export(direct.der))
    assert of(found, CauseName.UNTRUSTED_ROOT).verdict is Verdict.RULED_OUT
    assert of(found, CauseName.INCOMPLETE_CHAIN).verdict is Verdict.UNKNOWN


def test_an_exported_path_shows_its_private_root_and_not_what_the_server_sends() -> None:
    found = judge(export(*FOREIGN.chain, PRIVATE.der))
    assert (found.lead.cause, found.lead.verdict) == (CauseName.UNTRUSTED_ROOT, Verdict.LIKELY)
    assert "exported" in words(found.lead)
    assert of(found, CauseName.INCOMPLETE_CHAIN).verdict is Verdict.UNKNOWN
    given = judge(export(*FOREIGN.chain, PRIVATE.der), roots=(ROOT, PRIVATE))
    assert of(given, CauseName.UNTRUSTED_ROOT).verdict is Verdict.RULED_OUT


@pytest.mark.parametrize(("cause", "chain"), CERTIFICATES[1:])
def test_names_and_dates_of_an_exported_leaf_are_judged(cause: CauseName, chain: tuple[bytes, ...]) -> None:
    found = judge(export(chain[0]))
    assert (found.lead.cause, found.lead.verdict) == (cause, Verdict.LIKELY)


def test_an_exported_certificate_says_nothing_of_any_handshake() -> None:
    found = judge(export(*GOOD.chain), text=SECURE_CHANNEL)
    for cause in (CauseName.TLS_VERSION, CauseName.CIPHER_SUITE, CauseName.NOT_TLS, CauseName.CLIENT_CERTIFICATE,
                  CauseName.NOT_REPRODUCED, CauseName.RESET, CauseName.HANDSHAKE_ABORTED):  # fmt: skip
        assert of(found, cause).verdict is Verdict.UNKNOWN, cause
    assert not [a.cause for a in found.attributions if a.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)]
    network = judge(
        export(*GOOD.chain), text="No connection could be made because the target machine actively refused it"
    )
    assert "no connection was observed" in words(of(network, CauseName.REFUSED))


def test_a_version_and_a_suite_of_the_gateways_that_openssl_got_are_no_fault() -> None:
    found = judge(shake(*GOOD.chain), text=SECURE_CHANNEL)
    for cause in (CauseName.TLS_VERSION, CauseName.CIPHER_SUITE, CauseName.TLS_PARAMETERS):
        assert of(found, cause).verdict is Verdict.RULED_OUT
    assert of(found, CauseName.NOT_REPRODUCED).verdict is Verdict.LIKELY
    assert "OpenSSL's hello is answered" in words(of(found, CauseName.NOT_REPRODUCED))


@pytest.mark.parametrize(
    "one",
    [
        shake(*GOOD.chain, version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384"),
        shake(*GOOD.chain, suite="TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", group=None),
        shake(outcome=Outcome.ALERT, stage=Stage.HELLO, version=None, suite=None, alert="handshake_failure"),
        shake(outcome=Outcome.RESET, stage=Stage.HELLO, version=None, suite=None),
        shake(outcome=Outcome.CLOSED, stage=Stage.HELLO, version=None, suite=None),
    ],
    ids=["TLS 1.3", "DHE", "alert", "reset", "closed"],
)
def test_what_openssl_met_besides_leaves_the_gateways_handshake_open(one: Handshake) -> None:
    found = judge(one, text=SECURE_CHANNEL)
    for cause in (CauseName.TLS_VERSION, CauseName.CIPHER_SUITE, CauseName.TLS_PARAMETERS):
        answer = of(found, cause)
        assert answer.verdict is Verdict.UNKNOWN, cause
        assert "gateway's own hello" in words(answer)
    assert of(found, CauseName.NOT_REPRODUCED).verdict is Verdict.UNKNOWN
    assert not [a.cause for a in found.attributions if a.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)]


def test_every_version_of_the_gateways_refused_as_such_is_likely_a_version_fault() -> None:
    refused = shake(
        outcome=Outcome.ALERT,
        stage=Stage.HELLO,
        version=None,
        suite=None,
        alert="protocol_version",
        versions=("TLS 1.2",),
    )
    stood = shake(*GOOD.chain, version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384", versions=("TLS 1.3",))
    found = judge(stood, refused, text=SECURE_CHANNEL)
    assert (found.lead.cause, found.lead.verdict) == (CauseName.TLS_VERSION, Verdict.LIKELY)
    assert "OpenSSL's, not the gateway's" in words(found.lead)
    assert of(judge(stood, text=SECURE_CHANNEL), CauseName.TLS_VERSION).verdict is Verdict.UNKNOWN  # the twin
    self_hosted = judge(stood, refused, text=SECURE_CHANNEL, tier=Tier.SELF_HOSTED)
    assert of(self_hosted, CauseName.TLS_VERSION).verdict is Verdict.RULED_OUT


def test_another_protocol_is_one_in_any_voice_and_at_most_likely_by_openssls_words() -> None:
    spoken = shake(outcome=Outcome.NOT_TLS, stage=Stage.HELLO, version=None, suite=None, detail="wrong version number")
    found = judge(spoken, text=SECURE_CHANNEL)
    assert (found.lead.cause, found.lead.verdict) == (CauseName.NOT_TLS, Verdict.LIKELY)


def test_a_refused_connection_does_not_depend_on_the_voice() -> None:
    refused = shake(outcome=Outcome.REFUSED, stage=Stage.CONNECT, version=None, suite=None)
    found = judge(refused, text="No connection could be made because the target machine actively refused it")
    assert found.lead.cause is CauseName.REFUSED
    assert "hello was" not in words(found.lead)


def test_a_client_certificate_that_openssl_was_refused_without_is_the_cause() -> None:
    refused = shake(*GOOD.chain, client_cert_requested=True, client_cert_required=True, alert="handshake_failure")
    found = judge(refused, text=SECURE_CHANNEL)
    assert (found.lead.cause, found.lead.verdict) == (CauseName.CLIENT_CERTIFICATE, Verdict.LIKELY)
    assert of(found, CauseName.NOT_REPRODUCED).verdict is Verdict.RULED_OUT


@pytest.mark.parametrize(
    ("shakes", "cause"),
    [
        ((labs("TLS 1.3", "TLS_AES_128_GCM_SHA256"),), CauseName.TLS_VERSION),
        ((labs("TLS 1.2", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),), CauseName.CIPHER_SUITE),
    ],
)
def test_the_full_list_of_ssl_labs_shows_what_is_not_in_common_as_likely(
    shakes: tuple[Handshake, ...], cause: CauseName
) -> None:
    found = judge(*shakes, text=SECURE_CHANNEL, vantage="outside")
    assert (found.lead.cause, found.lead.verdict) == (cause, Verdict.LIKELY)
    assert "SSL Labs" in words(found.lead)
    assert of(found, CauseName.NOT_REPRODUCED).verdict is Verdict.RULED_OUT


def test_the_full_list_of_ssl_labs_rules_out_scenario_3_by_any_suite_in_common() -> None:
    both = (
        labs("TLS 1.3", "TLS_AES_128_GCM_SHA256"),
        labs("TLS 1.2", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    )
    found = judge(*both, text=SECURE_CHANNEL, vantage="outside")
    assert of(found, CauseName.TLS_VERSION).verdict is Verdict.RULED_OUT
    assert of(found, CauseName.CIPHER_SUITE).verdict is Verdict.RULED_OUT
