"""Missing issuers are fetched as Windows and .NET fetch them, from real HTTP servers on loopback, and nothing else is asked."""

from __future__ import annotations

import asyncio
import base64
import random
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from analyzer.probing import Policy, Target, aia, probe, x509
from analyzer.probing.aia import Issuers
from analyzer.probing.dns import Lookups
from tests import make
from tests.probing import servers
from tests.probing.peers import HOST, LOOPBACK, Script, ask, closes, listens, peer, resets, says, sends, then

ROOT = make.ca()
CA = make.intermediate("Issuing", ROOT)
BUNDLE = [CA.certificate, ROOT.certificate]
Entry = dict[str, Any]


def reply(body: bytes, *fields: str, status: str = "200 OK", length: bool = True) -> bytes:
    head = [f"HTTP/1.1 {status}", *fields, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    body = b"".join(b"%x;note\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return reply(body, "Transfer-Encoding: chunked", length=False)


def redirect(url: str) -> bytes:
    return reply(b"", f"Location: {url}", status="302 Found")


def at(port: int, path: str = "/ca.cer") -> str:
    return f"http://127.0.0.1:{port}{path}"


def complete(
    leaf: make.Issued,
    *sent: make.Issued,
    policy: Policy = LOOPBACK,
    known: Sequence[make.Issued] = (),
    seconds: float = 20,
) -> list[Entry]:
    """What came of a chain that stops short."""
    names = frozenset(n.subject for n in (x509.read(k.der) for k in known) if n)

    async def run() -> list[Entry]:
        issuers = Issuers(policy, Lookups(), names, "apim-triage/test")
        until = asyncio.get_running_loop().time() + seconds
        return await issuers.complete([leaf.der, *(one.der for one in sent)], until)

    return asyncio.run(run())


def fetch(*urls: str, policy: Policy = LOOPBACK, seconds: float = 20) -> list[Entry]:
    """What came of a leaf, sent alone, that says these addresses."""
    return complete(make.leaf("a.example", CA, aia=urls), policy=policy, seconds=seconds)


def fetched(entries: Sequence[Entry]) -> list[bytes]:
    return [base64.b64decode(e["der_b64"]) for e in entries if e["der_b64"]]


def outcomes(entries: Sequence[Entry]) -> list[str]:
    return [e["outcome"] for e in entries]


@pytest.mark.parametrize(
    "answer",
    [
        reply(CA.der),
        reply(CA.pem, "Content-Type: text/plain"),
        reply(pkcs7.serialize_certificates(BUNDLE, Encoding.DER)),
        reply(pkcs7.serialize_certificates(BUNDLE, Encoding.PEM)),
        chunked(CA.der[:1], CA.der[1:]),
        reply(CA.der).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["der", "pem", "p7c", "p7c in pem", "chunked", "http/1.0"],
)
def test_an_issuer_comes_in_every_form_that_rfc_5280_allows(answer: bytes) -> None:
    with peer(says(answer)) as server:
        found = fetch(at(server.port))
    assert set(outcomes(found)) == {"fetched"}
    assert fetched(found)[0] == CA.der
    assert {e["address"] for e in found} == {"127.0.0.1"}


def test_an_answer_without_a_length_ends_with_the_connection_and_may_come_in_single_bytes() -> None:
    whole = reply(CA.der, length=False)
    with peer(then(*(sends(whole[i : i + 1]) for i in range(len(whole))), closes)) as server:
        assert fetched(fetch(at(server.port))) == [CA.der]


def test_the_request_says_who_asks_and_no_address_can_add_a_line_to_it() -> None:
    with peer(says(reply(CA.der))) as server:
        fetch(at(server.port, "/a b\r\nX: y/%20?q=ü#f").encode("ascii", "backslashreplace").decode())
    head = server.hellos[0].decode("ascii").split("\r\n")
    assert head[0] == "GET /a%20bX:%20y/%20?q=%5Cxfc HTTP/1.1"
    assert set(head[1:]) == {
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: apim-triage/test",
        "Accept: */*",
        "Connection: close",
        "",
    }


@pytest.mark.parametrize(
    ("script", "outcome", "detail"),
    [
        (says(reply(b"<html>gone</html>", status="404 Not Found")), "not_found", "404"),
        (says(reply(b"", status="403 Forbidden")), "not_found", "403"),
        (says(reply(b"", status="503 Service Unavailable")), "no_answer", "503"),
        (says(reply(b"<html>sign in</html>")), "not_a_certificate", "20 bytes"),
        (says(reply(b"")), "not_a_certificate", "0 bytes"),
        (says(reply(b"").replace(b"Content-Length: 0", b"Content-Length: 9999999")), "too_large", "256 KiB"),
        (says(chunked(bytes(200_000), bytes(200_000))), "too_large", "256 KiB"),
        (then(sends(reply(CA.der)[:-1]), closes), "no_answer", "cut off"),
        (then(sends(chunked(CA.der)[:-9]), closes), "no_answer", "cut off"),
        (closes, "no_answer", "cut off"),
        (resets, "no_answer", "reset"),
        (says(b"SSH-2.0-x\r\n\r\n\r\n"), "no_answer", "not HTTP"),
        (says(b"HTTP/1.1 banana\r\n\r\n"), "no_answer", "not HTTP"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 9000), "no_answer", "not HTTP"),
        (says(reply(b"").replace(b"Content-Length: 0", b"Content-Length: -1")), "no_answer", "not HTTP"),
        (says(reply(b"zz\r\n", "Transfer-Encoding: chunked", length=False)), "no_answer", "not HTTP"),
        (says(reply(b"-1\r\n", "Transfer-Encoding: chunked", length=False)), "no_answer", "not HTTP"),
        (says(reply(b"1" * 70_000, "Transfer-Encoding: chunked", length=False)), "no_answer", "not HTTP"),
    ],
)
def test_an_answer_without_an_issuer_has_one_outcome_and_says_what_came(
    script: Script, outcome: str, detail: str
) -> None:
    with peer(script) as server:
        found = fetch(at(server.port))
    assert outcomes(found) == [outcome]
    assert detail in found[0]["detail"]
    assert found[0]["der_b64"] is None
    assert server.connections == 1


def test_an_endless_body_ends_at_the_bound() -> None:
    taken = 0

    def floods(connection: socket.socket) -> None:
        nonlocal taken
        connection.sendall(reply(b"", length=False))
        while True:
            taken += connection.send(bytes(65536))

    with peer(floods) as server:
        assert outcomes(fetch(at(server.port))) == ["too_large"]
    assert taken < 64 << 20


@pytest.mark.parametrize("first", [b"", reply(CA.der)[:90]], ids=["silence", "a drip"])
def test_a_server_that_keeps_one_waiting_costs_its_patience_and_no_more(
    first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aia, "PATIENCE", 0.5)
    began = time.monotonic()
    with peer(says(first)) as server:
        found = fetch(at(server.port))
    assert outcomes(found) == ["no_answer"]
    assert found[0]["detail"] == "no answer within 0.5 seconds"
    assert time.monotonic() - began < 10


def test_a_backend_whose_time_is_up_has_not_asked() -> None:
    with peer(listens) as server:
        found = fetch(at(server.port), seconds=0.3)
    assert outcomes(found) == ["not_asked"]
    assert "deadline" in found[0]["detail"]


@pytest.mark.parametrize(
    "url",
    ["https://ca.example/ca.cer", "ldap:///CN=Issuing", "file:///etc/passwd", "ftp://ca.example/", "ca.cer", "//x/"],
)
def test_what_is_not_plain_http_is_not_asked_for(url: str) -> None:
    found = fetch(url)
    assert [(e["url"], e["outcome"], e["address"]) for e in found] == [(url, "not_http", None)]


def test_addresses_that_are_not_asked_do_not_use_up_those_that_are() -> None:
    with peer(says(reply(CA.der))) as server:
        found = fetch("ldap:///CN=a", "https://a/", at(server.port))
    assert outcomes(found) == ["not_http", "not_http", "fetched"]


def test_the_second_address_is_asked_where_the_first_gives_no_issuer_and_a_third_never() -> None:
    with peer(says(reply(b"no"))) as server:
        found = fetch(at(server.port, "/1"), at(server.port, "/2"), at(server.port, "/3"))
    assert [(e["url"], e["outcome"]) for e in found] == [
        (at(server.port, "/1"), "not_a_certificate"),
        (at(server.port, "/2"), "not_a_certificate"),
    ]
    assert server.connections == 2


def test_an_address_that_gives_the_issuer_ends_the_asking() -> None:
    with peer(says(reply(CA.der))) as server:
        assert len(fetch(at(server.port, "/1"), at(server.port, "/2"))) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://:80/",
        "http://a..b/",
        "http://[::1/",
        "http://a:99999/",
        "http://a b/",
        "http://" + "a" * 3000,
    ],
)
def test_an_address_that_is_none_is_said_to_be_none(url: str) -> None:
    found = fetch(url)
    assert outcomes(found) == ["no_answer"]
    assert "not an address" in found[0]["detail"]
    assert len(found[0]["url"]) <= 2048


def test_a_host_that_does_not_exist_and_a_port_that_refuses_are_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = fetch("http://no-such-host.invalid/ca.cer", at(port))
    assert outcomes(found) == ["no_answer", "no_answer"]
    assert "no-such-host.invalid" in found[0]["detail"]
    assert "refused" in found[1]["detail"].lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_the_policy_judges_the_address_that_the_name_resolves_to(host: str) -> None:
    with peer(says(reply(CA.der))) as server:
        found = fetch(f"http://{host}:{server.port}/", policy=Policy())
        assert outcomes(found) == ["forbidden"]
        assert server.connections == 0
        assert outcomes(fetch(f"http://{host}:{server.port}/")) == ["fetched"]


@pytest.mark.parametrize("place", ["http://169.254.169.254/latest", "//169.254.169.254/", "http://[fd00:ec2::254]/"])
def test_a_redirect_to_a_forbidden_address_is_not_followed(place: str) -> None:
    with peer(says(redirect(place))) as server:
        found = fetch(at(server.port))
    assert outcomes(found) == ["forbidden"]
    assert "metadata" in found[0]["detail"]
    assert server.connections == 1


def test_a_redirect_is_followed_and_said() -> None:
    with peer(says(redirect("/b/ca.cer?v=2")), says(reply(CA.der))) as server:
        found = fetch(at(server.port, "/a/"))
    assert fetched(found) == [CA.der]
    assert found[0]["detail"] == "redirected to /b/ca.cer?v=2"
    assert server.hellos[1].startswith(b"GET /b/ca.cer?v=2 ")


@pytest.mark.parametrize("place", ["https://127.0.0.1/", "ldap:///CN=a", "http://[::1/"])
def test_a_redirect_to_something_else_ends_there(place: str) -> None:
    with peer(says(redirect(place))) as server:
        found = fetch(at(server.port))
    assert outcomes(found) == ["no_answer" if "[" in place else "not_http"]
    assert place in found[0]["detail"]


def test_redirects_in_a_circle_end_after_as_many_as_dotnet_follows() -> None:
    with peer(says(redirect("/"))) as server:
        found = fetch(at(server.port))
    assert outcomes(found) == ["not_found"]
    assert server.connections == 11


def test_a_certificate_that_is_not_the_issuer_is_kept_and_not_followed() -> None:
    other = make.intermediate("Other", ROOT, aia=["http://127.0.0.1:9/never-asked"])
    with peer(says(reply(other.der))) as server:
        found = fetch(at(server.port))
    assert fetched(found) == [other.der]
    assert len(found) == 1


def test_of_a_large_bundle_the_issuer_is_kept() -> None:
    many = [make.ca(f"Root {n}").certificate for n in range(60)]
    with peer(says(reply(pkcs7.serialize_certificates([*many, CA.certificate], Encoding.DER)))) as server:
        found = fetched(fetch(at(server.port)))
    assert found[0] == CA.der
    assert len(found) == 30


def levels(port: int, count: int) -> list[make.Issued]:
    """A root and CAs below it, each of which says where its issuer is: /0 is the root."""
    made = [ROOT]
    for n in range(count):
        made.append(make.intermediate(f"Level {n + 1}", made[-1], aia=[at(port, f"/{n}")]))
    return made


def test_issuers_of_issuers_are_fetched_three_levels_up_and_no_further() -> None:
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        made = levels(port, 5)
        thread = threading.Thread(target=serve, args=(listener, made, asked, 3))
        thread.start()
        leaf = make.leaf("a.example", made[5], aia=[at(port, "/5")])
        found = complete(leaf)
        thread.join()
    assert fetched(found) == [made[5].der, made[4].der, made[3].der]
    assert asked == ["/5", "/4", "/3"]
    assert len(found) == 3


def test_nothing_is_fetched_above_a_root_or_above_an_issuer_that_is_known() -> None:
    with peer(says(reply(ROOT.der))) as server:
        low = make.intermediate("Low", ROOT, aia=[at(server.port)])
        below = make.leaf("b.example", low, aia=[at(server.port)])
        assert fetched(complete(below, low)) == [ROOT.der]
        assert server.connections == 1
        assert complete(below, low, known=[ROOT]) == []
        assert complete(below, low, ROOT) == []
        assert complete(make.leaf("self.example", None, aia=[at(server.port)])) == []
        assert server.connections == 1


def serve(listener: socket.socket, made: Sequence[make.Issued], asked: list[str], times: int) -> None:
    """Answers GET /N with the N-th certificate, that many times."""
    for _ in range(times):
        connection, _ = listener.accept()
        with connection:
            path = connection.recv(65536).split()[1].decode()
            asked.append(path)
            connection.sendall(reply(made[int(path[1:])].der))
            listens(connection)


def backend(port: int, **changes: Any) -> Target:
    return Target(host=HOST, port=443, server_name=HOST, connect_host="127.0.0.1", connect_port=port, **changes)


def test_forty_backends_that_lack_one_issuer_cost_its_server_one_request(tmp_path: Path) -> None:
    with peer(says(reply(CA.der))) as library:
        leaf = make.leaf(HOST, CA, aia=[at(library.port)])
        with servers.python_ssl(leaf, tmp_path, chain=[], maximum=ssl.TLSVersion.TLSv1_2) as port:
            entries = probe([backend(port)] * 40, LOOPBACK)
    assert library.connections == 1
    assert [fetched(e["aia"]) for e in entries] == [[CA.der]] * 40


def test_a_hanging_server_of_a_ca_takes_nothing_from_what_the_backend_showed(tmp_path: Path) -> None:
    with peer(listens) as library:
        leaf = make.leaf(HOST, CA, aia=[at(library.port)])
        with servers.python_ssl(leaf, tmp_path, chain=[], maximum=ssl.TLSVersion.TLSv1_2) as port:
            found = ask(port, deadline=4)
    assert [h["outcome"] for h in found["handshakes"]] == ["completed"]
    assert outcomes(found["aia"]) == ["not_asked"]


def test_nothing_is_fetched_where_the_issuer_is_at_hand_or_fetching_is_off(tmp_path: Path) -> None:
    name = x509.read(CA.der)
    assert name is not None
    with peer(says(reply(CA.der))) as library:
        leaf = make.leaf(HOST, CA, aia=[at(library.port)])
        with servers.python_ssl(leaf, tmp_path, chain=[], maximum=ssl.TLSVersion.TLSv1_2) as port:
            at_hand = probe([backend(port)], LOOPBACK, issuers=frozenset({name.subject}))
            off = probe([backend(port)], LOOPBACK, fetch=False)
    assert (at_hand[0]["aia"], off[0]["aia"]) == ([], [])
    assert library.connections == 0


def test_through_a_proxy_nothing_is_fetched_and_that_is_said() -> None:
    async def run() -> list[Entry]:
        leaf = make.leaf("a.example", CA, aia=["http://127.0.0.1:9/"])
        issuers = Issuers(LOOPBACK, Lookups(), frozenset(), "t", through="proxy.example:3128")
        return await issuers.complete([leaf.der], asyncio.get_running_loop().time() + 5)

    found = asyncio.run(run())
    assert outcomes(found) == ["not_asked"]
    assert "proxy.example:3128" in found[0]["detail"]


def answered(data: bytes) -> aia.Answer | None:
    """What these bytes and then the end of the connection come to; None: they are no whole HTTP answer."""

    async def run() -> aia.Answer:
        reader = asyncio.StreamReader(limit=aia.LARGEST_HEAD)
        reader.feed_data(data)
        reader.feed_eof()
        return await aia.read_answer(reader)

    try:
        return asyncio.run(run())
    except (ValueError, EOFError, asyncio.LimitOverrunError):
        return None


def test_damaged_answers_are_read_or_refused_and_never_raise_anything_else() -> None:
    chance = random.Random(6)
    whole = [chunked(CA.der[:200], CA.der[200:]), reply(CA.der, "A: b"), redirect("/x"), reply(CA.der, length=False)]
    assert [one is not None for one in map(answered, whole)] == [True] * 4
    for number in range(600):
        damaged = bytearray(whole[number % 4])
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(40)] = chance.choice(b"\r\n: 0fF;-\x00\xff")
        del damaged[chance.choice((len(damaged), chance.randrange(len(damaged)))) :]
        found = answered(bytes(damaged))
        assert found is None or 0 <= found.status <= 999


@pytest.mark.parametrize("blanks", [b" ", b"\t", b": ", b";"])
def test_long_headers_take_no_time(blanks: bytes) -> None:
    began = time.monotonic()
    answered(b"HTTP/1.1 200 OK\r\nA:" + blanks * 7000 + b"\r\n\r\n")
    assert time.monotonic() - began < 5
