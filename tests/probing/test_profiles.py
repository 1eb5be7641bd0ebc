"""What each gateway's hello offers, tier by tier and switch by switch, on the wire and to real servers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.model import Tier
from analyzer.probing import iana, profiles
from analyzer.probing.hello import Offer, encode
from analyzer.probing.profiles import TIERS, offer, suite_names, version_names
from tests import make
from tests.probing.peers import HOST, ask
from tests.probing.servers import openssl
from tests.probing.test_hello import ja3, read

RSA_LEAF = make.leaf(HOST, make.intermediate("Issuing", make.ca()), kind="rsa2048")
OLDER, TLS13_ONLY = {11, 35, 22, 23, 65281}, {43, 45, 51}


def test_every_tier_has_a_profile_of_its_own_name() -> None:
    assert set(TIERS) == {tier.value for tier in Tier}
    assert [offer(tier).name for tier in TIERS] == list(TIERS)


def test_the_self_hosted_hello_offers_tls_1_3_and_the_documented_30_suites() -> None:
    seen = read(encode(offer("self-hosted"), HOST))
    assert seen.numbers(43, prefix=1) == [0x0304, 0x0303]
    assert (seen.version, len(seen.suites), len(seen.session_id)) == (0x0303, 30, 32)
    assert seen.extensions[51][:6] == b"\x00\x24\x00\x1d\x00\x20"  # one share, x25519, 32 bytes
    assert seen.extensions[45] == b"\x01\x01"
    kinds = "AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256 AES_128_GCM_SHA256 AES_256_CBC_SHA384 AES_128_CBC_SHA256 AES_256_CBC_SHA AES_128_CBC_SHA"
    written = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"]
    for kind in kinds.split():
        written += [f"TLS_{key}_WITH_{kind}" for key in ("ECDHE_ECDSA", "ECDHE_RSA")]
        written.append(f"TLS_DHE_RSA_WITH_{kind}".replace("CBC_SHA384", "CBC_SHA256"))
    static = (
        "AES_256_GCM_SHA384 AES_128_GCM_SHA256 AES_256_CBC_SHA256 AES_128_CBC_SHA256 AES_256_CBC_SHA AES_128_CBC_SHA"
    )
    written += [f"TLS_RSA_WITH_{kind}" for kind in static.split()]
    assert list(suite_names("self-hosted")) == written


@pytest.mark.parametrize("tier", ["v2", "consumption"])
def test_undocumented_tiers_offer_what_classic_and_self_hosted_share(tier: str) -> None:
    both = set(suite_names("classic")) & set(suite_names("self-hosted"))
    assert set(suite_names(tier)) == both
    assert len(both) == 18
    assert version_names(tier) == ("TLS 1.2",)
    assert profiles.group_names(tier) == ("x25519", "secp256r1", "secp384r1")
    assert 0x0201 not in offer(tier).signatures  # SHA-1: OpenSSL's default level refuses it


def test_tls_1_3_on_classic_puts_its_two_suites_first_and_changes_nothing_else_of_the_older_hello() -> None:
    plain, with13 = (read(encode(offer(p), HOST)) for p in ("classic", "classic+Tls13"))
    assert with13.suites == [0x1302, 0x1301, *plain.suites]
    assert with13.numbers(43, prefix=1) == [0x0304, 0x0303]
    assert list(with13.extensions) == [*plain.extensions, 43, 45, 51]
    assert {c: with13.extensions[c] for c in plain.extensions} == plain.extensions
    assert (plain.version, with13.version) == (0x0303, 0x0303)


def test_3des_comes_last_and_the_hello_then_is_schannels_list_without_dhe() -> None:
    assert read(encode(offer("classic+TripleDes168"), HOST)).suites == [*offer("classic").suites, 0x000A]
    schannel = offer("classic+TripleDes168")._replace(extensions=(0, 5, 10, 11, 13, 35, 23, 65281))
    assert ja3(encode(schannel, HOST)) == "a0e9f5d64349fb13191bc781f81f42e1"  # documented for Windows 10 1903 and later


def test_older_versions_are_offered_as_a_range_and_alone_without_what_came_with_tls_1_2() -> None:
    assert encode(offer("classic+Tls11+Tls10"), None)[43:] == encode(offer("classic"), None)[43:]
    seen = read(encode(offer("classic-Tls12+Tls11+Tls10"), HOST))
    assert (seen.version, seen.record_version) == (0x0302, 0x0302)
    assert 13 not in seen.extensions
    assert all(iana.suite_name(s).endswith("_CBC_SHA") for s in seen.suites)


def test_tls_1_3_alone_offers_no_suite_and_no_extension_of_older_versions() -> None:
    seen = read(encode(offer("classic+Tls13-Tls12"), HOST))
    assert seen.suites == [0x1302, 0x1301]
    assert seen.numbers(43, prefix=1) == [0x0304]
    assert not OLDER & set(seen.extensions)


def test_equal_settings_give_equal_strings_however_they_are_written() -> None:
    assert offer("classic+tripledes168+TLS10+Tls12+tls11").name == "classic+Tls11+Tls10+TripleDes168"


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        ("", "no such profile"),
        ("premium", "no such profile"),
        ("classic+", "no such profile"),
        ("classic Tls13", "no such profile"),
        ("classic" + "+Tls13" * 1000, "no such profile"),
        ("classic+Tls13-Tls13", "stands twice"),
        ("classic+Tls14", "has no switch 'Tls14'; it has Tls13, "),
        ("classic-TLS_AES_256_GCM_SHA384", "has no switch"),
        ("classic-TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "has no switch"),
        ("classic+TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "has no switch"),
        ("v2-TLS_RSA_WITH_AES_128_CBC_SHA", "has no switch"),
        ("consumption+TripleDes168", "has no switch"),
        ("consumption+Ssl30", "has no switch"),
        ("classic-Tls12", "no TLS version"),
    ],
)
def test_what_is_no_profile_is_refused_with_what_it_could_be(profile: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        offer(profile)


@st.composite
def written(draw: Any) -> tuple[str, frozenset[str], str]:
    """A tier, a set of its switches to turn, and a profile that turns them in any order."""
    tier = draw(st.sampled_from(TIERS))
    switches = profiles.switches(tier)
    turned = draw(st.lists(st.sampled_from(list(switches)), unique=True))
    return tier, frozenset(turned), tier + "".join(f"{'-' if switches[w] else '+'}{w}" for w in turned)


def made(profile: str) -> Offer | None:
    try:
        return offer(profile)
    except ValueError:
        return None


@given(written())
def test_any_set_of_switches_changes_what_it_should_and_nothing_else(case: tuple[str, frozenset[str], str]) -> None:
    tier, turned, profile = case
    found = made(profile)
    states = {w: on != (w in turned) for w, on in profiles.switches(tier).items()}
    if found is None:
        assert not states["Tls12"] or tier == "self-hosted"  # which can have every suite off
        return
    assert offer(found.name) == found  # canonical, and read back
    assert found.name == tier + "".join(
        f"{'+' if on else '-'}{w}" for w, on in states.items() if on is not profiles.switches(tier)[w]
    )
    on_wire = read(encode(found, HOST))
    tls13 = [s for s in on_wire.suites if s >> 8 == 0x13]
    assert len(set(on_wire.suites)) == len(on_wire.suites)
    assert bool(tls13) is (0x0304 in found.versions) is bool(TLS13_ONLY & set(on_wire.extensions))
    assert (len(tls13) < len(on_wire.suites)) is any(v < 0x0304 for v in found.versions)
    assert on_wire.version == min(max(found.versions), 0x0303)
    switched_off = {w for w, on in states.items() if not on}
    names = [*map(iana.suite_name, found.suites), *map(iana.version_name, found.versions)]
    assert not switched_off & set(map(profiles.switch_of, names))
    full = offer(tier + "".join(f"+{w}" for w in states))
    assert [s for s in full.suites if s in on_wire.suites] == on_wire.suites  # the order is kept
    missing = {iana.suite_name(s) for s in full.suites} - set(map(iana.suite_name, found.suites))
    if {0x0304, 0x0303} <= set(found.versions):
        assert missing == {
            iana.suite_name(s) for s in full.suites if profiles.switch_of(iana.suite_name(s)) in switched_off
        }


@pytest.mark.tool("openssl")
class TestOpenssl:
    @pytest.mark.parametrize(
        ("profile", "options", "version", "suite"),
        [
            ("classic", ["-tls1_2"], "TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
            ("classic+Tls13", ["-tls1_3"], "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
            ("classic+Tls13", ["-tls1_2"], "TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
            ("classic+Tls13-Tls12", ["-tls1_3"], "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
            ("v2+Tls13", ["-tls1_3"], "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
            ("consumption+Tls13", ["-tls1_3"], "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
            ("self-hosted", ["-tls1_3"], "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
            ("self-hosted-Tls13", [], "TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
            (
                "classic+Tls11",
                ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                "TLS 1.1",
                "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            ),
            (
                "classic+Tls10-Tls12",
                ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                "TLS 1.0",
                "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            ),
        ],
    )
    def test_a_real_server_accepts_the_hello_in_the_version_that_is_switched_on(
        self, tmp_path: Path, profile: str, options: list[str], version: str, suite: str
    ) -> None:
        with openssl(RSA_LEAF, tmp_path, *options) as port:
            entry = ask(port, profile=profile)
        first = entry["handshakes"][0]
        assert (entry["profile"], first["offer"], first["outcome"]) == (profile, "gateway", "completed")
        assert (first["version"], first["suite"]) == (version, suite)

    @pytest.mark.parametrize(
        ("profile", "options"),
        [
            ("classic", ["-tls1_3"]),
            ("v2", ["-tls1_3"]),
            ("self-hosted-Tls13", ["-tls1_3"]),
            ("classic+Tls13-Tls12", ["-tls1_2"]),
            ("classic-TLS_RSA_WITH_AES_128_CBC_SHA", ["-tls1_2", "-cipher", "AES128-SHA"]),
        ],
    )
    def test_a_real_server_does_not_complete_the_hello_where_the_switch_is_off(
        self, tmp_path: Path, profile: str, options: list[str]
    ) -> None:
        with openssl(RSA_LEAF, tmp_path, *options) as port:
            assert ask(port, profile=profile)["handshakes"][0]["outcome"] in ("alert", "wrong_version")

    def test_openssls_own_hello_leaves_out_the_same_groups_where_tls_1_3_is_off(self, tmp_path: Path) -> None:
        groups = {}
        for version in ("-tls1_2", "-tls1_3"):
            with openssl(RSA_LEAF, tmp_path) as port:
                command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-trace"]
                done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=30)
            text = done.stdout.decode(errors="replace")
            block = re.search(r"extension_type=supported_groups.*?\n((?:\s+.*\((?:\d+)\)\n)+)", text)
            assert block, text[:2000]
            groups[version] = {int(code) for code in re.findall(r"\((\d+)\)\n", block[1])}
        assert not any(g >= 256 for g in groups["-tls1_2"])
        assert any(256 <= g <= 260 for g in groups["-tls1_3"])
        assert groups["-tls1_2"] == set(offer("self-hosted-Tls13").groups)
