"""What a self-hosted gateway prints in, one record per entry out (`telemetry.logs.std = text`).

An entry is `[Info] <clock>` and `key: value` after commas; `lastError` and `errors` are JSON, over several lines in
2021 and on one line since 2.7, where texts are quoted too. Shapes seen in real logs:
https://github.com/nehalineogi/azure-cross-solution-network-architectures (`apim/README-external.md`, 2021),
https://github.com/Azure/api-management-self-hosted-gateway/issues/274 (2024) and /324 (2025).
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
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
_HALF_A_KEY = re.compile(r",\s?\w{0,40}:?\Z")
_CUT = "it ends in the middle"
_HELD = 8192  # entries, some 30 MB
_BROKEN = 16  # values of an entry that begin as JSON and are none


def is_console(head: bytes) -> bool:
    """Whether a file that begins so holds requests as the gateway prints them."""
    return _TELLS.search(head) is not None


def entries(stream: BinaryIO) -> Iterator[Item]:
    """One item per entry; what precedes the first one, and what is cut off, is one reject each.

    Entries of other events are records without a field of the gateway, as are its lines of JSON that is none.

    A time without a zone is printed as the entry's own clock is, and that one has no AM or PM in real logs. It is told
    only where an hour that such a clock does not have is among the entries before, or the next _HELD.
    """
    held: deque[Item] = deque()
    waiting, whole_day = 0, False
    for one in _items(stream):
        held.append(one)
        if (hour := _hour(one)) is not None:
            waiting, whole_day = waiting + 1, whole_day or not 1 <= hour <= 12
        if whole_day or not waiting:
            yield from (_settled(kept, whole_day) for kept in held)
            held.clear()
            waiting = 0
        elif len(held) > _HELD:
            oldest = held.popleft()
            waiting -= _hour(oldest) is not None
            yield _settled(oldest, whole_day)
    yield from (_settled(kept, whole_day) for kept in held)


def _items(stream: BinaryIO) -> Iterator[Item]:
    text, first, size, why = bytearray(), 0, 0, ""
    for number, line in numbered(stream):
        if line is None or _BEGINS.match(line):
            if first:
                yield _item(first, bytes(text), why)
            text, first, size, why = bytearray(), number, 0, TOO_LONG if line is None else ""
        elif not first:
            if not line.strip(b"\xef\xbb\xbf \t\r\n"):
                continue
            first, why = number, "it precedes the first entry"
        size += len(line or b"")
        if size > LONGEST and not why:
            why = TOO_LONG
            text.clear()
        if not why:
            text += line or b""
    if first:
        yield _item(first, bytes(text), why)


def _item(line: int, text: bytes, why: str) -> Item:
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
    if (time := _time(value.pop("timeGenerated", None))) is not None:
        value["timeGenerated"] = time
    return Record(line=line, value=value)


def _time(text: object) -> str | None:
    """A time as ISO text, in UTC where it says so; None where the text is no time."""
    if not isinstance(text, str) or not _INVARIANT.fullmatch(text):
        return text if isinstance(text, str) else None
    try:  # .NET's invariant culture: month first, 24 hours; UTC
        return f"{datetime.strptime(text, '%m/%d/%Y %H:%M:%S'):%Y-%m-%dT%H:%M:%S}Z"  # noqa: DTZ007
    except ValueError:
        return None


def _hour(item: Item) -> int | None:
    """The hour of a time without a zone; None where there is no such time."""
    time = item.value.get("timeGenerated") if isinstance(item, Record) else None
    zoneless = _ZONELESS.fullmatch(time) if isinstance(time, str) else None
    return int(zoneless[1]) if zoneless else None


def _settled(item: Item, whole_day: bool) -> Item:
    """The item with its time in UTC, or without one where it leaves the half of the day open."""
    if not isinstance(item, Record) or _hour(item) is None:
        return item
    told = {"timeGenerated": f"{item.value['timeGenerated']}Z"} if whole_day else {}
    return replace(item, value={key: value for key, value in item.value.items() if key != "timeGenerated"} | told)


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
