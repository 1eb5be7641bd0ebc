"""Profiles: every switch changes what it says and nothing else, and settings give the profile that they mean."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.probing import profiles
from analyzer.probing.profiles import PROTOCOLS, TIERS, of_settings, offer, parse, switches
from tests import make
from tests.probing.peers import ask
from tests.probing.servers import openssl

PREFIX = "Microsoft.WindowsAzure.ApiManagement.Gateway."


@st.composite
def spelled(draw: st.DrawFn) -> str:
    tier = draw(st.sampled_from(sorted(TIERS)))
    words = draw(st.lists(st.sampled_from(switches(tier)), max_size=6))
    return tier + "".join(draw(st.sampled_from("+-")) + draw(st.sampled_from([w, w.lower()])) for w in words)


@given(spelled())
def test_a_profile_has_one_spelling_and_a_sound_hello(profile: str) -> None:
    name = str(parse(profile))
    assert str(parse(name)) == name
    if not {*TIERS[parse(name).tier].versions, *(PROTOCOLS[s] for s in parse(name).on if s in PROTOCOLS)} - {
        PROTOCOLS[s] for s in parse(name).off if s in PROTOCOLS
    }:
        with pytest.raises(ValueError, match="every version"):
            offer(profile)
        return
    found = offer(profile)
    assert found == offer(name)
    assert found.name == name
    assert len(set(found.suites)) == len(found.suites) > 0
    assert list(found.versions) == sorted(set(found.versions), reverse=True)
    assert any(s >> 8 == 0x13 for s in found.suites) == (0x0304 in found.versions)
    assert (43 in found.extensions) == (0x0304 in found.versions)
    usual = [s for s in TIERS[parse(profile).tier].suites if s in found.suites]
    assert [s for s in found.suites if s in usual] == usual


@pytest.mark.parametrize(
    ("profile", "versions", "added", "removed"),
    [
        ("classic", ("TLS 1.2",), set(), set()),
        ("classic+Tls13", ("TLS 1.3", "TLS 1.2"), {0x1302, 0x1301}, set()),
        ("classic+tls11+TLS10", ("TLS 1.2", "TLS 1.1", "TLS 1.0"), set(), set()),
        ("classic+TripleDes168", ("TLS 1.2",), {0x000A}, set()),
        ("classic-TLS_RSA_WITH_AES_128_CBC_SHA", ("TLS 1.2",), set(), {0x002F}),
        ("classic-Tls12+Tls11", ("TLS 1.1",), set(), set()),
        ("self-hosted-Tls13", ("TLS 1.2",), set(), {0x1301, 0x1302, 0x1303}),
        ("v2+Tls13", ("TLS 1.3", "TLS 1.2"), {0x1302, 0x1301}, set()),
    ],
)
def test_a_switch_changes_what_it_says(
    profile: str, versions: tuple[str, ...], added: set[int], removed: set[int]
) -> None:
    found, usual = offer(profile), TIERS[parse(profile).tier]
    assert profiles.version_names(profile) == versions
    assert (set(found.suites) - set(usual.suites), set(usual.suites) - set(found.suites)) == (added, removed)


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        ("", "no such profile"),
        ("premium", "no such profile"),
        ("classics", "no such profile"),
        ("classic+", "no such profile"),
        ("classic Tls13", "no such profile"),
        ("classic+Tls14", "cannot be switched"),
        ("classic-TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "cannot be switched"),
        ("self-hosted+TripleDes168", "cannot be switched"),
        ("classic-Tls12", "every version"),
    ],
)
def test_what_is_no_profile_says_why(profile: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        offer(profile)


@pytest.mark.parametrize(
    ("tier", "settings", "created", "profile"),
    [
        ("classic", {}, None, "classic"),
        ("classic", {}, date(2018, 4, 1), "classic+Tls11+Tls10+Ssl30+TripleDes168"),
        ("classic", {}, date(2018, 4, 2), "classic"),
        ("v2", {}, date(2018, 1, 1), "v2"),
        ("classic", {f"{PREFIX}Security.Backend.Protocols.Tls13": "True"}, None, "classic+Tls13"),
        ("classic", {"Security.Backend.Protocols.Tls10": "true"}, None, "classic+Tls10"),
        ("classic", {f"{PREFIX}Security.Ciphers.TripleDes168": "false"}, date(2017, 1, 1), "classic+Tls11+Tls10+Ssl30"),
        ("classic", {f"{PREFIX}Security.Protocols.Tls10": "true"}, None, "classic"),  # the clients' side
        ("classic", {f"{PREFIX}Protocols.Server.Http2": "true"}, None, "classic"),
        (
            "classic",
            {f"{PREFIX}Security.Ciphers.TLS_RSA_WITH_AES_128_CBC_SHA": "false"},
            None,
            "classic-TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
        ("self-hosted", {"Security.Backend.Protocols.Tls13": "false"}, None, "self-hosted-Tls13"),
    ],
)
def test_settings_give_the_profile_that_they_mean(
    tier: str, settings: dict[str, str], created: date | None, profile: str
) -> None:
    assert of_settings(tier, settings, created) == (profile, ())


def test_the_suites_that_a_container_allows_are_the_ones_it_offers() -> None:
    allowed = "TLS_AES_256_GCM_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
    profile, strange = of_settings("self-hosted", {"net.client.tls.ciphers.allowed-suites": allowed})
    assert strange == ()
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in profiles.suite_names(profile)
    assert "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" not in profiles.suite_names(profile)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Security.Backend.Protocols.Tls14", "true"),
        ("Security.Backend.Protocols.Tls13", "yes"),
        ("Security.Ciphers.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "false"),
        ("Colour", "blue"),
    ],
)
def test_a_key_or_value_that_is_not_understood_is_given_back(key: str, value: str) -> None:
    assert of_settings("classic", {key: value}) == ("classic", (key,))


@pytest.mark.tool("openssl")
@pytest.mark.parametrize(
    ("profile", "option", "stands"),
    [
        ("classic", "-tls1_3", False),
        ("classic+Tls13", "-tls1_3", True),
        ("v2+Tls13", "-tls1_3", True),
        ("self-hosted", "-tls1_3", True),
        ("self-hosted-Tls13", "-tls1_3", False),
        ("classic", "-tls1_1", False),
        ("classic+Tls11", "-tls1_1", True),
        ("classic-Tls12+Tls10", "-tls1", True),
    ],
)
def test_a_real_server_takes_the_hello_that_a_setting_makes(
    tmp_path: Path, profile: str, option: str, stands: bool
) -> None:
    root = make.ca()
    identity = make.leaf("api.contoso.example", root, kind="rsa2048")
    with openssl(identity, tmp_path, option, "-cipher", "ALL:@SECLEVEL=0") as port:
        seen = ask(port, profile=profile)["handshakes"][0]
    assert (seen["outcome"] == "completed") is stands, seen
