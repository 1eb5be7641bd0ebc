"""Real servers with one fault each: Python's ssl, openssl s_server and nginx; what the probe sees of each, and the twin without the fault."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.probing.peers import HOST, ask, only
from tests.probing.servers import OLD_ALLOWED, nginx, openssl, python_ssl

ROOT = make.ca()
ISSUING = make.intermediate("Issuing", ROOT)
LEAF = make.leaf(HOST, ISSUING)
RSA_LEAF = make.leaf(HOST, ISSUING, kind="rsa2048")
GATEWAY, ANY12, ANY13, ANY10, FULL = "gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any", "tls1.3-full"


def offers(entry: dict[str, Any]) -> list[str]:
    return [h["offer"] for h in entry["handshakes"]]


def outcomes(entry: dict[str, Any]) -> list[str]:
    return [h["outcome"] for h in entry["handshakes"]]


def chain(handshake: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(c) for c in handshake["chain_b64"])


class TestPythonSsl:
    def test_a_healthy_server_takes_one_connection(self, tmp_path: Path) -> None:
        with python_ssl(LEAF, tmp_path) as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["version"], seen["group"]) == ("completed", "TLS 1.2", "x25519")
        assert seen["suite"] == "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        assert seen["client_cert_requested"] is False
        assert chain(seen) == LEAF.chain

    def test_a_missing_intermediate_is_seen_as_sent(self, tmp_path: Path) -> None:
        with python_ssl(LEAF, tmp_path, chain=()) as port:
            assert chain(only(ask(port))) == (LEAF.der,)

    def test_tls_1_0_and_1_1_only_is_a_wrong_version_in_one_connection(self, tmp_path: Path) -> None:
        old: dict[str, Any] = {"minimum": ssl.TLSVersion.TLSv1, "maximum": ssl.TLSVersion.TLSv1_1}
        with pytest.warns(DeprecationWarning, match="TLSv1"), python_ssl(LEAF, tmp_path, **old) as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["version"]) == ("wrong_version", "TLS 1.1")
        assert chain(seen) == LEAF.chain

    def test_tls_1_3_only_is_found_with_its_chain_in_three_connections(self, tmp_path: Path) -> None:
        with python_ssl(LEAF, tmp_path, minimum=ssl.TLSVersion.TLSv1_3) as port:
            entry = ask(port)
        assert offers(entry) == [GATEWAY, ANY13, FULL]
        assert outcomes(entry) == ["alert", "completed", "completed"]
        assert entry["handshakes"][0]["alert"] == "protocol_version"
        full = entry["handshakes"][2]
        assert (full["version"], full["stage"], full["detail"]) == ("TLS 1.3", "application", "HTTP: HTTP/1.1 200 OK")
        assert (full["client_cert_requested"], full["client_cert_required"]) == (False, None)
        assert chain(full) == LEAF.chain

    def test_a_gateway_with_tls_1_3_sees_the_chain_in_tls_1_2(self, tmp_path: Path) -> None:
        with python_ssl(LEAF, tmp_path) as port:
            entry = ask(port, profile="self-hosted")
        assert offers(entry) == [GATEWAY, ANY12]
        assert [h["version"] for h in entry["handshakes"]] == ["TLS 1.3", "TLS 1.2"]
        assert chain(entry["handshakes"][1]) == LEAF.chain

    def test_a_client_certificate_required_under_tls_1_2_is_known_on_the_same_connection(self, tmp_path: Path) -> None:
        with python_ssl(LEAF, tmp_path, clients=ROOT, maximum=ssl.TLSVersion.TLSv1_2) as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["client_cert_requested"], seen["client_cert_required"]) == (
            "completed",
            True,
            True,
        )
        assert seen["alert"] == "handshake_failure"

    def test_a_client_certificate_only_asked_for_is_not_required(self, tmp_path: Path) -> None:
        with python_ssl(LEAF, tmp_path, clients=ROOT, required=False, maximum=ssl.TLSVersion.TLSv1_2) as port:
            seen = only(ask(port))
        assert (seen["client_cert_requested"], seen["client_cert_required"], seen["alert"]) == (True, False, None)

    def test_a_client_certificate_required_under_tls_1_3_only_is_refused_after_the_handshake(
        self, tmp_path: Path
    ) -> None:
        with python_ssl(LEAF, tmp_path, clients=ROOT, minimum=ssl.TLSVersion.TLSv1_3) as port:
            full = ask(port)["handshakes"][-1]
        assert (full["offer"], full["outcome"], full["stage"]) == (FULL, "alert", "application")
        assert (full["client_cert_requested"], full["client_cert_required"]) == (True, True)
        assert full["alert"] == "certificate_required"
        assert chain(full) == LEAF.chain

    def test_a_client_certificate_only_asked_for_under_tls_1_3_is_not_required(self, tmp_path: Path) -> None:
        with python_ssl(LEAF, tmp_path, clients=ROOT, required=False, minimum=ssl.TLSVersion.TLSv1_3) as port:
            full = ask(port)["handshakes"][-1]
        assert (full["outcome"], full["client_cert_requested"], full["client_cert_required"]) == (
            "completed",
            True,
            False,
        )

    def test_a_gateway_with_tls_1_3_learns_of_a_required_client_certificate_in_both_versions(
        self, tmp_path: Path
    ) -> None:
        with python_ssl(LEAF, tmp_path, clients=ROOT) as port:
            entry = ask(port, profile="self-hosted")
        assert offers(entry) == [GATEWAY, ANY12, FULL]
        assert [h["client_cert_required"] for h in entry["handshakes"]] == [None, True, True]


@pytest.mark.tool("openssl")
class TestOpenssl:
    def test_a_healthy_server_takes_one_connection(self, tmp_path: Path) -> None:
        with openssl(LEAF, tmp_path) as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["version"]) == ("completed", "TLS 1.2")
        assert chain(seen) == LEAF.chain

    @pytest.mark.parametrize(
        ("cipher", "kind", "suite", "group"),
        [
            ("DHE-RSA-AES128-SHA", "rsa2048", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DH 2048 bits"),
            ("AES256-CCM", "rsa2048", "TLS_RSA_WITH_AES_256_CCM", None),
            ("ECDHE-ECDSA-AES256-CCM8", "p256", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", "x25519"),
            ("ECDHE-RSA-CHACHA20-POLY1305", "rsa2048", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "x25519"),
            ("ECDHE-ECDSA-ARIA256-GCM-SHA384", "p256", "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384", "x25519"),
            ("CAMELLIA128-SHA", "rsa2048", "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", None),
            ("DHE-DSS-AES256-GCM-SHA384", "dsa2048", "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", "DH 2048 bits"),
        ],
    )
    def test_a_suite_that_no_classic_gateway_offers_is_named(
        self, tmp_path: Path, cipher: str, kind: str, suite: str, group: str | None
    ) -> None:
        with openssl(
            make.leaf(HOST, ISSUING, kind=kind), tmp_path, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0"
        ) as port:
            entry = ask(port)
        assert offers(entry) == [GATEWAY, ANY12]
        assert outcomes(entry) == ["alert", "completed"]
        second = entry["handshakes"][1]
        assert (second["suite"], second["group"]) == (suite, group)
        assert chain(second)

    @pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES256-SHA384"])
    def test_a_suite_that_the_classic_gateway_offers_stands_at_once(self, tmp_path: Path, cipher: str) -> None:
        with openssl(RSA_LEAF, tmp_path, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0") as port:
            assert only(ask(port))["outcome"] == "completed"

    @pytest.mark.parametrize(
        ("group", "name"), [("P-521", "secp521r1"), ("X448", "x448"), ("brainpoolP384r1", "brainpoolP384r1")]
    )
    def test_a_group_that_the_gateway_lacks_shows_with_a_suite_that_it_has(
        self, tmp_path: Path, group: str, name: str
    ) -> None:
        with openssl(LEAF, tmp_path, "-tls1_2", "-groups", group) as port:
            entry = ask(port)
        assert offers(entry) == [GATEWAY, ANY12]
        assert entry["handshakes"][1]["suite"] == "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        assert entry["handshakes"][1]["group"] == name

    def test_a_certificate_key_that_the_gateway_cannot_verify_shows_with_its_chain(self, tmp_path: Path) -> None:
        leaf = make.leaf(HOST, ISSUING, kind="ed25519")
        with openssl(leaf, tmp_path, "-tls1_2") as port:
            entry = ask(port)
        assert offers(entry) == [GATEWAY, ANY12]
        assert chain(entry["handshakes"][1])[0] == leaf.der

    @pytest.mark.parametrize(("option", "version"), [("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")])
    def test_an_old_version_is_named_in_one_connection(self, tmp_path: Path, option: str, version: str) -> None:
        with openssl(LEAF, tmp_path, option, "-cipher", OLD_ALLOWED) as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["version"]) == ("wrong_version", version)

    @pytest.mark.parametrize(("option", "version"), [("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")])
    def test_an_old_version_is_named_for_a_gateway_with_tls_1_3_too(
        self, tmp_path: Path, option: str, version: str
    ) -> None:
        with openssl(LEAF, tmp_path, option, "-cipher", OLD_ALLOWED) as port:
            entry = ask(port, profile="self-hosted")
        assert entry["handshakes"][-1]["version"] == version
        assert entry["handshakes"][0]["outcome"] != "completed"

    def test_tls_1_3_with_a_group_that_needs_a_retry_is_agreed_on(self, tmp_path: Path) -> None:
        with openssl(LEAF, tmp_path, "-tls1_3", "-groups", "P-384") as port:
            entry = ask(port)
        assert offers(entry) == [GATEWAY, ANY13, FULL]
        assert entry["handshakes"][1]["group"] == entry["handshakes"][2]["group"] == "secp384r1"

    @pytest.mark.parametrize(
        ("version", "alert"), [("-tls1_2", "handshake_failure"), ("-tls1_3", "certificate_required")]
    )
    def test_a_required_client_certificate_is_told_by_the_alert(self, tmp_path: Path, version: str, alert: str) -> None:
        with openssl(LEAF, tmp_path, version, "-Verify", "1", "-verify_return_error") as port:
            last = ask(port)["handshakes"][-1]
        assert (last["client_cert_requested"], last["client_cert_required"], last["alert"]) == (True, True, alert)

    @pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
    def test_a_client_certificate_that_is_only_asked_for_is_not_required(self, tmp_path: Path, version: str) -> None:
        with openssl(LEAF, tmp_path, version, "-verify", "1") as port:
            last = ask(port)["handshakes"][-1]
        assert (last["client_cert_requested"], last["client_cert_required"]) == (True, False)

    @pytest.mark.parametrize(
        ("cipher", "kind"),
        [("DHE-RSA-AES128-GCM-SHA256", "rsa2048"), ("AES128-SHA", "rsa2048"), ("ECDHE-ECDSA-AES128-SHA", "p521")],
    )
    @pytest.mark.parametrize(("option", "required"), [("-Verify", True), ("-verify", False)])
    def test_the_empty_answer_fits_every_key_exchange(
        self, tmp_path: Path, cipher: str, kind: str, option: str, required: bool
    ) -> None:
        leaf = make.leaf(HOST, ISSUING, kind=kind)
        with openssl(leaf, tmp_path, "-tls1_2", "-cipher", cipher, option, "1", "-verify_return_error") as port:
            last = ask(port)["handshakes"][-1]
        assert (last["client_cert_requested"], last["client_cert_required"]) == (True, required)

    def test_a_server_that_refuses_the_name_is_an_alert_and_its_twin_stands(self, tmp_path: Path) -> None:
        pem = str(LEAF.write(tmp_path))
        strict = ("-servername", HOST, "-servername_fatal", "-cert2", pem, "-key2", pem)
        with openssl(LEAF, tmp_path, "-tls1_2", *strict) as port:
            assert only(ask(port))["outcome"] == "completed"
            assert ask(port, server_name="other.contoso.example")["handshakes"][0]["alert"] == "unrecognized_name"


@pytest.mark.tool("nginx")
class TestNginx:
    def test_a_healthy_server_takes_one_connection(self, tmp_path: Path) -> None:
        with nginx(LEAF, tmp_path) as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["version"]) == ("completed", "TLS 1.2")
        assert chain(seen) == LEAF.chain

    def test_the_root_sent_too_is_seen_as_sent(self, tmp_path: Path) -> None:
        with nginx(LEAF, tmp_path, chain=(ISSUING, ROOT)) as port:
            assert chain(only(ask(port))) == (*LEAF.chain, ROOT.der)

    def test_tls_1_3_only_is_found_with_its_chain(self, tmp_path: Path) -> None:
        with nginx(LEAF, tmp_path, "ssl_protocols TLSv1.3") as port:
            entry = ask(port)
        assert offers(entry) == [GATEWAY, ANY13, FULL]
        assert chain(entry["handshakes"][2]) == LEAF.chain
        assert entry["handshakes"][2]["detail"] == "HTTP: HTTP/1.1 200 OK"

    def test_tls_1_1_only_is_a_wrong_version(self, tmp_path: Path) -> None:
        with nginx(LEAF, tmp_path, "ssl_protocols TLSv1.1", f"ssl_ciphers {OLD_ALLOWED}") as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["version"]) == ("wrong_version", "TLS 1.1")

    def test_chacha_only_is_a_suite_fault(self, tmp_path: Path) -> None:
        with nginx(LEAF, tmp_path, "ssl_protocols TLSv1.2", "ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305") as port:
            entry = ask(port)
            assert offers(ask(port, profile="self-hosted")) == [GATEWAY]  # which that gateway offers
        assert offers(entry) == [GATEWAY, ANY12]
        assert entry["handshakes"][1]["suite"] == "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"

    def test_a_required_client_certificate_is_an_http_answer_after_a_good_handshake(self, tmp_path: Path) -> None:
        ca = tmp_path / "ca.pem"
        ca.write_bytes(ROOT.pem)
        with nginx(
            LEAF, tmp_path, "ssl_verify_client on", f"ssl_client_certificate {ca}", "ssl_protocols TLSv1.3"
        ) as port:
            full = ask(port)["handshakes"][-1]
        assert (full["outcome"], full["client_cert_requested"], full["client_cert_required"]) == (
            "completed",
            True,
            False,
        )
        assert full["detail"] == "HTTP: HTTP/1.1 400 Bad Request"

    def test_plain_http_on_the_port_is_not_tls(self, tmp_path: Path) -> None:
        with nginx(LEAF, tmp_path, tls=False) as port:
            seen = only(ask(port))
        assert (seen["outcome"], seen["detail"]) == ("not_tls", "HTTP: HTTP/1.1 400 Bad Request")
