"""CSV as the portal exports it in, one record per row out."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from analyzer.sources.items import LONGEST, Item, Record, Reject

_LONGEST_CELL = 1 << 18  # characters; a workspace cuts its own cells at 32 KB to 64 KB


def rows(stream: BinaryIO) -> Iterator[Item]:
    """One item per row under the header.

    Why not DuckDB's reader: one unbalanced quote makes it take all that follows for one value, and mixed line ends
    fail the whole file. Here a broken row costs its first line, and reading goes on with the next.
    """
    with closing(_Lines(stream)) as source:
        columns = _first(source)
        for number, cells in _parsed(source):
            if isinstance(cells, str):
                yield Reject(line=number, why=cells, text=source.first_line, inside=True)
            elif len(cells) == len(columns):
                yield Record(line=number, value=dict(zip(columns, cells, strict=True)))
            else:
                source.take_back()
                yield Reject(
                    line=number,
                    why=f"{len(cells)} cells where the header has {len(columns)}",
                    text=source.first_line,
                    inside=True,
                )


def header(text: str) -> list[str]:
    """The cells of a text's first row; [] where it has none."""
    with closing(_Lines(io.BytesIO(text.encode("utf-8", "replace")))) as source:
        return _first(source)


def _first(source: _Lines) -> list[str]:
    _, cells = next(_parsed(source), (0, ""))
    return cells if isinstance(cells, list) else []


def _parsed(source: _Lines) -> Iterator[tuple[int, list[str] | str]]:
    """Each non-blank row with the line it begins on: its cells, or why it has none."""
    csv.field_size_limit(_LONGEST_CELL)
    while True:
        source.begin()
        try:
            cells = next(csv.reader(source, strict=True))
        except StopIteration:
            return
        except csv.Error:
            source.take_back()
            yield source.first, f"no CSV row: a quote that nothing closes, or a cell over {_LONGEST_CELL >> 10} KiB"
            continue
        if len(cells) > 1 or "".join(cells).strip():
            yield source.first, cells


class _Lines:
    """The physical lines of a stream, of which those after a row's first can be taken back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self.first = 1  # number of the row's first line

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._text.readline(LONGEST)
        if not line:
            raise StopIteration
        self._row.append(line)
        return line

    @property
    def first_line(self) -> str:
        """The row's first line."""
        return self._row[0] if self._row else ""

    def close(self) -> None:
        """Leave the stream to whoever opened it."""
        self._text.detach()

    def begin(self) -> None:
        """The next line is a row's first."""
        self.first += len(self._row)
        self._row = []

    def take_back(self) -> None:
        """Give the row's lines after the first out again."""
        self._again.extendleft(reversed(self._row[1:]))
        del self._row[1:]
