"""From the words of the command line to values: times, windows, hosts and addresses; UsageError says which word is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analyzer.errors import UsageError
from analyzer.model import CauseName, DateOrder, Tier, Window

if TYPE_CHECKING:
    from analyzer.evidence import EvidenceFile
    from analyzer.probing import Proxy

_SPANS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ENDPOINT = re.compile(r"^(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/\[\]]*))(?::(?P<port>\d{1,5}))?$")


def zone(name: str) -> tzinfo:
    """A time zone by its IANA name; "UTC" and "local" too."""
    if name.upper() == "UTC":
        return UTC
    if name.lower() == "local":
        return _Local()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"--tz {name}: no such time zone; give an IANA name such as Europe/Berlin, UTC or local"
        ) from None


class _Local(tzinfo):
    """This machine's zone with its summer time: what `astimezone` gives is one offset, today's."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return self._of(dt).utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:  # noqa: ARG002  tzinfo's
        return None  # not told apart from the zone's own offset

    def tzname(self, dt: datetime | None) -> str | None:
        return self._of(dt).tzname()

    def fromutc(self, dt: datetime) -> datetime:
        return dt.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)

    def __str__(self) -> str:
        return "this machine's zone"

    def _of(self, dt: datetime | None) -> datetime:
        return dt.replace(tzinfo=None).astimezone() if dt else datetime.now().astimezone()


def moment(option: str, text: str, tz: tzinfo) -> datetime:
    """An ISO 8601 date or time, in `tz` where it carries no offset, as UTC."""
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # OSError: Windows knows no local time before 1970
        raise UsageError(
            f"{option} {text}: not a time; write it as 2026-11-16 or 2026-11-16T08:30 (with Z or +01:00 for another zone than --tz)"
        ) from None


def window(start: str | None, end: str | None, last: str | None, tz: tzinfo, now: datetime) -> Window:
    """The half-open window that --from, --to and --last ask for together."""
    if last and start:
        raise UsageError("--last and --from contradict each other: give one of them")
    to = moment("--to", end, tz) if end else None
    if last:
        match = re.fullmatch(r"(\d{1,5})([mhdw])", last.strip().lower())
        if not match or int(match[1]) == 0:
            raise UsageError(f"--last {last}: write a number and m, h, d or w, such as 7d or 12h")
        found = Window(start=(to or now) - timedelta(**{_SPANS[match[2]]: int(match[1])}), end=to or now)
    else:
        found = Window(start=moment("--from", start, tz) if start else None, end=to)
    if found.start and found.end and found.start >= found.end:
        raise UsageError(f"--from {found.start:%Y-%m-%dT%H:%MZ} is not before --to {found.end:%Y-%m-%dT%H:%MZ}")
    return found


def tier(text: str) -> Tier | None:
    """A tier by name; None for "auto"."""
    if text == "auto":
        return None
    try:
        return Tier(text)
    except ValueError:
        raise UsageError(f"--gateway {text}: no such tier; one of auto, {', '.join(Tier)}") from None


def date_order(text: str) -> DateOrder:
    """Which of day and month comes first."""
    try:
        return DateOrder(text.lower())
    except ValueError:
        raise UsageError(f"--date-order {text}: one of mdy (month first), dmy (day first) or auto") from None


def endpoint(text: str, default_port: int = 443) -> tuple[str, int]:
    """HOST[:PORT], [IPv6]:PORT, or a URL of which only host and port are taken."""
    bare = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", text.strip()).split("/")[0].rpartition("@")[2]
    if bare.count(":") > 1 and not bare.startswith("["):
        bare = f"[{bare}]"
    match = _ENDPOINT.match(bare)
    host = (match["six"] or match["host"]) if match else ""
    if not match or not host:
        raise UsageError(f"{text}: not a host; write HOST, HOST:PORT or [IPv6]:PORT")
    return host.lower(), _port(text, match["port"]) or default_port


def host_headers(words: Sequence[str]) -> Mapping[str, str]:
    """--host-header HOST=NAME, repeated."""
    found = {}
    for word in words:
        host, equals, name = word.partition("=")
        if not (host and equals and name):
            raise UsageError(f"--host-header {word}: write HOST=NAME, such as api.internal=api.contoso.com")
        found[host.strip().lower()] = name.strip().lower()
    return found


def connect_to(words: Sequence[str]) -> Mapping[tuple[str, int | None], tuple[str, int | None]]:
    """--connect-to HOST:PORT:ADDR:PORT, repeated, as curl means it: an empty HOST or PORT matches any."""
    part = r"(\[[0-9A-Fa-f:.]+\]|[^:\s]*)"
    found: dict[tuple[str, int | None], tuple[str, int | None]] = {}
    for word in words:
        match = re.fullmatch(rf"{part}:(\d*):{part}:(\d*)", word.strip())
        if not match:
            raise UsageError(
                f"--connect-to {word}: write HOST:PORT:ADDRESS:PORT, such as api.contoso.com:443:10.0.0.4:8443"
            )
        key = (match[1].strip("[]").lower(), _port(word, match[2]))
        found[key] = (match[3].strip("[]"), _port(word, match[4]))
    return found


def settings(words: Sequence[str], tier_: Tier | None) -> Mapping[str, str]:
    """--setting KEY=VALUE, repeated; checked against every tier that the run may meet."""
    from analyzer.probing.settings import has

    found: dict[str, str] = {}
    for word in words:
        key, equals, value = (part.strip() for part in word.partition("="))
        if not (key and equals and value):
            raise UsageError(f"--setting {word}: write KEY=VALUE, such as Security.Backend.Protocols.Tls13=true")
        if not any(has(one.value, key) for one in ([tier_] if tier_ else Tier)):
            raise UsageError(
                f"--setting {word}: not a setting that changes what a {tier_.value + ' ' if tier_ else ''}gateway offers its backends; "
                "there are Security.Backend.Protocols.Tls13 (Tls12, Tls11, Tls10, Ssl30) and Security.Ciphers.<name>"
            )
        if found.setdefault(key, value) != value:
            raise UsageError(f"--setting {word}: contradicts {key}={found[key]}; give one of them")
    return found


def proxy(word: str | None) -> Proxy | None:
    """--proxy URL or env:NAME; what is said of a wrong one never repeats it."""
    from analyzer.probing.proxy import parse

    if word is None:
        return None
    url = word
    if word.startswith("env:"):
        url = os.environ.get(word[4:], "")
        if not url:
            raise UsageError(f"--proxy {word}: the environment has no {word[4:]}; set it to http://host:port")
    try:
        return parse(url)
    except ValueError as error:
        raise UsageError(f"--proxy: {error}") from None


def evidence(words: Sequence[str], vantage: str) -> tuple[EvidenceFile, ...]:
    """--evidence [HOST[:PORT]=]FILE, repeated; a word that names a file is one, whatever is in it. `vantage`: stated for all."""
    from analyzer.evidence import EvidenceFile

    if vantage not in ("gateway", "outside", "unstated"):
        raise UsageError(f"--evidence-vantage {vantage}: one of gateway, outside, unstated")
    found = []
    for word in words:
        place, equals, name = word.partition("=")
        if not (equals and name) or Path(word).exists():
            found.append(EvidenceFile(path=Path(word), vantage=vantage))
            continue
        host, port = endpoint(place, default_port=0)
        found.append(EvidenceFile(path=Path(name), host=host, port=port or None, vantage=vantage))
    return tuple(found)


def fail_on(words: Sequence[str]) -> frozenset[CauseName]:
    """--fail-on CAUSE or any; "any" is every cause but the tool's own honesty."""
    found: set[CauseName] = set()
    for word in words:
        if word == "any":
            found |= set(CauseName) - {CauseName.NOT_REPRODUCED}
            continue
        try:
            found.add(CauseName(word))
        except ValueError:
            raise UsageError(
                f"--fail-on {word}: no such cause; `apim-triage causes` lists them, or write any"
            ) from None
    return frozenset(found)


def _port(word: str, digits: str | None) -> int | None:
    if not digits:
        return None
    if not 0 < int(digits) < 65536:
        raise UsageError(f"{word}: {digits} is not a port")
    return int(digits)
