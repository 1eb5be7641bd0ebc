"""The counting law under every kind of input: read = records + rejected, records = failures + look-alikes + others."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.model import Kind, Window
from analyzer.sources import files, read
from analyzer.sources.items import LONGEST
from tests.sources.build import FAILED, HOUR, TIME, TRUST, Json, answered, backends, counts, error, failed, tally, write

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 4, 9, 15, 27, 441820, UTC)


# ── lines that are no record, and records that are hard to read ──────────────────────────────────────────────────────


def test_a_bad_line_costs_itself_only_and_is_named(tmp_path: Path) -> None:
    half = json.dumps(failed())[:-40]
    path = write(tmp_path, failed(), half, answered(), "null", "12", '"text"', "[1, 2]", "not json", "", failed(), half)
    found = read([str(path)])
    assert counts(found) == (2, 0, 1, 7)
    first = found.intake.sources[0].first_rejected
    assert len(first) == 5
    assert first[0].startswith(f"{path.as_posix()}:2: not JSON: ")
    assert first[1:] == (
        f"{path.as_posix()}:4: null, not a JSON object",
        f"{path.as_posix()}:5: a text or number, not a JSON object: <n>",
        f"{path.as_posix()}:6: a text or number, not a JSON object: …",
        f"{path.as_posix()}:7: an array, not a JSON object: […,…]",
    )


def test_a_rejected_line_is_quoted_without_its_values(tmp_path: Path) -> None:
    found = tally(tmp_path, failed(), '{"time": "2026-03-04T09:15:27Z", "authorization": "CANARY", "x": CANARY')
    (first,) = found.intake.sources[0].first_rejected
    assert first.endswith(': {"time":2026-03-04T09:15:27Z,"authorization":…,"x":…')


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"foo": "a JSON object of somebody else"},
        {"time": TIME},
        {"properties": {}},
        {"properties": "text"},
        {"properties": []},
        {"time": {"a": 1}, "properties": {"method": ["GET"]}, "correlationId": [1]},
    ],
)
def test_an_object_that_says_nothing_is_still_one_record(tmp_path: Path, odd: Json) -> None:
    assert counts(tally(tmp_path, failed(), odd)) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    "line",
    [
        b"\xef\xbb\xbf" + json.dumps(failed()).encode(),
        json.dumps(failed()).encode() + b"\r",
        b"  \t" + json.dumps(failed()).encode() + b" ",
        json.dumps(failed(headers="x")).encode().replace(b'"x"', b'"\xff\xfe"'),
        json.dumps(failed(headers="x")).encode().replace(b'"x"', b'"a\x00b"'),
        json.dumps(failed(headers="x")).encode().replace(b'"x"', b'"\\ud800"'),
        json.dumps(failed(headers="x")).encode().replace(b'"x"', b'"a\x01b"'),
        json.dumps(failed(headers="x")).encode().replace(b'"x"', b"NaN"),
        json.dumps(failed(headers="x")).encode().replace(b'"x"', b"1" * 10_000),
        json.dumps(failed(headers="x")).encode().replace(b'"x"', b"[" * 500 + b"]" * 500),
        json.dumps(failed(time=None)).encode(),
        json.dumps(failed(time=17)).encode(),
        json.dumps({**failed(), "properties": json.dumps(failed()["properties"])}).encode(),
        json.dumps({"records": [failed()]}).encode(),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_record_that_is_hard_to_read_is_not_lost(tmp_path: Path, line: bytes, place: int) -> None:
    lines = [answered(), answered()]
    found = tally(tmp_path, *lines[:place], line, *lines[place:])
    assert counts(found) == (1, 0, 2, 0)
    assert backends(found) == {("https", "orders.example", 443, "")}


def test_a_record_nested_beyond_all_bounds_is_a_record_or_a_reject(tmp_path: Path) -> None:
    deep = json.dumps(failed(headers="x")).replace('"x"', "[" * 100_000 + "]" * 100_000)
    half = json.dumps(failed(headers="x")).replace('"x"', "[" * 100_000)
    found = tally(tmp_path, answered(), deep, half, failed())
    assert counts(found) == (2, 0, 1, 1)


def test_fields_of_varying_type_are_read_as_text(tmp_path: Path) -> None:
    codes = [200, "200", 200.0, "200.0"]
    found = tally(tmp_path, *(answered(properties={"backendResponseCode": c, "apiId": i}) for i, c in enumerate(codes)))
    assert found.traffic["requests"].tolist() == [4]
    assert found.traffic["last_success"].notna().all()
    ids = [17, True, "text", {"a": 1}, [1]]
    found = tally(tmp_path, *(failed(properties={"apiId": i}) for i in ids))
    assert sorted(found.affected[found.affected["dimension"] == "api"]["value"]) == sorted(
        ["17", "true", "text", '{"a":1}', "[1]"]
    )


def test_a_line_longer_than_any_record_costs_only_itself(tmp_path: Path) -> None:
    long = json.dumps(answered(body="x" * (3 * LONGEST)))
    found = read([str(write(tmp_path, failed(), long, failed(), name="a.json")), str(write(tmp_path, failed()))])
    assert counts(found) == (3, 0, 0, 1)
    assert [s.records for s in found.intake.sources] == [2, 1]
    assert found.intake.sources[0].first_rejected == (f"{(tmp_path / 'a.json').as_posix()}:2: longer than 16 MiB",)


# ── archives ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", ["lines", "document"])
def test_of_a_damaged_archive_what_precedes_the_damage_counts(tmp_path: Path, shape: str) -> None:
    records = [failed(correlationId=f"{i:032x}") for i in range(2_000)]
    data = b"".join(json.dumps(r).encode() + b"\n" for r in records)
    if shape == "document":
        data = json.dumps({"records": records}).encode()
    whole = gzip.compress(data)
    for damaged in (whole[: len(whole) // 2], whole[:-4], whole[:-8] + b"\x00" * 8):
        (tmp_path / "log.gz").write_bytes(damaged)
        found = read([str(tmp_path / "log.gz")])
        assert 100 < found.intake.failures <= 2_000
        assert found.intake.rejected == 1
        assert re.search(
            r"the archive is damaged from byte \d+ of its content on$", found.intake.sources[0].first_rejected[0]
        )


def test_an_archive_of_several_members_is_read_whole(tmp_path: Path) -> None:
    member = gzip.compress(json.dumps(failed()).encode() + b"\n")
    (tmp_path / "log.json.gz").write_bytes(member * 3)
    assert counts(read([str(tmp_path)])) == (3, 0, 0, 0)


# ── many files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_file_keeps_its_own_count_however_they_are_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {}
    for i in range(12):
        lines: list[Json | str] = [failed()] * (i % 3) + [answered()] * (i % 4) + ["broken"] * (i % 2)
        if i % 4 == 3:
            path = write(tmp_path, json.dumps({"records": [x for x in lines if isinstance(x, dict)]}), name=f"{i}.json")
            expected[path.as_posix()] = (i % 3 + i % 4, i % 3, 0)
        else:
            path = write(tmp_path, answered(), *lines, name=f"{i}.json")
            expected[path.as_posix()] = (1 + i % 3 + i % 4, i % 3, i % 2)
    for most in (2_000, 2):
        monkeypatch.setattr(files, "_FILES_AT_ONCE", most)
        monkeypatch.setattr(files, "_AT_ONCE", 1_000 * most)
        found = read([str(tmp_path)])
        assert {s.name: (s.records, s.failures, s.rejected) for s in found.intake.sources} == expected


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    read([str(write(tmp_path, failed()))], on_progress=lambda what, done, total: heard.append((what, done, total)))
    assert [what for what, _, _ in heard] == ["reading, MB"] * len(heard)
    assert heard[-1][1] == heard[-1][2]


# ── times and windows ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (TIME, AT),
        ("2026-03-04T09:15:27.4418203", AT),
        ("2026-03-04 09:15:27.44182Z", AT),
        ("2026-03-04T09:15:27Z", AT.replace(microsecond=0)),
        ("2026-03-04T11:15:27.4418203+02:00", AT),
        ("2026-03-04T04:15:27.4418203-0500", AT),
        ("2026-03-04 11:15:27.4418203 +02:00", AT),
        ("2026-03-04T11:15:27+02", AT.replace(microsecond=0)),
        ("2026/03/04 09:15:27", AT.replace(microsecond=0)),
        ("3/14/2026, 9:15:27.441 AM", AT.replace(day=14, microsecond=441000)),
        ("14/03/2026 17:22:11", datetime(2026, 3, 14, 17, 22, 11, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_utc(tmp_path: Path, text: str, moment: datetime) -> None:
    found = tally(tmp_path, failed(time=text))
    assert found.found == Window(start=moment, end=moment)
    assert found.failures["hour"].tolist() == [moment.replace(minute=0, second=0, microsecond=0)]
    assert found.caveats == ()


@pytest.mark.parametrize(
    "text", ["yesterday", "31.2.2025, 9:19:25,391", "", "0001-01-01T00:00:00Z", "infinity", "99999-01-01", None, 5]
)
def test_a_record_without_a_readable_time_counts_at_the_files_last_one_and_it_is_said(
    tmp_path: Path, text: object
) -> None:
    found = tally(tmp_path, answered(time="2026-03-04T08:00:00Z"), answered(time=TIME), failed(time=text))
    assert counts(found) == (1, 0, 2, 0)
    assert found.failures["first"].tolist() == [AT]
    assert found.caveats == (
        f"1 records of {(tmp_path / 'PT1H.json').as_posix()} have no readable time: they were counted at 2026-03-04 09:15 UTC, "
        "the time of its last record.",
    )


def test_without_any_readable_time_the_files_own_stands(tmp_path: Path) -> None:
    path = write(tmp_path, failed(time="?"))
    os.utime(path, (AT.timestamp(), AT.timestamp()))
    found = read([str(path)])
    assert abs(found.failures["last"].iloc[0] - AT) < timedelta(seconds=1)
    assert "the time of its last change" in found.caveats[0]


def test_a_window_is_half_open_and_what_lies_outside_is_said(tmp_path: Path) -> None:
    times = [AT - HOUR, AT, AT + HOUR]
    records = [failed(time=t.isoformat()) for t in times] + [answered(time=t.isoformat()) for t in times]
    for window, inside in (
        (Window(), 6),
        (Window(start=AT), 4),
        (Window(end=AT), 2),
        (Window(start=AT, end=AT + HOUR), 2),
        (Window(start=AT + HOUR * 2), 0),
    ):
        found = tally(tmp_path, *records, window=window)
        assert counts(found) == (inside // 2, 0, inside // 2, 0)
        assert found.failures["count"].sum() == inside // 2
        assert found.affected["count"].sum() == 2 * (inside // 2)
        assert found.traffic["requests"].sum() == inside
        said = (f"{6 - inside} records lie outside the window and were not counted.",) if inside < 6 else ()
        assert found.caveats == said


def test_a_window_in_another_zone_means_the_same(tmp_path: Path) -> None:
    from datetime import timezone

    start = AT.astimezone(timezone(timedelta(hours=5)))
    assert counts(tally(tmp_path, failed(), window=Window(start=start))) == (1, 0, 0, 0)


def test_a_record_without_a_time_is_in_the_window_where_it_was_put(tmp_path: Path) -> None:
    records = [answered(), failed(time="?")]
    assert counts(tally(tmp_path, *records, window=Window(start=AT - HOUR))) == (1, 0, 1, 0)
    outside = tally(tmp_path, *records, window=Window(start=AT + HOUR))
    assert counts(outside) == (0, 0, 0, 0)
    assert outside.failures.empty
    assert outside.affected.empty


# ── leaving nothing behind ───────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = tmp_path / "temporary"
    workspace.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(workspace))
    read([str(write(tmp_path, failed(), "broken")), "-"], stdin=io.BytesIO(json.dumps(failed()).encode()))
    assert list(workspace.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches a child process by other means on Windows")
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    workspace = tmp_path / "temporary"
    workspace.mkdir()
    line = json.dumps(answered()).encode() + b"\n"
    # Standard input never ends, so the interrupt comes while the spool is there.
    # A shell's background job starts with SIGINT ignored; the handler is Python's own.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from analyzer.sources import read; print('ready', flush=True); read(['-'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(workspace)},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.stdin.write(line * 5_000)  # more than every buffer on the way: it is being read
        child.stdin.flush()
        assert [p.name.startswith("apim-triage-") for p in workspace.iterdir()] == [True]
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30)
    assert b"KeyboardInterrupt" in err
    assert list(workspace.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches a child process by other means on Windows")
def test_an_interrupt_while_duckdb_counts_is_an_interrupt(tmp_path: Path) -> None:
    path = write(tmp_path, *[json.dumps(answered())] * 60_000)
    # The statement begins right after the callback. Should it be over too soon, the interrupt comes in the loop below.
    script = (
        "import os, signal, sys, threading; from analyzer.sources import read\n"
        "shoot = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))\n"
        "def begin(*_):\n    if not shoot.ident: shoot.start()\n"
        "try:\n    read([sys.argv[1]], on_progress=begin)\n    shoot.join()\n    signal.pause()\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "interrupted\n"


# ── the law, with an independent counter ─────────────────────────────────────────────────────────────────────────────


def _expect(line: bytes) -> str:
    """What the law says of one line: blank, rejected, failure, lookalike or other."""
    if not line.strip():
        return "blank"
    try:
        value = json.loads(line)
    except ValueError:
        return "rejected"
    if not isinstance(value, dict):
        return "rejected"
    properties = value.get("properties") if isinstance(value.get("properties"), dict) else {}
    last = properties.get("lastError") or {}
    every = [last, *(properties.get("errors") or [])]
    hits = [e for e in every if e.get("reason") == FAILED]
    if any(e.get("source") in ("forward-request", "request-forwarder") for e in hits):
        return "failure"
    if hits or last.get("reason") in ("ClientConnectionFailure", "Timeout", "OperationNotFound"):
        return "lookalike"
    return "other"


_reasons = st.sampled_from(
    [FAILED, "Timeout", "ClientConnectionFailure", "OperationNotFound", "QuotaExceeded", "JwtInvalid"]
)
_sources = st.sampled_from(
    ["forward-request", "request-forwarder", "send-request", "transfer-response", "configuration"]
)
_errors = st.builds(
    lambda reason, source, text: error(text, reason=reason, source=source), _reasons, _sources, st.text(max_size=20)
)
_records = st.one_of(
    st.builds(lambda: answered()),
    st.builds(lambda last, errors: failed(last, errors), _errors, st.lists(_errors, max_size=3)),
    st.builds(lambda time: answered(time=time), st.sampled_from([None, "?", TIME, 7])),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)
_lines = st.one_of(
    _records.map(lambda r: json.dumps(r).encode()),
    _records.flatmap(lambda r: st.integers(0, 80).map(lambda n: json.dumps(r).encode()[: -n or None])),
    st.sampled_from([b"", b"   ", b"\t\r", b"null", b"[]", b"{}", b"17", b'"x"', b"{}{}", b"[Info] text", b"{", b"}"]),
    st.binary(max_size=12).map(
        lambda b: b.replace(b"\n", b"").replace(b"\x00", b"").decode("ascii", "ignore").encode()
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_lines, max_size=25), st.booleans())
def test_every_line_is_counted_once(tmp_path: Path, lines: list[bytes], ended: bool) -> None:
    lines = [json.dumps(answered()).encode(), *lines]
    path = tmp_path / "PT1H.json"
    path.write_bytes(b"\n".join(lines) + (b"\n" if ended else b""))
    expected = [_expect(line) for line in lines]
    found = read([str(path)])
    kinds = ("failure", "lookalike", "other", "rejected")
    assert counts(found) == tuple(expected.count(kind) for kind in kinds)
    assert found.intake.records + found.intake.rejected == len(expected) - expected.count("blank")
    connections = found.failures[found.failures["kind"] != Kind.TRANSFER]  # a body that broke off is a look-alike
    assert connections["count"].sum() == expected.count("failure")
    assert found.gateways[found.gateways["field"] == "sku"]["count"].sum() == found.intake.records


def test_trust_failures_of_two_hours_are_one_signature_in_two_hours(tmp_path: Path) -> None:
    found = tally(tmp_path, *(failed(time=f"2026-03-04T{h:02}:30:00Z") for h in (9, 9, 10)))
    assert found.failures[["signature", "count"]].values.tolist() == [[TRUST, 2], [TRUST, 1]]
