"""Records in the tables of a workspace in, what a query returns of them out: the query itself is executed, by duckdb-kql."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb_kql
import pandas as pd

from analyzer import kql
from analyzer.lab.rows import COLUMN_TYPES, Row

Tables = Mapping[str, Iterable[Row]]
NOW = datetime(2026, 3, 15, tzinfo=UTC)
_STORED = {
    "datetime": "TIMESTAMP",
    "long": "BIGINT",
    "int": "INTEGER",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "dynamic": "JSON",
}
_MORE = {
    "AdditionalFields": "dynamic",
    "LastErrorElapsed_d": "real",
    "Quantity": "real",
    "Properties": "dynamic",
    "ItemCount": "int",
    "DurationMs": "real",
    "Success": "bool",
}


def workspace(tables: Tables) -> Any:
    """A database in which queries run."""
    db = duckdb_kql.connect()
    for name, rows in tables.items():
        listed = list(rows)
        kinds = {key: _MORE.get(key) or COLUMN_TYPES.get(key, "string") for row in listed for key in row}
        columns = ", ".join(f"{key} {_STORED.get(kind, 'VARCHAR')}" for key, kind in kinds.items())
        db.execute(f"CREATE TABLE {name} ({columns})")
        cells = [[_cell(row.get(key), kind) for key, kind in kinds.items()] for row in listed]
        db.register("cells", pd.DataFrame(cells, columns=[*kinds], dtype=object))
        db.execute(f"INSERT INTO {name} SELECT * FROM cells")
        db.unregister("cells")
    return db


def answer(name: str, tables: Tables, *, now: datetime = NOW, **values: kql.Value) -> list[Row]:
    """The rows that a query returns, with these values of its parameters."""
    db = workspace(tables)
    found = duckdb_kql.query(db, kql.render(name, values), query_now=now.isoformat())
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def as_csv(rows: list[Row]) -> str:
    """Rows as the portal exports them, at least one."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _cell(value: Any, kind: str) -> Any:
    if kind == "string":
        return "" if value is None else str(value)  # strings are never null in Kusto
    if kind == "datetime":
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return json.dumps(value) if isinstance(value, dict | list) else value
