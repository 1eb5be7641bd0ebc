"""The bytes of an answer of the query API in, its rows with their types out; whether they are all that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 500_000
"""More the API never returns: https://learn.microsoft.com/azure/azure-monitor/service-limits"""

TOO_LARGE = frozenset({"E_QUERY_RESULT_SET_TOO_LARGE", "-2133196797"})
"""By this code, with severity 2, an answer says that rows are missing because there are too many or they are too big."""
_WARNING = 3  # severity; below it something is missing


class NotAnAnswer(ValueError):
    """The bytes are no answer of the query API: a page of a proxy, JSON of another shape, or half of one."""


class _Column(msgspec.Struct):
    name: str
    type: str = "string"


class _Table(msgspec.Struct):
    columns: list[_Column]
    rows: list[list[Any]]
    name: str = ""


class _Body(msgspec.Struct):
    tables: list[_Table] | None = None
    error: dict[str, Any] | None = None
    permissions: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The primary result of a query."""

    columns: tuple[str, ...] = ()  # none: the API had nothing to say, as of a workspace without data
    types: tuple[str, ...] = ()  # Kusto's, one for each column
    rows: Sequence[Sequence[Any]] = ()  # as JSON has them
    size: int = 0  # bytes, unpacked
    is_truncated: bool = False  # more rows than the API returns at once
    incomplete: str = ""  # why rows are missing for another reason: its code
    warnings: tuple[str, ...] = ()  # codes of what else it said
    denied: bool = False  # tables or resources were left out, because the credential may not see them

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Each row by the names of its columns."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def frame(self) -> pd.DataFrame:
        """The rows with the dtypes that their columns have in Kusto, whatever is in them, so that answers can be put together.

        long Int64, int Int32, real Float64, bool boolean, datetime datetime64[us, UTC], timespan timedelta64[us], dynamic
        object (parsed), all else string; what is null is NA (NaT).
        """
        import pandas as pd

        cells = zip(*self.rows, strict=True) if self.rows else ((),) * len(self.columns)
        return pd.DataFrame(
            {
                name: _typed(list(column), kind)
                for name, kind, column in zip(self.columns, self.types, cells, strict=True)
            }
        )


def decoded(body: bytes) -> Answer:
    """An answer from its bytes; no bytes are an answer without columns. Raises NotAnAnswer."""
    if not body.strip():
        return Answer()
    try:
        said = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotAnAnswer(str(error)) from None
    if said.tables is None and said.error is None:
        raise NotAnAnswer("neither tables nor an error")
    table = next((t for t in said.tables or () if t.name == "PrimaryResult"), None) or next(
        iter(said.tables or ()), None
    )
    if table is not None and any(len(row) != len(table.columns) for row in table.rows):
        raise NotAnAnswer("rows with more or fewer cells than there are columns")
    missing = [code for code, severity in _codes(said.error) if severity < _WARNING]
    cut = bool(TOO_LARGE & set(missing)) or (table is not None and len(table.rows) >= MOST_ROWS)
    return Answer(
        columns=tuple(c.name for c in table.columns) if table else (),
        types=tuple(c.type for c in table.columns) if table else (),
        rows=table.rows if table else (),
        size=len(body),
        is_truncated=cut,
        incomplete="" if cut or not missing else missing[0],
        warnings=tuple(code for code, severity in _codes(said.error) if severity >= _WARNING),
        denied=_denied(said.permissions),
    )


def _codes(error: Mapping[str, Any] | None) -> list[tuple[str, int]]:
    """The codes of what an answer says went wrong, with their severity; without severity it counts as missing rows.

    The reason stands at the bottom: the outer codes only say that there is one.
    """
    if error is None:
        return []
    inner = [one for one in [*_list(error.get("details")), error.get("innererror")] if isinstance(one, dict)]
    if inner:
        return [found for one in inner for found in _codes(one)]
    severity = error.get("severity")
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    named = next((name for name in TOO_LARGE if name in message), code)
    return [(named[:60], severity if isinstance(severity, int) else _WARNING - 1)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _denied(permissions: Any) -> bool:
    """Whether `permissions`, sent where a request prefers it, tells of tables or resources that were left out.

    https://learn.microsoft.com/azure/azure-monitor/logs/api/azure-resource-queries
    """
    if isinstance(permissions, dict):
        return any((k == "denyTables" and bool(v)) or _denied(v) for k, v in permissions.items())
    return isinstance(permissions, list) and any(map(_denied, permissions))


_DTYPES = {"long": "Int64", "int": "Int32", "real": "Float64", "decimal": "Float64", "bool": "boolean"}


def _typed(cells: list[Any], kind: str) -> Any:
    import pandas as pd

    if kind == "datetime":
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object), utc=True, format="ISO8601")).astype(
            "datetime64[us, UTC]"
        )
    if kind == "timespan":
        text = pd.Series(
            [None if c is None else str(c).replace(".", " days ", 1) if _has_days(str(c)) else str(c) for c in cells],
            dtype=object,
        )
        return pd.to_timedelta(text).astype("timedelta64[us]")
    if kind == "dynamic":
        return pd.Series([_parsed(c) for c in cells], dtype=object)
    if kind in _DTYPES:
        values = [_number(c) if kind in ("real", "decimal") else c for c in cells]
        return pd.Series(values, dtype=_DTYPES[kind])
    return pd.Series([None if c is None else str(c) for c in cells], dtype="string")


def _has_days(text: str) -> bool:
    return "." in text.partition(":")[0]


def _number(cell: Any) -> float | None:
    return None if cell is None else float(cell)  # "NaN" and "Infinity" arrive as text


def _parsed(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    try:
        return msgspec.json.decode(cell)
    except msgspec.DecodeError:
        return cell  # a dynamic that holds a text
