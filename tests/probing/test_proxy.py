"""Through a proxy: what is asked of it, what comes back, what it must not be asked for, and credentials that nobody sees."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from analyzer.probing import Policy, Proxy, Target, probe
from analyzer.probing.proxy import parse
from tests.probing.peers import (
    HOST,
    LOOPBACK,
    Peer,
    Script,
    closes,
    hears,
    listens,
    only,
    peer,
    resets,
    says,
    sends,
    then,
)
from tests.probing.speech import alert, flight

OPENS = sends(b"HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\n")
GOOD = then(OPENS, hears, says(flight([b"\x30\x03\x02\x01\x01"])))


def through(server: Peer, policy: Policy = LOOPBACK, *, deadline: float = 5.0, **changes: Any) -> dict[str, Any]:
    """The entry of one probe by way of the proxy; the backend's address is nobody's."""
    asked = {"host": HOST, "port": 8443, "server_name": HOST, "connect_host": "10.1.2.3", "connect_port": 8443}
    proxy = parse(f"http://user:p%40ss@127.0.0.1:{server.port}")
    return probe([Target(**{**asked, **changes})], policy, deadline, proxy=proxy)[0]


def test_the_proxy_is_asked_for_a_tunnel_and_tls_goes_through_it() -> None:
    with peer(GOOD) as server:
        entry = through(server)
    assert only(entry)["outcome"] == "completed"
    assert (entry["proxy"], entry["address"], entry["allowed"]) == (f"127.0.0.1:{server.port}", None, False)
    lines = server.hellos[0].split(b"\r\n")
    assert lines[:2] == [b"CONNECT 10.1.2.3:8443 HTTP/1.1", b"Host: 10.1.2.3:8443"]
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"user:p@ss") in lines


def test_credentials_are_in_nothing_that_comes_back() -> None:
    with peer(says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as server:
        told = json.dumps(through(server))
    assert "407" in told
    assert not [secret for secret in ("p@ss", "p%40ss", base64.b64encode(b"user:p@ss").decode()) if secret in told]


def test_an_ipv6_address_is_asked_for_in_brackets() -> None:
    with peer(GOOD) as server:
        through(server, connect_host="fd00::5")
    assert server.hellos[0].startswith(b"CONNECT [fd00::5]:8443 HTTP/1.1\r\nHost: [fd00::5]:8443\r\n")


def test_every_question_goes_through_the_proxy() -> None:
    with peer(then(OPENS, hears, says(alert(70)))) as server:
        entry = through(server)
    assert len(entry["handshakes"]) == server.connections > 1
    assert all(hello.startswith(b"CONNECT ") for hello in server.hellos)


def test_bytes_after_the_proxys_answer_are_the_backends() -> None:
    with peer(says(b"HTTP/1.0 200 OK\r\n\r\n220 mail ESMTP\r\n")) as server:
        assert only(through(server))["detail"] == "SMTP or FTP: 220 mail ESMTP"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "HTTP/1.1 407 Proxy Authentication Required"),
        (says(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "HTTP/1.1 403 Forbidden"),
        (says(b"HTTP/1.1 502 Bad \x1b[31m Gateway\r\n\r\n"), "HTTP/1.1 502 Bad \N{REPLACEMENT CHARACTER}[31m Gateway"),
        (says(b"HTTP/1.1 504 " + b"x" * 500 + b"\r\n\r\n"), "HTTP/1.1 504 xxx"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 4000), "no end"),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n"), "no HTTP proxy"),
        (closes, "closed"),
        (resets, "hung up"),
        (listens, "does not answer"),
    ],
)
def test_a_proxy_that_gives_no_tunnel_is_told_from_a_backend_that_fails(script: Script, words: str) -> None:
    with peer(script) as server:
        seen = only(through(server, deadline=1.2))
        assert server.connections == 1
    assert (seen["outcome"], seen["stage"]) == ("proxy_failed", "connect")
    assert f"127.0.0.1:{server.port}" in seen["detail"]
    assert words in seen["detail"]
    assert len(seen["detail"]) < 200


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "127.0.0.1", "2852039166", "0xa9.0xfea9fe", "localhost", "::ffff:127.0.0.1"]
)
def test_the_proxy_is_not_asked_for_what_the_policy_forbids(host: str) -> None:
    with peer(GOOD) as server:
        seen = only(through(server, Policy(), connect_host=host))
        assert server.connections == 0
        assert only(through(server, Policy()))["outcome"] == "completed"  # its own address is the user's choice
    assert seen["outcome"] == "forbidden"


def test_the_proxys_own_address_can_be_denied() -> None:
    with peer(GOOD) as server:
        seen = only(through(server, Policy(deny=["127.0.0.0/8"])))
        assert server.connections == 0
    assert (seen["outcome"], "the proxy 127.0.0.1 is denied" in seen["detail"]) == ("forbidden", True)


@pytest.mark.parametrize(
    "url", ["https://proxy.example:8443", "socks5://proxy.example:1080", "http://", "http://proxy.example:port"]
)
def test_what_is_no_http_proxy_is_an_error_that_says_what_is_supported(url: str) -> None:
    with pytest.raises(ValueError, match="http://host:port"):
        parse(url)


def test_a_wrong_url_is_not_repeated_with_its_password() -> None:
    with pytest.raises(ValueError, match="write http") as caught:
        parse("http://user:secret@proxy.example:99999")
    assert "secret" not in str(caught.value)


def test_a_proxys_label_has_no_credentials() -> None:
    assert parse("http://user:secret@proxy.example:3128").label == "proxy.example:3128"
    assert parse("proxy.example:3128") == Proxy("proxy.example", 3128)
