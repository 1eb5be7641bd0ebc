"""A query's name and the values of its parameters in, the text to send out: values become literals, and nothing but literals.

A query's parameters are the `let` lines directly below its opening comment, and their defaults say their types, so that the
file can be pasted into the portal as it is. The query API has no place for parameters: its body has the text, the time span and
the workspaces only (https://learn.microsoft.com/rest/api/loganalytics/query/execute).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

Value = datetime | str | int | Sequence[str]
"""What a parameter takes: an aware time, a text, a whole number, or texts."""


class Type(StrEnum):
    """What a parameter is to Kusto."""

    DATETIME = "datetime"
    STRING = "string"
    LONG = "long"
    LIST = "dynamic"


_PARAMETER = re.compile(r"^let ([A-Za-z_][A-Za-z0-9_]*) = (.+);$")
_TYPES = (
    (Type.DATETIME, re.compile(r"(?:datetime|ago|now|bin|startofday)\(.*\)")),
    (Type.STRING, re.compile(r'""|"[^"\\]*"')),
    (Type.LONG, re.compile(r"[0-9]+")),
    (Type.LIST, re.compile(r"dynamic\(\[.*\]\)")),
)
_LONGS = range(-(1 << 63), 1 << 63)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
# What a reader of KQL, of JSON or of lines could take for an end, or could not read at all.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def names() -> tuple[str, ...]:
    """The names of all queries that are shipped."""
    return tuple(sorted(path.stem for path in _folder().glob("*.kql")))


def text(name: str) -> str:
    """A query as it is shipped. Raises KeyError where there is none of this name."""
    if name not in names():
        raise KeyError(name)
    return (_folder() / f"{name}.kql").read_text(encoding="utf-8")


def parameters(query: str) -> Mapping[str, Type]:
    """The parameters of a query's text, in its order, and their types."""
    found: dict[str, Type] = {}
    for line in query.splitlines():
        if line.startswith("//") and not found:
            continue
        declared = _PARAMETER.match(line)
        kind = next((kind for kind, default in _TYPES if declared and default.fullmatch(declared[2])), None)
        if declared is None or kind is None:
            break
        found[declared[1]] = kind
    return found


def render(name: str, values: Mapping[str, Value]) -> str:
    """A shipped query with these values in place of its defaults; a parameter that has none keeps its default.

    Raises KeyError where the query or a parameter is not known, TypeError where a value is of another type, ValueError where it
    cannot be said in KQL.
    """
    return rendered(text(name), values)


def rendered(query: str, values: Mapping[str, Value]) -> str:
    """A query's text with these values in place of its defaults; raises as `render` does."""
    known = parameters(query)
    if unknown := values.keys() - known.keys():
        raise KeyError(f"the query has no parameter {', '.join(sorted(unknown))}")
    left, lines = dict(values), list[str]()
    for line in query.splitlines():
        declared = _PARAMETER.match(line)
        if declared and declared[1] in left:
            line = f"let {declared[1]} = {literal(known[declared[1]], left.pop(declared[1]))};"
        lines.append(line)
    return "\n".join(lines) + "\n"


def literal(kind: Type, value: Value) -> str:
    """A value as KQL writes it, on one line; raises TypeError and ValueError as `render` does.

    A text is in double quotes, and of its characters those alone are escaped that would end it, the line or an escape: two
    readers of KQL may differ in what other escapes mean. Where lists hold texts, JSON's rules are the same.
    (https://learn.microsoft.com/kusto/query/scalar-data-types/string, https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic)
    """
    if kind is Type.DATETIME and isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return f"datetime({value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z)"
    if kind is Type.STRING and isinstance(value, str):
        return _quoted(value)
    if kind is Type.LONG and isinstance(value, int) and not isinstance(value, bool):
        if value not in _LONGS:
            raise ValueError(f"{value} is no long")
        return f"long({value})" if value < 0 else str(value)
    if kind is Type.LIST and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return f"dynamic([{', '.join(map(_quoted, value))}])"
    raise TypeError(f"{type(value).__name__} where the query takes {kind}")


def _quoted(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text belongs")
    if unfit := _UNFIT.search(value):
        raise ValueError(f"a text with the character U+{ord(unfit.group()):04X}")
    return f'"{value.translate(_ESCAPES)}"'


def _folder() -> Path:
    """Where the queries are: in the wheel beside this file, in a checkout one folder up."""
    package = Path(__file__).parent
    return next(folder for folder in (package / "queries", package.parent / "queries") if folder.is_dir())
