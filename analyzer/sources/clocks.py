"""Time stamps as exports write them in, ISO 8601 in UTC out; whether the day or the month comes first is found, or asked.

The portal's CSV has the browser's locale, as JavaScript's `toLocaleString` writes it (Unicode CLDR): most locales tell
day from month by how they are written, those with slashes or dashes and the year last do not. A file has one locale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analyzer.errors import SourceError
from analyzer.model import DateOrder

HALVES: Mapping[str, int] = {  # halves of the day, without dots and spaces, and the hours that they add
    **dict.fromkeys(("am", "vorm", "πμ", "午前", "上午", "오전"), 0),
    **dict.fromkeys(("pm", "nachm", "μμ", "午後", "下午", "오후"), 12),
}

_HALF = "|".join(r"\.? ?".join(half) + r"\.?" if len(half) == 2 else rf"{half}\.?" for half in HALVES)
_TIME = (
    rf"(?:(?P<early>{_HALF}) ?)?"
    r"(?P<hour>\d{1,2})(?:[:.]| ?[h時时點点시] ?)(?P<minute>\d{2})"
    r"(?:(?:[:.]| ?(?:min|[分분]) ?)(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?(?: ?(?:s|[秒초]|ч\.))?"
    rf"(?: ?(?P<late>{_HALF}))?"
    r"(?: ?(?P<zone>z|(?:utc|gmt)?(?: ?[+-]\d{1,2}(?::?\d{2})?)?))?"
)
_YEAR = r"(?P<year>2[01]\d\d)"
_DATES = (
    rf"{_YEAR}(?:[-/.] ?|[年년] ?)(?P<month>\d{{1,2}})(?:[-/.] ?|[月월] ?)(?P<day>\d{{1,2}})[.日일]?",
    rf"(?P<day>\d{{1,2}})\. ?(?P<month>\d{{1,2}})\. ?{_YEAR}\.?(?: г\.)?",  # no locale has dots and the month first
    rf"(?P<one>\d{{1,2}})(?P<sign>[-/])(?P<two>\d{{1,2}})(?P=sign){_YEAR}",
)
_FORMS = tuple(
    re.compile(form)
    for date in _DATES
    for form in (rf"{date},?(?:t| (?:klo )?| ?(?=[^\W\d]))?{_TIME}", rf"{_TIME},? {date}")  # Vietnamese: the time first
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII | re.IGNORECASE)
_PLAIN = str.maketrans(
    {**dict.fromkeys("\u00a0\u202f\u2009", " "), **dict.fromkeys("\u200e\u200f\u061c"), "\u2212": "-"}
)
_CERTAIN = None

Readings = Mapping[DateOrder | None, datetime]
"""A text's moments, by the order of day and month that makes them; None: its writing leaves no choice.

Naive where the text states no zone.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """What the user says of how times are written, for where the files do not."""

    order: DateOrder = DateOrder.AUTO
    tz: tzinfo = UTC  # of times whose header has a zone that nobody else knows, such as [Local Time]


class Clock:
    """The clock of one file: one order of day and month for all of its times."""

    def __init__(self, name: str, locale: Locale, texts: Callable[[], Iterable[tuple[int, str]]]) -> None:
        """`texts`: all times of the file with their lines, for looking ahead."""
        self._name, self._locale, self._texts = name, locale, texts
        self._order: DateOrder | None = None if locale.order is DateOrder.AUTO else locale.order
        self._witness: tuple[int, str] | None = None  # line and text of what can be read in this order only
        self._asked = False
        self._headings: dict[str, None] = {}

    def utc(self, text: str, line: int, heading: str = "") -> str:
        """The text as ISO 8601, and as it is where it is no time; `heading` is the zone that a header states, "" for UTC.

        Raises SourceError where day and month can change places and nothing says which is which, or what says so contradicts
        itself. Of an hour that the clock of a zone passes twice, the first is taken.
        """
        zone = UTC if heading in ("", "UTC") else self._zone(heading)
        if zone is UTC and _ISO.fullmatch(text):
            return text
        readings = readings_of(text)
        if not readings:
            return text if zone is UTC else ""  # what it says, if anything, it says in another zone
        if len(readings) == 2:
            moment = readings[self._order or self._found(text, line, readings)]
            self._asked = self._asked or self._witness is None
        else:
            ((order, moment),) = readings.items()
            if order and (self._witness is None or order is not self._order):
                self._heed(order, text, line)
        return _written(moment, zone)

    def notes(self) -> list[str]:
        """What was assumed, one sentence each, once the file is read."""
        said = [
            f"{self._name}: times are headed [{heading}]; read in {self._locale.tz} (--tz)."
            for heading in self._headings
        ]
        if self._asked and self._witness is None and self._order:
            said.append(
                f"{self._name}: its dates do not tell day from month; read as {_WRITTEN[self._order]} (--date-order {self._order})."
            )
        return said

    def _zone(self, heading: str) -> tzinfo:
        known = zone_of(heading)
        if known is None:
            self._headings[heading[:40]] = None
        return known or self._locale.tz

    def _found(self, text: str, line: int, readings: Readings) -> DateOrder:
        """The order that another of the file's times has."""
        for other_line, other in self._texts():
            found = readings_of(other)
            order = next(iter(found), None)
            if len(found) == 1 and order:
                self._heed(order, other, other_line)
                return order
        mdy, dmy = (f"{readings[order]:%d %B}".lstrip("0") for order in _WRITTEN)
        raise SourceError(
            f"{self._name}:{line}: {_shown(text)} is {mdy} or {dmy}, and no other time in the file tells which; "
            "say --date-order mdy (month first) or --date-order dmy (day first)"
        )

    def _heed(self, order: DateOrder, text: str, line: int) -> None:
        """Take a text that can be read in one order only for a witness of it."""
        here = f"{self._name}:{line}: {_shown(text)} can only be {_WRITTEN[order]}"
        if self._order in (None, order):
            self._order, self._witness = order, self._witness or (line, _shown(text))
        elif self._witness is None:
            raise SourceError(
                f"{here}, which --date-order {self._order} contradicts; leave the option out, or read this file by itself"
            )
        else:
            raise SourceError(
                f"{here}, but {self._witness[1]} in line {self._witness[0]} only {_WRITTEN[self._order or order]}; "
                "the file joins exports of two locales: split it"
            )


_WRITTEN: Mapping[DateOrder, str] = {DateOrder.MDY: "month/day/year", DateOrder.DMY: "day/month/year"}


def readings_of(text: str) -> Readings:
    """The moments that a text can mean; none where it is no time of this or the next century."""
    if len(text) > 64:
        return {}
    plain = _shown(text).casefold()
    parts = next((found.groupdict() for form in _FORMS if (found := form.fullmatch(plain))), None)
    if parts is None:
        return {}
    if "one" not in parts:
        moment = _moment(parts, parts["month"], parts["day"])
        return {_CERTAIN: moment} if moment else {}
    both = {
        DateOrder.MDY: _moment(parts, parts["one"], parts["two"]),
        DateOrder.DMY: _moment(parts, parts["two"], parts["one"]),
    }
    if both[DateOrder.MDY] == both[DateOrder.DMY]:
        return {_CERTAIN: moment} if (moment := both[DateOrder.MDY]) else {}
    return {order: moment for order, moment in both.items() if moment}


def _moment(parts: Mapping[str, str | None], month: str | None, day: str | None) -> datetime | None:
    hour, half = int(parts["hour"] or 0), re.sub(r"[. ]", "", parts["early"] or parts["late"] or "")
    zone = zone_of(parts["zone"].strip().upper()) if parts["zone"] else None
    if (half and hour > 12) or (parts["zone"] and zone is None):
        return None
    try:
        return datetime(
            int(parts["year"] or 0),
            int(month or 0),
            int(day or 0),
            hour % 12 + HALVES[half] if half else hour,
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            int((parts["fraction"] or "")[:6].ljust(6, "0")),
            tzinfo=zone,
        )
    except ValueError:
        return None


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo | None:
    """The zone of a name, an IANA name or an offset such as UTC+02:00; None where it says none that is known."""
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if found := _OFFSET.fullmatch(name.replace("\u2212", "-")):
        sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-offset if sign == "-" else offset) if offset < timedelta(days=1) else None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _shown(text: str) -> str:
    return text.translate(_PLAIN).strip()


def _written(moment: datetime, zone: tzinfo) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
