"""A file's bytes as they are stored in, its text as UTF-8 out: unpacked and transcoded while it is read."""

from __future__ import annotations

import codecs
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

try:
    from isal import isal_zlib as deflate  # twice as fast as zlib, for the machines that it is built for
except ImportError:  # others read the same, slower
    import zlib as deflate  # type: ignore[no-redef]

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP, ZSTD, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_BOM = codecs.BOM_UTF8
_CHUNK = 1 << 16  # bytes, of what is packed
_MOST_AT_ONCE = 1 << 20  # bytes that one step unpacks to, whatever a bomb holds
_LONGEST_HEADER = 1 << 18  # bytes
_BOMB_RATIO = 250  # logs pack to a tenth, logs of one line repeated to a hundredth
_BOMB_SIZE = 1 << 30  # bytes below which nobody minds


class Damaged(Exception):
    """What is stored cannot be unpacked to its end. `str(error)` says why, and how many bytes of content precede it."""


def is_plain(head: bytes) -> bool:
    """Whether a file that begins with `head` holds its text as it is: neither packed nor encoded, without a BOM."""
    return not head.startswith((GZIP, ZSTD, ZIP, _BOM)) and _encoding(head) is None


def content(stored: BinaryIO) -> Content:
    """The text in a stream of stored bytes; closing it closes that. Raises OSError for its first bytes only."""
    packed = _Counted(_stored(stored))
    try:
        head = packed.next()
    except Damaged as damage:
        return Content(_Stream(_raising(damage), stored, packed), _CHUNK)
    unpack = _gzip if head.startswith(GZIP) else _zstd if head.startswith(ZSTD) else None
    packed.give_back(head)
    chunks = _guarded(unpack, packed) if unpack else iter(packed.next, b"")
    return Content(_Stream(_as_utf8(chunks), stored, packed), _CHUNK)


class Content(io.BufferedReader):
    """The text of a file. What stops the reading looks like the end, so that nothing of what precedes it is lost."""

    @property
    def stopped_by(self) -> Damaged | OSError | None:
        """Why the end, once it was met, is none."""
        assert isinstance(self.raw, _Stream)  # noqa: S101  `content` made it
        return self.raw.stopped_by

    @property
    def taken(self) -> int:
        """How many bytes, as stored, were read so far."""
        assert isinstance(self.raw, _Stream)  # noqa: S101  `content` made it
        return self.raw.packed.taken


class _Stream(io.RawIOBase):
    """Chunks as a stream."""

    stopped_by: Damaged | OSError | None = None

    def __init__(self, chunks: Iterator[bytes], stored: BinaryIO, packed: _Counted) -> None:
        self._chunks, self._stored, self._rest = chunks, stored, memoryview(b"")
        self.packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                chunk = next(self._chunks, None)
            except (Damaged, OSError) as error:
                chunk, self.stopped_by = None, error
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        self._stored.close()
        super().close()


class _Counted:
    """Chunks, and how many bytes of them were taken."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._back, self.taken = chunks, b"", 0

    def next(self) -> bytes:
        """The next chunk; b"" at the end."""
        if self._back:
            chunk, self._back = self._back, b""
            return chunk
        chunk = next(self._chunks, b"")
        self.taken += len(chunk)
        return chunk

    def give_back(self, chunk: bytes) -> None:
        """Let the next one be this."""
        self._back = chunk


def _raising(damage: Damaged) -> Iterator[bytes]:
    yield b""
    raise damage


def _stored(stream: BinaryIO) -> Iterator[bytes]:
    """A file's bytes, or a zip archive's member's, whose checksum is found wrong, or end missing, as late as it is read."""
    size = 0
    try:
        while chunk := stream.read(_CHUNK):
            yield chunk
            size += len(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise Damaged(f"the archive is damaged from byte {size} of this member on") from None


def _again(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from chunks


def _guarded(unpack: Callable[[_Counted], Iterator[bytes]], packed: _Counted) -> Iterator[bytes]:
    """What is unpacked, up to the damage or to where it becomes absurd."""
    size = 0
    try:
        for chunk in filter(None, unpack(packed)):
            yield chunk
            size += len(chunk)
            if size > _BOMB_SIZE and size > _BOMB_RATIO * packed.taken:
                raise Damaged(
                    f"the archive unpacks to over {_BOMB_RATIO} times its size: it was left at byte {size} of its content"
                )
    except (EOFError, zlib.error, deflate.error, zstd.ZstdError):  # type: ignore[misc]  # isal's is not typed
        raise Damaged(f"the archive is damaged from byte {size} of its content on") from None


def _gzip(packed: _Counted) -> Iterator[bytes]:
    """Every member of a gzip file (RFC 1952 section 2.2); zeros between and after them are padding.

    Header and checksum are read here, so that what a member held is passed on before its checksum is found wrong.
    """
    data = packed.next()
    while data:
        data = _after_header(data, packed)
        body, size, checksum = deflate.decompressobj(wbits=-15), 0, 0
        while not body.eof:
            if not data and not (data := packed.next()):
                raise EOFError
            chunk = body.decompress(data, _MOST_AT_ONCE)
            data = body.unused_data if body.eof else body.unconsumed_tail
            size, checksum = size + len(chunk), deflate.crc32(chunk, checksum)
            yield chunk
        data = _at_least(8, data, packed)
        if struct.unpack("<II", data[:8]) != (checksum, size & 0xFFFFFFFF):
            raise EOFError
        data = _after_padding(data[8:], packed)


def _after_header(data: bytes, packed: _Counted) -> bytes:
    """What follows a member's header (RFC 1952 section 2.3)."""
    data = _at_least(10, data, packed)
    if data[:3] != GZIP + b"\x08":
        raise EOFError
    flags, at = data[3], 10
    if flags & 4:  # extra field
        data = _at_least(at + 2, data, packed)
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (8, 16):  # name, comment
        while flags & flag:
            data = _at_least(at + 1, data, packed)
            at += 1
            if not data[at - 1]:
                break
    return _at_least(at + (2 if flags & 2 else 0), data, packed)[at + (2 if flags & 2 else 0) :]


def _at_least(size: int, data: bytes, packed: _Counted) -> bytes:
    """`data`, with more where it is shorter."""
    while len(data) < size:
        if size > _LONGEST_HEADER or not (more := packed.next()):
            raise EOFError
        data += more
    return data


def _after_padding(data: bytes, packed: _Counted) -> bytes:
    while not (data := data.lstrip(b"\x00")):
        if not (data := packed.next()):
            break
    return data


def _zstd(packed: _Counted) -> Iterator[bytes]:
    """Every frame of a zstd file (RFC 8878 section 3.1)."""
    data = packed.next()
    while data:
        frame = zstd.ZstdDecompressor()
        while not frame.eof:
            if frame.needs_input and not data and not (data := packed.next()):
                raise EOFError
            yield frame.decompress(data, _MOST_AT_ONCE)
            data = b""
        data = frame.unused_data or packed.next()


def _as_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    while len(head) < 4 and (more := next(chunks, b"")):
        head += more  # nothing is lost where this raises: nothing of a log fits in so few bytes
    encoding = _encoding(head)
    if encoding is None:
        yield head.removeprefix(_BOM)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in _again(head, chunks):
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _encoding(head: bytes) -> str | None:
    """UTF-16 by its BOM (what PowerShell's > writes), or by the zeros of its first characters."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = "".join("0" if byte == 0 else "x" for byte in head[:4])
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros)
