"""What a self-hosted gateway prints in, one record per entry out (`telemetry.logs.std = text`).

An entry is `[Info] <clock>` and `key: value` after commas; `lastError` and `errors` are JSON, over several lines in
2021 and on one line since 2.7, where texts are quoted too. Shapes seen in real logs:
https://github.com/nehalineogi/azure-cross-solution-network-architectures (`apim/README-external.md`, 2021),
https://github.com/Azure/api-management-self-hosted-gateway/issues/274 (2024) and /324 (2025).
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from analyzer.sources.items import LONGEST, TOO_LONG, Item, Record, Reject, element, numbered, parse

_BEGINS = re.compile(rb'\xef?\xbb?\xbf?(?: {0,4}\[[A-Z][a-z]{2,12}\] ?\d{4}-\d\d-\d\dT\d\d:|\{")')
_TELLS = re.compile(
    rb"^\xef?\xbb?\xbf? {0,4}\[[A-Z][a-z]{2,12}\] ?\d{4}-\d\d-\d\dT\d\d:[^\n]{0,40}(?:\[GatewayLogs\], |, isRequestSuccess: )",
    re.MULTILINE,
)
_OPENING = re.compile(r"\s*\[[A-Za-z]+\] ?[\dT:.Z+-]+(?: \[(?P<event>\w*)\])?,? ?")
_KEY = re.compile(r"([A-Za-z]\w{0,40}): ?")
_NEXT = re.compile(r", ([a-z][A-Za-z0-9]{1,40}): ?")
_NEXT_KNOWN = re.compile(  # behind a value that is not the JSON it begins as, and may hold what looks like a key
    r", (?:isRequestSuccess|totalTime|category|callerIpAddress|timeGenerated|region|correlationId|method|url|cache|"
    r"responseCode|responseSize|requestSize|apiId|apiRevision|operationId|productId|userId|apimSubscriptionId|"
    r"client(?:Time|Protocol|TlsVersion)|cacheTime|backend(?:ResponseCode|Time|Protocol|Method|Url|Id)|lastError|errors|"
    r"traceRecords|(?:backend)?(?:[rR]equest|[rR]esponse)(?:Headers|Body)): ?"
)
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)

_INVARIANT = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d")
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\dT(\d\d):\d\d:\d\d(?:\.\d+)?")
_CLOCK = re.compile(rb'timeGenerated: "?\d{4}-\d\d-\d\dT\d\d:')
_AFTER_NOON = re.compile(rb'timeGenerated: "?\d{4}-\d\d-\d\dT(?:00|1[3-9]|2[0-3]):')
_HALF_A_KEY = re.compile(r",\s?\w{0,40}:?\Z")
_CUT = "it ends in the middle"
_BROKEN = 16  # values of an entry that begin as JSON and are none


def is_console(head: bytes) -> bool:
    """Whether a file that begins so holds requests as the gateway prints them."""
    return _TELLS.search(head) is not None


def entries(stream: BinaryIO) -> Iterator[Item]:
    """One item per entry; what precedes the first one, and what is cut off, is one reject each.

    Entries of other events are records without a field of the gateway, as are its lines of JSON that is none.
    """
    reader = _Entries(stream)
    text, first, size, why = bytearray(), 0, 0, ""
    for number, line in numbered(stream):
        if line is None or _BEGINS.match(line):
            if first:
                yield reader.item(first, bytes(text), why)
            text, first, size, why = bytearray(), number, 0, TOO_LONG if line is None else ""
        elif not first:
            if not line.strip(b"\xef\xbb\xbf \t\r\n"):
                continue
            first, why = number, "it precedes the first entry"
        size += len(line or b"")
        if size > LONGEST and not why:
            why = TOO_LONG
        if not why:
            text += line or b""
    if first:
        yield reader.item(first, bytes(text), why)


class _Entries:
    """Reads entries, and remembers what the clock of their stream turned out to be."""

    def __init__(self, stream: BinaryIO) -> None:
        # A time without a zone is printed as the entry's own clock is, and that one has no AM or PM in real logs: it
        # says when only where some hour of the file could not be on such a clock.
        self._whole_day = _says_whole_day(stream)

    def item(self, line: int, text: bytes, why: str) -> Item:
        """The item of one entry; `why` it is none, where that is known already."""
        if why:
            return Reject(line=line, why=why)
        entry = text.decode("utf-8", "replace").removeprefix("\ufeff")
        if entry.startswith("{"):
            return _json_line(line, entry)
        opening = _OPENING.match(entry)
        rest = entry[opening.end() :] if opening else ""
        if opening is None or not (opening["event"] == "GatewayLogs" or rest.startswith("isRequestSuccess: ")):
            cut = not entry.endswith("\n") and bool(rest) and "isRequestSuccess: ".startswith(rest)
            return Reject(line=line, why=_CUT) if cut else Record(line=line, value={})
        try:
            value = _pairs(rest)
        except ValueError as error:
            return Reject(line=line, why=str(error))
        if (time := self._time(value.pop("timeGenerated", None))) is not None:
            value["timeGenerated"] = time
        return Record(line=line, value=value)

    def _time(self, text: object) -> str | None:
        """A time as ISO text in UTC; None where the half of the day is not said, or the text is no time."""
        if not isinstance(text, str):
            return None
        if _INVARIANT.fullmatch(text):  # .NET's invariant culture: month first, 24 hours; UTC
            try:
                return f"{datetime.strptime(text, '%m/%d/%Y %H:%M:%S'):%Y-%m-%dT%H:%M:%S}Z"  # noqa: DTZ007
            except ValueError:
                return None
        if not (zoneless := _ZONELESS.fullmatch(text)):
            return text
        self._whole_day = self._whole_day or not 1 <= int(zoneless[1]) <= 12
        return f"{text}Z" if self._whole_day else None


def _says_whole_day(stream: BinaryIO) -> bool:
    """Whether a time without a zone, anywhere in the stream, has an hour that a clock of 12 hours does not have."""
    if not stream.seekable():
        return False
    start, kept = stream.tell(), b""
    try:
        while data := stream.read(1 << 20):
            if _AFTER_NOON.search(kept + data):
                return True
            if not kept and not _CLOCK.search(data):
                break  # its times are of another form
            kept = data[-64:]
    except (EOFError, zlib.error, OSError):
        pass  # a damaged archive: who reads the entries meets it again, after those that precede it
    finally:
        stream.seek(start)
    return False


def _json_line(line: int, entry: str) -> Item:
    """An event that is printed as JSON. The gateway's own is not always valid; cut off, it has no end of line."""
    text, _, _ = entry.partition("\n")
    try:
        return element(line, parse(text))
    except (ValueError, RecursionError):
        return Record(line=line, value={}) if "\n" in entry else Reject(line=line, why=_CUT)


def _pairs(text: str) -> dict[str, object]:
    """The keys and values of an entry; of two of one name the first. Raises ValueError: why it cannot be read."""
    found: dict[str, object] = {}
    at = broken = 0
    while at < len(text):
        key = _KEY.match(text, at)
        if key is None:
            break
        at = key.end()
        if text[at : at + 1] in ("{", "[", '"'):
            value, text, end = _json_value(text, at)
            broken += end is None
            if broken > _BROKEN:  # each costs a look at the whole entry
                raise ValueError("its values are not what they begin as")
            follows = end and _NEXT.match(text, end)
            follows = follows or _NEXT_KNOWN.search(text, end or at)
            if end is None:
                value = text[at : follows.start() if follows else None].rstrip()
        else:
            follows, end = _NEXT.search(text, at), at
            # The last value ends with its line: what else was printed there is not the request's.
            value = (text[at : follows.start()] if follows else text[at:].partition("\n")[0]).rstrip()
        found.setdefault(key[1], value)
        if follows is None:
            if _HALF_A_KEY.search(text, end or at):
                raise ValueError(_CUT)
            return found
        at = follows.start() + 2
    if text[at:].strip():
        raise ValueError(_CUT)
    return found


def _json_value(text: str, at: int) -> tuple[object, str, int | None]:
    """The value that begins as JSON, the whole text (bad escapes mended), where the value ends: None if it is no JSON.

    Raises ValueError where it is cut off.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except RecursionError:
        return None, text, None
    except json.JSONDecodeError as error:
        if "Invalid \\escape" in error.msg:  # a path of a policy, its backslashes not doubled
            return _json_value(text[:at] + _BAD_ESCAPE.sub(r"\\\\", text[at:]), at)
        ended = error.pos >= len(text) - 2 or "Unterminated" in error.msg
        if ended and not _NEXT_KNOWN.search(text, at):
            raise ValueError(_CUT) from None
        return None, text, None
    return value, text, end if text[end : end + 1] in ("", ",", "\r", "\n") else None
