"""A Parquet file in, one record per row out: read by DuckDB a batch at a time, every value text, as JSON has it."""

from __future__ import annotations

import glob
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import duckdb

from analyzer.sources.answers import TALLY_VERSION, told_by
from analyzer.sources.columns import CONTAINERS, FORMS, canonical, is_gateway_log, normal
from analyzer.sources.items import Item, Record, Reject

MAGIC = b"PAR1"

_AT_ONCE = 500  # rows
_LOOKED_AT = 1_000
_READ = """read_parquet($path, binary_as_string = true, hive_partitioning = false, union_by_name = false)"""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "512MB",
    "threads": "1",
}


def rows(stream: BinaryIO) -> Iterator[Item]:
    """One record per row; `line` is the row's number. Columns that say nothing to us are not read."""
    number = 0
    try:
        with _opened(stream) as file:
            for record in _records(file):
                number = record.line
                yield record
    except duckdb.Error:
        yield Reject(line=number + 1, why="damaged: Parquet that cannot be read from here on")


def why_not(stream: BinaryIO) -> str:
    """Why a Parquet file is no gateway log; "" where it is one."""
    try:
        with _opened(stream) as file:
            if TALLY_VERSION in map(normal, file.columns):
                return "it is the result of the tally query as Parquet; export it as CSV or JSON"
            if told_by(tuple(file.columns)) or _nested(file):
                return ""
    except duckdb.Error:
        return "its Parquet is damaged: the footer, which says what it holds, is missing or cannot be read"
    return "its Parquet has no column of a gateway log"


@dataclass(frozen=True, slots=True)
class _File:
    """A file that DuckDB can read."""

    db: duckdb.DuckDBPyConnection
    pattern: str  # by which the database finds it
    columns: Mapping[str, str]  # name: type


def _records(file: _File) -> Iterator[Record]:
    wanted = {name: kind for name, kind in file.columns.items() if _says_something(name)}
    if not wanted:
        return
    selected = ", ".join(_text(name, kind) for name, kind in wanted.items())
    found = file.db.execute(f"SELECT {selected} FROM {_READ}", {"path": file.pattern})
    number = 0
    while batch := found.fetchmany(_AT_ONCE):
        for cells in batch:
            number += 1
            yield Record(line=number, value=dict(zip(wanted, cells, strict=True)), inside="parquet")


def _nested(file: _File) -> bool:
    """Whether the records tell what the columns do not: those of a blob keep theirs in `properties`."""
    try:
        return any(is_gateway_log(canonical(r.value)) for r in islice(_records(file), _LOOKED_AT))
    except duckdb.Error:
        return False


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[_File]:
    """A stream's content as a file that DuckDB can read. Raises duckdb.Error."""
    with on_disk(stream) as path, closing(duckdb.connect(config=_CONFIG)) as db:
        db.execute("SET TimeZone = 'UTC'")
        pattern = glob.escape(path)
        described = db.execute(f"DESCRIBE SELECT * FROM {_READ}", {"path": pattern}).fetchall()
        yield _File(db, pattern, {str(name): str(kind) for name, kind, *_ in described})


@contextmanager
def on_disk(stream: BinaryIO) -> Iterator[str]:
    """The path of a stream's content: Parquet says at its end where things are, so that it cannot be read as it comes."""
    named = getattr(stream, "name", None)
    if type(stream) is io.BufferedReader and isinstance(named, str):
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="apim-triage-") as folder:
        path = Path(folder, "rows.parquet")
        with path.open("wb") as spool:
            shutil.copyfileobj(stream, spool, 1 << 20)
        yield str(path)


def _says_something(name: str) -> bool:
    form = normal(name)
    return form in FORMS or form in CONTAINERS or form == "lasterror"


def _text(name: str, kind: str) -> str:
    """A column as text: JSON where it nests, and times with the zone that they are in."""
    quoted = '"' + name.replace('"', '""') + '"'
    if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]"):
        return f"to_json({quoted})::VARCHAR"
    if kind.startswith("TIMESTAMP"):
        return f"{quoted}::TIMESTAMP::VARCHAR || 'Z'"
    return f"{quoted}::VARCHAR"
