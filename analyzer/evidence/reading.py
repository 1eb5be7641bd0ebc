"""A file that somebody collected in, whatever tool wrote it, `model.Evidence` out: the format is recognised by content."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analyzer.errors import EvidenceError
from analyzer.evidence import exported, openssl, ssllabs
from analyzer.evidence import format as own
from analyzer.model import Evidence

MOST_BYTES = 64 << 20  # of a file: some ten thousand backends

ACCEPTED = (
    "give an evidence.json of `apim-triage probe`, the output of `openssl s_client -showcerts`, certificates (.cer, .pem, .p7b) "
    "or a result of SSL Labs in JSON"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file, and what it may not say itself."""

    path: Path
    host: str | None = None  # whose evidence it is, as the log has it; None: the file says so
    port: int | None = None  # None: as the file says, else 443
    vantage: str = "unstated"  # where another tool's file was collected; evidence/1 and SSL Labs say that themselves


def read(source: Path | EvidenceFile, *, now: datetime | None = None) -> tuple[Evidence, ...]:
    """The evidence in a file, in its order.

    Another tool's evidence is of the time that the tool wrote down, else of the file's last change, and `collected.tool` says
    so. Raises EvidenceError where the file cannot be read, is larger than 64 MiB, is of no kind that is accepted, names no
    backend or another one than `source`, holds a broken certificate, or was observed after `now` (None: any time).
    """
    file = source if isinstance(source, EvidenceFile) else EvidenceFile(path=source)
    path = file.path
    try:
        with path.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read ({error.strerror}); name an evidence file") from None
    if len(data) > MOST_BYTES:
        raise EvidenceError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; split its backends over several files")
    data = _utf8(data)
    start = data.lstrip()[:1]
    if start in (b"{", b"["):
        if ssllabs.is_one(data):
            return _held(file, ssllabs.parse(path, data))
        return _held(file, own.parse(path, data, now=now))
    place = (file.host, file.port)
    if openssl.is_one(data):
        return openssl.parse(path, data, place=place, at=changed, vantage=file.vantage)
    if exported.is_one(data):
        return (exported.parse(path, data, place=place, at=changed, vantage=file.vantage),)
    raise EvidenceError(f"{path}: {_looks_like(data)}; {ACCEPTED}")


def _utf8(data: bytes) -> bytes:
    """The bytes without a byte order mark; what PowerShell 5 makes of `> file` is UTF-16."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _held(file: EvidenceFile, found: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """What names its backends itself, held against what the user said of it."""
    for one in found:
        if (file.host or one.host) != one.host or (file.port or one.port) != one.port:
            raise EvidenceError(
                f"{file.path}: is about {one.host[:255]!r} port {one.port} and not about {file.host}; "
                "it names its backends itself: give it without HOST="
            )
    return found


def _looks_like(data: bytes) -> str:
    head = data[:2000].lstrip().lower()
    if not head:
        return "is empty"
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "seems to be a web page or XML"
    if head.startswith(b"pk\x03\x04"):
        return "seems to be a ZIP archive: unpack it first"
    if b"\0" in head:
        return "seems to be binary, and no certificate"
    return "seems to be text of another kind"
