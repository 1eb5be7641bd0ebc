"""A workspace and its exported rows give equal tallies, whichever tables the rows are in; the query itself is executed."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from analyzer.lab import logs, sample_logs
from analyzer.lab.events import Event, LoggedError
from analyzer.lab.exports import overflowing_row
from analyzer.lab.rows import Row, blob_record, diagnostics_row, resource_row
from analyzer.model import Window
from analyzer.sources import read
from analyzer.sources.grouping import BACKEND_FAILED, LOOKALIKES
from analyzer.sources.masking import mask
from analyzer.tally import Tally
from tests.queries.executed import answer, as_csv
from tests.sources.build import TRUST, counts

START = datetime(2026, 3, 14, 6, 0, 0, tzinfo=UTC)
SPECIFIC, LEGACY = "ApiManagementGatewayLogs", "AzureDiagnostics"
ALWAYS = Window(start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2030, 1, 1, tzinfo=UTC))
FRAMES = ("failures", "traffic", "affected", "gateways")

Tables = dict[str, list[Row]]


def of_samples() -> list[Event]:
    """All that the sample logs tell of, but for those that no workspace holds: a console's, and records of 2017."""
    skipped = ("shapes/console", "shapes/kubectl", "shapes/trace", "shapes/blob_2017")
    return [e for s in sample_logs.samples() if not s.folder.startswith(skipped) for e in s.events]


def at_random(count: int = 500) -> list[Event]:
    """Requests with every combination of what a query decides by, the same each time; no two at one moment."""
    draw = random.Random(6)
    texts = [
        TRUST,
        f"{TRUST} https://a.example/x?sig=CANARY&y=1 key=CANARY2 (Bearer CANARY3)",
        "Unable to connect to the remote server 192.0.2.10:443",
        "No such host is known. (other.example:8443)",
        "LogError connecting to [2001:db8::7]:443",
        "The operation timed out after 100 s, HTTP 502, TLS 1.2, id 0b1f6471-1bf0-4dda-aec3-111122223333",
        "Ünïcödé “quotes” \\ back\\slash \"quoted\" 'single'\ttab\nline",
        "password: 'CANARY secret' and more",
        "",
        "y" * 4_090 + " CANARYCANARYCANARY",
    ]
    gateways = [logs.CLASSIC, logs.V2, logs.SELF_HOSTED, replace(logs.CLASSIC, name="other-apim", region="East US")]
    made = []
    for number in range(count):
        errors = tuple(
            LoggedError(
                source=draw.choice(
                    ["forward-request", "request-forwarder", "send-request", "transfer-response", "", "a b!"]
                ),
                reason=draw.choice(
                    [BACKEND_FAILED, BACKEND_FAILED, BACKEND_FAILED, *LOOKALIKES, "ExpressionValueEvaluationFailure"]
                ),
                message=draw.choice(texts),
                section=draw.choice(["backend", "inbound", ""]),
                elapsed=draw.choice([-1, 0, 61, 100, 101, 21_030, 100_004, 400_000]),
            )
            for _ in range(draw.choice([0, 0, 1, 1, 1, 2, 3]))
        )
        host = draw.choice(
            [
                "orders.example",
                "Orders.Example:8443",
                "user:CANARY@svc.example",
                "192.0.2.7",
                "[2001:db8::7]:443",
                "unused",
            ]
        )
        url = draw.choice(
            [f"https://{host}/a/b?code=CANARY", f"http://{host}", f"wss://{host}/#x", None, "not a url", ""]
        )
        made.append(
            replace(
                logs.success("orders.example", START + timedelta(milliseconds=number * 41_003)),
                gateway=draw.choice(gateways),
                correlation_id=draw.choice(
                    [f"{number:032x}", f"{number:08x}-1bf0-4dda-aec3-111122223333", f"not an id {number}"]
                ),
                errors=errors,
                backend_url=url,
                url=draw.choice(
                    [
                        "https://contoso-apim.azure-api.net/x",
                        "https://ORDERS.example/x?k=CANARY",
                        "http://svc.example:80/",
                    ]
                ),
                backend_id=draw.choice([None, "orders", "pool one"]),
                backend_code=draw.choice([None, None, 200, 502, 0]),
                backend_ms=draw.choice([None, 0, 58, 21_030]),
                api=draw.choice([None, "orders-api"]),
                product=draw.choice([None, "internal"]),
            )
        )
    return made


def split(events: Sequence[Event], first: Callable[[Event], bool], second: Callable[[Event], bool]) -> Tables:
    """A workspace where each table has its part of the requests."""
    return {
        SPECIFIC: [resource_row(e) for e in events if first(e)],
        LEGACY: [diagnostics_row(e) for e in events if second(e)],
    }


def even(event: Event) -> bool:
    return event.time.hour % 2 == 0


WORKSPACES: dict[str, Callable[[Sequence[Event]], Tables]] = {
    "specific": lambda of: {SPECIFIC: [*map(resource_row, of)]},
    "legacy": lambda of: {LEGACY: [*map(diagnostics_row, of)]},
    "overflown": lambda of: {LEGACY: [*map(overflowing_row, of)]},
    "half overflown": lambda of: {LEGACY: [overflowing_row(e) if even(e) else diagnostics_row(e) for e in of]},
    "in turns": lambda of: split(of, even, lambda e: not even(e)),
    "by service": lambda of: split(
        of, lambda e: e.gateway.name == logs.CLASSIC.name, lambda e: e.gateway.name != logs.CLASSIC.name
    ),
    "both": lambda of: split(of, lambda _: True, lambda _: True),
    "overlapping": lambda of: split(of, even, lambda e: e.time.hour % 3 != 0),
    "bare": lambda of: {SPECIFIC: [{**resource_row(e), "Errors": None} for e in of]},
    "odd": lambda of: {LEGACY: [diagnostics_row(e) | {"errors_s": ODD[i % len(ODD)]} for i, e in enumerate(of)]},
    "spelled otherwise": lambda of: {LEGACY: [otherwise(diagnostics_row(e)) for e in of]},
}
ODD = [
    "",
    "null",
    "[]",
    "{}",
    "not json BackendConnectionFailure",
    '{"reason": "BackendConnectionFailure", "source": "forward-request", "message": "alone", "elapsed": "7"}',
    '[{"reason": "BackendConnectionFailure", "source": "forward-request"}, null, 5, "BackendConnectionFailure"]',
    '[{"reason": "BackendConnectionFailure", "section": "backend", "message": "cut',
    '[{"source": "x", "message": "BackendConnectionFailure"}]',
]


def otherwise(row: Row) -> Row:
    """A row with the columns that other people's code reads."""
    names = {
        "lastError_reason_s": "LastErrorReason_s",
        "lastError_source_s": "LastErrorSource_s",
        "lastError_section_s": "LastErrorSection_s",
        "lastError_message_s": "LastErrorMessage_s",
        "lastError_elapsed_d": "LastErrorElapsed_d",
        "location_s": "Region_s",
        "Resource": "ServiceName",
    }
    return {names.get(key, key): value for key, value in row.items()}


def counted(tables: Tables) -> list[Row]:
    """The rows of both tables that count: where an hour of a service is in both, those of the first."""
    hours = {(row["_ResourceId"], row["TimeGenerated"][:13]) for row in tables.get(SPECIFIC, [])}
    rest = [r for r in tables.get(LEGACY, []) if (r["_ResourceId"], r["TimeGenerated"][:13]) not in hours]
    return [*tables.get(SPECIFIC, []), *rest]


def by_query(folder: Path, tables: Tables, window: Window = ALWAYS) -> Tally:
    assert window.start
    assert window.end
    rows = answer("failures-tally", tables, window_start=window.start, window_end=window.end)
    path = folder / "tally.csv"
    path.write_text(as_csv(rows), encoding="utf-8", newline="")
    return read([str(path)])


def by_file(folder: Path, rows: Sequence[Row], window: Window = Window()) -> Tally:  # noqa: B008  frozen
    path = folder / "rows.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read([str(path)], window=window)


def assert_equal(one: Tally, other: Tally, frames: Sequence[str] = FRAMES) -> None:
    for name in frames:
        assert_frame_equal(getattr(one, name), getattr(other, name), obj=name)
    assert one.intake.lookalike_reasons == other.intake.lookalike_reasons
    assert one.intake.send_request == other.intake.send_request
    assert counts(one) == counts(other)
    assert one.found == other.found


@pytest.mark.parametrize(
    ("name", "events"),
    [
        *((name, at_random) for name in WORKSPACES),
        *((name, of_samples) for name in ("specific", "legacy", "overlapping")),
    ],
)
def test_a_workspace_and_its_exported_rows_give_equal_tallies(
    tmp_path: Path, name: str, events: Callable[[], list[Event]]
) -> None:
    tables = WORKSPACES[name](events())
    expected = by_file(tmp_path, counted(tables))
    assert min(counts(expected)[:3]) > 10
    assert_equal(by_query(tmp_path, tables), expected)


@pytest.mark.parametrize("events", [of_samples, at_random], ids=["samples", "random"])
def test_a_workspace_and_the_storage_account_give_equal_tallies(
    tmp_path: Path, events: Callable[[], list[Event]]
) -> None:
    made = events()
    expected = by_file(tmp_path, [*map(blob_record, made)])
    assert_equal(by_query(tmp_path, {LEGACY: [*map(diagnostics_row, made)]}), expected)
    # the specific table has no column for the SKU
    assert_equal(by_query(tmp_path, {SPECIFIC: [*map(resource_row, made)]}), expected, FRAMES[:3])


@pytest.mark.parametrize("events", [of_samples, at_random], ids=["samples", "random"])
def test_the_form_for_the_basic_plan_counts_the_same(tmp_path: Path, events: Callable[[], list[Event]]) -> None:
    tables = WORKSPACES["specific"](events())
    path = tmp_path / "tally.csv"
    path.write_text(as_csv(answer("failures-tally-basic", tables)), encoding="utf-8", newline="")
    assert_equal(read([str(path)]), by_file(tmp_path, counted(tables)))


def test_a_window_cuts_both_alike(tmp_path: Path) -> None:
    window = Window(start=START + timedelta(minutes=33), end=START + timedelta(hours=4, minutes=7))
    tables = WORKSPACES["overlapping"](at_random())
    expected = by_file(tmp_path, counted(tables), window)
    assert_equal(by_query(tmp_path, tables, window), replace(expected, caveats=()))


def test_windows_add_up_to_the_whole(tmp_path: Path) -> None:
    tables = WORKSPACES["overlapping"](at_random())
    edges = [START, START + timedelta(minutes=97), START + timedelta(hours=3, minutes=1), START + timedelta(hours=9)]
    rows = [
        row
        for start, end in itertools.pairwise(edges)
        for row in answer("failures-tally", tables, window_start=start, window_end=end)
    ]
    path = tmp_path / "parts.csv"
    path.write_text(as_csv(rows), encoding="utf-8", newline="")
    assert_equal(read([str(path)]), by_file(tmp_path, counted(tables)))


def test_no_secret_leaves_a_workspace_and_each_text_is_masked_as_a_file_s(tmp_path: Path) -> None:
    made = at_random()
    assert "CANARY" in json.dumps([*map(resource_row, made)])
    rows = answer("failures-tally", {SPECIFIC: [*map(resource_row, made)]}, window_start=ALWAYS.start or START)
    assert "CANARY" not in json.dumps(rows)
    texts = {mask(e.message) for event in made for e in event.errors if len(e.message) < 4_000}
    left = {row["Message"] for row in rows if row["Class"] == "failure" and len(row["Message"]) < 4_000}
    assert left > {TRUST}
    assert {mask(text) for text in left} <= texts
