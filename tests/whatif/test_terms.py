"""What a server was seen to take and refuse decides hellos that it was never sent, and nothing beyond that does."""

from __future__ import annotations

import pytest

from analyzer.attribution import Anchors, case_of
from analyzer.model import Handshake, Outcome, Tier
from analyzer.probing import plan, profiles
from analyzer.whatif.terms import Taken, Terms, signable, terms_of
from tests import build
from tests.build import handshake

EC = "EC secp256r1"
ALERT = handshake(Outcome.ALERT, alert="handshake_failure")
VERSION_ALERT = handshake(Outcome.ALERT, alert="protocol_version")
TLS13 = handshake(offer="tls1.3-any", version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")
GCM, CBC = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"
CCM = "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"


def seen(*shakes: Handshake, profile: str = "classic", tier: Tier = Tier.CLASSIC) -> Terms:
    evidence = build.evidence(*shakes, profile=profile)
    gateway = build.gateway(tier, profile=profile)
    return terms_of(case_of(build.cluster(), gateway, evidence, anchors=Anchors(roots=())))


def other(suite: str = GCM, **changes: object) -> Handshake:
    return handshake(offer="tls1.2-any", suite=suite, **changes)


@pytest.mark.parametrize(
    ("shakes", "profile", "stands"),
    [
        ([VERSION_ALERT, TLS13], "classic+Tls13", True),
        ([VERSION_ALERT, TLS13], "classic+Tls11", False),
        ([VERSION_ALERT, TLS13], "classic+Tls13-Tls12", True),
        ([VERSION_ALERT], "classic+Tls13", None),
        ([VERSION_ALERT], "classic+Tls10", False),
        ([handshake(Outcome.WRONG_VERSION, version="TLS 1.1", suite=CBC)], "classic+Tls11", True),
        ([handshake(Outcome.WRONG_VERSION, version="TLS 1.1", suite=CBC)], "classic+Tls10", None),
        ([handshake(Outcome.WRONG_VERSION, version="TLS 1.1", suite=CBC, group="secp521r1")], "classic+Tls11", None),
        ([ALERT, other(CCM)], "classic", False),
        ([ALERT, other(CCM)], "classic+TripleDes168", None),
        ([ALERT, other(CCM)], "classic+Tls13", None),
        ([ALERT, other(CCM)], "classic-TLS_RSA_WITH_AES_128_CBC_SHA", False),
        ([ALERT, other("TLS_RSA_WITH_3DES_EDE_CBC_SHA", group=None)], "classic+TripleDes168", True),
        ([ALERT, other(GCM)], "classic", None),
        ([handshake(Outcome.CLOSED)], "classic+Tls13", None),
        ([ALERT, handshake(offer=plan.NO_SNI)], "classic-TLS_RSA_WITH_AES_128_CBC_SHA", False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_hello_stands_only_as_far_as_answers_show(shakes: list[Handshake], profile: str, stands: bool | None) -> None:
    assert seen(*shakes).stands(profiles.offer(profile), EC) is stands


def test_an_offer_with_supported_versions_leaves_the_versions_between_open() -> None:
    refused = seen(VERSION_ALERT, profile="classic+Tls13+Tls11-Tls12")
    assert refused.unspoken == {"TLS 1.3", "TLS 1.1"}
    assert seen(VERSION_ALERT).unspoken == {"TLS 1.2", "TLS 1.1", "TLS 1.0", "SSL 3.0"}


def test_a_server_that_takes_one_thing_more_is_judged_without_what_it_refused_before() -> None:
    before = seen(ALERT, other(CCM))
    after = before.taking(Taken(version="TLS 1.2", suite=GCM, group="x25519"))
    offer = profiles.offer("classic")
    assert (before.stands(offer, EC), after.stands(offer, EC)) == (False, True)
    assert after.stands(offer, "EC secp521r1") is None, "the gateway cannot take a signature of that curve"


@pytest.mark.parametrize(
    ("key", "version", "profile", "able"),
    [
        ("EC secp521r1", "TLS 1.2", "classic", False),
        ("EC secp521r1", "TLS 1.2", "self-hosted", True),
        ("EC secp521r1", "TLS 1.3", "classic+Tls13", True),
        ("EC secp256r1", "TLS 1.2", "classic", True),
        ("RSA 2048", "TLS 1.3", "classic+Tls13", True),
        ("RSA 2048", "TLS 1.0", "classic+Tls10", True),
        ("Ed25519", "TLS 1.2", "classic", False),
        ("Ed25519", "TLS 1.3", "self-hosted", True),
        ("unknown", "TLS 1.3", "self-hosted", False),
    ],
)
def test_a_key_must_be_one_that_the_hello_lets_a_server_sign_with(
    key: str, version: str, profile: str, able: bool
) -> None:
    assert signable(key, version, profiles.offer(profile)) is able
