"""One connection to a server with each bad manner: the outcome, the stage, and nothing that hangs."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from analyzer.model import Outcome, Stage
from tests.probing import speech
from tests.probing.peers import (
    HOST,
    Script,
    ask,
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
from tests.probing.speech import TLS12, alert, flight, record

LEAF = b"\x30\x03\x02\x01\x01"
GOOD = flight([LEAF])
ASKING = flight([LEAF], speech.certificate_request())


def met(script: Script, *, deadline: float = 5.0, speaks_first: bool = False) -> dict[str, Any]:
    with peer(script, speaks_first=speaks_first) as server:
        entry = ask(server.port, deadline=deadline)
    found: dict[str, Any] = entry["handshakes"][0]
    return found


def test_a_complete_flight_costs_one_connection_and_tells_the_chain_as_sent() -> None:
    with peer(says(GOOD)) as server:
        entry = ask(server.port)
    seen = only(entry)
    assert seen.pop("seconds") < 1
    assert seen == {
        "offer": "gateway",
        "outcome": "completed",
        "stage": "certificate",
        "version": "TLS 1.2",
        "suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "group": "x25519",
        "chain_b64": [base64.b64encode(LEAF).decode()],
        "chain_sha256": [hashlib.sha256(LEAF).hexdigest()],
        "client_cert_requested": False,
        "client_cert_required": None,
        "alert": None,
        "detail": None,
    }
    assert server.connections == 1
    assert {k: v for k, v in entry.items() if k != "handshakes"} == {
        "host": HOST,
        "port": 443,
        "server_name": HOST,
        "sni": HOST,
        "address": "127.0.0.1",
        "addresses": ["127.0.0.1"],
        "profile": "classic",
        "pinned": True,
        "allowed": True,
        "proxy": None,
        "aia": [],
    }


def test_a_greeting_without_a_lines_end_is_not_waited_for_until_the_deadline() -> None:
    began = time.monotonic()
    assert met(says(b"220"), speaks_first=True, deadline=30)["outcome"] == Outcome.NOT_TLS
    assert time.monotonic() - began < 5


def test_a_server_that_closes_before_it_reads_the_hello_is_closed_or_reset_never_an_error() -> None:
    def slams(connection: socket.socket) -> None:
        connection.close()

    assert met(slams, speaks_first=True)["outcome"] in (Outcome.CLOSED, Outcome.RESET)


def test_a_server_that_drips_without_end_costs_one_deadline() -> None:
    def drips(connection: socket.socket) -> None:
        connection.settimeout(0.02)
        for byte in GOOD[:-1]:
            connection.sendall(bytes((byte,)))
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                pass

    began = time.monotonic()
    assert met(drips, deadline=0.7)["outcome"] == Outcome.SILENT
    assert time.monotonic() - began < 5


def refuses(by: Script) -> Script:
    """Asks for a client certificate, and refuses the empty one."""
    return then(sends(ASKING), hears, by)


@pytest.mark.parametrize(
    ("script", "required", "alert_name"),
    [
        (refuses(says(alert(40))), True, "handshake_failure"),
        (refuses(says(alert(42))), True, "bad_certificate"),
        (refuses(then(sends(alert(116)), resets)), True, "certificate_required"),
        (refuses(closes), True, None),
        (refuses(says(alert(0, level=1))), True, None),
        (refuses(resets), True, None),
        (refuses(listens), False, None),
        (refuses(says(alert(41, level=1))), False, None),
        (refuses(says(alert(47))), None, "illegal_parameter"),
        (refuses(says(b"nonsense")), None, None),
    ],
)
def test_only_the_refusal_of_an_empty_certificate_makes_it_required(
    script: Script, required: bool | None, alert_name: str | None
) -> None:
    seen = met(script)
    assert (seen["outcome"], seen["client_cert_requested"]) == (Outcome.COMPLETED, True)
    assert (seen["client_cert_required"], seen["alert"]) == (required, alert_name)


def test_where_the_deadline_leaves_no_time_to_wait_nothing_is_said_of_the_client_certificate() -> None:
    assert met(refuses(listens), deadline=0.5)["client_cert_required"] is None


@pytest.mark.parametrize(
    ("flight_", "exchange"),
    [
        (ASKING, b"\x10\x00\x00\x21\x20" + b"\x09" + bytes(31)),
        (flight([LEAF], speech.certificate_request(), suite=speech.STATIC_RSA), b""),
    ],
)
def test_the_answer_to_a_request_is_an_empty_certificate_and_a_well_formed_key_exchange(
    flight_: bytes, exchange: bytes
) -> None:
    heard: list[bytes] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(flight_)
        heard.append(connection.recv(65536))
        closes(connection)

    met(script)
    assert heard == [record(22, b"\x0b\x00\x00\x03\x00\x00\x00" + exchange)]


def test_a_server_is_told_goodbye_so_that_it_does_not_wait() -> None:
    heard: list[bytes] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(GOOD)
        while data := connection.recv(65536):
            heard.append(data)

    met(script)
    assert b"".join(heard) == record(21, b"\x01\x00", TLS12)


def test_refused_is_told_from_every_other_failure(unused_port: Callable[[], int]) -> None:
    told = (Outcome.REFUSED, Stage.CONNECT, "127.0.0.1: Connection refused")
    tries = ask(unused_port())["handshakes"]
    assert [(h["outcome"], h["stage"], h["detail"]) for h in tries] == [told, told]


def test_a_full_backlog_is_a_connect_timeout() -> None:
    # A listener that accepts nobody and has no room left: the kernel drops further SYNs.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        try:
            for _ in range(3):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(listener.getsockname())
                waiting.append(client)
            seen = only(ask(listener.getsockname()[1], deadline=0.6))
        finally:
            for client in waiting:
                client.close()
    assert (seen["outcome"], seen["stage"]) == (Outcome.CONNECT_TIMEOUT, Stage.CONNECT)


def test_without_tls_only_the_connection_is_tried() -> None:
    with peer(closes) as server:
        seen = only(ask(server.port, tls=False))
        assert server.reached(1)
    assert (seen["offer"], seen["outcome"], seen["stage"]) == ("tcp", Outcome.COMPLETED, Stage.CONNECT)
    assert server.hellos == [b""]


def test_ipv6_is_spoken_too() -> None:
    with peer(says(GOOD), host="::1") as server:
        entry = ask(server.port, connect_host="::1")
    assert (entry["address"], only(entry)["outcome"]) == ("::1", Outcome.COMPLETED)
