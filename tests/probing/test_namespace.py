"""What needs a network of its own: a scripted resolver, names with several addresses, no route, and gnutls-serv, which listens everywhere."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.conftest import need
from tests.probing.namespace import alone, permitted
from tests.probing.peers import HOST, only
from tests.probing.servers import GNUTLS_READY, gnutls

pytestmark = pytest.mark.tool("unshare", "ip", "mount")


@pytest.fixture(scope="module", autouse=True)
def _permitted() -> None:
    need(*permitted())


def asked(host: str = HOST, **changes: Any) -> dict[str, Any]:
    return {"host": host, "port": 443, "server_name": host, **changes}


class TestResolver:
    def test_a_name_that_does_not_exist_is_told_from_a_resolver_that_fails(self) -> None:
        answers = {"empty.example": [], "broken.example": 2, "refusing.example": 5}
        hosts = ["gone.example", *answers]
        found = alone({"answers": answers, "ask": [asked(host) for host in hosts]})
        outcomes = {e["host"]: e["handshakes"][-1]["outcome"] for e in found}
        assert outcomes == {
            "gone.example": "name_not_found",
            "empty.example": "name_not_found",
            "broken.example": "resolver_failed",
            "refusing.example": "resolver_failed",
        }
        assert {h["stage"] for e in found for h in e["handshakes"]} == {"resolve"}
        assert {e["address"] for e in found} == {None}

    def test_a_resolver_that_never_answers_costs_one_deadline_and_does_not_hold_up_the_exit(self) -> None:
        began = time.monotonic()
        found = alone({"answers": {HOST: "silence"}, "ask": [asked()], "deadline": 0.5})
        assert only(found[0])["outcome"] == "resolver_failed"
        assert time.monotonic() - began < 5

    def test_all_addresses_are_recorded_and_the_first_that_connects_is_asked(self) -> None:
        names = {HOST: ["127.0.0.7", "127.0.0.8", "127.0.0.9"]}
        entry = alone({"answers": names, "listen": ["127.0.0.8", "127.0.0.9"], "ask": [asked()]})[0]
        assert sorted(entry["addresses"]) == names[HOST]
        assert entry["address"] in ("127.0.0.8", "127.0.0.9")
        assert only(entry)["outcome"] == "completed"
        assert entry["pinned"] is False

    def test_where_no_address_connects_all_are_told(self) -> None:
        entries = alone({"answers": {HOST: ["127.0.0.7", "127.0.0.8"]}, "ask": [asked()]})
        assert {e["address"]: [h["outcome"] for h in e["handshakes"]] for e in entries} == {
            "127.0.0.7": ["refused"] * 2,
            "127.0.0.8": ["refused"] * 2,
        }

    def test_each_address_is_asked_and_one_that_answers_speaks_first(self) -> None:
        names = {HOST: ["127.0.0.7", "127.0.0.8", "127.0.0.9"]}
        entries = alone({"answers": names, "listen": ["127.0.0.8", "127.0.0.9"], "ask": [asked()]})
        assert {e["address"]: e["handshakes"][0]["outcome"] for e in entries[:2]} == {
            "127.0.0.8": "completed",
            "127.0.0.9": "completed",
        }
        assert (entries[2]["address"], entries[2]["handshakes"][0]["outcome"]) == ("127.0.0.7", "refused")

    def test_a_forbidden_address_among_the_answers_is_passed_over(self) -> None:
        names = {HOST: ["169.254.169.254", "127.0.0.8"], "rebound.example": ["169.254.169.254"]}
        good, left, bad = alone({"answers": names, "listen": ["127.0.0.8"], "ask": [asked(), asked("rebound.example")]})
        assert (good["address"], only(good)["outcome"]) == ("127.0.0.8", "completed")
        for entry in (left, bad):
            assert (entry["address"], only(entry)["outcome"]) == (None, "forbidden")
            assert "metadata" in only(entry)["detail"]

    def test_the_address_that_was_judged_is_the_one_that_is_connected_to(self) -> None:
        names = {HOST: {"turns": [["127.0.0.8"], ["169.254.169.254"]]}, "b.example": {"turns": [["169.254.169.254"]]}}
        good, bad = alone({"answers": names, "listen": ["127.0.0.8"], "ask": [asked(), asked("b.example")]})
        assert (good["address"], good["addresses"], only(good)["outcome"]) == ("127.0.0.8", ["127.0.0.8"], "completed")
        assert only(bad)["outcome"] == "forbidden"

    def test_a_resolver_that_fails_once_is_asked_again_and_both_are_told(self) -> None:
        names = {HOST: {"turns": [2, ["127.0.0.8"]]}, "broken.example": 2}
        mended, broken = alone({"answers": names, "listen": ["127.0.0.8"], "ask": [asked(), asked("broken.example")]})
        assert [h["outcome"] for h in mended["handshakes"]] == ["resolver_failed", "completed"]
        assert [h["outcome"] for h in broken["handshakes"]] == ["resolver_failed"] * 2

    def test_at_most_eight_addresses_are_asked_and_all_are_recorded(self) -> None:
        names = [f"127.0.0.{n}" for n in range(60, 72)]
        entries = alone({"answers": {HOST: names}, "listen": names, "ask": [asked()]})
        assert len(entries) == len({e["address"] for e in entries}) == 8
        assert all(sorted(e["addresses"]) == names for e in entries)

    def test_a_name_that_only_the_proxy_knows_is_left_to_it(self) -> None:
        entry = alone({"answers": {}, "proxy": "127.0.0.1", "ask": [asked()]})[0]
        assert (entry["address"], entry["addresses"], only(entry)["outcome"]) == (None, [], "completed")

    def test_a_name_with_a_forbidden_address_is_not_asked_of_the_proxy(self) -> None:
        names = {HOST: ["127.0.0.8", "169.254.169.254"]}
        entry = alone({"answers": names, "proxy": "127.0.0.1", "ask": [asked()]})[0]
        assert only(entry)["outcome"] == "forbidden"

    def test_a_proxy_that_does_not_resolve_is_the_proxys_failure(self) -> None:
        entry = alone({"answers": {HOST: ["127.0.0.8"]}, "proxy": "gone.example", "ask": [asked()]})[0]
        assert (only(entry)["outcome"], "gone.example" in only(entry)["detail"]) == ("proxy_failed", True)

    def test_a_name_beyond_ascii_is_looked_up_in_punycode(self) -> None:
        names = {"xn--mller-kva.example": ["127.0.0.8"]}
        entry = alone({"answers": names, "listen": ["127.0.0.8"], "ask": [asked("müller.example")]})[0]
        assert (entry["host"], entry["sni"], only(entry)["outcome"]) == (
            "müller.example",
            "xn--mller-kva.example",
            "completed",
        )


class TestRoutes:
    def test_no_route_is_unreachable(self) -> None:
        entry = alone({"ask": [asked("10.1.2.3")]})[0]
        assert (only(entry)["outcome"], only(entry)["stage"], entry["address"]) == (
            "unreachable",
            "connect",
            "10.1.2.3",
        )

    def test_a_refusal_says_more_than_an_address_without_a_route(self) -> None:
        first, second = alone({"answers": {HOST: ["10.1.2.3", "127.0.0.7"]}, "ask": [asked()]})
        assert (first["handshakes"][0]["outcome"], first["address"]) == ("refused", "127.0.0.7")
        assert (only(second)["outcome"], only(second)["detail"]) == (
            "unreachable",
            "10.1.2.3: no route from this machine",
        )


ROOT = make.ca()
LEAF = make.leaf(HOST, make.intermediate("Issuing", ROOT), kind="rsa2048")


@pytest.mark.tool("gnutls-serv")
class TestGnutls:
    def ask(self, folder: Path, priority: str, *options: str, profile: str = "classic") -> dict[str, Any]:
        root = folder / "root.pem"
        root.write_bytes(ROOT.pem)
        server = gnutls(LEAF, folder, priority, "--x509cafile", str(root), *options)
        target = asked(profile=profile, connect_host="127.0.0.1")
        return alone({"server": server, "ready": GNUTLS_READY, "ask": [target]})[0]

    def test_a_healthy_server_takes_one_connection(self, tmp_path: Path) -> None:
        seen = only(self.ask(tmp_path, "NORMAL", "--disable-client-cert"))
        assert (seen["outcome"], seen["version"], seen["client_cert_requested"]) == ("completed", "TLS 1.2", False)
        assert tuple(base64.b64decode(c) for c in seen["chain_b64"]) == LEAF.chain

    @pytest.mark.parametrize(("name", "version"), [("VERS-TLS1.0", "TLS 1.0"), ("VERS-TLS1.1", "TLS 1.1")])
    def test_an_old_version_is_a_wrong_version(self, tmp_path: Path, name: str, version: str) -> None:
        seen = only(
            self.ask(tmp_path, f"NORMAL:-VERS-ALL:+{name}:%VERIFY_ALLOW_SIGN_WITH_SHA1", "--disable-client-cert")
        )
        assert (seen["outcome"], seen["version"]) == ("wrong_version", version)

    def test_tls_1_3_only_is_found_with_its_chain(self, tmp_path: Path) -> None:
        entry = self.ask(tmp_path, "NORMAL:-VERS-ALL:+VERS-TLS1.3", "--disable-client-cert")
        assert [h["alert"] for h in entry["handshakes"][:2]] == [
            "handshake_failure"
        ] * 2  # it does not say what it dislikes
        assert [h["offer"] for h in entry["handshakes"]] == ["gateway", "tls1.2-any", "tls1.3-any", "tls1.3-full"]
        assert tuple(base64.b64decode(c) for c in entry["handshakes"][3]["chain_b64"]) == LEAF.chain

    @pytest.mark.parametrize(
        ("kx", "suite", "group"),
        [
            (
                "-KX-ALL:+DHE-RSA:-CIPHER-ALL:+CAMELLIA-256-GCM",
                "TLS_DHE_RSA_WITH_CAMELLIA_256_GCM_SHA384",
                "DH 2048 bits",
            ),
            ("-KX-ALL:+RSA:-CIPHER-ALL:+3DES-CBC", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", None),
            (
                "-KX-ALL:+ECDHE-RSA:-CIPHER-ALL:+CHACHA20-POLY1305",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                "x25519",
            ),
        ],
    )
    def test_a_suite_that_no_classic_gateway_offers_is_named(
        self, tmp_path: Path, kx: str, suite: str, group: str | None
    ) -> None:
        entry = self.ask(tmp_path, f"NORMAL:-VERS-ALL:+VERS-TLS1.2:{kx}", "--disable-client-cert")
        assert [h["offer"] for h in entry["handshakes"]] == ["gateway", "tls1.2-any"]
        assert (entry["handshakes"][1]["suite"], entry["handshakes"][1]["group"]) == (suite, group)

    @pytest.mark.parametrize(
        ("version", "alert"), [("VERS-TLS1.2", "decode_error"), ("VERS-TLS1.3", "certificate_required")]
    )
    def test_a_required_client_certificate_is_refused_when_empty(
        self, tmp_path: Path, version: str, alert: str
    ) -> None:
        last = self.ask(tmp_path, f"NORMAL:-VERS-ALL:+{version}", "--require-client-cert")["handshakes"][-1]
        assert (last["client_cert_requested"], last["client_cert_required"], last["alert"]) == (True, True, alert)

    @pytest.mark.parametrize("version", ["VERS-TLS1.2", "VERS-TLS1.3"])
    def test_a_client_certificate_that_is_only_asked_for_is_not_required(self, tmp_path: Path, version: str) -> None:
        last = self.ask(tmp_path, f"NORMAL:-VERS-ALL:+{version}")["handshakes"][-1]
        assert (last["client_cert_requested"], last["client_cert_required"]) == (True, False)


class TestMissingIssuers:
    NAME = "pki.contoso.example"
    CA = make.intermediate("Issuing", make.ca())

    def fetched(self, addresses: Any, *, library: tuple[str, ...] = ("127.0.0.9",)) -> dict[str, Any]:
        leaf = make.leaf(HOST, self.CA, aia=[f"http://{self.NAME}/issuing.cer"])
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(self.CA.der), self.CA.der)
        described = {
            "answers": {self.NAME: addresses},
            "library": library,
            "says": base64.b64encode(answer).decode(),
            "leaf": base64.b64encode(leaf.der).decode(),
        }
        (entry,) = alone(described)
        return entry

    def test_a_dead_address_of_a_cas_server_leaves_the_next_its_turn(self) -> None:
        entry = self.fetched(["127.0.0.7", "127.0.0.8", "127.0.0.9"])
        assert (entry["outcome"], entry["address"]) == ("fetched", "127.0.0.9")

    def test_a_forbidden_address_among_permitted_ones_is_passed_over(self) -> None:
        entry = self.fetched(["169.254.169.254", "127.0.0.9"])
        assert (entry["outcome"], entry["address"]) == ("fetched", "127.0.0.9")

    def test_a_name_that_leads_to_a_metadata_service_is_not_asked(self) -> None:
        entry = self.fetched(["169.254.169.254"])
        assert (entry["outcome"], entry["address"]) == ("forbidden", None)

    def test_a_name_that_does_not_exist_is_no_answer_and_says_which(self) -> None:
        entry = self.fetched([])
        assert entry["outcome"] == "no_answer"
        assert self.NAME in entry["detail"]
