"""A folder that keeps each week's tally and report, so that later weeks can be held against it.

`DIR/history.json` says the format and the zone that its weeks are of; `DIR/tallies/2026-W47.parquet` is a tally
(`apim-triage/tally/1`), `DIR/reports/2026-W47.json` a summary (`apim-triage/weekly/1`). Each file appears whole or not at all, and a
week that is done again replaces its own files and no others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analyzer.errors import OutputError, SourceError, UsageError
from analyzer.model import CauseName, Verdict, Week
from analyzer.sources import saved
from analyzer.tally import Tally

SCHEMA = "apim-triage/history/1"
LARGEST = 64 * 1024 * 1024
"""Bytes of one report that are read."""

FARTHEST = 52
"""Reports that are looked into, the latest ones."""

_UNSURE = (CauseName.UNKNOWN, CauseName.NOT_REPRODUCED)
_MARK = "history.json"


class History:
    """The history in one folder; nothing is written before `keep`."""

    def __init__(self, folder: str | Path, zone: str) -> None:
        """Raises UsageError where the folder's weeks are of another zone, SourceError where it is no history."""
        self.folder, self.zone = Path(folder), zone
        if self.folder.exists() and not self.folder.is_dir():
            raise SourceError(f"{folder}: a file, and --history needs a folder; name another one")
        mark = self._json(self.folder / _MARK)
        if mark is None:
            if (self.folder / "tallies").exists():
                raise SourceError(
                    f"{folder}: {_MARK} is missing or broken, so its weeks' zone is not known; restore it"
                )
            return
        if mark.get("schema") != SCHEMA:
            raise SourceError(
                f"{folder}: not a history that this version reads ({SCHEMA}); name another folder with --history"
            )
        if mark.get("zone") != zone:
            raise UsageError(
                f"--tz {zone}: the history in {folder} is of weeks in {str(mark.get('zone'))[:60]}; give that zone, or another folder"
            )

    def tally(self, week: Week) -> Tally | None:
        """What was kept of a week; None: nothing. SourceError where its file is broken."""
        place = self._tally(week)
        try:
            found = saved.load(place.name, lambda: place.open("rb"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"{place}: {error.strerror or error}; see who may read the history") from error
        if isinstance(found, saved.Saved):
            return found.tally
        why = found or "not a saved tally"
        raise SourceError(f"{place}: {why}; delete it, and the week is read from its sources again")

    def report(self, week: Week) -> dict[str, Any] | None:
        """The summary that was kept of a week, as JSON; None: none, or none that can be read: it is never needed."""
        return self._json(self.folder / "reports" / f"{week.label}.json")

    def concluded(self, before: Week) -> dict[tuple[str, str, str], str]:
        """What reports of earlier weeks found out about a gateway's backend and kind of failure: "2026-W46: untrusted_root, confirmed".

        The latest that was sure of a cause stands; its words are read with suspicion, for anyone may have edited the file.
        """
        found: dict[tuple[str, str, str], str] = {}
        for place in sorted((self.folder / "reports").glob("????-W??.json"))[-FARTHEST:]:
            if place.stem >= before.label:
                continue
            for one in (self._json(place) or {}).get("incidents") or ():
                try:
                    verdict, cause = Verdict(one["verdict"]), CauseName(one["cause"])
                    key = (str(one["gateway"]), str(one["backend"]["label"]), str(one["kind"]))
                except (KeyError, TypeError, ValueError):
                    continue  # counted only, or not ours
                if verdict in (Verdict.CONFIRMED, Verdict.LIKELY) and cause not in _UNSURE:
                    found[key] = f"{place.stem}: {cause.value}, {verdict.value}"
        return found

    def keep(self, week: Week, tally: Tally) -> Path:
        """Keep a week's tally; the path written. Raises OutputError."""
        self._write(self.folder / _MARK, (json.dumps({"schema": SCHEMA, "zone": self.zone}) + "\n").encode())
        place = self._tally(week)
        self._made(place.parent)
        try:
            saved.save(tally, place)
        except OutputError as error:
            raise OutputError(f"--history {str(error).removeprefix('--save-tally ')}; name another folder") from None
        return place

    def keep_report(self, week: Week, document: bytes) -> Path:
        """Keep a week's summary as JSON; the path written. Raises OutputError."""
        return self._write(self.folder / "reports" / f"{week.label}.json", document)

    def _tally(self, week: Week) -> Path:
        return self.folder / "tallies" / f"{week.label}.parquet"

    def _write(self, place: Path, content: bytes) -> Path:
        from analyzer.report import write_file

        self._made(place.parent)
        if place.exists() and place.read_bytes() == content:
            return place
        return write_file(place, content)

    def _made(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder}: cannot be written: {error.strerror or error}; name another folder with --history"
            ) from error

    def _json(self, place: Path) -> dict[str, Any] | None:
        try:
            with place.open("rb") as file:
                content = file.read(LARGEST + 1)
            found = json.loads(content) if len(content) <= LARGEST else None
        except (OSError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def check_zone(zone: str) -> str:
    """A zone's name as a history can keep it; UsageError for this machine's own, which means another one elsewhere."""
    if "/" in zone or zone == "UTC":
        return zone
    raise UsageError(
        f"--tz {zone}: a history needs a zone that means the same everywhere; give its IANA name, such as Europe/Berlin"
    )
