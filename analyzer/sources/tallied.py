"""Rows of our own tally query in, rows of the table `groups` out: what was counted in a workspace counts on here.

`queries/failures-tally.kql` is run by people who may only use the portal; its result comes as CSV, as the output of
`az`, as an answer of the API, as any table. A row is one of `grouping.GROUPS`, its columns in PascalCase.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import BinaryIO

import duckdb
import pandas as pd

from analyzer.model import Window
from analyzer.sources.answers import TALLY_VERSION
from analyzer.sources.columns import normal
from analyzer.sources.grouping import DETAILED, DIMENSIONS, OWN_HOST, SEND_REQUEST, TRANSFER, bounds
from analyzer.sources.items import Item, Items, Record, Reject
from analyzer.tally import ELAPSED_EDGES_MS, NOT_LOGGED

VERSION = "1"
COLUMNS = (
    "class", "label", "resource_id", "resource", "region", "sku", "origin", "backend_id", "answered", "hour", "message",
    "elapsed_bucket", "dimension", "value", "count", "first", "last", "first_id", "last_id",
)  # fmt: skip
"""Of a row, besides TallyVersion: as `groups` names them."""

FORMS = {name.replace("_", ""): name for name in COLUMNS}
"""Normal spelling of a column: its name in `groups`."""

_CLASSES = ("failure", "lookalike", "other")
_DIMENSIONS = ("", *DIMENSIONS, OWN_HOST)
_BUCKETS = frozenset(map(str, (NOT_LOGGED, *ELAPSED_EDGES_MS)))
_MOST = 10**12  # requests of one row; no gateway serves so many in an hour
_COUNT = re.compile(r"([0-9]{1,13})(?:\.0+)?")
_ID = re.compile(r"[0-9A-Fa-f._:|-]{1,64}")
_LONGEST = 4096  # characters of any text
_EARLIEST, _LATEST = datetime(2010, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  UTC without a word of it, as in DuckDB


def is_tally(names: Iterable[str]) -> bool:
    """Whether a table with these columns is the result of our own query."""
    return TALLY_VERSION in map(normal, names)


def reader(items: Items) -> Items:
    """What reads rows of the table `groups`, as dicts of text, from what reads records of a shape."""
    return partial(_read, items)


def checked(items: Iterable[Item]) -> Iterator[Item]:
    """Rows of our own query as rows of the table `groups`, dicts of text; what cannot be one is a reject."""
    for one in items:
        yield one if isinstance(one, Reject) else _row(one)


def why_not(items: Items, stream: BinaryIO) -> str:
    """Why rows of our own query are not read: their version, where it is another; "" where they are read."""
    for one in items(stream):
        if isinstance(one, Record):
            version = _texts(one.value)[1]
            return "" if version in ("", VERSION) else _other_version(version)
    return ""


def insert(db: duckdb.DuckDBPyConnection, part: int, rows: Iterable[Mapping[str, str]]) -> None:
    """Add such rows to `groups`, as counted in the file at position `part`."""
    tallied = pd.DataFrame([dict(row) for row in rows], columns=list(COLUMNS), dtype=object)
    if tallied.empty:
        return
    db.register("tallied", tallied)
    db.execute(_INSERT, {"part": part})
    db.unregister("tallied")


def cut(db: duckdb.DuckDBPyConnection, part: int, window: Window) -> bool:
    """Leave what of a tally lies outside a window, rounded outward to whole hours; whether it had to be rounded."""
    hour = timedelta(hours=1)
    start = window.start and window.start.replace(minute=0, second=0, microsecond=0)
    end = window.end and -((_EPOCH - window.end) // hour) * hour + _EPOCH
    db.execute(
        """UPDATE groups SET class = 'outside' WHERE file = $file AND (
            coalesce(hour, last) < $start::TIMESTAMP OR coalesce(hour, first) >= $end::TIMESTAMP)""",
        {"file": part, **bounds(Window(start=start, end=end))},
    )
    return (start, end) != (window.start, window.end)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NAMES = ("label", "resource_id", "resource", "region", "sku", "origin", "backend_id", "dimension", "value")
_INSERT = f"""
INSERT INTO groups BY NAME
SELECT $part::INTEGER AS file, class, {", ".join(f"nullif({name}, '') AS {name}" for name in _NAMES)},
    answered = 'true' AS answered, true AS timed, nullif(hour, '')::TIMESTAMP AS hour,
    CASE WHEN class = 'failure' OR label IN ('{SEND_REQUEST}', '{TRANSFER}') THEN message END AS message,
    nullif(elapsed_bucket, '')::BIGINT AS elapsed_bucket, count::BIGINT AS count, first::TIMESTAMP AS first, last::TIMESTAMP AS last,
    CASE WHEN {DETAILED} AND dimension = '' THEN {{'rank': -epoch_us(first::TIMESTAMP), 'id': first_id}} END AS first_id,
    CASE WHEN {DETAILED} AND dimension = '' THEN {{'rank': epoch_us(last::TIMESTAMP), 'id': last_id}} END AS last_id
FROM tallied"""


def _read(items: Items, stream: BinaryIO) -> Iterator[Item]:
    return checked(items(stream))


def _row(record: Record) -> Item:
    """A row whose every value is one that the query can have written, or what is wrong with it."""
    found, version = _texts(record.value)
    row = {name: found.get(name, "") for name in COLUMNS}
    if version != VERSION:
        return Reject(line=record.line, why=_other_version(version))
    count = _COUNT.fullmatch(row["count"])
    hour, first, last = (_moment(row[name]) for name in ("hour", "first", "last"))
    failure, broke, dimension = (
        row["class"] == "failure",
        (row["class"], row["label"]) == ("lookalike", TRANSFER),
        row["dimension"],
    )
    # an older query told nothing more of a body that broke off
    buckets = _BUCKETS if failure and not dimension else {*_BUCKETS, ""} if broke and not dimension else {""}
    wrong = (
        ("Class", row["class"] not in _CLASSES),
        ("Count", count is None or not 0 < int(count[1]) <= _MOST),
        ("Dimension", dimension not in _DIMENSIONS or bool(dimension) > (failure or broke)),
        ("Value", bool(dimension) is not bool(row["value"])),
        ("First", first is None),
        ("Last", last is None or (first is not None and last < first)),
        ("Hour", hour is None if not dimension else bool(row["hour"])),
        ("Answered", row["answered"].casefold() not in ("true", "false", "1", "0")),
        ("ElapsedBucket", _bucket(row) not in buckets),
    )
    for name, is_wrong in wrong:
        if is_wrong:
            return Reject(line=record.line, why=f"a tally row whose {name} cannot be")
    row |= {
        "count": str(int(count[1])) if count else "",
        "hour": hour.replace(minute=0, second=0, microsecond=0).isoformat(" ") if hour else "",
        "first": first.isoformat(" ") if first else "",
        "last": last.isoformat(" ") if last else "",
        "answered": "true" if row["answered"].casefold() in ("true", "1") else "false",
        "elapsed_bucket": _bucket(row),
        **{name: row[name] if _ID.fullmatch(row[name]) else "" for name in ("first_id", "last_id")},
    }
    return Record(line=record.line, value=dict(row), inside="tally")


def _texts(value: Mapping[str, object]) -> tuple[dict[str, str], str]:
    """The texts of a row by the names in `groups`, and its TallyVersion."""
    absent = "None" if "TableName" in value else ""  # az writes every value through Python's str()
    texts = {normal(key): "" if v is None or v == absent else str(v)[:_LONGEST] for key, v in value.items()}
    return {FORMS[form]: text for form, text in texts.items() if form in FORMS}, _whole(texts.get(TALLY_VERSION, ""))


def _other_version(version: str) -> str:
    said = version if version.isdecimal() and len(version) < 6 else "an unknown version"
    return f"a tally of version {said}, where {VERSION} is read: run the query that came with this apim-triage"


def _whole(number: str) -> str:
    return re.sub(r"\.0+$", "", number)


def _bucket(row: Mapping[str, str]) -> str:
    return _whole(row["elapsed_bucket"])


def _moment(text: str) -> datetime | None:
    """A UTC time as DuckDB has it, to the microsecond; None where the text is none."""
    try:
        found = datetime.fromisoformat(text)
        found = (found.astimezone(UTC) if found.tzinfo else found).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return found if _EARLIEST <= found < _LATEST else None
