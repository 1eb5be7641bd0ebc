"""Which addresses may be probed: the dangerous ones are denied by default in every spelling, and only a person can allow them."""

from __future__ import annotations

import pytest

from analyzer.probing import Policy, Target, probe
from tests.probing.peers import HOST, ask, only, peer, says
from tests.probing.speech import flight

DENIED = [
    "127.0.0.1",
    "127.8.9.10",
    "::1",
    "169.254.1.1",
    "169.254.169.254",
    "168.63.129.16",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.251",
    "ff02::1",
    "0.0.0.0",  # noqa: S104  nothing is bound to it
    "0.1.2.3",
    "::",
    "255.255.255.255",
    "240.0.0.1",
]
WRAPPED = [
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a83f:8110",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "2001:0:a9fe:a9fe:0:0:f7f7:f7f7",  # Teredo by way of 169.254.169.254
    "2001:0:808:808:0:0:5601:5601",  # Teredo to 169.254.169.254
    "::ffff:127.0.0.1%eth0",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
]
PERMITTED = [
    "8.8.8.8",
    "10.1.2.3",
    "172.16.0.9",
    "192.168.1.1",
    "100.64.0.1",
    "fd12:3456::1",
    "2606:4700::1111",
    "2001:0:808:808:0:0:f7f7:f7f7",  # Teredo to 8.8.8.8
    "64:ff9b::8.8.8.8",
    "::ffff:10.0.0.1",
]


@pytest.mark.parametrize("address", DENIED + WRAPPED)
def test_an_address_that_a_log_must_not_steer_the_probe_to_is_refused(address: str) -> None:
    reason = Policy().refusal(address)
    assert reason is not None
    assert address in reason


@pytest.mark.parametrize("address", PERMITTED)
def test_public_and_private_addresses_are_permitted(address: str) -> None:
    assert Policy().refusal(address) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.0/8"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_allow_overrides_the_default(address: str, network: str) -> None:
    assert Policy(allow=[network]).refusal(address) is None
    assert Policy(allow=["10.0.0.0/8"]).refusal(address) is not None


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"])
def test_deny_wins_over_allow(address: str) -> None:
    assert Policy(deny=["10.0.0.0/8"]).refusal(address) is not None
    assert Policy(allow=["10.1.2.3"], deny=["10.0.0.0/8"]).refusal(address) is not None
    assert Policy(allow=["10.1.2.3"], deny=["10.2.0.0/16"]).refusal(address) is None


def test_an_address_of_the_internet_is_not_vouched_for_because_a_range_contains_it() -> None:
    assert Policy(allow=["127.0.0.0/8"]).vouches_for("127.0.0.1")
    assert Policy(allow=["10.0.0.0/8"]).vouches_for("10.1.2.3")
    assert not Policy().vouches_for("10.1.2.3")
    assert not Policy(allow=["0.0.0.0/0"]).vouches_for("8.8.8.8")


@pytest.mark.parametrize("text", ["10.0.0.0/33", "ten", "", "10.0.0.0/8/9", "host.example"])
def test_text_that_is_no_network_is_named_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match="neither an address nor a network") as caught:
        Policy(allow=[text])
    assert repr(text) in str(caught.value)


def test_a_network_may_be_written_with_host_bits() -> None:
    assert Policy(allow=["127.0.0.5/8"]).refusal("127.1.1.1") is None


def test_nothing_is_sent_to_a_forbidden_address() -> None:
    with peer(says(flight([b"\x30\x00"]))) as server:
        entry = probe([Target(HOST, 443, HOST, "127.0.0.1", server.port)])[0]
        assert server.connections == 0
        assert only(ask(server.port))["outcome"] == "completed"  # the twin, allowed
    seen = only(entry)
    assert (seen["outcome"], seen["stage"]) == ("forbidden", "connect")
    assert seen["detail"] == "127.0.0.1 is not probed unless allowed: loopback"
    assert (entry["address"], entry["addresses"], entry["allowed"]) == (None, ["127.0.0.1"], False)


@pytest.mark.parametrize(
    "spelling", ["127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "localhost", "LocalHost", "0"]
)
def test_no_spelling_of_a_forbidden_address_gets_round_the_policy(spelling: str) -> None:
    with peer(says(b"")) as server:
        entry = probe([Target(spelling, server.port, spelling)])[0]
        assert server.connections == 0
    assert only(entry)["outcome"] == "forbidden"
