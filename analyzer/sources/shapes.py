"""The first bytes of a file in, the shape it has out: one table of shapes, told apart by content."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import BinaryIO

from analyzer.sources import answers, capture, console, documents, parquet, prefixes, sheets, tallied, traces
from analyzer.sources.columns import (
    CONSOLE,
    FORMS,
    RESOURCE_LOG,
    TABLE,
    UNREAD,
    Dialect,
    canonical,
    is_gateway_log,
    normal,
)
from analyzer.sources.insights import is_insights
from analyzer.sources.items import Items, Record, item, lines, parse
from analyzer.sources.packing import Content
from analyzer.sources.siblings import sibling

_HEAD = 1 << 17  # bytes that are looked at
_ENOUGH = 25  # records of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the first bytes of a file hold, each way that they can be read."""

    data: bytes
    records: tuple[Record, ...]  # as JSON documents
    log: Record | None  # the first of them that only a gateway writes
    alone: bool  # that one is a line of its own
    header: tuple[str, ...]  # as CSV
    insights: Record | None  # the first that Application Insights wrote, where a gateway log has none
    insights_alone: bool  # that one is a line of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape in which gateway logs reach a user."""

    name: str
    tells: Callable[[Head], bool]
    items: Items  # reads it record by record
    dialect: Dialect | None = None  # DuckDB can read it, in these spellings; None: only `items` can
    absent: frozenset[str] = frozenset()  # how it writes that there is no value
    refuses: Callable[[BinaryIO], str] | None = (
        None  # why it is not a gateway log after all, where the head cannot tell
    )
    cannot_answer: str = ""  # why it does not say which connections failed, though its records count
    tallied: bool = False  # `items` yields rows of the table `groups`, for `tallied.insert`
    insights: bool = False  # rows of Application Insights, whose meaning is `insights`' and not `columns`'


def _held_in(wrapper: str, key: str = "") -> Callable[[Head], bool]:
    return lambda h: h.log is not None and h.log.inside == wrapper and (not key or key in h.log.value)


def _insights_az(h: Head) -> bool:
    return h.insights is not None and h.insights.inside == "array" and "TableName" in h.insights.value


def _line(h: Head) -> bool:
    return h.log is not None and h.log.inside == "" and h.alone


def _nested_line(h: Head) -> bool:
    return _line(h) and h.log is not None and "properties" in h.log.value


def _console_line(h: Head) -> bool:
    return _line(h) and h.log is not None and "timeGenerated" in h.log.value and "properties" not in h.log.value


def _answers_nothing(h: Head) -> bool:
    """A query that found no row, or an export of no record: a good answer, and the shape that is left of it."""
    if len(h.data) >= _HEAD:
        return False
    try:
        value = json.loads(h.data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    if answers.is_empty(value):
        return True
    if not isinstance(value, dict):
        return bool(value == [])
    tables = value.get("tables")
    if isinstance(tables, list):
        return all(isinstance(t, dict) and t.get("rows") == [] for t in tables)
    return bool(value.get("records") == [])


def _of_2016(h: Head) -> bool:
    """Blobs of 2016 and 2017: `properties` is a text of JSON in PascalCase, and no record has an error."""
    packed = [parsed for r in h.records if isinstance(parsed := _packed(r.value.get("properties")), dict)]
    keys = {key for properties in packed for key in properties}
    return h.log is not None and "BackendUrl" in keys and "lasterror" not in map(normal, keys)


def _packed(properties: object) -> object:
    try:
        return parse(properties) if isinstance(properties, str) else None
    except (ValueError, RecursionError):
        return None


def _in_frames(h: Head) -> Record | None:
    """The first row of a primary result in Kusto's frames that only a gateway writes, or our own query."""
    if not h.records or "FrameType" not in h.records[0].value:
        return None
    rows = (r for r in answers.frames(io.BytesIO(h.data)) if isinstance(r, Record))
    return next((r for r in rows if tallied.is_tally(r.value) or is_gateway_log(canonical(r.value))), None)


def _tally_in_frames(h: Head) -> bool:
    found = _in_frames(h)
    return found is not None and tallied.is_tally(found.value)


def _tally(name: str, tells: Callable[[Head], bool], items: Items) -> Shape:
    return Shape(
        name=f"result of the tally query, {name}",
        tells=tells,
        items=tallied.reader(items),
        refuses=partial(tallied.why_not, items),
        tallied=True,
    )


def _nothing(_: BinaryIO) -> Iterator[Record]:
    return iter(())


EMPTY = Shape(name="empty file", tells=lambda h: not h.data.strip(b"\xef\xbb\xbf \t\r\n"), items=lines)
NO_ROWS = Shape(name="empty answer", tells=_answers_nothing, items=_nothing)

SHAPES: tuple[Shape, ...] = (
    EMPTY,
    NO_ROWS,
    _tally("JSON", lambda h: any(tallied.is_tally(r.value) for r in h.records), documents.document),
    _tally("Kusto frames", _tally_in_frames, answers.frames),
    _tally("CSV", lambda h: tallied.is_tally(h.header), sheets.rows),
    Shape(
        name="Event Hub Capture",
        tells=lambda h: h.data.startswith(capture.MAGIC),
        items=capture.messages,
        refuses=capture.why_not,
    ),
    Shape(
        name="Event Hub Capture as JSON",
        tells=lambda h: any(map(capture.is_rendition, h.records)),
        items=capture.rendition,
    ),
    Shape(
        name="Parquet",
        tells=lambda h: h.data.startswith(parquet.MAGIC),
        items=parquet.rows,
        refuses=parquet.why_not,
    ),
    Shape(
        name="storage account records of 2016 or 2017",
        tells=_of_2016,
        items=documents.document,
        cannot_answer="records of 2016 and 2017 have no lastError, so that they do not say which connections failed",
    ),
    Shape(
        name="self-hosted gateway console, text",
        tells=lambda h: console.is_console(h.data),
        items=console.entries,
    ),
    Shape(
        name="Application Insights, az output",
        tells=_insights_az,
        items=documents.document,
        absent=frozenset({"None"}),
        insights=True,
    ),
    Shape(name="Application Insights, JSON lines", tells=lambda h: h.insights_alone, items=lines, insights=True),
    Shape(
        name="Application Insights, JSON",
        tells=lambda h: h.insights is not None,
        items=documents.document,
        insights=True,
    ),
    Shape(
        name="Application Insights, CSV",
        tells=lambda h: not h.records and is_insights(h.header),
        items=sheets.rows,
        insights=True,
    ),
    Shape(name="records document", tells=_held_in("records"), items=documents.document),
    Shape(name="Log Analytics API answer", tells=_held_in("tables"), items=documents.document),
    Shape(name="Kusto answer", tells=_held_in("Tables"), items=documents.document),
    Shape(name="Kusto frames", tells=lambda h: _in_frames(h) is not None, items=answers.frames),
    Shape(
        name="az monitor log-analytics query output",
        tells=_held_in("array", "TableName"),
        items=documents.document,
        absent=frozenset({"None"}),  # the command writes every value through Python's str()
    ),
    Shape(name="JSON array", tells=_held_in("array"), items=documents.document),
    Shape(
        name="storage account lines",
        tells=_nested_line,
        items=lines,
        dialect=RESOURCE_LOG,
    ),
    Shape(
        name="self-hosted gateway console, JSON",
        tells=_console_line,
        items=lines,
        dialect=CONSOLE,
    ),
    Shape(name="table rows as JSON lines", tells=_line, items=lines, dialect=TABLE),
    Shape(name="JSON objects", tells=_held_in(""), items=documents.document),
    Shape(
        name="CSV",
        tells=lambda h: is_gateway_log({FORMS[f][0]: "" for f in map(normal, h.header) if f in FORMS}),
        items=sheets.rows,
    ),
    Shape(name="request trace", tells=lambda h: traces.is_trace(h.data), items=traces.traces),
    Shape(
        name="request trace, portal text",
        tells=lambda h: traces.is_portal_text(h.data),
        items=traces.portal_text,
    ),
)
"""Every shape, in the order in which they are asked; the first that tells is the one."""

NOT_LOGS: Mapping[str, str] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico"), "it is a picture"),
    **dict.fromkeys((".md", ".html", ".pdf", ".docx", ".ipynb"), "it is a text for people"),
    **dict.fromkeys((".py", ".ps1", ".sh", ".kql", ".toml", ".yml", ".yaml", ".lock"), "it is code or configuration"),
    **dict.fromkeys((".pem", ".cer", ".crt", ".pfx", ".key"), "it is a certificate or key"),
}
"""Endings of files that a folder may hold beside its logs; only a file that is named itself is looked at all the same."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "it is gzip within another archive; unpack it once"),
    (b"\x89PNG", "it is a picture"),
    (b"\xff\xd8\xff", "it is a picture"),
    (b"PK\x03\x04", "it is a zip archive within another archive; unpack it once"),
    (b"\x28\xb5\x2f\xfd", "it is zstd within another archive; unpack it once"),
    (b"%PDF", "it is a PDF"),
)


def shape_of(opened: Callable[[], Content]) -> Shape | str:
    """The shape of a file, or why it is not a gateway log. Raises OSError where it cannot be read."""
    head = _head(opened)
    if prefixed := _behind_prefixes(head):
        return prefixed
    shape = next((s for s in SHAPES if s.tells(head)), None)
    if why := sibling(r.value for r in head.records or _rows(head)):
        return why
    if shape is None:
        return _why_not(head)
    if shape.refuses:
        with opened() as stream:
            if why := shape.refuses(stream):
                return why
    if shape.dialect and not _spelled(head, shape.dialect):
        shape = replace(shape, dialect=None)
    if _is_azure_diagnostics(head):
        shape = replace(shape, name=f"{shape.name} (AzureDiagnostics)")
    return shape


def _head(opened: Callable[[], Content]) -> Head:
    data = b""
    with opened() as stream:
        while len(data) < _HEAD and (more := stream.read(1 << 14)):
            data += more
        if not data and isinstance(stream.stopped_by, OSError):
            raise stream.stopped_by
    return _looked_at(data)  # what precedes damage says what a file is


def _looked_at(data: bytes) -> Head:
    records = tuple(islice((r for r in documents.document(io.BytesIO(data)) if isinstance(r, Record)), _ENOUGH))
    # A line that was cut off can swallow the next one, so where the documents show nothing, the lines are asked.
    log = next((r for of in (records, _on_own_lines(data)) for r in of if is_gateway_log(canonical(r.value))), None)
    first = next((r for of in (records, _on_own_lines(data)) for r in of if is_insights(r.value)), None)
    insights = None if log is not None and not is_insights(log.value) else first
    return Head(
        data=data,
        records=records,
        log=log,
        alone=log is not None and log in _on_own_lines(data),
        header=tuple(sheets.header(data.decode("utf-8", "replace"))),
        insights=insights,
        insights_alone=insights is not None and insights.inside == "" and insights in _on_own_lines(data),
    )


def _behind_prefixes(head: Head) -> Shape | None:
    """The shape of what stands behind a log tool's prefixes; None where there are none, or no log behind them."""
    form = prefixes.form_of(head.data)
    if form is None:
        return None
    inner = _looked_at(prefixes.stripped(head.data, form))
    shape = next((s for s in SHAPES if s not in (EMPTY, NO_ROWS) and s.tells(inner)), None)
    if shape is None:
        return None
    name, items = f"{shape.name} (behind log prefixes)", prefixes.behind(shape.items, form)
    return replace(shape, name=name, items=items, dialect=None)


def _on_own_lines(data: bytes) -> Iterator[Record]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.lstrip(b"\xef\xbb\xbf ").startswith(b"{"):
            yield from (i for i in item(number, line) if isinstance(i, Record))


def _rows(head: Head) -> Iterator[Record]:
    """The head's records as CSV."""
    return islice((r for r in sheets.rows(io.BytesIO(head.data)) if isinstance(r, Record)), _ENOUGH)


def _spelled(head: Head, dialect: Dialect) -> bool:
    """Whether each key that says a canonical field stands where, and as, the dialect reads it."""
    for record in head.records:
        inner = record.value.get("properties", {})
        if not isinstance(inner, dict):
            return False
        keys = [*record.value, *(f"properties.{key}" for key in inner)]
        if any(normal(k.removeprefix("properties.")) in _READ and k not in dialect.spellings for k in keys):
            return False
    return True


_READ = frozenset(form for form, (name, _) in FORMS.items() if name not in UNREAD)


def _is_azure_diagnostics(head: Head) -> bool:
    keys = head.log.value if head.log else head.header
    return any(k.casefold().endswith(("_s", "_d", "_g", "_b")) and normal(k) in FORMS for k in keys)


def _why_not(head: Head) -> str:
    for signature, why in _SIGNATURES:
        if head.data.startswith(signature):
            return why
    if head.records:
        return "its JSON has no field of a gateway log"
    if b"\x00" in head.data:
        return "it is binary"
    if head.data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return "it is no JSON that can be read"
    return "its first line is neither JSON nor a CSV header with the columns of a gateway log"
