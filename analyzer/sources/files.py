"""Log files in, their records counted into groups out: by DuckDB where it is sure, record by record where it is not."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import numpy.typing as npt

from analyzer.errors import SourceError
from analyzer.model import Window
from analyzer.sources import tallied
from analyzer.sources.careful import LogFile, Spool, records
from analyzer.sources.clocks import Locale
from analyzer.sources.columns import CANONICAL, Dialect
from analyzer.sources.grouping import GROUPS, bounds, grouped, unsure
from analyzer.sources.insights_join import INSIGHTS, joined, stored
from analyzer.sources.items import TOO_LONG, Item, Items, Reject, item, lines, numbered
from analyzer.sources.packing import Content, content
from analyzer.sources.slices import Slice, halves, slices

Progress = Callable[[str, int, int], None]

_THREADS = 8
_MEMORY, _MEMORY_A_THREAD = (
    20,
    70,
)  # MB: each takes up to two buffers of 32 to read JSON, whatever the file; beyond it DuckDB spills into the workspace
_AT_ONCE = 128 << 20  # bytes of files, or of spool, that one statement reads
_FILES_AT_ONCE = 2_000
_ROWS_AT_ONCE = 20_000  # of a tally


@contextmanager
def database(workspace: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in the workspace, with empty tables `groups` and `insights`, that fetches nothing.

    Raises SourceError where the memory does not suffice for what is done with it.
    """
    config = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": str(workspace / "spill"),
        "preserve_insertion_order": "false",
    }
    with closing(duckdb.connect(str(workspace / "groups.db"), config=config)) as db:  # type: ignore[arg-type]  # a dict of texts is what it takes
        (cores,) = db.execute("SELECT current_setting('threads')").fetchone() or (1,)
        threads = min(cores, _THREADS)
        memory = f"{_MEMORY + _MEMORY_A_THREAD * threads}MB"
        db.execute(f"SET threads = {threads}")
        db.execute(f"SET memory_limit = '{memory}'")
        db.execute("SET TimeZone = 'UTC'")  # of times that name no zone
        db.execute(GROUPS)
        db.execute(INSIGHTS)
        try:
            yield db
        except duckdb.OutOfMemoryException:
            raise SourceError(
                f"counting takes more than {memory} of memory, even a part at a time; read fewer files, or fewer hours"
            ) from None
        except RuntimeError as error:
            if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C
                raise KeyboardInterrupt from None
            raise


def count(
    db: duckdb.DuckDBPyConnection,
    files: Sequence[LogFile],
    *,
    workspace: Path,
    window: Window,
    locale: Locale = Locale(),  # noqa: B008  frozen
    keep_ip: bool = False,
    on_progress: Progress | None = None,
) -> None:
    """Count the files' records into the table `groups`, whose column `file` is the position in `files`.

    `on_progress` hears of megabytes. Raises SourceError as `careful.Spool` does.
    """
    counting = _Counting(db, files, workspace, window, locale, keep_ip, on_progress)
    with counting.spool, counting.insights:
        for dialect in {f.shape.dialect.name: f.shape.dialect for f in files if f.shape.dialect}.values():
            counting.lines(dialect)
        counting.others()
        counting.join()


class _Counting:
    """One count under way."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        files: Sequence[LogFile],
        workspace: Path,
        window: Window,
        locale: Locale,
        keep_ip: bool,
        on_progress: Progress | None,
    ) -> None:
        self.spool = Spool(workspace / "records.json", locale, keep_ip=keep_ip)
        self.insights = Spool(workspace / "insights.json", locale)
        self._db, self._files, self._workspace, self._keep_ip = db, files, workspace, keep_ip
        self._window, self._bounds, self._on_progress = window, bounds(window), on_progress
        self._parts = 0  # paths that DuckDB read
        self._done, self._total = 0, sum(f.found.size for f in files)
        self._progress(0)

    def lines(self, dialect: Dialect) -> None:
        """Count the files whose lines are of that dialect: where they lie, or a slice at a time."""
        mine = [(p, f) for p, f in enumerate(self._files) if f.shape.dialect == dialect]
        for batch in _batches([(p, f) for p, f in mine if f.plain]):
            self._where_they_lie(batch, dialect)
            self._progress(sum(f.found.size for _, f in batch))
        self._sliced([(p, f) for p, f in mine if not f.plain], dialect)

    def others(self) -> None:
        """Count the files that only a careful reader can read, and all that was left to it."""
        for position, file in enumerate(self._files):
            if file.shape.tallied:
                self._tallied(position, file)
            elif file.shape.dialect is None:
                self._spooled(position, file.shape.items, file.content)
            else:
                continue
            self._progress(file.found.size)
        self._add_spooled()
        for position, note in (*self.spool.notes(), *self.insights.notes()):
            self._files[position].notes.append(note)

    def join(self) -> None:
        """Count the rows of Application Insights, whose files had to be read all."""
        self._db.execute(f"INSERT INTO groups {joined()}")

    def _where_they_lie(self, batch: Sequence[tuple[int, LogFile]], dialect: Dialect) -> None:
        try:
            self._add(dialect, [p for p, _ in batch], [_path(f) for _, f in batch])
        except (
            _UNREADABLE
        ):  # a line beyond all bounds, too many groups at once, a file that went away: the others go on
            if len(batch) == 1:
                self._sliced(batch, dialect)
            else:
                for one in batch:
                    self._where_they_lie([one], dialect)
            return
        self._read_left(dialect, [(p, _path(f), 0) for p, f in batch])

    def _sliced(self, files: Sequence[tuple[int, LogFile]], dialect: Dialect) -> None:
        for batch in slices(files, folder=self._workspace, at_once=_AT_ONCE):
            for one in batch:
                for reject in one.rejects:
                    self._files[one.file].reject(reject)
                self._files[one.file].unreadable = one.unreadable or self._files[one.file].unreadable
            self._slices([one for one in batch if one.size], dialect)
            self._progress(sum(one.taken for one in batch))

    def _slices(self, batch: Sequence[Slice], dialect: Dialect) -> None:
        if not batch:
            return
        try:
            self._add(dialect, [one.file for one in batch], [one.path for one in batch])
        except duckdb.OutOfMemoryException:
            parts = batch if len(batch) > 1 else halves(batch[0])
            if len(parts) == 1:
                raise
            for one in parts:
                self._slices([one], dialect)
                if one not in batch:
                    one.path.unlink()
        except _UNREADABLE:
            for one in batch:
                self._spooled(one.file, partial(_numbered_from, one.lines_before), partial(_text_of, one.path))
        else:
            self._read_left(dialect, [(one.file, one.path, one.lines_before) for one in batch])

    def _read_left(self, dialect: Dialect, parts: Sequence[tuple[int, Path, int]]) -> None:
        """Read again, record by record, the lines that DuckDB was not sure of: of parts as position, path, lines before."""
        left = self._db.execute(
            """SELECT part, sum(count) FILTER (class = 'left'), sum(count) FROM groups
               WHERE part >= $first AND dimension IS NULL
               GROUP BY part HAVING bool_or(class = 'left') ORDER BY part""",
            {"first": self._parts - len(parts)},
        ).fetchall()
        self._db.execute("DELETE FROM groups WHERE class = 'left'")
        for part, unread, read in left:
            position, path, before = parts[part - self._parts]
            try:
                places = self._unsure(path, dialect, limit=int(read))
            except duckdb.IOException:  # it went away
                places = np.empty(0, np.int64)
            self._spooled(position, partial(_at_places, places, before), partial(_text_of, path))
            if missed := int(unread) - len(places):
                changed = Reject(line=before + int(read), why="the file changed while it was read")
                self._files[position].reject(changed, times=missed)

    def _unsure(self, path: Path, dialect: Dialect, *, limit: int) -> npt.NDArray[np.int64]:
        """The positions of those lines among a file's first non-blank ones, from 1."""
        self._db.execute("SET preserve_insertion_order = true")
        try:
            found = self._db.execute(unsure(dialect), {"paths": _names([path]), "limit": limit}).fetchnumpy()
        finally:
            self._db.execute("SET preserve_insertion_order = false")
        return np.asarray(found["position"])  # an array: there may be millions

    def _tallied(self, position: int, file: LogFile) -> None:
        """What was counted elsewhere, by the hour: the window's edges are rounded outward to whole hours."""
        rows = (one.value for one in records(file, file.shape.items, file.content))
        while several := list(islice(rows, _ROWS_AT_ONCE)):
            tallied.insert(self._db, position, several)  # type: ignore[arg-type]  # its values are texts
        if tallied.cut(self._db, position, self._window):
            file.notes.append(f"{file.name} counts by the hour: the window was rounded outward to whole hours.")

    def _spooled(self, position: int, items: Items, opened: Callable[[], Content]) -> None:
        spool = self.insights if self._files[position].shape.insights else self.spool
        spool.write(position, self._files[position], items, opened)
        if spool.size > _AT_ONCE:
            self._add_spooled()

    def _add_spooled(self) -> None:
        if self.spool.size:
            self._db.execute(
                grouped(CANONICAL, keep_ip=self._keep_ip), {"paths": _names([self.spool.done()]), **self._bounds}
            )
            self.spool.empty()
        if self.insights.size:
            self._db.execute(stored(), {"paths": _names([self.insights.done()]), **self._bounds})
            self.insights.empty()

    def _add(self, dialect: Dialect, positions: Sequence[int], paths: Sequence[Path]) -> None:
        parameters = {"paths": _names(paths), "files": list(positions), "first": self._parts, **self._bounds}
        self._db.execute(grouped(dialect, keep_ip=self._keep_ip), parameters)
        self._parts += len(paths)

    def _progress(self, size: int) -> None:
        self._done += size
        if self._on_progress is not None:
            self._on_progress("reading, MB", self._done // 1_000_000, self._total // 1_000_000)


_UNREADABLE = (duckdb.DataError, duckdb.InvalidInputException, duckdb.OperationalError)
"""What DuckDB raises where it cannot get on with a file."""


def _numbered_from(before: int, stream: BinaryIO) -> Iterator[Item]:
    """The items on a stream's lines; their numbers count the lines before the stream too."""
    return (replace(one, line=one.line + before) for one in lines(stream))


def _at_places(places: npt.NDArray[np.int64], before: int, stream: BinaryIO) -> Iterator[Item]:
    """The items on those of a stream's non-blank lines; their numbers count the lines before the stream too."""
    wanted, place = iter(places), 0
    next_one = next(wanted, None)
    for number, line in numbered(stream):
        if next_one is None:
            return
        if line is not None and not line.strip():
            continue
        place += 1
        if place == next_one:
            next_one = next(wanted, None)
            if line is None:
                yield Reject(line=before + number, why=TOO_LONG)
            else:
                yield from item(before + number, line)


def _batches(files: Sequence[tuple[int, LogFile]]) -> Iterator[list[tuple[int, LogFile]]]:
    """Files together, as many as are good for one statement."""
    batch: list[tuple[int, LogFile]] = []
    for one in files:
        if batch and (len(batch) == _FILES_AT_ONCE or sum(f.found.size for _, f in [*batch, one]) > _AT_ONCE):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _path(file: LogFile) -> Path:
    assert file.found.path is not None  # noqa: S101  plain files have one
    return file.found.path


def _text_of(path: Path) -> Content:
    return content(path.open("rb"))


def _names(paths: Sequence[Path]) -> list[str]:
    return [glob.escape(str(path)) for path in paths]
