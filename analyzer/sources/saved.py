"""A saved tally as a source: found by its content, cut to the window, and put together with what else was read.

What is in the file, and that every value is one that a tally can hold, is `tally_file`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from analyzer import tally_file
from analyzer.errors import OutputError, SourceError
from analyzer.model import Intake, Kind, Window
from analyzer.overlap import overlaps
from analyzer.sources.parquet import MAGIC, on_disk
from analyzer.sources.paths import printable
from analyzer.tally import AFFECTED, FAILURES, GATEWAYS, NAME, TRAFFIC, Tally, merge, typed

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A tally that was read from a file."""

    name: str  # of the file
    tally: Tally


def check(path: Path) -> None:
    """See that a tally can be saved there, before the work is done. Raises OutputError."""
    if path.suffix.casefold() != ".parquet":
        raise OutputError(f"--save-tally {path}: a tally is saved as Parquet; call it {path.name}.parquet")
    if path.is_dir():
        raise OutputError(f"--save-tally {path}: it is a folder; name a file in it")


def load(name: str, stream: Callable[[], BinaryIO]) -> Saved | str | None:
    """A saved tally, or why it is not read; None: the file is none. Raises OSError."""
    with stream() as looked_at:
        if looked_at.read(4) != MAGIC:
            return None
    with stream() as whole, on_disk(whole) as path:
        if not tally_file.is_tally(path):
            return None  # other Parquet, or damaged: whoever reads Parquet says what is wrong with it
        try:
            tally = tally_file.read(path)
        except SourceError as error:
            return str(error).removeprefix(f"{path}: ")
    sources = tuple(
        replace(
            s,
            name=printable(f"{name}: {s.name}"),
            shape=printable(s.shape),
            first_rejected=tuple(printable(r) for r in s.first_rejected[:5]),
        )
        for s in tally.intake.sources
    )
    return Saved(
        name=name,
        tally=replace(
            tally,
            failures=_clean(tally.failures, FAILURES),
            traffic=_clean(tally.traffic, TRAFFIC),
            affected=_clean(tally.affected, AFFECTED),
            gateways=_clean(tally.gateways, GATEWAYS),
            intake=replace(tally.intake, sources=sources),
            caveats=tuple(map(printable, tally.caveats)),
        ),
    )


def _clean(frame: pd.DataFrame, schema: Any) -> pd.DataFrame:
    """The frame without characters that drive a terminal: the file may be a stranger's."""
    changed = {
        name: frame[name].astype(object).map(printable)
        for name, dtype in schema.items()
        if dtype == NAME and not all(str(text).isprintable() for text in frame[name].cat.categories)
    }
    return typed(frame.assign(**changed), schema) if changed else frame


def _connecting(failures: pd.DataFrame) -> int:
    """The failures to connect among the rows; bodies that broke off are among them too, and count as look-alikes."""
    return int(failures["count"][failures["kind"].astype(str) != Kind.TRANSFER.value].sum())


def cut(saved: Saved, window: Window) -> Tally:
    """What of a saved tally lies in a window, rounded outward to whole hours where it has to be; what could not be cut is said."""
    tally = saved.tally
    start = window.start and window.start.replace(minute=0, second=0, microsecond=0)
    end = window.end and -((_EPOCH - window.end) // _HOUR) * _HOUR + _EPOCH

    def inside(hours: pd.Series[Any]) -> Any:
        keep = np.ones(len(hours), dtype=bool)
        if start is not None:
            keep &= (hours >= pd.Timestamp(start)).to_numpy()
        if end is not None:
            keep &= (hours < pd.Timestamp(end)).to_numpy()
        return keep

    in_failures, in_traffic = inside(tally.failures["hour"]), inside(tally.traffic["hour"])
    if in_failures.all() and in_traffic.all():
        return tally
    failures = tally.failures[in_failures].reset_index(drop=True)
    traffic = tally.traffic[in_traffic].reset_index(drop=True)
    met = _keys(tally.affected).isin(_keys(failures))
    caveats = [
        f"{saved.name} reaches beyond the window: failures and requests outside it were left out; its numbers of records, and what was "
        "affected, are those of all of it."
    ]
    if (start, end) != (window.start, window.end):
        caveats.append(f"{saved.name} counts by the hour: the window was rounded outward to whole hours.")
    return replace(
        tally,
        failures=typed(failures, FAILURES),
        traffic=typed(traffic, TRAFFIC),
        affected=typed(tally.affected[met].reset_index(drop=True), AFFECTED),
        intake=_with(tally.intake, _connecting(failures)),
        found=_found(failures, traffic),
        caveats=(*tally.caveats, *caveats),
        asked=tuple((name, part) for name, w in tally.asked for part in _within(w, start, end)),
    )


def _keys(frame: pd.DataFrame) -> pd.MultiIndex:
    """What failures and what they affected are counted by together."""
    names = ["gateway", "scheme", "host", "port", "backend_id", "signature"]
    return pd.MultiIndex.from_frame(frame[names].assign(port=frame["port"].fillna(-1)).astype(object))


def _within(window: Window, start: datetime | None, end: datetime | None) -> tuple[Window, ...]:
    """What of a closed window lies between two times."""
    if window.start is None or window.end is None:
        return ()
    a, b = max(window.start, start or window.start), min(window.end, end or window.end)
    return (Window(start=a, end=b),) if a < b else ()


def mended(tally: Tally, answered: frozenset[str]) -> Tally:
    """A saved tally whose gaps were filled: what it says was not answered, of sources that have answered all since."""
    sources = tuple(
        replace(s, shape=_GAP.sub("Log Analytics, gone on with", s.shape))
        if any(s.name.endswith(f": {name}") for name in answered)
        else s
        for s in tally.intake.sources
    )
    return replace(tally, intake=replace(tally.intake, sources=sources))


_GAP = re.compile(r"^unreadable after .*", re.DOTALL)


def joined(tally: Tally, kept: Sequence[Tally]) -> Tally:
    """A tally and saved ones as one; where they share hours of a gateway, that is said."""
    if not kept:
        return tally
    live = {name for name, _ in tally.asked}
    names = [_name_of(one) for one in kept]
    seen = [_seen(one, name) for one, name in zip(kept, names, strict=True)]
    if not live or not any(live <= {name for name, _ in one.asked} for one in kept):  # else it went on where they ended
        seen.append(_seen(tally, "what was read besides"))
    whole = merge([tally, *kept])
    return replace(whole, caveats=(*whole.caveats, *overlaps(pd.concat(seen, ignore_index=True))))


def _name_of(tally: Tally) -> str:
    """The file that a tally was read from: its sources are named after it."""
    return tally.intake.sources[0].name.split(": ")[0] if tally.intake.sources else "a saved tally"


def _seen(tally: Tally, source: str) -> pd.DataFrame:
    both = [frame[["gateway", "hour"]].astype({"gateway": object}) for frame in (tally.failures, tally.traffic)]
    return pd.concat(both, ignore_index=True).drop_duplicates().assign(source=source)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _with(intake: Intake, failures: int) -> Intake:
    """The intake with fewer failures: those that are left out are left out of the records too, of one source after the other."""
    beyond = intake.failures - failures
    sources = []
    for one in intake.sources:
        less = min(beyond, one.failures)
        beyond -= less
        sources.append(replace(one, failures=one.failures - less, records=one.records - less))
    return replace(intake, sources=tuple(sources))


def _found(failures: pd.DataFrame, traffic: pd.DataFrame) -> Window:
    times = [t for t in (failures["first"].min(), traffic["hour"].min()) if not pd.isna(t)]
    ends = [t for t in (failures["last"].max(), traffic["last_success"].max(), traffic["hour"].max()) if not pd.isna(t)]
    return Window(start=min(times).to_pydatetime() if times else None, end=max(ends).to_pydatetime() if ends else None)
