"""A gateway's settings become the profile of its hello, whatever the case and prefix of their keys."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.probing import profiles
from analyzer.probing.settings import ALLOWED_SUITES, KEY_PREFIX, has, of_settings

TLS13 = "Security.Backend.Protocols.Tls13"


@pytest.mark.parametrize(
    ("tier", "properties", "profile"),
    [
        ("classic", {}, "classic"),
        ("classic", {KEY_PREFIX + TLS13: "True"}, "classic+Tls13"),
        ("classic", {TLS13.lower(): "FALSE"}, "classic"),
        (
            "classic",
            {"Security.Ciphers.TripleDes168": "true", "Security.Backend.Protocols.Tls10": "true"},
            "classic+Tls10+TripleDes168",
        ),
        (
            "classic",
            {"Security.Ciphers.TLS_RSA_WITH_AES_128_CBC_SHA": "false"},
            "classic-TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
        ("self-hosted", {TLS13: "false"}, "self-hosted-Tls13"),
        ("v2", {TLS13: "true"}, "v2+Tls13"),
    ],
)
def test_settings_become_a_profile(tier: str, properties: dict[str, str], profile: str) -> None:
    found = of_settings(tier, properties)
    assert (found.profile, found.ignored) == (profile, ())
    assert len(found.told) == len(properties)


@pytest.mark.parametrize(
    ("created", "profile"),
    [
        (None, "classic"),
        (date(2018, 4, 2), "classic"),
        (date(2018, 4, 1), "classic+Tls11+Tls10+Ssl30+TripleDes168"),
    ],
)
def test_an_absent_key_means_the_default_of_the_day_the_service_was_created(created: date | None, profile: str) -> None:
    assert of_settings("classic", {}, created).profile == profile
    old_off = of_settings("classic", {"Security.Backend.Protocols.Tls11": "false"}, created)
    assert "Tls11" not in old_off.profile
    assert of_settings("self-hosted", {}, created).profile == "self-hosted"


@pytest.mark.parametrize(
    ("tier", "key"),
    [
        ("classic", KEY_PREFIX + "Security.Protocols.Tls10"),  # towards clients
        ("classic", KEY_PREFIX + "Protocols.Server.Http2"),
        ("classic", "Security.Backend.Protocols.Tls14"),
        ("classic", "Security.Ciphers.Tls13"),
        ("classic", "Security.Ciphers.TLS_AES_256_GCM_SHA384"),
        ("classic", ALLOWED_SUITES),
        ("consumption", "Security.Ciphers.TripleDes168"),
    ],
)
def test_what_is_no_setting_of_this_tiers_hello_is_ignored_and_said(tier: str, key: str) -> None:
    found = of_settings(tier, {key: "true"})
    assert (found.profile, found.told, found.ignored) == (tier, (), (key,))


def test_the_list_of_allowed_suites_switches_all_others_of_a_self_hosted_gateway_off() -> None:
    allowed = "TLS_AES_256_GCM_SHA384, TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_SEED_CBC_SHA"
    found = of_settings("self-hosted", {ALLOWED_SUITES: allowed})
    assert profiles.suite_names(found.profile) == ("TLS_AES_256_GCM_SHA384", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")
    assert found.ignored == (f"{ALLOWED_SUITES}: TLS_RSA_WITH_SEED_CBC_SHA",)
    only12 = of_settings("self-hosted", {ALLOWED_SUITES: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"})
    assert profiles.version_names(only12.profile) == ("TLS 1.2",)


@pytest.mark.parametrize(
    ("tier", "properties", "why"),
    [
        ("classic", {TLS13: "on"}, "neither true nor false"),
        ("classic", {"Security.Backend.Protocols.Tls12": "false"}, "no TLS version"),
        ("self-hosted", {ALLOWED_SUITES: "TLS_NOTHING"}, "no TLS version"),
        ("premium", {}, "no such tier"),
    ],
)
def test_settings_that_cannot_be_are_refused(tier: str, properties: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        of_settings(tier, properties)


@given(st.sampled_from(profiles.TIERS), st.data())
def test_every_switch_has_a_key_and_settings_round_trip_through_the_profile(tier: str, data: st.DataObject) -> None:
    states = {w: data.draw(st.booleans()) for w in profiles.switches(tier)}
    states["Tls12"] = True
    properties = {
        f"Security.{'Backend.Protocols' if profiles.is_protocol(w) else 'Ciphers'}.{w}": str(on)
        for w, on in states.items()
    }
    if tier == "self-hosted" and not any(on for w, on in states.items() if w.startswith("TLS_")):
        return
    found = of_settings(tier, properties)
    assert all(has(tier, key) for key in properties)
    assert (found.ignored, set(found.told)) == ((), set(states))
    turned = "".join(f"{'+' if on else '-'}{w}" for w, on in states.items())
    assert profiles.offer(tier + turned).name == found.profile


def test_a_tier_has_only_the_keys_that_change_its_hello() -> None:
    assert has("v2", KEY_PREFIX + TLS13)
    assert not has("consumption", "Security.Ciphers.TripleDes168")
    assert not any(has(tier, key) for tier in profiles.TIERS for key in ("Security.Protocols.Tls10", "Tls13"))
