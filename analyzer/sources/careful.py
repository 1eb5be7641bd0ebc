"""Records that are read one by one in, canonical JSON lines for DuckDB out; what is no record is counted where it was met."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

from analyzer.sources.clocks import Clock, Locale
from analyzer.sources.columns import canonical, heading
from analyzer.sources.insights import row
from analyzer.sources.items import Items, Record, Reject
from analyzer.sources.packing import Content, Damaged, content
from analyzer.sources.paths import Found, cause
from analyzer.sources.shapes import Shape

_REJECTS_NAMED = 5  # per file


@dataclass(slots=True, kw_only=True)
class LogFile:
    """One file that holds a log, and what of it turned out to be no record."""

    found: Found
    shape: Shape
    plain: bool  # DuckDB can read it where it lies
    rejected: int = 0
    first_rejected: list[str] = field(default_factory=list)
    unreadable: str = ""  # why reading stopped before the end
    notes: list[str] = field(default_factory=list)  # what was assumed in reading it

    @property
    def name(self) -> str:
        """As the user gave it."""
        return self.found.name

    def content(self) -> Content:
        """Its text, unpacked. Raises OSError."""
        return content(self.found.opened())

    def reject(self, one: Reject, *, times: int = 1) -> None:
        """Count what is no record; the first few are kept as "file:line: why: quote", redacted."""
        self.rejected += times
        if len(self.first_rejected) < _REJECTS_NAMED:
            self.first_rejected.append(f"{self.name}:{one.line}: {one.why}" + (f": {one.quote}" if one.quote else ""))


def records(file: LogFile, items: Items, opened: Callable[[], Content]) -> Iterator[Record]:
    """Each record that `items` finds in the file, or in a part of it; what is none is counted there.

    A damaged archive costs what follows the damage: it is one reject.
    """
    line, last = 0, None
    try:
        with opened() as stream:
            for one in items(stream):
                if last is not None:
                    file.reject(last)
                line, last = one.line, None
                if isinstance(one, Record):
                    yield one
                else:
                    last = one
            stopped = stream.stopped_by
    except OSError as error:
        stopped = error
    if isinstance(stopped, Damaged):
        last = Reject(line=line, why=str(stopped))  # what was cut in two goes with it
    elif stopped is not None:
        file.unreadable = cause(stopped)
    if last is not None:
        file.reject(last)


class Spool:
    """A file of canonical JSON lines, made anew in the workspace; a context manager that removes it."""

    def __init__(self, path: Path, locale: Locale, *, keep_ip: bool = False) -> None:
        self.path, self._locale = path, locale
        self._keep_ip = keep_ip  # whether the clients' addresses are written
        self._stream = path.open("wb")
        self.size = 0  # bytes
        self._clocks: dict[int, Clock] = {}  # by position: one file has one way to write dates

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self.path.unlink()

    def write(self, position: int, file: LogFile, items: Items, opened: Callable[[], Content]) -> None:
        """Write each record that `items` finds in the file, or in a part of it, marked with its position; count the rest.

        Raises SourceError where nothing says how the file's times are to be read.
        """
        clock = self._clocks.setdefault(position, Clock(file.name, self._locale, partial(_times, file)))
        for one in records(file, items, opened):
            fields = _fields(file, one)
            if "time" in fields:
                fields["time"] = clock.utc(fields["time"], one.line, heading(one.value))
            self._put({"file": str(position), **fields})

    def notes(self) -> Iterator[tuple[int, str]]:
        """What was assumed in reading the times, with the position of the file."""
        for position, clock in self._clocks.items():
            for note in clock.notes():
                yield position, note

    def empty(self) -> None:
        """Forget what was written, once it is counted."""
        self._stream.seek(0)
        self._stream.truncate()
        self.size = 0

    def done(self) -> Path:
        """The path, once others can read there all that was written."""
        self._stream.flush()
        return self.path

    def _put(self, fields: dict[str, str]) -> None:
        if not self._keep_ip:
            fields.pop("caller", None)
        # "replace": half of a surrogate pair is text to JSON, but none to UTF-8
        data = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        self._stream.write(data)
        self.size += len(data)


def _fields(file: LogFile, one: Record) -> dict[str, str]:
    return (row if file.shape.insights else canonical)(one.value, absent=file.shape.absent)


def _times(file: LogFile) -> Iterator[tuple[int, str]]:
    """All times of a file, read for themselves; a file that cannot be read to its end is none of this reader's business."""
    try:
        with file.content() as stream:
            for one in file.shape.items(stream):
                if isinstance(one, Record) and (time := _fields(file, one).get("time")):
                    yield one.line, time
    except OSError:
        return
