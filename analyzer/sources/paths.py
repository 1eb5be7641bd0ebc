"""What the user named in, the files behind it out: files, folders, globs and standard input, each file once."""

from __future__ import annotations

import glob
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from analyzer.errors import SourceError
from analyzer.sources.shapes import NOT_LOGS

STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file, or one place that could not be looked into."""

    name: str  # what the user gave, forward to the file, with / between folders
    path: Path  # absolute, links not resolved: its folders may say whose log it is
    refused: str = ""  # why it is not read


def find(sources: Sequence[str], *, workspace: Path, stdin: BinaryIO | None = None) -> tuple[Found, ...]:
    """Every file behind the sources, in their order; standard input (or `stdin`) is first spooled into `workspace`.

    The same file reached twice, by whatever links, is there once. Raises SourceError where a source names nothing.
    """
    seen: set[str] = set()
    found: list[Found] = []
    for source in sources:
        for one in _behind(source, workspace, stdin):
            real = os.path.realpath(one.path)
            if real not in seen:
                seen.add(real)
                found.append(one)
    return tuple(found)


def _behind(source: str, workspace: Path, stdin: BinaryIO | None) -> Iterator[Found]:
    if source == STDIN:
        yield _spooled(workspace, sys.stdin.buffer if stdin is None else stdin)
        return
    if os.path.lexists(source):  # before globs: a name may hold brackets
        yield from _at(source)
        return
    if not glob.has_magic(source):
        raise SourceError(f"{printable(source)}: no such file or folder; check the path")
    matches = sorted(glob.glob(source, recursive=True))
    if not matches:
        raise SourceError(
            f"{printable(source)}: no file matches; check the pattern, and that the shell did not change it"
        )
    for match in matches:
        yield from _at(match)


def _spooled(workspace: Path, stdin: BinaryIO) -> Found:
    path = workspace / "stdin"
    if not path.exists():  # named twice, it is read once
        with path.open("wb") as spool:
            shutil.copyfileobj(stdin, spool, 1 << 20)
    return Found(name=STDIN, path=path)


def _at(name: str) -> Iterator[Found]:
    try:
        mode = os.stat(name).st_mode
    except OSError as error:
        yield _refused(name, error)
        return
    if stat.S_ISDIR(mode):
        yield from _in_folder(name)
    elif stat.S_ISREG(mode):
        yield Found(name=_shown(name), path=Path(name).absolute())
    else:
        yield Found(
            name=_shown(name), path=Path(name).absolute(), refused="unreadable: it is neither a file nor a folder"
        )


def _in_folder(top: str) -> Iterator[Found]:
    """The files under a folder, sorted; links to folders are followed, but no folder is entered twice."""
    entered: set[str] = set()
    refused: list[OSError] = []
    for folder, folders, files in os.walk(top, onerror=refused.append, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders.sort()
        for name in sorted(files):
            why = NOT_LOGS.get(os.path.splitext(name)[1].casefold())
            path = os.path.join(folder, name)
            if why:
                yield Found(name=_shown(path), path=Path(path).absolute(), refused=f"not a gateway log: {why}")
            else:
                yield from _at(path)
    for error in refused:
        yield _refused(str(error.filename or top), error)


def _refused(name: str, error: OSError) -> Found:
    return Found(name=_shown(name), path=Path(name).absolute(), refused=f"unreadable: {cause(error)}")


def cause(error: OSError) -> str:
    """What the system says of an error, in lower case and without the path."""
    return (error.strerror or type(error).__name__).lower()


def printable(name: str) -> str:
    """A name without control characters, nor bytes that are no text: it ends on terminals and in reports."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def _shown(name: str) -> str:
    return printable(Path(name).as_posix())
