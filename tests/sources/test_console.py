"""What a self-hosted gateway prints is read entry by entry, in each version's spelling; its clock is never guessed."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from analyzer.lab import console as lab
from analyzer.lab import logs
from analyzer.lab.events import SELF_HOSTED, Event
from analyzer.lab.rows import blob_record
from analyzer.sources import items, read
from analyzer.sources.columns import CONSOLE, canonical
from analyzer.sources.console import entries, is_console
from analyzer.sources.items import Item, Record, Reject
from analyzer.sources.shapes import Shape
from tests.sources.build import TRUST, counts
from tests.sources.test_shapes import shape_of

AT = datetime(2026, 3, 4, 17, 22, 11, tzinfo=UTC)
OTHER_EVENT = (
    "[Error]2026-03-04T05:22:12.000 [Error], exception: System.Net.Http.HttpRequestException: no\n   at A.B()\n"
)


def events() -> list[Event]:
    """Whole seconds, since 2021 printed no fractions; in the afternoon, so that a time without a zone is one."""
    made = []
    for minute in range(0, 120, 10):
        at = AT + timedelta(minutes=minute)
        made += [
            logs.failure("orders.example", f"{TRUST} a, url: b", at, gateway=SELF_HOSTED, query="?a=1,b: 2,{c"),
            logs.success("orders.example", at + timedelta(seconds=1), gateway=SELF_HOSTED),
            logs.lookalike(
                logs.Lookalike.CLIENT_ABORT, "orders.example", at + timedelta(seconds=2), gateway=SELF_HOSTED
            ),
        ]
    return [*made, logs.overwritten(made[0]), logs.failed_over(made[3], "second.example")]


def _blob(of: list[Event]) -> str:
    """The same events as a storage account has them, without what a console does not say."""
    return "".join(json.dumps({k: v for k, v in blob_record(e).items() if k != "resourceId"}) + "\n" for e in of)


WRITERS: dict[str, tuple[Callable[[list[Event]], str], str]] = {
    "2021": (partial(lab.console_text, entry=lab.text_with_month_first), "self-hosted gateway console, text"),
    "2024": (partial(lab.console_text, entry=lab.text_2024), "self-hosted gateway console, text"),
    "2.7": (lab.console_text, "self-hosted gateway console, text"),
    "JSON": (lab.console_json, "self-hosted gateway console, JSON"),
}


def found(text: str | bytes) -> list[Item]:
    return list(entries(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def only(text: str) -> dict[str, str]:
    (one,) = found(text)
    assert isinstance(one, Record), one
    return canonical(one.value)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("how", ["plain", "gzip", "bom", "crlf", "no last line end", "with other events"])
def test_the_console_counts_as_a_storage_account_does(tmp_path: Path, name: str, how: str) -> None:
    writer, shape = WRITERS[name]
    data = writer(events()).encode()
    other = OTHER_EVENT.encode() if "text" in shape else b""
    stored = {
        "plain": data,
        "gzip": gzip.compress(data),
        "bom": b"\xef\xbb\xbf" + data,
        "crlf": data.replace(b"\n", b"\r\n"),
        "no last line end": data.rstrip(b"\n"),
        "with other events": other + data + other,
    }[how]
    (tmp_path / "blob").write_text(_blob(events()))
    (tmp_path / "console").write_bytes(stored)
    expected, got = read([str(tmp_path / "blob")]), read([str(tmp_path / "console")])
    assert got.intake.sources[0].shape == shape
    extra = 2 if how == "with other events" and other else 0
    assert counts(got) == (14, 12, 12 + extra, 0)
    for frame in ("failures", "traffic", "affected"):
        assert_frame_equal(getattr(got, frame), getattr(expected, frame))
    assert got.intake.lookalike_reasons == expected.intake.lookalike_reasons


@pytest.mark.parametrize("entry", [lab.text_with_month_first, lab.text_2024, lab.text_2_7, lab.console_json_line])
def test_every_spelling_says_the_same_of_an_entry(entry: Callable[[Event], str]) -> None:
    event = events()[0]
    told, log = only(entry(event) + "\n"), canonical(blob_record(event))
    assert told["time"].startswith("2026-03-04T17:22:11")
    assert told["time"].endswith("Z")
    same = {
        "backend_url",
        "region",
        "correlation_id",
        "api",
        "operation",
        "reason",
        "source",
        "section",
        "message",
        "elapsed",
    }
    assert {k: told[k] for k in same} == {k: log[k] for k in same}


def test_the_record_of_2021_names_no_backend_and_its_errors_no_reason() -> None:
    told = only(lab.text_2021(events()[0]) + "\n")
    assert "backend_url" not in told
    assert told["reason"] == "BackendConnectionFailure"
    assert "reason" not in json.loads(told["errors"])[0]


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("03/04/2026 17:22:11", "2026-03-04T17:22:11Z"),
        ("03/04/2026 05:22:11", "2026-03-04T05:22:11Z"),
        ("25/12/2026 17:22:11", None),  # not the invariant culture's
        ("2026-03-04T17:22:11.892", "2026-03-04T17:22:11.892Z"),
        ("2026-03-04T00:22:11.892", "2026-03-04T00:22:11.892Z"),
        ("2026-03-04T05:22:11.892", None),  # as the clock before the entry: which half of the day?
        ("2026-03-04T05:22:11.8920000Z", "2026-03-04T05:22:11.8920000Z"),
        ('"2026-03-04T05:22:11.8920000Z"', "2026-03-04T05:22:11.8920000Z"),
    ],
)
def test_a_time_is_told_only_where_the_half_of_the_day_is(said: str, time: str | None) -> None:
    told = only(f"[Info] 2026-03-04T05:22:11.892, isRequestSuccess: True, timeGenerated: {said}, apiId: a\n")
    assert told.get("time") == time
    assert told["api"] == "a"


def test_the_clock_of_an_entry_is_never_its_time() -> None:
    assert "time" not in only("[Info] 2026-03-04T05:22:11.892, isRequestSuccess: True, apiId: a\n")


def test_one_hour_of_the_afternoon_tells_of_the_whole_file() -> None:
    entry = "[Info] 2026-03-04T{0}.892 [GatewayLogs], isRequestSuccess: true, timeGenerated: 2026-03-04T{0}.892\n"
    morning, afternoon = entry.format("05:22:11"), entry.format("13:00:00")
    both = [canonical(i.value)["time"] for i in found(morning + afternoon) if isinstance(i, Record)]
    assert both == ["2026-03-04T05:22:11.892Z", "2026-03-04T13:00:00.892Z"]
    assert all("time" not in canonical(i.value) for i in found(morning + morning) if isinstance(i, Record))


def test_entries_wait_for_that_hour_in_order_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.sources.console._HELD", 3)
    entry = "[Info] 2026-03-04T{0}.892 [GatewayLogs], isRequestSuccess: true, timeGenerated: 2026-03-04T{0}.892\n"
    got = found(entry.format("05:22:11") * 4 + OTHER_EVENT + entry.format("05:22:11") + entry.format("13:00:00"))
    assert [i.line for i in got] == [1, 2, 3, 4, 5, 7, 8]
    timed = ["time" in canonical(i.value) for i in got if isinstance(i, Record)]
    assert timed == [False, False, False, True, False, True, True]


def test_commas_colons_and_brackets_in_values_divide_nothing() -> None:
    told = only(
        '[Info] 2026-03-04T05:22:11.892 [GatewayLogs], isRequestSuccess: false, url: "http://a/?x=1, apiId: no", '
        'backendUrl: http://b/?y={1,2},z: [3, apiId: yes, productId: , lastError: {"message": "a, apiId: no, \\"b\\"", '
        '"reason": "BackendConnectionFailure", "source": "request-forwarder"}, errors: []\n'
    )
    assert told["api"] == "yes"
    assert told["backend_url"] == "http://b/?y={1,2},z: [3"
    assert told["message"] == 'a, apiId: no, "b"'
    assert "product" not in told


def test_a_path_whose_backslash_is_not_doubled_costs_nothing() -> None:
    told = only(
        r'[Info] 2026-03-04T05:22:11.892, isRequestSuccess: False, lastError: { "path": "retry\choose", '
        r'"reason": "BackendConnectionFailure", "source": "request-forwarder" }, errors: [ ]' + "\n"
    )
    assert told["reason"] == "BackendConnectionFailure"


def test_other_events_and_their_bad_json_count_once_each() -> None:
    text = f"{OTHER_EVENT}{lab.NOT_JSON}\n{lab.text_2021(events()[0])}\nat the end of its lines\n{lab.NOT_JSON}\n"
    one, two, three, four = found(text)
    assert [i.line for i in (one, two, three)] == [1, 3, 4]
    assert all(isinstance(i, Record) for i in (one, two, three, four))
    assert isinstance(one, Record)
    assert canonical(one.value) == {}


@pytest.mark.parametrize("name", WRITERS)
def test_clients_addresses_are_counted_where_they_are_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "console").write_text(WRITERS[name][0](events()))
    affected = read([str(tmp_path / "console")], keep_ip=True).affected
    assert set(affected[affected["dimension"] == "caller"]["value"]) == {"203.0.113.9"}


def test_in_json_a_line_that_is_none_is_a_reject(tmp_path: Path) -> None:
    lines = lab.console_json(events()[:6]) + f"{lab.NOT_JSON}\n" * 3
    (tmp_path / "log").write_text(lab.NOT_JSON + "\n" + lines)
    shape = shape_of(tmp_path / "log")
    assert isinstance(shape, Shape)
    assert shape.dialect is CONSOLE
    assert counts(read([str(tmp_path / "log")])) == (2, 2, 2, 4)


def test_doubtful_json_lines_go_to_the_careful_reader(tmp_path: Path) -> None:
    of = events()[:6]
    rows = [json.loads(lab.console_json_line(e)) for e in of]
    odd = [{k: v for k, v in rows[0].items() if k != "method"}, {**rows[0], "timeGenerated": "3/14/2026, 5:22:11 PM"}]
    text = "".join(json.dumps(r) + "\n" for r in (*rows, *odd)) + logs.blob_lines(of) + logs.export_lines(of)
    (tmp_path / "log").write_text(text)
    assert counts(read([str(tmp_path / "log")])) == (2 + 2 + 2 + 2, 6, 6, 0)


def test_text_before_the_first_entry_and_a_half_last_one_are_a_reject_each() -> None:
    whole = lab.text_2021(events()[0]) + "\n"
    before, entry, cut = found("IpAddress: 10.0.0.1, region: a\n}\n" + whole + whole[:-60])
    assert isinstance(before, Reject)
    assert isinstance(entry, Record)
    assert isinstance(cut, Reject)
    assert (before.line, entry.line) == (1, 3)


def test_an_entry_of_no_bounds_is_a_reject_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.sources.console.LONGEST", 2000)
    monkeypatch.setattr(items, "LONGEST", 1000)
    whole = lab.text_with_month_first(events()[1]) + "\n"
    long = whole + "more\n" * 1000
    first, second, third, fourth = found(whole + long + whole + "[Info] 2026-03-04T" + "x" * 5000 + "\n")
    assert [type(i) for i in (first, second, third, fourth)] == [Record, Reject, Record, Reject]


@pytest.mark.parametrize(
    "text",
    ["[Info] 2026-03-04T05:22:11.892 started\n", "hello isRequestSuccess: true\n", '{"isRequestSuccess": true}\n'],
)
def test_another_programs_log_is_none_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "log").write_text(text * 3)
    assert not is_console(text.encode())
    assert isinstance(shape_of(tmp_path / "log"), str)


@pytest.mark.parametrize("part", [b'url: "x, ', b"url: [, ", b'url: "\\uzz", ', b'zzz: "a, ', b", a", b"zzz: [1], "])
def test_an_entry_made_to_take_long_does_not(part: bytes) -> None:
    data = b"[Info] 2026-03-04T05:22:11.892 [GatewayLogs], " + part * 100_000 + b"\n"
    began = process_time()
    assert len(found(data)) == 1
    assert process_time() - began < 5


SOME = events()[:6]
ENTRIES = st.one_of(
    st.builds(
        lambda write, event: f"{write(event)}\n",
        st.sampled_from([lab.text_2021, lab.text_with_month_first, lab.text_2024, lab.text_2_7, lab.console_json_line]),
        st.builds(
            lambda event, path: replace(event, url=f"https://a/{path}", backend_url=f"https://b/{path}"),
            st.sampled_from(SOME),
            st.text(
                st.characters(min_codepoint=33, max_codepoint=0x2000, exclude_categories=["Cs", "Zs", "Cc"]),
                max_size=30,
            ),
        ),
    ),
    st.sampled_from([OTHER_EVENT, f"{lab.NOT_JSON}\n"]),
)


def oracle(text: str) -> int:
    """Entries, counted without reading them: lines that open with a level and a clock, or an object."""
    return len(re.findall(r"^(?:\[(?:Info|Error)\] ?\d{4}-\d\d-\d\dT\d\d:|\{\")", text, re.MULTILINE))


@settings(max_examples=60, deadline=None)
@given(st.lists(ENTRIES, max_size=8))
def test_every_entry_counts_once(parts: list[str]) -> None:
    text = "".join(parts)
    got = found(text)
    assert len(got) == oracle(text) == len(parts)
    assert all(isinstance(i, Record) for i in got)


@settings(max_examples=60, deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=4), st.floats(0, 1))
def test_wherever_a_file_is_cut_the_entries_before_stand(parts: list[str], where: float) -> None:
    text = "".join(parts)
    cut = text[: int(where * len(text))]
    got, whole = found(cut), found(text)
    assert len(got) == max(oracle(cut), 1 if cut.strip() else 0)
    assert got[:-1] == whole[: max(len(got) - 1, 0)]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [b"[Info] 2026-03-04T05:22:11.892 [GatewayLogs], ", b"isRequestSuccess: ", b"lastError: ", b"\n"]
            ),
            st.sampled_from([b'{"a": ', b'"', b"[[", b"}", b", url: ", b"\\", b"timeGenerated: 99/99/2026 99:99:99"]),
        ),
        max_size=20,
    )
)
def test_no_bytes_make_it_raise(parts: list[bytes]) -> None:
    found(b"".join(parts))
    is_console(b"".join(parts))
