"""A request trace is one record, with the error that a log of the same request would have and the texts that it lacks."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.lab import console as lab
from analyzer.lab import logs, texts
from analyzer.lab.events import Event
from analyzer.messages import kind_of
from analyzer.model import Kind
from analyzer.sources import read
from analyzer.sources.columns import canonical
from analyzer.sources.items import Item, Record, Reject
from analyzer.sources.shapes import Shape
from analyzer.sources.traces import is_portal_text, is_trace, portal_text, traces
from tests.sources.build import TRUST, counts
from tests.sources.test_console import AT
from tests.sources.test_shapes import shape_of

CHAIN = f"{TRUST} ---> {texts.VALIDATION}"
FAILED = logs.failure("orders.example", CHAIN, AT, elapsed=356)
ANSWERED = logs.success("orders.example", AT)
TIMED_OUT = logs.lookalike(logs.Lookalike.TIMEOUT, "orders.example", AT)
EVENTS = (FAILED, ANSWERED, TIMED_OUT, logs.failed_over(FAILED, "second.example"))


def found(text: str | bytes) -> list[Item]:
    return list(traces(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def told(trace: dict[str, Any]) -> dict[str, str]:
    (one,) = found(json.dumps(trace))
    assert isinstance(one, Record)
    return canonical(one.value)


def chained(*messages: object, source: str = "forward-request", elapsed: str = "00:00:00.0612204") -> dict[str, Any]:
    trace = lab.trace(ANSWERED)
    step = {
        "source": source,
        "timestamp": "2026-03-04T17:22:12Z",
        "elapsed": elapsed,
        "data": {"messages": list(messages)},
    }
    trace["traceEntries"]["backend"][1:] = [step]
    return trace


def test_a_failed_request_has_the_error_that_its_log_has() -> None:
    record = told(lab.trace(FAILED))
    error = {key: record[key] for key in ("source", "section", "reason", "elapsed")}
    assert error == {
        "source": "forward-request",
        "section": "backend",
        "reason": "BackendConnectionFailure",
        "elapsed": "356",
    }
    assert record["backend_url"] == FAILED.backend_url
    assert record["time"] == "2026-03-04T17:22:11.3560000Z"
    assert record["resource"] == "contoso-apim"
    assert "backend_response_code" not in record
    assert lab.BOILERPLATE not in record["message"]


def test_an_answer_is_one(tmp_path: Path) -> None:
    record = told(lab.trace(ANSWERED))
    assert record["backend_response_code"] == "200"
    assert "reason" not in record


@pytest.mark.parametrize("how", ["alone", "array", "wrapped", "in turn", "pretty", "bom"])
def test_each_trace_is_one_record(tmp_path: Path, how: str) -> None:
    of = [lab.trace(event) for event in EVENTS]
    text = {
        "alone": json.dumps(of[0]),
        "array": json.dumps(of),
        "wrapped": json.dumps({"value": of[0]}),
        "in turn": "\n".join(map(json.dumps, of)),
        "pretty": "".join(map(lab.trace_document, EVENTS)),
        "bom": "\ufeff" + json.dumps(of),
    }[how]
    (tmp_path / "trace").write_text(text)
    got = read([str(tmp_path / "trace")])
    assert got.intake.sources[0].shape == "request trace"
    assert counts(got) == ((1, 0, 0, 0) if how in ("alone", "wrapped") else (2, 1, 1, 0))


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ((lab.BOILERPLATE, TRUST, texts.VALIDATION), Kind.TRUST_UNSPECIFIED),
        ((texts.UNABLE_TO_CONNECT, lab.BOILERPLATE, texts.NO_RESPONSE), Kind.TIMEOUT),
        ((texts.UNABLE_TO_CONNECT, texts.REFUSED_ADDRESS, lab.BOILERPLATE), Kind.REFUSED),
        ((texts.SECURE_CHANNEL, texts.NO_COMMON_ALGORITHM), Kind.TLS_VERSION),
        (("Authentication failed, see inner exception.", "RemoteCertificateNameMismatch"), Kind.NAME_MISMATCH),
        (("x" * 5000, texts.REFUSED_ADDRESS), Kind.REFUSED),
    ],
)
def test_the_most_specific_exception_leads_whatever_their_order(messages: tuple[str, ...], kind: Kind) -> None:
    for order in (messages, messages[::-1]):
        record = told(chained(*order))
        assert kind_of(record["message"]) is kind
        assert record["reason"] == "BackendConnectionFailure"
        assert lab.BOILERPLATE not in record["message"]
        assert all(text in record["message"] for text in order if text != lab.BOILERPLATE)


def test_the_sentence_that_says_nothing_stands_where_it_is_all_there_is() -> None:
    record = told(chained(lab.BOILERPLATE))
    assert (record["reason"], record["message"]) == ("BackendConnectionFailure", lab.BOILERPLATE)


@pytest.mark.parametrize(
    ("message", "elapsed", "reason"),
    [
        ("Request to the backend service timed out", "00:00:20.0000000", "Timeout"),
        ("The operation has timed out", "00:05:00.1000000", "Timeout"),  # as long as the timer was set to
        ("A task was canceled.", "00:05:00.1000000", "Timeout"),
        ("The operation has timed out", "00:00:21.0000000", "BackendConnectionFailure"),
        (texts.NO_RESPONSE, "00:00:21.0000000", "BackendConnectionFailure"),
        (TRUST, "00:05:30.0000000", "BackendConnectionFailure"),
    ],
)
def test_the_timer_of_forward_request_is_no_failed_connection(message: str, elapsed: str, reason: str) -> None:
    assert told(chained(message, elapsed=elapsed))["reason"] == reason


def test_the_chain_of_another_policy_is_no_backend_failure() -> None:
    record = told(chained(texts.UNABLE_TO_CONNECT, source="send-request"))
    assert record["source"] == "send-request"
    assert "reason" not in record


@pytest.mark.parametrize("messages", [None, [], [None, True], "text", {"a": 1}])
def test_messages_of_another_form_are_no_error(messages: object) -> None:
    trace = chained()
    trace["traceEntries"]["backend"][1]["data"]["messages"] = messages
    assert "reason" not in told(trace)


def test_the_portals_text_says_the_same_but_for_the_time(tmp_path: Path) -> None:
    for event, expected in zip(EVENTS, [(1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0)], strict=True):
        for ends in ("\n", "\r\n"):
            path = tmp_path / "trace.txt"
            path.write_text(lab.portal_trace(event), newline=ends)
            got = read([str(path)])
            assert got.intake.sources[0].shape == "request trace, portal text"
            assert counts(got) == expected
            if event is FAILED:
                assert set(got.failures["host"]) == {"orders.example"}


def test_one_step_of_the_portals_text_is_enough() -> None:
    text = f'forward-request (356.754 ms)\n{{\n    "messages": [\n        "{lab.BOILERPLATE}",\n        "{TRUST}"\n    ]\n}}\n'
    assert is_portal_text(text.encode())
    (one,) = portal_text(io.BytesIO(text.encode()))
    assert isinstance(one, Record)
    record = canonical(one.value)
    assert (record["message"], record["section"], record["elapsed"]) == (TRUST, "backend", "357")


@pytest.mark.parametrize(
    "text", ['{"traceEntries": []}', '{"a": "\\"traceEntries\\": {"}', "forward-request (1 ms)\nx", "{}"]
)
def test_what_only_looks_like_a_trace_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert isinstance(shape_of(tmp_path / "file"), str)


def test_a_log_that_quotes_a_trace_is_a_log(tmp_path: Path) -> None:
    event = logs.failure("orders.example", f"{TRUST} {lab.trace_document(FAILED)}", AT)
    (tmp_path / "log").write_text(logs.blob_lines([event]))
    shape = shape_of(tmp_path / "log")
    assert isinstance(shape, Shape)
    assert shape.name == "storage account lines"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=5), st.booleans())
def test_every_trace_counts_once(of: list[Event], array: bool) -> None:
    of_text = [lab.trace_document(event) for event in of]
    text = f"[{','.join(of_text)}]" if array else "".join(of_text)
    assert len(found(text)) == text.count('"traceEntries"')


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(EVENTS), st.floats(0, 1))
def test_a_trace_that_is_cut_is_one_reject(event: Event, where: float) -> None:
    text = lab.trace_document(event).rstrip()
    cut = text[: int(where * len(text))]
    got = found(cut)
    assert [type(i) for i in got] == ([Record] if cut == text else [Reject] if cut else [])
    portal = lab.portal_trace(event)
    assert len(list(portal_text(io.BytesIO(portal[: int(where * len(portal))].encode())))) == 1


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "traceEntries",
                    "backend",
                    "source",
                    "data",
                    "messages",
                    "request",
                    "response",
                    "status",
                    "elapsed",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), JSON.map(lambda value: json.dumps({"traceEntries": {"backend": [value]}}).encode())
    )
)
def test_nothing_makes_it_raise(data: bytes) -> None:
    assert is_trace(data) in (True, False)
    assert is_portal_text(data) in (True, False)
    found(data)
    list(portal_text(io.BytesIO(data)))
    list(portal_text(io.BytesIO(b"forward-request (1.0 ms)\n" + data)))
