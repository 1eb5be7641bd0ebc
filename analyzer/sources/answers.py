"""Answers of Log Analytics and Kusto in, one record per row of a result out: columns first, then rows of cells.

Log Analytics names its tables and columns in lower case (`tables`, `columns`, `rows`), Kusto's first version in upper
(`Tables`, `Columns`, `Rows`); the second is an array of frames, of which DataTable and TableFragment hold rows.
(https://learn.microsoft.com/kusto/api/rest/response, https://learn.microsoft.com/kusto/api/rest/response-v2)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from analyzer.sources.columns import FORMS, is_gateway_log, normal
from analyzer.sources.items import Item, Reject, element
from analyzer.sources.texts import DamagedError, Text, documents, elements, keys

TALLY_VERSION = "tallyversion"  # the column, in its normal spelling, that only the result of our own query has


def table(text: Text, *, inside: str) -> Iterator[Item]:
    """One table of an answer. Of Kusto's ("Tables") only those with columns of a gateway log: others say how it went."""
    if text.peek() != "{":
        yield element(text.line, text.value(), inside=inside)
        return
    names: tuple[str, ...] | None = None
    for key in keys(text):
        if key.casefold() == "columns":
            names = _names(text.value())
        elif key.casefold() == "rows" and text.peek() == "[":
            if names is None:
                raise DamagedError("rows before their columns")
            yield from _rows(text, names if inside == "tables" or told_by(names) else None, inside)
        else:
            text.value()


def frames(stream: BinaryIO) -> Iterator[Item]:
    """The rows of the primary result in Kusto's frames, progressive ones too."""
    return documents(stream, if_object=lambda text: _frame(text, _Results()), if_array=_frames)


def told_by(names: tuple[str, ...]) -> bool:
    """Whether a table with these columns is a gateway log, or our own tally of one."""
    forms = [normal(name) for name in names]
    return TALLY_VERSION in forms or is_gateway_log({FORMS[form][0]: "" for form in forms if form in FORMS})


def is_empty(value: object) -> bool:
    """Whether a whole answer of Kusto's, either version, has a table of a gateway log and no row in it."""
    parts = value.get("Tables") if isinstance(value, dict) else value
    parts = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    ours = [p for p in parts if isinstance(p.get("Columns"), list) and told_by(_names(p["Columns"]))]
    return bool(ours) and all(part.get("Rows") == [] for part in ours)


@dataclass(slots=True)
class _Results:
    """What the frames so far say of the tables that are still to come."""

    columns: dict[str, tuple[str, ...] | None] = field(default_factory=dict)  # by TableId; None: not a gateway log
    begun: set[str] = field(default_factory=set)  # tables of which rows were given out


def _frames(text: Text) -> Iterator[Item]:
    results = _Results()
    for _ in elements(text):
        if text.peek() == "{":
            yield from _frame(text, results)
        else:
            yield element(text.line, text.value())


def _frame(text: Text, results: _Results) -> Iterator[Item]:
    said: dict[str, object] = {}
    for key in keys(text):
        if key != "Rows" or text.peek() != "[":
            said[key] = text.value()
            continue
        number = str(said.get("TableId"))
        if "Columns" in said:
            _remember(said, results)
        if said.get("TableFragmentType") == "DataReplace" and number in results.begun:
            yield Reject(line=text.line, why="rows that replace others, which were counted already")
            said[key] = text.value()
            continue
        for one in _rows(text, results.columns.get(number), "frame"):
            results.begun.add(number)
            yield one
    if "Columns" in said:
        _remember(said, results)


def _remember(said: dict[str, object], results: _Results) -> None:
    names = _names(said["Columns"])
    primary = said.get("TableKind") == "PrimaryResult" and told_by(names)
    results.columns[str(said.get("TableId"))] = names if primary else None


def _names(columns: object) -> tuple[str, ...]:
    if not isinstance(columns, list):
        raise DamagedError("columns that are no array")
    return tuple(str(c.get("name") or c.get("ColumnName") or "") if isinstance(c, dict) else "" for c in columns)


def _rows(text: Text, names: tuple[str, ...] | None, inside: str) -> Iterator[Item]:
    """The rows of a table; none of a table without names, whose rows are passed over."""
    for _ in elements(text):
        line, row = text.line, text.value()
        if names is None:
            continue
        if isinstance(row, list) and len(row) == len(names):
            yield element(line, dict(zip(names, row, strict=True)), inside=inside)
        else:
            yield Reject(line=line, why=f"a row that does not have {len(names)} cells")
