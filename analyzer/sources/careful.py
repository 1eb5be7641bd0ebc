"""Records that are read one by one in, canonical JSON lines for DuckDB out; what is no record is counted where it was met."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

from analyzer.sources.clocks import Clock, Locale
from analyzer.sources.columns import canonical, heading
from analyzer.sources.items import Items, Record, Reject
from analyzer.sources.paths import cause
from analyzer.sources.shapes import DAMAGE, Shape, opened

_REJECTS_NAMED = 5  # per file


@dataclass(slots=True, kw_only=True)
class LogFile:
    """One file that holds a log, and what of it turned out to be no record."""

    name: str  # as the user gave it
    path: Path
    shape: Shape
    packed: bool  # gzip
    size: int  # bytes
    modified: float  # seconds since the epoch
    rejected: int = 0
    first_rejected: list[str] = field(default_factory=list)
    unreadable: str = ""  # why reading stopped before the end
    notes: list[str] = field(default_factory=list)  # what was assumed in reading it

    def reject(self, one: Reject, *, times: int = 1) -> None:
        """Count what is no record; the first few are kept as "file:line: why: quote", redacted."""
        self.rejected += times
        if len(self.first_rejected) < _REJECTS_NAMED:
            self.first_rejected.append(f"{self.name}:{one.line}: {one.why}" + (f": {one.quote}" if one.quote else ""))


class Spool:
    """A file of canonical JSON lines, made anew in the workspace; a context manager that removes it."""

    def __init__(self, path: Path, locale: Locale, *, keep_ip: bool = False) -> None:
        self.path, self._locale = path, locale
        self._keep_ip = keep_ip  # whether the clients' addresses are written
        self._stream = path.open("wb")
        self.size = 0  # bytes

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self.path.unlink()

    def write(self, position: int, file: LogFile, items: Items) -> None:
        """Write each record that `items` finds in a file, marked with the file's position; count the rest.

        A damaged archive costs what follows the damage: it is one reject. Raises SourceError where nothing says how the
        file's times are to be read.
        """
        line, clock = 0, Clock(file.name, self._locale, partial(_times, file, items))
        try:
            with opened(file.path) as stream:
                for one in items(stream):
                    line = one.line
                    if isinstance(one, Record):
                        fields = canonical(one.value, absent=file.shape.absent)
                        if "time" in fields:
                            fields["time"] = clock.utc(fields["time"], line, heading(one.value))
                        self._put({"file": str(position), **fields})
                    else:
                        file.reject(one)
        except DAMAGE:
            file.reject(Reject(line=line, why="the archive is damaged from here on"))
        except OSError as error:
            file.unreadable = cause(error)
        file.notes += clock.notes()

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


def _times(file: LogFile, items: Items) -> Iterator[tuple[int, str]]:
    """All times of a file, read for themselves; a file that cannot be read to its end is none of this reader's business."""
    try:
        with opened(file.path) as stream:
            for one in items(stream):
                if isinstance(one, Record) and (time := canonical(one.value, absent=file.shape.absent).get("time")):
                    yield one.line, time
    except (*DAMAGE, OSError):
        return
