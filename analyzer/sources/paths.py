"""What the user named in, the files behind it out: files, folders, globs, zip archives and standard input, each file once."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import shutil
import stat
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from analyzer.errors import SourceError
from analyzer.model import Window
from analyzer.sources import blobs
from analyzer.sources.packing import ZIP
from analyzer.sources.shapes import NOT_LOGS

STDIN = "-"
_MOST_MEMBERS = 100_000  # of a zip archive
_SOME_LENGTH = 1 << 16  # bytes: what is shorter may be the same by chance, as a file of no records is


def _never() -> BinaryIO:
    raise FileNotFoundError(errno.ENOENT, "not read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file, or one place that could not be looked into."""

    name: str  # what the user gave, forward to the file, with / between folders
    address: str  # absolute, links not resolved: its folders may say whose log it is
    path: Path | None = None  # where it lies as a file of its own
    opened: Callable[[], BinaryIO] = _never  # its bytes as stored, from the first one; raises OSError
    size: int = 0  # bytes
    modified: float = 0.0  # seconds since the epoch
    origin: str = ""  # what the user gave
    refused: str = ""  # why it is not read


def find(
    sources: Sequence[str],
    *,
    workspace: Path,
    stdin: BinaryIO | None = None,
    window: Window = Window(),  # noqa: B008  frozen
) -> tuple[Found, ...]:
    """Every file behind the sources, in their order; standard input (or `stdin`) is first spooled into `workspace`.

    The same file reached twice, by whatever links, is there once. Of Azure Storage only what may hold records of the window
    is there. Raises SourceError where a source names nothing, UsageError where it is an address that cannot be one.
    """
    found: dict[str, Found] = {}
    for source in sources:
        remote = blobs.is_remote(source)
        for one in _remote(source, window) if remote else _behind(source, workspace, stdin):
            key = one.address if remote else os.path.realpath(one.address)
            found.setdefault(key, replace(one, origin=printable(source) if remote else _shown(source)))
    return tuple(found.values())


def without_copies(found: Sequence[Found]) -> tuple[Found, ...]:
    """The same, but of files that hold the same bytes the first one only; the others are refused as its copies.

    No two logs of some length are the same to the byte: each record has its own time and correlation id.
    """
    by_size: dict[int, list[Found]] = defaultdict(list)
    for one in found:
        if one.path and one.size >= _SOME_LENGTH and not one.refused:
            by_size[one.size].append(one)
    first: dict[bytes, str] = {}
    copies: dict[str, str] = {}
    for several in by_size.values():
        if len(several) > 1:
            for one in several:
                try:
                    digest = _digest(one)
                except OSError:
                    continue  # whoever reads it will say so
                if (original := first.setdefault(digest, one.name)) != one.name:
                    copies[one.address] = original
    return tuple(
        replace(one, refused=f"copy: it holds the same as {copies[one.address]}, which was counted")
        if one.address in copies
        else one
        for one in found
    )


def _digest(one: Found) -> bytes:
    with one.opened() as stream:
        return hashlib.file_digest(stream, "blake2b").digest()  # type: ignore[arg-type]  # any stream of bytes will do


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


def _remote(source: str, window: Window) -> Iterator[Found]:
    for blob in blobs.find(source, window):
        yield Found(
            name=printable(blob.name),
            address=blob.name,
            opened=blob.open,
            size=blob.size,
            modified=blob.modified,
            refused=_not_a_log(blob.name),
        )


def _spooled(workspace: Path, stdin: BinaryIO) -> Found:
    path = workspace / "stdin"
    if not path.exists():  # named twice, it is read once
        with path.open("wb") as spool:
            shutil.copyfileobj(stdin, spool, 1 << 20)
    return _file(STDIN, path)


def _at(name: str) -> Iterator[Found]:
    try:
        mode = os.stat(name).st_mode
    except OSError as error:
        yield _refused(name, cause(error))
        return
    if stat.S_ISDIR(mode):
        yield from _in_folder(name)
    elif stat.S_ISREG(mode):
        yield from _whole_or_members(_shown(name), Path(name).absolute())
    else:
        yield _refused(name, "it is neither a file nor a folder")


def _file(name: str, path: Path) -> Found:
    status = path.stat()
    return Found(
        name=name,
        address=str(path),
        path=path,
        opened=lambda: path.open("rb"),
        size=status.st_size,
        modified=status.st_mtime,
    )


def _whole_or_members(name: str, path: Path) -> Iterator[Found]:
    """A file, or the members of a zip archive."""
    try:
        with path.open("rb") as stream:
            is_zip = stream.read(4) == ZIP
        if not is_zip:
            yield _file(name, path)
            return
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except OSError as error:
        yield _refused(name, cause(error))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        yield _refused(name, "its table of contents is damaged: pack it again, or unpack what can be")
    else:
        modified = path.stat().st_mtime
        for member in members[:_MOST_MEMBERS]:
            shown = f"{name}/{printable(member.filename)}"
            why = _not_a_log(member.filename) or ("unreadable: it is encrypted" if member.flag_bits & 1 else "")
            yield Found(
                name=shown,
                address=f"{path}/{member.filename}",
                opened=partial(_member, path, member),
                size=member.compress_size,
                modified=modified,
                refused=why,
            )
        if len(members) > _MOST_MEMBERS:
            yield _refused(name, f"it has {len(members):,} members, of which the first {_MOST_MEMBERS:,} are read")


def _member(path: Path, member: zipfile.ZipInfo) -> BinaryIO:
    """A member's bytes; zipfile checks its checksum at the end."""
    archive = zipfile.ZipFile(path)  # closed by its member: it counts who has it open
    try:
        return archive.open(member)  # type: ignore[return-value]  # a stream of bytes in all but name
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise OSError(errno.EIO, f"its entry in the archive cannot be read ({type(error).__name__})") from None
    finally:
        archive.close()


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
            path = os.path.join(folder, name)
            if why := _not_a_log(name):
                yield Found(name=_shown(path), address=str(Path(path).absolute()), refused=why)
            else:
                yield from _at(path)
    for error in refused:
        yield _refused(str(error.filename or top), cause(error))


def _not_a_log(name: str) -> str:
    why = NOT_LOGS.get(os.path.splitext(name)[1].casefold())
    return f"not a gateway log: {why}" if why else ""


def _refused(name: str, why: str) -> Found:
    return Found(name=_shown(name), address=str(Path(name).absolute()), refused=f"unreadable: {why}")


def cause(error: OSError) -> str:
    """What the system says of an error, in lower case and without the path."""
    return (error.strerror or type(error).__name__).lower()


def printable(name: str) -> str:
    """A name without control characters, nor bytes that are no text: it ends on terminals and in reports."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def _shown(name: str) -> str:
    return printable(Path(name).as_posix())
