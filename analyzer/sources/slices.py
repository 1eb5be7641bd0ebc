"""Streams of lines in, files of whole lines out, a bounded part at a time: what DuckDB cannot read where it lies."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from analyzer.sources.careful import LogFile
from analyzer.sources.items import LONGEST, TOO_LONG, Reject
from analyzer.sources.packing import Content, Damaged
from analyzer.sources.paths import cause

SLICE = 1 << 26  # bytes
_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some whole lines of a file, as a file of its own until `slices` is asked for the next ones."""

    file: int  # position in the list of files
    path: Path
    size: int  # bytes
    lines_before: int
    rejects: tuple[Reject, ...]
    taken: int  # bytes as stored that went into it
    unreadable: str = ""  # why the file ends here


def slices(files: Iterable[tuple[int, LogFile]], *, folder: Path, at_once: int) -> Iterator[list[Slice]]:
    """The files' lines, some `at_once` bytes at a time; each batch's files are gone when the next is asked for.

    As many files as there are cores are read at the same time, and while a batch is looked at, so are its successors.
    Lines that no record can be as long as are rejected, and so is where an archive is damaged.
    """
    waiting = deque(_Slicer(position, file, folder) for position, file in files)
    cores = os.cpu_count() or 1
    pool = ThreadPoolExecutor(cores)
    running: dict[Future[Slice | None], _Slicer] = {}
    batch: list[Slice] = []
    try:
        while waiting or running or batch:
            while waiting and len(running) < cores:
                slicer = waiting.popleft()
                running[pool.submit(slicer.next)] = slicer
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                slicer = running.pop(future)
                if (found := future.result()) is not None:
                    batch.append(found)
                    running[pool.submit(slicer.next)] = slicer
            if batch and (sum(s.size for s in batch) >= at_once or not (running or waiting)):
                yield batch
                for one in batch:
                    one.path.unlink()
                batch = []
    finally:
        pool.shutdown(cancel_futures=True)


def halves(whole: Slice) -> list[Slice]:
    """A slice in two, each a file beside it; fewer where it is one line."""
    with whole.path.open("rb") as stream:
        stream.seek(whole.size // 2)
        stream.readline()
        middle = stream.tell()
        stream.seek(0)
        parts, lines = [], whole.lines_before
        for number, end in enumerate((middle, whole.size)):
            path = whole.path.with_suffix(f".{number}{whole.path.suffix}")
            size = end - stream.tell()
            if not size:
                continue
            before = lines
            with path.open("wb") as out:
                while stream.tell() < end:
                    chunk = stream.read(min(_CHUNK, end - stream.tell()))
                    lines += chunk.count(b"\n")
                    out.write(chunk)
            parts.append(replace(whole, path=path, size=size, lines_before=before, rejects=(), taken=0))
    return parts


class _Slicer:
    """One file being cut."""

    def __init__(self, position: int, file: LogFile, folder: Path) -> None:
        self._position, self._file, self._folder = position, file, folder
        self._stream: Content | None = None
        self._lines = self._slices = 0
        self._rest = b""  # of a line whose end was not read yet; not longer than a record can be
        self._too_long = self._ended = False  # too long: what is read belongs to such a line
        self._rejects: list[Reject] = []
        self._unreadable = ""

    def next(self) -> Slice | None:
        """The next slice; None at the end."""
        if self._ended:
            return None
        taken = self._stream.taken if self._stream else 0
        before, path = self._lines, self._folder / f"slice-{self._position}-{self._slices}.json"
        self._slices += 1
        self._rejects = []
        with path.open("wb") as out:
            while not self._ended and out.tell() < SLICE:
                out.writelines(self._whole_lines())
            size = out.tell()
        return Slice(
            file=self._position,
            path=path,
            size=size,
            lines_before=before,
            rejects=tuple(self._rejects),
            taken=(self._stream.taken if self._stream else 0) - taken,
            unreadable=self._unreadable,
        )

    def _whole_lines(self) -> Iterator[bytes]:
        """The lines that end in the next chunk; one that is too long is there as an empty one, for the numbers of the rest."""
        chunk = self._read()
        if self._ended:
            yield from self._last_line()
            return
        first = chunk.find(b"\n") + 1
        if not first:
            if not self._too_long:
                self._rest += chunk
            if len(self._rest) > LONGEST:
                self._rest, self._too_long = b"", True
            return
        if self._too_long or len(self._rest) + first > LONGEST:
            self._reject(TOO_LONG)
            yield b"\n"
            self._rest, self._too_long, chunk = b"", False, chunk[first:]
        end = chunk.rfind(b"\n") + 1
        yield self._rest
        yield chunk[:end]
        self._lines += chunk.count(b"\n", 0, end)
        self._rest = chunk[end:]

    def _last_line(self) -> Iterator[bytes]:
        stopped = self._stream.stopped_by if self._stream else None
        if isinstance(stopped, Damaged):
            self._reject(str(stopped))  # and half a line with it
        elif self._too_long:
            self._reject(TOO_LONG)
        elif self._rest:
            yield self._rest
        if isinstance(stopped, OSError):
            self._unreadable = cause(stopped)

    def _reject(self, why: str) -> None:
        self._lines += 1
        self._rejects.append(Reject(line=self._lines, why=why))

    def _read(self) -> bytes:
        chunk = b""
        try:
            if self._stream is None:
                self._stream = self._file.content()
            chunk = self._stream.read(_CHUNK)
        except OSError as error:
            self._unreadable = cause(error)
        if not chunk:
            self._ended = True
            if self._stream is not None:
                self._stream.close()
        return chunk
