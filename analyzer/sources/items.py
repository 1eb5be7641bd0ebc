"""What reading outside DuckDB yields, record by record, and the plain case of it: JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from analyzer.sources.masking import excerpt

LONGEST = 1 << 24  # bytes of one record; the gateway cuts its own at 32 KB


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One JSON object, as a dict whose numbers are text."""

    line: int  # where it begins, counted from 1
    value: dict[str, object]
    inside: str = ""  # what held it: "records", "tables", "array"; "" where it stood by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One non-blank line, or one element of an array, that is not one record."""

    line: int
    why: str
    text: bytes | str = field(default="", repr=False)  # of the line, as far as it is at hand; not to be shown
    inside: bool = False  # `text` may begin within a value

    @property
    def quote(self) -> str:
        """What of the line may be shown, "" for nothing; worked out when asked, because only the first few are."""
        return excerpt(self.text, inside=self.inside) if self.text else ""


Item = Record | Reject
TOO_LONG = f"longer than {LONGEST >> 20} MiB"
Items = Callable[[BinaryIO], Iterator[Item]]


def lines(stream: BinaryIO) -> Iterator[Item]:
    """One item per non-blank line; an object that holds `records` yields each of those."""
    for number, line in numbered(stream):
        if line is None:
            yield Reject(line=number, why=TOO_LONG)
        elif line.strip():
            yield from item(number, line)


def numbered(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, from 1, in bounded memory: None for one that is longer than a record can be."""
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        if len(line) <= LONGEST:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LONGEST)
        yield number, None


def item(number: int, line: bytes) -> Iterator[Item]:
    """What one line holds. Bytes that are no UTF-8 become U+FFFD: a damaged header value must not cost the record."""
    try:
        value = parse(line.decode("utf-8", "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        yield Reject(line=number, why=f"not JSON: {reason(error)}", text=line)
        return
    records = value.get("records") if isinstance(value, dict) else None
    if not isinstance(records, list):
        one = element(number, value)
        yield replace(one, text=line) if isinstance(one, Reject) and isinstance(value, list | str) else one
        return
    for one in records:
        yield element(number, one, inside="records")


def element(number: int, value: object, inside: str = "") -> Item:
    """A record, or the rejection of what is no JSON object."""
    if isinstance(value, dict):
        return Record(line=number, value=value, inside=inside)
    return Reject(line=number, why=f"{_KINDS.get(type(value), 'a number')}, not a JSON object")


def parse(text: str) -> object:
    """One JSON value; numbers stay text: none is too long, none is rounded. Raises ValueError, RecursionError."""
    return json.loads(text, strict=False, parse_int=str, parse_float=str)


def reason(error: Exception) -> str:
    """Why something could not be parsed, without a word of its content."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.removesuffix(' starting at')} at column {error.colno}"
    return "nested too deep" if isinstance(error, RecursionError) else "a value out of range"


_KINDS: dict[type, str] = {list: "an array", str: "a text or number", bool: "true or false", type(None): "null"}
