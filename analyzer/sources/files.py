"""Log files in, their records counted into groups out: by DuckDB where it is sure, record by record where it is not."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import numpy.typing as npt

from analyzer.errors import SourceError
from analyzer.model import Window
from analyzer.sources.careful import LogFile, Spool
from analyzer.sources.clocks import Locale
from analyzer.sources.columns import CANONICAL, Dialect
from analyzer.sources.grouping import GROUPS, bounds, grouped, unsure
from analyzer.sources.items import TOO_LONG, Item, Items, Reject, item, numbered
from analyzer.sources.shapes import DAMAGE, Shape, is_packed, opened

Progress = Callable[[str, int, int], None]

MEMORY = "1GB"  # beyond it DuckDB spills into the workspace
_THREADS = 8  # each takes some 50 MB to read JSON, whatever the file
_AT_ONCE = 256 << 20  # bytes of files, or of spool, that one statement reads
_FILES_AT_ONCE = 2_000


def log_file(name: str, path: Path, shape: Shape) -> LogFile:
    """A file to be counted. Raises OSError."""
    stat, packed = path.stat(), is_packed(path)
    if packed and shape.dialect and not _is_whole(path):
        shape = replace(shape, dialect=None)  # from a damaged archive DuckDB loses or invents rows without a word
    return LogFile(name=name, path=path, shape=shape, packed=packed, size=stat.st_size, modified=stat.st_mtime)


@contextmanager
def database(workspace: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory, with an empty table `groups`, that spills into the workspace and fetches nothing."""
    config = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": MEMORY,
        "temp_directory": str(workspace / "spill"),
        "preserve_insertion_order": "false",
    }
    with closing(duckdb.connect(config=config)) as db:  # type: ignore[arg-type]  # a dict of texts is what it takes
        (cores,) = db.execute("SELECT current_setting('threads')").fetchone() or (1,)
        db.execute(f"SET threads = {min(cores, _THREADS)}")
        db.execute("SET TimeZone = 'UTC'")  # of times that name no zone
        db.execute(GROUPS)
        try:
            yield db
        except RuntimeError as error:
            if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C
                raise KeyboardInterrupt from None
            raise


def count(
    db: duckdb.DuckDBPyConnection,
    files: Iterable[LogFile],
    *,
    workspace: Path,
    window: Window,
    locale: Locale = Locale(),  # noqa: B008  frozen
    keep_ip: bool = False,
    on_progress: Progress | None = None,
) -> tuple[LogFile, ...]:
    """Count the files' records into the table `groups`; the files, in the order of its column `file`.

    `on_progress` hears of megabytes. Raises SourceError where the memory does not suffice, and as `careful.Spool` does.
    """
    ordered = tuple(sorted(files, key=_route))
    total, done, first = sum(f.size for f in ordered), 0, 0
    with Spool(workspace / "records.json", locale, keep_ip=keep_ip) as spool:
        counting = _Counting(db, ordered, spool, window, keep_ip)
        try:
            for batch in _batches(ordered):
                if on_progress is not None:
                    on_progress("reading, MB", done // 1_000_000, total // 1_000_000)
                counting.read(range(first, first + len(batch)))
                first += len(batch)
                done += sum(f.size for f in batch)
            counting.add_spooled()
        except duckdb.OutOfMemoryException:
            raise SourceError(
                f"{len(ordered)} files: counting them takes more than {MEMORY} of memory; read fewer files, or fewer hours"
            ) from None
    if on_progress is not None:
        on_progress("reading, MB", total // 1_000_000, total // 1_000_000)
    return ordered


class _Counting:
    """One count under way."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        files: Sequence[LogFile],
        spool: Spool,
        window: Window,
        keep_ip: bool,
    ) -> None:
        self._db, self._files, self._spool, self._keep_ip = db, files, spool, keep_ip
        self._bounds = bounds(window)

    def read(self, positions: range) -> None:
        """Count files that have one route."""
        dialect = self._files[positions[0]].shape.dialect
        if dialect is None:
            for position in positions:
                self._spooled(position, self._files[position].shape.items)
            return
        try:
            self._add(dialect, [self._files[p] for p in positions], first=positions[0])
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:  # a line beyond all bounds, a file that went away: it must not cost the other files
            if len(positions) == 1:
                self._spooled(positions[0], self._files[positions[0]].shape.items)
            else:
                for position in positions:
                    self.read(range(position, position + 1))
            return
        self._read_left(positions, dialect)

    def add_spooled(self) -> None:
        """Count what was spooled."""
        if self._spool.size:
            source = {"paths": [glob.escape(str(self._spool.done()))], "packing": "uncompressed"}
            self._db.execute(grouped(CANONICAL, keep_ip=self._keep_ip), {**source, "first": 0, **self._bounds})
            self._spool.empty()

    def _read_left(self, positions: range, dialect: Dialect) -> None:
        """Read again, record by record, the lines that DuckDB was not sure of."""
        left = self._db.execute(
            """SELECT file, sum(count) FILTER (class = 'left'), sum(count) FROM groups
               WHERE file BETWEEN $first AND $last AND dimension IS NULL
               GROUP BY file HAVING bool_or(class = 'left') ORDER BY file""",
            {"first": positions[0], "last": positions[-1]},
        ).fetchall()
        self._db.execute("DELETE FROM groups WHERE class = 'left'")
        for position, unread, lines in left:
            file = self._files[position]
            try:
                places = self._unsure(file, dialect, limit=int(lines))
            except duckdb.IOException:  # it went away
                places = np.empty(0, np.int64)
            self._spooled(position, partial(_at_places, places))
            if missed := int(unread) - len(places):
                file.reject(Reject(line=int(lines), why="the file changed while it was read"), times=missed)

    def _unsure(self, file: LogFile, dialect: Dialect, *, limit: int) -> npt.NDArray[np.int64]:
        """The positions of those lines among a file's first non-blank ones, from 1."""
        self._db.execute("SET preserve_insertion_order = true")
        try:
            found = self._db.execute(unsure(dialect), {**_source([file]), "limit": limit}).fetchnumpy()
        finally:
            self._db.execute("SET preserve_insertion_order = false")
        return np.asarray(found["position"])  # an array: there may be millions

    def _spooled(self, position: int, items: Items) -> None:
        self._spool.write(position, self._files[position], items)
        if self._spool.size > _AT_ONCE:
            self.add_spooled()

    def _add(self, dialect: Dialect, files: Sequence[LogFile], *, first: int) -> None:
        self._db.execute(grouped(dialect, keep_ip=self._keep_ip), {**_source(files), "first": first, **self._bounds})


def _at_places(places: npt.NDArray[np.int64], stream: BinaryIO) -> Iterator[Item]:
    """The items on those of a stream's non-blank lines."""
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
                yield Reject(line=number, why=TOO_LONG)
            else:
                yield from item(number, line)


def _route(file: LogFile) -> tuple[str, bool]:
    return (file.shape.dialect.name if file.shape.dialect else "", file.packed)


def _batches(files: Sequence[LogFile]) -> Iterator[list[LogFile]]:
    """Runs of one route, each small enough for one statement."""
    for _, run in groupby(files, key=_route):
        batch: list[LogFile] = []
        for file in run:
            if batch and (len(batch) == _FILES_AT_ONCE or sum(f.size for f in batch) + file.size > _AT_ONCE):
                yield batch
                batch = []
            batch.append(file)
        yield batch


def _source(files: Sequence[LogFile]) -> dict[str, object]:
    """The parameters of `grouping.reader`."""
    packing = "gzip" if files[0].packed else "uncompressed"
    return {"paths": [glob.escape(str(f.path)) for f in files], "packing": packing}


def _is_whole(path: Path) -> bool:
    """Whether an archive unpacks to its end; unpacked to nowhere, because only its checksum at the end tells."""
    try:
        with opened(path) as stream:
            while stream.read(1 << 20):
                pass
    except DAMAGE:
        return False
    return True
