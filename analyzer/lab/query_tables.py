"""Records in a workspace's tables in, answers to KQL out: the query itself is executed, by duckdb-kql, on the records.

duckdb-kql is no part of what the tool needs to run: it comes with the extra `lab`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyzer.errors import UsageError
from analyzer.lab.events import success
from analyzer.lab.rows import COLUMN_TYPES, Row, resource_row
from analyzer.lab.week import START

if TYPE_CHECKING:
    import pandas as pd

Tables = Mapping[str, "Sequence[Row] | pd.DataFrame"]
"""Table name: its rows, or a frame of them whose strings are never null. A table that is not named does not exist in the workspace."""

_STORED = {
    "datetime": "TIMESTAMP",
    "long": "BIGINT",
    "int": "INTEGER",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "dynamic": "JSON",
}
_SAID = {
    "TIMESTAMP": "datetime",
    "BIGINT": "long",
    "HUGEINT": "long",
    "INTEGER": "int",
    "DOUBLE": "real",
    "BOOLEAN": "bool",
    "JSON": "dynamic",
    "INTERVAL": "timespan",
    "UUID": "guid",
}
_MORE_TYPES = {
    "AdditionalFields": "dynamic",
    "LastErrorElapsed_d": "real",
    "Quantity": "real",
    "IsBillable": "bool",  # Usage
    "Properties": "dynamic",
    "ItemCount": "int",
    "DurationMs": "real",
    "Success": "bool",  # Application Insights
}

_STANDARD = {"ApiManagementGatewayLogs": tuple(resource_row(success("host.example", START)))}
"""Columns that a table has before any record came; AzureDiagnostics gets its own with its records."""


class Refused(Exception):
    """The query is wrong: `code` and the message are what the service says of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a query returned, as the service would send it."""

    columns: tuple[tuple[str, str], ...]  # name, Kusto's type
    rows: tuple[tuple[Any, ...], ...]  # cells as JSON has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What of a store a request may see."""

    workspaces: tuple[str, ...]  # whose tables, added up
    start: datetime | None = None  # of the request's timespan; None: open
    end: datetime | None = None  # it is part of the timespan, as in the service
    resource: str = ""  # only the rows of this resource; "": of all


class Store:
    """Workspaces with their tables. Raises UsageError where duckdb-kql is not installed."""

    def __init__(self, workspaces: Mapping[str, Tables]) -> None:
        try:
            import duckdb_kql
        except ImportError:
            raise UsageError(
                'the local query API executes KQL with one more package: pip install "apim-triage[lab]"'
            ) from None
        self._kql = duckdb_kql
        self._db = duckdb_kql.connect()
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], str] = {}  # (workspace, table): where
        for place, (workspace, tables) in enumerate(workspaces.items()):
            for number, (name, rows) in enumerate(tables.items()):
                # by another name: what a request may not see, its query must not find
                self._kept[workspace, name] = kept = f"kept_{place}_{number}"
                _create(self._db, kept, rows, _STANDARD.get(name, ("TimeGenerated",)))

    def query(self, text: str, scope: Scope, *, now: datetime) -> Result:
        """What the query returns of what the scope shows. Raises Refused."""
        with self._lock:  # one at a time: the tables are views of what this request may see
            shown: dict[str, tuple[str, ...]] = {}
            try:
                for name in {table for _, table in self._kept}:
                    of = [self._kept[w, name] for w in scope.workspaces if (w, name) in self._kept]
                    if of:
                        self._db.execute(f"CREATE VIEW {name} AS {_view(of, scope)}")
                        shown[name] = tuple(c[0] for c in self._db.execute(f"DESCRIBE {name}").fetchall())
                return self._run(text, tuple(sorted(shown.items())), now)
            finally:
                for name in shown:
                    self._db.execute(f"DROP VIEW {name}")

    def _run(self, text: str, schema: _Schema, now: datetime) -> Result:
        try:
            found = self._db.sql(_translated(text, schema, now.isoformat()))
            rows = found.fetchall()
        except self._kql.KqlSyntaxError as error:
            raise Refused("SyntaxError", str(error)) from None
        except Exception as error:
            if not type(error).__module__.startswith(("duckdb_kql", "_duckdb")):
                raise
            raise Refused("SemanticError", f"Failed to resolve table or column expression: {error}") from None
        kinds = [_SAID.get(str(kind), "string") for kind in found.types]
        return Result(
            columns=tuple(zip(found.columns, kinds, strict=True)),
            rows=tuple(tuple(map(_json, row)) for row in rows),
        )

    def close(self) -> None:
        """Forget everything."""
        self._db.close()


_Schema = tuple[tuple[str, tuple[str, ...]], ...]
"""Tables and their columns."""


@lru_cache(maxsize=1000)
def _translated(text: str, schema: _Schema, now: str) -> str:
    """A query in DuckDB's SQL. Translating takes longer than executing, and the same windows are asked for again and again."""
    import duckdb_kql

    return str(duckdb_kql.to_sql(text, schema={name: list(columns) for name, columns in schema}, query_now=now))


def _create(db: Any, name: str, rows: Sequence[Row] | pd.DataFrame, standard: Iterable[str]) -> None:

    keys = dict.fromkeys(standard)
    for row in [rows.columns] if isinstance(rows, pd.DataFrame) else rows:
        keys.update(dict.fromkeys(row))
    columns = {key: _MORE_TYPES.get(key) or COLUMN_TYPES.get(key, "string") for key in keys}
    typed = ", ".join(f'"{key}" {_STORED.get(kind, "VARCHAR")}' for key, kind in columns.items())
    db.execute(f"CREATE TABLE {name} ({typed})")
    for frame in [rows] if isinstance(rows, pd.DataFrame) else _frames(rows, columns):
        db.register("cells", frame)
        db.execute(f"INSERT INTO {name} BY NAME SELECT * FROM cells")
        db.unregister("cells")


def _frames(rows: Iterable[Row], columns: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    left = iter(rows)
    while some := [[_cell(row.get(key), kind) for key, kind in columns.items()] for row in islice(left, _AT_ONCE)]:
        yield pd.DataFrame(some, columns=[*columns], dtype=object)


_AT_ONCE = 20_000  # rows


def _view(tables: Sequence[str], scope: Scope) -> str:
    conditions = ["true"]
    if scope.start:
        conditions.append(f"TimeGenerated >= '{_naive(scope.start)}'")
    if scope.end:
        conditions.append(f"TimeGenerated <= '{_naive(scope.end)}'")
    if scope.resource:
        quoted = scope.resource.lower().replace("'", "''")
        conditions.append(f"lower(coalesce(_ResourceId, '')) = '{quoted}'")
    where = " AND ".join(conditions)
    return " UNION ALL BY NAME ".join(f"SELECT * FROM {table} WHERE {where}" for table in tables)


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _cell(value: Any, kind: str) -> Any:
    if kind == "string":
        return "" if value is None else str(value)  # Kusto has no null text
    if kind == "datetime":
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return json.dumps(value) if isinstance(value, dict | list) else value


def _json(value: Any) -> Any:
    """A cell as the service writes it: times with seven digits, a dynamic value as text, what is no number as text."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}0Z"
    if isinstance(value, timedelta):
        return f"{value.days}.{timedelta(seconds=value.seconds)}"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return value if isinstance(value, str | int | float | bool | None) else str(value)
