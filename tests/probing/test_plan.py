"""The plan asks little: one connection where one tells, at most four, and each answer leads to the question that it leaves open."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from analyzer.probing import plan, profiles
from analyzer.probing.handshake import Outcome, Stage, entry
from tests.probing import speech
from tests.probing.peers import HOST, Script, ask, closes, listens, peer, resets, says
from tests.probing.speech import TLS10, TLS13, alert, flight, record, server_hello

NO_SNI = plan.NO_SNI
HARD = ["gateway", "tls1.2-any", "tls1.3-any"]
LEAF = b"\x30\x03\x02\x01\x01"
GOOD = says(flight([LEAF]))
ASKS = says(flight([LEAF], speech.certificate_request()))
AGREES_13 = says(record(22, server_hello(TLS13, speech.TLS13_SUITE)))
BAD_VERSION, REFUSES = says(alert(70)), says(alert(40))
CHOOSES_DHE = says(
    record(
        22,
        server_hello(suite=speech.DHE_RSA_GCM) + speech.certificate([LEAF]) + speech.dhe_key_exchange() + speech.DONE,
    )
)
OLD = says(flight([LEAF], version=TLS10, suite=speech.STATIC_RSA))


@pytest.mark.parametrize(
    ("profile", "scripts", "offers"),
    [
        # one connection
        ("classic", [GOOD], ["gateway"]),
        ("classic", [ASKS], ["gateway"]),
        ("classic", [OLD], ["gateway"]),
        ("classic", [CHOOSES_DHE], ["gateway"]),
        ("classic", [AGREES_13], ["gateway"]),  # it chose what was not offered
        ("classic", [listens], ["gateway"]),
        ("classic", [says(b"HTTP/1.1 400 Bad Request\r\n\r\n")], ["gateway"]),
        ("classic", [says(record(22, b""))], ["gateway"]),
        # suite or parameters
        ("classic", [REFUSES, CHOOSES_DHE], ["gateway", "tls1.2-any"]),
        ("classic", [closes, OLD], ["gateway", "tls1.2-any"]),
        ("classic", [REFUSES, listens], ["gateway", "tls1.2-any"]),
        # version
        ("classic", [BAD_VERSION, AGREES_13], ["gateway", "tls1.3-any", "tls1.3-full"]),
        ("classic", [BAD_VERSION, BAD_VERSION, OLD], ["gateway", "tls1.3-any", "tls1.0-any"]),
        ("classic", [REFUSES, REFUSES, AGREES_13], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.3-full"]),
        ("classic", [REFUSES, BAD_VERSION, REFUSES, OLD], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any"]),
        # an accident, or every time
        ("classic", [resets, GOOD, GOOD], ["gateway", "tls1.2-any", "gateway"]),
        ("classic", [closes, ASKS, resets], ["gateway", "tls1.2-any", "gateway"]),
        ("classic", [resets, CHOOSES_DHE], ["gateway", "tls1.2-any"]),
        ("self-hosted", [resets, BAD_VERSION, AGREES_13, closes, GOOD], [*HARD, "tls1.3-full", "gateway"]),
        # the name: one more
        ("classic", [resets], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any", NO_SNI]),
        ("classic", [REFUSES], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any", NO_SNI]),
        ("classic", [says(alert(112)), GOOD], ["gateway", NO_SNI]),
        ("classic", [says(alert(112))], ["gateway", NO_SNI, "tls1.2-any", "tls1.3-any", "tls1.0-any"]),
        ("classic", [says(alert(112)), BAD_VERSION, AGREES_13], ["gateway", NO_SNI, "tls1.3-any", "tls1.3-full"]),
        ("classic", [REFUSES, BAD_VERSION, REFUSES], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any"]),
        # a gateway that offers TLS 1.3
        ("self-hosted", [GOOD], ["gateway"]),
        ("self-hosted", [AGREES_13, GOOD], ["gateway", "tls1.2-any"]),
        ("self-hosted", [AGREES_13, ASKS, AGREES_13], ["gateway", "tls1.2-any", "tls1.3-full"]),
        ("self-hosted", [AGREES_13, BAD_VERSION, AGREES_13], ["gateway", "tls1.2-any", "tls1.3-full"]),
        ("self-hosted", [AGREES_13, OLD, AGREES_13], ["gateway", "tls1.2-any", "tls1.3-full"]),
        ("self-hosted", [BAD_VERSION, BAD_VERSION, OLD], ["gateway", "tls1.3-any", "tls1.0-any"]),
    ],
)
def test_each_answer_leads_to_the_next_question(profile: str, scripts: list[Script], offers: list[str]) -> None:
    with peer(*scripts) as server:
        found = ask(server.port, profile=profile, deadline=3)
    assert [h["offer"] for h in found["handshakes"]] == offers
    assert server.connections == len(offers)


def test_a_server_that_is_gone_at_the_second_connection_ends_the_questions() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def refuses_once() -> None:
        connection, _ = listener.accept()
        listener.close()
        with connection:
            connection.recv(65536)
            connection.sendall(alert(40))

    thread = threading.Thread(target=refuses_once)
    thread.start()
    found = ask(listener.getsockname()[1])
    thread.join()
    assert [(h["offer"], h["outcome"]) for h in found["handshakes"]] == [
        ("gateway", "alert"),
        ("tls1.2-any", "refused"),
    ]


ANSWERS: list[dict[str, Any]] = [
    *(entry("", outcome, Stage.HELLO) for name, outcome in vars(Outcome).items() if name.isupper()),
    entry("", Outcome.COMPLETED, Stage.CERTIFICATE, version="TLS 1.3"),
    entry("", Outcome.COMPLETED, Stage.CERTIFICATE, version="TLS 1.2", client_cert_requested=True),
    entry("", Outcome.COMPLETED, Stage.CERTIFICATE, version="TLS 1.2", suite=profiles.suite_names("classic")[0]),
    entry("", Outcome.ALERT, Stage.HELLO, alert="protocol_version"),
    entry("", Outcome.ALERT, Stage.HELLO, alert="unrecognized_name"),
]


def every_interview(*, named: bool, done: tuple[dict[str, Any], ...] = ()) -> Iterator[list[str]]:
    """The offers of every interview that any answers can lead to."""
    offer = plan.next_offer(done, profiles.offer("classic"), named=named)
    if offer is None:
        yield [h["offer"] for h in done]
        return
    for answer in ANSWERS:
        yield from every_interview(named=named, done=(*done, {**answer, "offer": offer}))


def test_no_answers_cost_more_than_four_connections_and_one_more() -> None:
    interviews = list(every_interview(named=True))
    assert len(interviews) > 500
    for offers in interviews:
        tries = offers[1:] if offers[:2] == [plan.GATEWAY] * 2 else offers  # TCP was refused: no connection stood
        assert len(tries) <= plan.MOST_CONNECTIONS + plan.ONE_MORE
        assert len([o for o in tries if o not in (plan.NO_SNI, plan.GATEWAY)]) < plan.MOST_CONNECTIONS
        assert {o for o in tries if tries.count(o) > 1} <= {plan.GATEWAY}
        assert tries.count(plan.GATEWAY) <= 2
    assert [plan.GATEWAY, plan.TLS12, plan.GATEWAY] in interviews


def test_without_a_name_in_the_hello_nobody_asks_about_it() -> None:
    assert not any(plan.NO_SNI in offers for offers in every_interview(named=False))
    assert any(plan.NO_SNI in offers for offers in every_interview(named=True))


def test_an_address_that_dislikes_every_hello_is_not_asked_about_a_name_that_it_never_heard() -> None:
    with peer(resets) as server:
        found = ask(server.port, server_name="10.1.2.3")
    assert [h["offer"] for h in found["handshakes"]] == ["gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any"]
    assert server.connections == 4


def test_only_the_question_about_the_name_leaves_the_name_out() -> None:
    with peer(resets) as server:
        ask(server.port)
    assert [HOST.encode() in hello for hello in server.hellos] == [True] * 4 + [False]


@pytest.mark.parametrize(("script", "tries"), [(listens, 1), (REFUSES, 1), (resets, 2), (closes, 2)])
def test_what_is_asked_again_is_only_what_may_be_an_accident(script: Script, tries: int) -> None:
    with peer(script, GOOD) as server:
        found = ask(server.port, deadline=1.3)
    assert [h["offer"] for h in found["handshakes"]].count("gateway") == tries
