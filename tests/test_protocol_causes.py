"""Scenario 3 is judged by what this gateway, with its settings, offers; what is not certain of that is said and caps the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.gateway import with_settings
from analyzer.model import Attribution, CauseName, Evidence, Finding, Gateway, Handshake, Outcome, Tier, Verdict
from analyzer.probing.plan import NO_SNI
from tests import build
from tests.build import SECURE_CHANNEL, handshake

C, L, U, R = Verdict.CONFIRMED, Verdict.LIKELY, Verdict.UNKNOWN, Verdict.RULED_OUT
VERSION, SUITE, PARAMETERS = CauseName.TLS_VERSION, CauseName.CIPHER_SUITE, CauseName.TLS_PARAMETERS
ALERT = handshake(Outcome.ALERT, alert="handshake_failure")
VERSION_ALERT = handshake(Outcome.ALERT, alert="protocol_version")
TLS13 = handshake(offer="tls1.3-any", version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")


def gateway(tier: Tier = Tier.CLASSIC, **settings: str) -> Gateway:
    keys = {
        f"Security.{'Backend.Protocols' if not w.startswith(('TLS_', 'Tri')) else 'Ciphers'}.{w}": value
        for w, value in settings.items()
    }
    return with_settings(build.gateway(tier), keys)


def judge(of: Gateway, *handshakes: Handshake, profile: str | None = None) -> Finding:
    seen: Evidence = build.evidence(*handshakes, vantage="gateway", profile=profile or of.profile)
    return attribute(build.cluster(SECURE_CHANNEL), of, (seen,), anchors=Anchors(roots=()))


def verdict(finding: Finding, cause: CauseName) -> tuple[Verdict, str]:
    found: Attribution = next(a for a in finding.attributions if a.cause is cause)
    return found.verdict, " ".join(r.text for r in found.reasons)


def suite(name: str, **changes: str) -> Handshake:
    return handshake(offer="tls1.2-any", suite=name, **changes)


def test_a_server_that_refuses_tls_1_2_for_its_version_and_speaks_tls_1_3_offers_only_tls_1_3() -> None:
    found, words = verdict(judge(gateway(), VERSION_ALERT, TLS13), VERSION)
    assert found is C
    assert "offers only TLS 1.3" in words
    assert "TLS 1.3 towards backends is taken as off, the default)" in words


def test_a_refusal_of_another_kind_does_not_prove_that_a_version_is_the_only_one() -> None:
    found, words = verdict(judge(gateway(), ALERT, replace(ALERT, offer="tls1.2-any"), TLS13), VERSION)
    assert found is C
    assert "The server speaks TLS 1.3." in words
    assert "offers only TLS 1.3" not in words


def test_a_setting_that_was_given_is_not_called_an_assumption() -> None:
    found, words = verdict(judge(gateway(Tls13="false"), VERSION_ALERT, TLS13), VERSION)
    assert found is C
    assert "taken as" not in words


def test_with_tls_1_3_on_a_server_of_tls_1_3_is_no_fault_of_versions() -> None:
    stands = handshake(version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")
    assert verdict(judge(gateway(Tls13="true"), stands), VERSION)[0] is R
    assert verdict(judge(gateway(Tier.SELF_HOSTED), stands), VERSION)[0] is R


@pytest.mark.parametrize("tier", [Tier.V2, Tier.CONSUMPTION])
def test_whether_v2_and_consumption_offer_tls_1_3_is_unsure_both_ways(tier: Tier) -> None:
    found, words = verdict(judge(gateway(tier), VERSION_ALERT, TLS13), VERSION)
    assert found is L
    assert "disagree" in words
    assert verdict(judge(gateway(tier, Tls13="false"), VERSION_ALERT, TLS13), VERSION)[0] is C
    stands = handshake(version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")
    found, words = verdict(judge(gateway(tier, Tls13="true"), stands), VERSION)
    assert found is U
    assert "not certain" in words
    both = (stands, replace(build.handshake(), offer="tls1.2-any"))
    assert verdict(judge(gateway(tier, Tls13="true"), *both), VERSION)[0] is R


def test_an_older_version_that_is_switched_on_does_not_rule_the_version_out() -> None:
    stands = handshake(version="TLS 1.1", suite="TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")
    found, words = verdict(judge(gateway(Tls11="true"), stands), VERSION)
    assert found is U
    assert "retired" in words


def test_an_older_version_that_is_off_is_named_as_an_assumption_of_newer_services() -> None:
    wrong = handshake(Outcome.WRONG_VERSION, version="TLS 1.1")
    found, words = verdict(judge(gateway(), wrong), VERSION)
    assert found is C
    assert "Offered TLS 1.2, the server chooses TLS 1.1." in words
    assert "the default of services created after 2018-04-01" in words


def test_a_server_of_tls_1_2_and_a_gateway_without_it_is_mended_at_the_gateway() -> None:
    wrong = handshake(Outcome.WRONG_VERSION, version="TLS 1.2")
    finding = judge(gateway(Tls12="false", Tls13="true"), wrong)
    assert (finding.lead.cause, finding.lead.verdict) == (VERSION, C)
    assert [(r.owner, "Protocols.Tls12" in r.text) for r in finding.remedies] == [("gateway", True)]


@pytest.mark.parametrize(
    ("of", "chosen", "expected", "said"),
    [
        (gateway(), "TLS_RSA_WITH_AES_256_CCM", C, "which this tier never offers"),
        (gateway(), "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", L, "taken as not offered"),
        (gateway(), "TLS_RSA_WITH_3DES_EDE_CBC_SHA", C, "is taken as off, the default of services created after"),
        (gateway(TripleDes168="false"), "TLS_RSA_WITH_3DES_EDE_CBC_SHA", C, "is switched off for this gateway"),
        (
            gateway(TLS_RSA_WITH_AES_128_CBC_SHA="false"),
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            C,
            "is switched off for this gateway",
        ),
        (gateway(Tls13="true"), "TLS_RSA_WITH_AES_256_CCM", L, "with TLS 1.3 is inferred"),
        (gateway(Tier.V2), "TLS_RSA_WITH_AES_256_CCM", L, "not documented"),
        (gateway(Tier.CONSUMPTION), "TLS_RSA_WITH_AES_256_CCM", L, "not documented"),
        (gateway(Tier.SELF_HOSTED), "TLS_RSA_WITH_AES_256_CCM", L, "OpenSSL settings"),
    ],
)
def test_a_suite_beyond_the_gateways_list_is_named_with_what_the_verdict_rests_on(
    of: Gateway, chosen: str, expected: Verdict, said: str
) -> None:
    found, words = verdict(judge(of, ALERT, suite(chosen)), SUITE)
    assert found is expected
    assert f"offered every suite, the server chooses {chosen} in TLS 1.2" in words
    assert said in words


def test_a_suite_that_a_switch_brings_is_no_fault_once_it_is_on() -> None:
    stands = handshake(suite="TLS_RSA_WITH_3DES_EDE_CBC_SHA")
    assert verdict(judge(gateway(TripleDes168="true"), stands), SUITE)[0] is R


def test_a_suite_that_could_be_switched_off_is_taken_as_on_and_that_is_said() -> None:
    stands = handshake(suite="TLS_RSA_WITH_AES_128_CBC_SHA")
    assert "is taken as on, the default" in verdict(judge(gateway(), stands), SUITE)[1]


def test_parameters_in_a_retired_version_are_at_most_likely() -> None:
    old = gateway(Tls11="true")
    other = suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", group="secp521r1", version="TLS 1.1")
    found, words = verdict(judge(old, ALERT, other), PARAMETERS)
    assert found is L
    assert "retired" in words


def test_evidence_in_another_gateways_voice_is_at_most_likely_and_rules_nothing_out_that_it_did_not_ask() -> None:
    found, words = verdict(judge(gateway(Tls12="true", Tls11="true"), VERSION_ALERT, TLS13, profile="classic"), VERSION)
    assert found is L
    assert "this gateway's is classic+Tls11" in words
    found, words = verdict(judge(gateway(Tls13="true"), VERSION_ALERT, TLS13, profile="classic"), VERSION)
    assert found is U
    assert "collected with the hello of classic, and this gateway's is classic+Tls13" in words
    stands = handshake(suite="TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")
    foreign = judge(gateway(), stands, profile="self-hosted")
    assert [verdict(foreign, cause)[0] for cause in (SUITE, PARAMETERS)] == [U, U]
    dhe = suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")
    assert verdict(judge(gateway(Tier.SELF_HOSTED), ALERT, dhe, profile="classic"), SUITE)[0] is U
    same = judge(gateway(), stands, profile="classic+Tls12")
    assert verdict(same, PARAMETERS)[0] is R, "another spelling is no other voice"


def test_evidence_in_this_gateways_voice_is_believed_over_newer_evidence_in_another() -> None:
    mine = gateway(Tls13="true")
    own = build.evidence(ALERT, profile="classic+Tls13")
    newer = build.evidence(ALERT, profile="classic", at=build.NOW.replace(hour=13))
    finding = attribute(build.cluster(SECURE_CHANNEL), mine, (newer, own), anchors=Anchors(roots=()))
    assert finding.evidence == (own, newer)


def test_a_suite_that_a_switch_keeps_off_is_also_mended_at_the_gateway() -> None:
    off = judge(gateway(), ALERT, suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA")).remedies
    assert [r.owner for r in off] == ["backend", "gateway"]
    assert "TripleDes168" in off[1].text
    assert [r.owner for r in judge(gateway(Tier.V2), ALERT, suite("TLS_RSA_WITH_AES_256_CCM")).remedies] == ["backend"]


def test_a_hello_that_stands_without_the_name_rules_suite_and_parameters_out() -> None:
    finding = judge(gateway(), ALERT, handshake(offer=NO_SNI))
    for cause in (SUITE, PARAMETERS):
        found, words = verdict(finding, cause)
        assert (found, "what it dislikes is the name" in words) == (R, True)
