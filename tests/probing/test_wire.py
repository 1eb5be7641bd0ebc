"""The reader of what servers send: every answer gets one state, however it is cut, and no bytes at all make it raise."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.model import Outcome as ModelOutcome
from analyzer.model import Stage as ModelStage
from analyzer.probing import handshake, wire
from analyzer.probing.handshake import Outcome, Stage
from analyzer.probing.hello import Offer
from analyzer.probing.profiles import CLASSIC, SELF_HOSTED
from analyzer.probing.questions import TLS10_ANY, TLS12_ANY
from analyzer.probing.wire import Reader
from tests.probing import speech
from tests.probing.speech import TLS10, TLS11, TLS12, TLS13, alert, flight, message, record, server_hello

LEAF, ISSUER = b"\x30\x03\x02\x01\x01", b"\x30\x03\x02\x01\x02"
ORDINARY = flight([LEAF, ISSUER])


def read(data: bytes, offer: Offer = CLASSIC, *, cuts: tuple[int, ...] = (), how: str = Outcome.CLOSED) -> Reader:
    reader = Reader(offer)
    edges = [0, *sorted(c for c in cuts if 0 < c < len(data)), len(data)]
    for start, end in pairwise(edges):
        reader.feed(data[start:end])
    reader.end(how)
    return reader


def state(reader: Reader) -> dict[str, Any]:
    names = (
        "outcome",
        "stage",
        "version",
        "suite",
        "group",
        "chain",
        "client_cert_requested",
        "alert",
        "detail",
        "done",
    )
    return {name: getattr(reader, name) for name in names}


def test_the_words_for_outcomes_and_stages_are_the_models() -> None:
    def words(of: type) -> set[str]:
        return {value for name, value in vars(of).items() if name.isupper()}

    assert words(handshake.Outcome) == {o.value for o in ModelOutcome}
    assert words(handshake.Stage) == {s.value for s in ModelStage}


def test_a_whole_flight_of_tls_1_2_tells_choice_chain_and_group() -> None:
    reader = read(ORDINARY)
    assert state(reader) == {
        "outcome": Outcome.COMPLETED,
        "stage": Stage.CERTIFICATE,
        "version": "TLS 1.2",
        "suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "group": "x25519",
        "chain": (LEAF, ISSUER),
        "client_cert_requested": False,
        "alert": None,
        "detail": None,
        "done": True,
    }


def test_a_flight_in_many_records_reads_like_one_in_a_single_record() -> None:
    fragment = ORDINARY[5:]
    for size in (1, 3, 7, 50):
        split = b"".join(record(22, fragment[i : i + size]) for i in range(0, len(fragment), size))
        assert state(read(split)) == state(read(ORDINARY))


def test_one_byte_at_a_time_reads_like_all_at_once() -> None:
    assert state(read(ORDINARY, cuts=tuple(range(len(ORDINARY))))) == state(read(ORDINARY))


def test_a_request_for_a_client_certificate_is_seen() -> None:
    assert read(flight([LEAF], speech.certificate_request())).client_cert_requested is True


def test_tls_1_3_is_complete_with_its_server_hello() -> None:
    reader = read(
        record(22, server_hello(TLS13, speech.TLS13_SUITE)) + record(20, b"\x01") + record(23, bytes(900)), SELF_HOSTED
    )
    assert (reader.outcome, reader.version, reader.suite, reader.group) == (
        Outcome.COMPLETED,
        "TLS 1.3",
        "TLS_AES_128_GCM_SHA256",
        "x25519",
    )
    assert reader.client_cert_requested is None
    assert reader.chain == ()


def test_a_hello_retry_request_agrees_on_tls_1_3_and_names_the_group_it_wants() -> None:
    reader = read(record(22, speech.retry_request(25)), SELF_HOSTED)
    assert (reader.outcome, reader.version, reader.group) == (Outcome.COMPLETED, "TLS 1.3", "secp521r1")


@pytest.mark.parametrize(
    ("version", "name"),
    [(TLS11, "TLS 1.1"), (TLS10, "TLS 1.0"), (0x0300, "SSL 3.0"), (TLS13, "TLS 1.3"), (0x0307, "0x0307")],
)
def test_a_version_that_was_not_offered_is_named(version: int, name: str) -> None:
    hello = server_hello(version, speech.STATIC_RSA)
    reader = read(record(22, hello))
    assert (reader.outcome, reader.version) == (Outcome.WRONG_VERSION, name)


def test_the_chain_of_a_server_with_a_wrong_version_is_still_read() -> None:
    reader = read(flight([LEAF], version=TLS11, suite=speech.STATIC_RSA))
    assert (reader.outcome, reader.version, reader.chain, reader.client_cert_requested) == (
        Outcome.WRONG_VERSION,
        "TLS 1.1",
        (LEAF,),
        False,
    )
    assert read(flight([LEAF], version=TLS11, suite=speech.STATIC_RSA), TLS10_ANY).outcome == Outcome.COMPLETED


@pytest.mark.parametrize(("suite", "name"), [(0x009E, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"), (0xFEFF, "0xFEFF")])
def test_a_suite_that_was_not_offered_is_named(suite: int, name: str) -> None:
    reader = read(flight([LEAF], suite=suite))
    assert (reader.outcome, reader.suite, reader.chain) == (Outcome.WRONG_SUITE, name, (LEAF,))


def test_a_suite_of_another_version_breaks_the_protocol() -> None:
    assert read(record(22, server_hello(TLS12, speech.TLS13_SUITE)), SELF_HOSTED).outcome == Outcome.MALFORMED


def test_the_size_of_a_dhe_group_is_told() -> None:
    data = record(
        22,
        server_hello(TLS12, speech.DHE_RSA_GCM)
        + speech.certificate([LEAF])
        + speech.dhe_key_exchange(1024)
        + speech.DONE,
    )
    reader = read(data, TLS12_ANY)
    assert (reader.outcome, reader.group) == (Outcome.COMPLETED, "DH 1024 bits")


def test_static_rsa_has_no_group() -> None:
    assert read(flight([LEAF], suite=speech.STATIC_RSA)).group is None


@pytest.mark.parametrize(
    ("code", "name"),
    [(40, "handshake_failure"), (70, "protocol_version"), (112, "unrecognized_name"), (99, "alert_99")],
)
def test_a_fatal_alert_is_named(code: int, name: str) -> None:
    reader = read(alert(code))
    assert (reader.outcome, reader.alert, reader.stage) == (Outcome.ALERT, name, Stage.HELLO)


def test_an_alert_after_the_server_hello_is_of_the_later_stage() -> None:
    reader = read(record(22, server_hello()) + alert(80))
    assert (reader.outcome, reader.alert, reader.stage) == (Outcome.ALERT, "internal_error", Stage.CERTIFICATE)


def test_a_warning_does_not_end_the_handshake() -> None:
    reader = read(alert(112, level=1) + ORDINARY)
    assert (reader.outcome, reader.alert, reader.detail) == (Outcome.COMPLETED, None, "warning alert unrecognized_name")


def test_close_notify_is_a_close_at_any_level() -> None:
    for level in (1, 2):
        reader = read(alert(0, level=level), how=Outcome.SILENT)
        assert (reader.outcome, reader.alert) == (Outcome.CLOSED, "close_notify")


@pytest.mark.parametrize("how", [Outcome.CLOSED, Outcome.RESET, Outcome.SILENT])
@pytest.mark.parametrize(
    ("so_far", "stage"),
    [
        (b"", Stage.HELLO),
        (b"\x16", Stage.HELLO),
        (ORDINARY[:40], Stage.HELLO),
        (record(22, server_hello()), Stage.CERTIFICATE),
    ],
)
def test_how_the_bytes_ended_is_the_outcome_where_they_told_none(how: str, so_far: bytes, stage: str) -> None:
    reader = read(so_far, how=how)
    assert (reader.outcome, reader.stage) == (how, stage)


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", "HTTP: HTTP/1.1 400 Bad Request"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH: SSH-2.0-OpenSSH_9.6"),
        (b"220 mail.contoso.example ESMTP\r\n", "SMTP or FTP: 220 mail.contoso.example ESMTP"),
        (b"+OK ready\r\n", "POP3: +OK ready"),
        (b"* OK IMAP4rev1\r\n", "IMAP: * OK IMAP4rev1"),
        (b"\x80\x2e\x04\x00\x01\x00\x02\x00", "SSL 2.0"),
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "HTTP/2 without TLS"),
        (b"hello\n", "unknown protocol: hello"),
        (b"\x4a\x00\x00\x00\x0a8.0.36", "MySQL, starting with bytes 4a 00 00 00 0a 38 2e 30 2e 33 36"),
        (b"\x16\x02\x00\x00\x05", "unknown protocol, starting with bytes 16 02 00 00 05"),
        (b"220 \x1b[31mred\x1b[0m\r\n", "SMTP or FTP, starting with bytes 32 32 30 20 1b 5b 33 31 6d 72 65 64"),
        (b"\r\n", "unknown protocol, starting with bytes 0d 0a"),
    ],
)
def test_another_protocol_is_recognised_by_its_first_bytes(data: bytes, detail: str) -> None:
    reader = read(data)
    assert (reader.outcome, reader.stage, reader.detail) == (Outcome.NOT_TLS, Stage.HELLO, detail)


def test_a_long_banner_is_cut_and_does_not_wait_for_its_end() -> None:
    reader = Reader(CLASSIC)
    reader.feed(b"220 " + b"x" * 5000)
    assert reader.done
    assert reader.outcome == Outcome.NOT_TLS
    assert len(reader.detail or "") == 80


@pytest.mark.parametrize(
    "data",
    [
        record(22, b""),
        b"\x16\x03\x03\x40\x01",  # 16,385 bytes: RFC 8446 section 5.1 allows 16,384
        record(22, server_hello()) + record(23, b"data"),
        record(22, server_hello()) + record(20, b"\x01"),
        record(22, server_hello()) + b"\x17\x02\x00\x00\x01\x00",
        record(22, server_hello() + server_hello()),
        record(22, server_hello() + speech.DONE),
        record(22, speech.certificate([LEAF])),
        record(22, server_hello() + message(11, b"")),
        record(22, server_hello() + speech.certificate([])),
        record(22, server_hello() + speech.certificate([b""])),
        record(22, server_hello() + speech.certificate([LEAF]) + speech.certificate([LEAF])),
        record(22, server_hello() + message(11, b"\x00\x00\x09\x00\x00\x05" + LEAF)),
        record(22, server_hello() + message(12, b"\x03\x00")),
        record(22, server_hello() + message(4, b"")),
        record(22, server_hello() + message(99, b"")),
        record(22, message(2, b"\x03\x03")),
        record(22, message(2, server_hello()[4:-1] + b"\x01")),
        record(22, message(2, server_hello()[4:] + b"\x00")),
        record(22, message(2, server_hello()[4:] + b"\x00\x02\x00\x2b")),
        record(22, message(2, b"\x03\x03" + bytes(32) + b"\x21" + bytes(33) + b"\xc0\x2f\x00")),
    ],
)
def test_what_breaks_the_protocol_is_malformed_and_says_where(data: bytes) -> None:
    reader = read(data)
    assert reader.outcome == Outcome.MALFORMED
    assert reader.detail
    assert reader.detail.isprintable()


def test_extensions_that_nobody_asked_for_are_passed_over() -> None:
    extensions = speech.extension(0x4A4A, b"grease") + speech.extension(65281, b"\x00") + speech.extension(23, b"")
    hello = server_hello(extensions=extensions)
    data = record(22, hello + speech.certificate([LEAF]) + speech.ecdhe_key_exchange() + speech.DONE)
    assert read(data).outcome == Outcome.COMPLETED


def test_a_stapled_status_and_a_hello_request_are_passed_over() -> None:
    status = message(22, b"\x01" + speech.vector(3, b"ocsp"))
    data = record(22, message(0, b"")) + record(22, server_hello() + speech.certificate([LEAF]) + status + speech.DONE)
    assert read(data).outcome == Outcome.COMPLETED


def test_a_certificate_of_a_quarter_megabyte_is_read() -> None:
    huge = bytes(250_000)
    fragment = server_hello() + speech.certificate([huge]) + speech.ecdhe_key_exchange() + speech.DONE
    data = b"".join(record(22, fragment[i : i + 16384]) for i in range(0, len(fragment), 16384))
    assert read(data).chain == (huge,)


def test_a_message_announced_larger_than_the_cap_ends_at_its_header() -> None:
    reader = Reader(CLASSIC)
    reader.feed(record(22, server_hello() + b"\x0b\xff\xff\xff"))
    assert (reader.done, reader.outcome) == (True, Outcome.TOO_LARGE)


def test_endless_harmless_messages_end_at_the_cap() -> None:
    reader = Reader(CLASSIC)
    piece = record(22, message(0, b"") * 4096)
    for _ in range(wire.MOST_BYTES // len(piece) + 2):
        reader.feed(piece)
    assert (reader.done, reader.outcome) == (True, Outcome.TOO_LARGE)


def hostile(first: bytes, then: bytes, size: int) -> Iterator[bytes]:
    """Twice the cap, in pieces of one size."""
    data = first + then * (2 * wire.MOST_BYTES // len(then))
    return (data[at : at + size] for at in range(0, len(data), size))


ONE_LONG_MESSAGE = record(22, server_hello() + b"\x0b\x0f\xff\xff")
TINY = record(22, server_hello()) + speech.records(
    22, message(11, speech.vector(3, b"\x00\x00\x02xy" * 200_000)), 16_384
)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", record(22, message(0, b"") * 4096)),
        (b"", record(22, message(0, b""))),
        (b"", record(22, b"\x00")),
        (b"", alert(112, level=1)),
        (ONE_LONG_MESSAGE, record(22, bytes(wire.MOST_RECORD))),
        (ONE_LONG_MESSAGE, record(22, b"\x00")),
        (TINY, record(22, message(0, b"") * 4096)),
        (b"", b"x"),
    ],
)
def test_hostile_bytes_take_no_more_memory_than_a_few_times_the_cap(first: bytes, then: bytes) -> None:
    pieces = hostile(first, then, 1 << 16)
    reader = Reader(CLASSIC)
    tracemalloc.start()
    try:
        for piece in pieces:
            reader.feed(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.done
    assert peak < 4 * wire.MOST_BYTES


def steps(data: bytes, size: int) -> int:
    """Lines of our own code that run while the reader takes the data in pieces of that size."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line" and "probing" in frame.f_code.co_filename
        return trace

    before = sys.gettrace()
    reader = Reader(CLASSIC)
    sys.settrace(trace)
    try:
        for at in range(0, len(data), size):
            reader.feed(data[at : at + size])
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("piece", [record(22, b"\x00"), record(22, message(0, b"")), alert(112, level=1)])
def test_twice_the_bytes_are_twice_the_work(piece: bytes) -> None:
    for size in (1, 1000):
        assert steps(piece * 2000, size) <= 2.1 * steps(piece * 1000, size)


def test_a_list_of_tiny_certificates_is_kept_as_far_as_a_chain_may_go() -> None:
    body = b"\x00\x00\x01x" * 5000
    data = record(22, server_hello()) + speech.records(22, message(11, speech.vector(3, body)), 16_000)
    assert read(data).chain == (b"x",) * handshake.MOST_CERTIFICATES


_messages = st.sampled_from(
    [
        server_hello(),
        server_hello(TLS13, speech.TLS13_SUITE),
        server_hello(TLS10, speech.STATIC_RSA),
        speech.retry_request(24),
        speech.certificate([LEAF, ISSUER]),
        speech.ecdhe_key_exchange(),
        speech.dhe_key_exchange(),
        speech.certificate_request(),
        speech.DONE,
        message(0, b""),
        message(77, b"x"),
    ]
)
_records = st.one_of(
    st.lists(_messages, min_size=1, max_size=5).map(lambda parts: record(22, b"".join(parts))),
    st.tuples(st.integers(0, 255), st.integers(0, 255)).map(lambda pair: alert(*pair)),
    st.binary(min_size=1, max_size=60).map(lambda data: record(22, data)),
    st.binary(max_size=40),
)
_streams = st.one_of(st.binary(max_size=300), st.lists(_records, max_size=6).map(b"".join))
_offers = st.sampled_from([CLASSIC, SELF_HOSTED, TLS12_ANY, TLS10_ANY])
_hows = st.sampled_from([Outcome.CLOSED, Outcome.RESET, Outcome.SILENT])


@settings(max_examples=1000)
@given(_streams, _offers, st.lists(st.integers(0, 400), max_size=12), _hows)
@example(b"\x16", CLASSIC, [], Outcome.CLOSED)
@example(b"220 a\nb", CLASSIC, [3], Outcome.SILENT)
def test_any_bytes_in_any_pieces_give_one_and_the_same_state(
    data: bytes, offer: Offer, cuts: list[int], how: str
) -> None:
    whole = state(read(data, offer, how=how))
    assert state(read(data, offer, cuts=tuple(cuts), how=how)) == whole
    assert state(read(data, offer, cuts=tuple(range(len(data))), how=how)) == whole
    assert whole["done"]
    assert whole["outcome"] in {o.value for o in ModelOutcome}
    assert whole["stage"] in (Stage.HELLO, Stage.CERTIFICATE)
    assert whole["detail"] is None or (whole["detail"].isprintable() and len(whole["detail"]) <= wire.MOST_DETAIL)


@given(st.integers(0, len(ORDINARY) - 1), st.integers(0, 255))
def test_a_flight_with_one_byte_changed_still_gives_a_state(at: int, value: int) -> None:
    data = ORDINARY[:at] + bytes((value,)) + ORDINARY[at + 1 :]
    assert read(data, how=Outcome.SILENT).outcome in {o.value for o in ModelOutcome}


@given(st.binary(max_size=200))
def test_what_follows_the_end_of_the_flight_changes_nothing(rest: bytes) -> None:
    assert state(read(ORDINARY + rest)) == state(read(ORDINARY))
