"""The handshake through `ssl`: what a TLS 1.3 server does after it looks complete, and every way it can break before."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import evidence as evidence_file
from analyzer.model import Collected
from analyzer.probing import encrypted
from analyzer.probing.connection import Connection
from tests import make
from tests.probing import speech
from tests.probing.peers import HOST, Script, ask, closes, listens, peer, resets, says, sends, then
from tests.probing.speech import alert, record, server_hello

ROOT = make.ca()
LEAF = make.leaf(HOST, make.intermediate("Issuing", ROOT))
SERVER_HELLO = record(22, server_hello(speech.TLS13, speech.TLS13_SUITE))


def tls13_only(folder: Path, *, asks: bool = False, leaf: make.Issued = LEAF) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(leaf.write(folder))
    if asks:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=ROOT.pem.decode())
    return context


def tls(folder: Path, after: Script, *, asks: bool = False, leaf: make.Issued = LEAF) -> Script:
    """Shakes hands in TLS 1.3 and does something with the raw socket after it has read the request."""
    context = tls13_only(folder, asks=asks, leaf=leaf)

    def script(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        for step in (session.do_handshake, session.read):
            while True:
                try:
                    step()
                    break
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    data = connection.recv(65536)
                    if not data:
                        return
                    incoming.write(data)
        after(connection)

    return script


def met(script: Script, *, deadline: float = 5.0) -> dict[str, Any]:
    """The third handshake, of a server that is known to speak TLS 1.3 only."""

    def unheard(connection: socket.socket) -> None:
        connection.recv(65536)

    refusal, agreement = then(unheard, says(alert(70))), then(unheard, says(SERVER_HELLO))
    with peer(refusal, agreement, script, speaks_first=True) as server:
        shakes = ask(server.port, deadline=deadline)["handshakes"]
    assert [h["offer"] for h in shakes] == ["gateway", "tls1.3-any", "tls1.3-full"]
    found: dict[str, Any] = shakes[2]
    return found


@pytest.mark.parametrize(
    ("after", "outcome", "stage"),
    [
        (resets, "reset", "application"),
        (closes, "closed", "application"),
        (listens, "completed", "finished"),
        (then(sends(record(23, b"junk")), listens), "malformed", "application"),
    ],
)
def test_what_a_server_does_after_the_handshake_is_told_without_blaming_a_certificate(
    tmp_path: Path, after: Script, outcome: str, stage: str
) -> None:
    seen = met(tls(tmp_path, after))
    assert (seen["outcome"], seen["stage"]) == (outcome, stage)
    assert (seen["client_cert_requested"], seen["client_cert_required"]) == (False, None)
    assert tuple(base64.b64decode(c) for c in seen["chain_b64"]) == LEAF.chain


@pytest.mark.parametrize(("after", "required"), [(resets, None), (closes, None), (listens, False)])
def test_without_an_alert_a_request_is_no_proof_of_a_requirement(
    tmp_path: Path, after: Script, required: bool | None
) -> None:
    seen = met(tls(tmp_path, after, asks=True))
    assert (seen["client_cert_requested"], seen["client_cert_required"], seen["alert"]) == (True, required, None)


@pytest.mark.parametrize(
    ("script", "outcome", "stage"),
    [
        (listens, "silent", "hello"),
        (says(alert(80)), "alert", "hello"),
        (closes, "closed", "hello"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "malformed", "hello"),
        (resets, "reset", "hello"),
    ],
)
def test_every_break_before_that_has_its_outcome_and_stage(script: Script, outcome: str, stage: str) -> None:
    def first_heard(connection: socket.socket) -> None:
        connection.recv(65536)
        script(connection)

    seen = met(first_heard, deadline=3)
    assert (seen["outcome"], seen["stage"]) == (outcome, stage)
    assert (seen["client_cert_requested"], seen["client_cert_required"]) == (None, None)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [(listens, "silent"), (closes, "closed"), (resets, "reset"), (says(record(23, bytes(64))), "malformed")],
)
def test_a_break_after_the_server_hello_is_of_the_later_stage(tmp_path: Path, after: Script, outcome: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(LEAF.write(tmp_path))

    def says_hello_only(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(connection.recv(65536))
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        flight = outgoing.read()
        connection.sendall(flight[: 5 + int.from_bytes(flight[3:5], "big")])  # the first record
        after(connection)

    seen = met(says_hello_only, deadline=3)
    assert (seen["outcome"], seen["stage"], seen["version"]) == (outcome, "certificate", "TLS 1.3")


def test_a_chain_that_openssl_finds_too_large_is_too_large(tmp_path: Path) -> None:
    huge = make.leaf(HOST, ROOT, names=[f"host-{number}.contoso.example" for number in range(6000)])
    seen = met(tls(tmp_path, listens, leaf=huge))
    assert (seen["outcome"], seen["detail"]) == ("too_large", "excessive message size")


def test_a_python_without_tls_1_3_says_so_instead_of_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "HAS_TLSv1_3", False)
    seen = met(listens)
    assert (seen["outcome"], seen["detail"]) == ("connect_failed", "this Python's ssl module has no TLS 1.3")


def test_the_request_names_the_tool_and_the_server_and_changes_nothing(tmp_path: Path) -> None:
    heard: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(LEAF.write(tmp_path))

    def listens_in(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as session:
            heard.append(session.recv(65536))
            session.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            session.unwrap()

    assert met(listens_in)["detail"] == "HTTP: HTTP/1.1 204 No Content"
    lines = heard[0].decode("ascii").split("\r\n")
    assert lines[0] == "HEAD / HTTP/1.1"
    assert f"Host: {HOST}" in lines
    assert any(line.startswith("User-Agent: apim-triage/") for line in lines)


FAULT = st.one_of(
    st.tuples(st.just("changed"), st.integers(0, 2000), st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("inserted"), st.integers(0, 2000), st.binary(min_size=1, max_size=300)),
    st.tuples(st.just("cut"), st.integers(0, 2000), st.just(b"")),
)


with tempfile.TemporaryDirectory() as _folder:
    NOT_ASKING, ASKING = (tls13_only(Path(_folder), asks=asks) for asks in (False, True))


@settings(max_examples=150, deadline=None)
@given(fault=FAULT, asks=st.booleans())
def test_a_damaged_flight_of_a_real_server_still_gives_an_entry(fault: tuple[str, int, bytes], asks: bool) -> None:
    kind, place, data = fault

    async def serve(connection: socket.socket, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(await loop.sock_recv(connection, 65536))
        with suppress(ssl.SSLWantReadError):
            session.do_handshake()
        whole = outgoing.read()
        at = place % len(whole)
        rest = {"changed": whole[at + len(data) :], "inserted": whole[at:], "cut": b""}[kind]
        await loop.sock_sendall(connection, whole[:at] + data + rest)
        connection.shutdown(socket.SHUT_WR)

    async def meet() -> dict[str, Any]:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        now = asyncio.get_running_loop().time()
        with theirs:
            line = Connection(ours, now, 0.0)
            found, _ = await asyncio.gather(
                encrypted.shake(line, "tls1.3-full", HOST, b"HEAD / HTTP/1.1\r\n\r\n", now + 20),
                serve(theirs, ASKING if asks else NOT_ASKING),
            )
        return found

    seen = asyncio.run(meet())
    assert seen["outcome"] in {"completed", "closed", "reset", "alert", "malformed", "too_large"}
    assert seen["seconds"] < 10
    assert seen["client_cert_required"] is None
    backend = {"host": HOST, "port": 443, "handshakes": [seen]}
    here = Collected(host="here", at=make.NOW, tool="apim-triage", version="0.1.0")
    assert evidence_file.of([backend], here)[0].handshakes[0].outcome == seen["outcome"]
