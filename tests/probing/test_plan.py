"""The plan asks little: one connection where one tells, at most four, and each answer leads to the question that it leaves open."""

from __future__ import annotations

import itertools
import socket
import threading
from typing import Any

import pytest

from analyzer.probing import plan
from analyzer.probing.handshake import Outcome, Stage, entry
from tests.probing import speech
from tests.probing.peers import Script, ask, closes, listens, peer, resets, says
from tests.probing.speech import TLS10, TLS13, alert, flight, record, server_hello

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
        ("classic", [resets, GOOD], ["gateway", "tls1.2-any"]),
        ("classic", [closes, OLD], ["gateway", "tls1.2-any"]),
        ("classic", [REFUSES, listens], ["gateway", "tls1.2-any"]),
        # version
        ("classic", [BAD_VERSION, AGREES_13], ["gateway", "tls1.3-any", "tls1.3-full"]),
        ("classic", [BAD_VERSION, BAD_VERSION, OLD], ["gateway", "tls1.3-any", "tls1.0-any"]),
        ("classic", [REFUSES, REFUSES, AGREES_13], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.3-full"]),
        ("classic", [REFUSES, BAD_VERSION, REFUSES, OLD], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any"]),
        ("classic", [resets], ["gateway", "tls1.2-any", "tls1.3-any", "tls1.0-any"]),
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
        found = ask(server.port, profile=profile, deadline=1.3)
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
    entry("", Outcome.ALERT, Stage.HELLO, alert="protocol_version"),
]


def test_no_sequence_of_answers_costs_more_than_four_connections_or_repeats_a_question() -> None:
    sequences = 0
    for answers in itertools.product(ANSWERS, repeat=plan.MOST_CONNECTIONS):
        done: list[dict[str, Any]] = []
        for answer in answers:
            offer = plan.next_offer(done)
            if offer is None:
                break
            done.append({**answer, "offer": offer})
        offers = [h["offer"] for h in done]
        assert plan.next_offer(done) is None or len(offers) == len(set(offers)) < plan.MOST_CONNECTIONS
        assert len(offers) == len(set(offers))
        sequences += 1
    assert sequences > 10_000
