"""A tally in, one Parquet file out, and back: to go on without the workspace, or to share what was counted and no record.

The file's metadata has the key `apim-triage/tally/1`, whose value, JSON, holds all that is no row. Its rows are those of the tally's four
frames, told apart by the column `part`; hours and times are UTC.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import msgspec
import numpy as np
import pandas as pd

from analyzer import messages
from analyzer.errors import OutputError
from analyzer.model import Intake, Kind, Window
from analyzer.overlap import overlaps
from analyzer.sources.grouping import BACKEND_FAILED
from analyzer.sources.masking import hide_sql, literal
from analyzer.sources.parquet import MAGIC, opened
from analyzer.sources.paths import cause, printable
from analyzer.tally import (
    AFFECTED,
    COUNT,
    ELAPSED_EDGES_MS,
    FAILURES,
    GATEWAYS,
    NAME,
    NOT_LOGGED,
    TEXT,
    TIME,
    TRAFFIC,
    Tally,
    merge,
    typed,
)

FAMILY = "apim-triage/tally/"
SCHEMA = f"{FAMILY}1"
FRAMES: Mapping[str, Mapping[str, str]] = {
    "failures": FAILURES,
    "traffic": TRAFFIC,
    "affected": AFFECTED,
    "gateways": GATEWAYS,
}
_HOUR = timedelta(hours=1)
_MOST_ROWS = 5_000_000
_LARGEST = 64 << 20  # bytes of metadata
_SQL = {NAME: "VARCHAR", TEXT: "VARCHAR", COUNT: "BIGINT", TIME: "TIMESTAMPTZ"}
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "512MB",
}


class _Asked(msgspec.Struct):
    source: str
    start: datetime
    end: datetime


class _About(msgspec.Struct):
    intake: Intake
    found: Window
    asked: list[_Asked] = []
    caveats: list[str] = []
    tool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A tally that was read from a file."""

    name: str  # of the file
    tally: Tally


def check(path: Path) -> None:
    """See that a tally can be saved there, before the work is done. Raises OutputError."""
    if path.suffix.casefold() != ".parquet":
        raise OutputError(
            f"--save-tally {path}: a tally is saved as Parquet; call it {path.with_suffix('.parquet').name}"
        )
    if path.is_dir():
        raise OutputError(f"--save-tally {path}: it is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"--save-tally {path}: there is no folder {path.parent}; make it first")


def save(tally: Tally, path: Path) -> None:
    """Write a tally; the file appears whole or not at all. Raises OutputError."""
    from analyzer import __version__

    about = _About(
        intake=tally.intake,
        found=tally.found,
        asked=[_Asked(source=name, start=w.start, end=w.end) for name, w in tally.asked if w.start and w.end],
        caveats=list(tally.caveats),
        tool=__version__,
    )
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    metadata = f"{{{literal(SCHEMA)}: {literal(msgspec.json.encode(about).decode())}}}"
    try:
        with closing(duckdb.connect(config=_CONFIG)) as db:
            db.execute("SET TimeZone = 'UTC'")
            parts = []
            for part, schema in FRAMES.items():
                frame: pd.DataFrame = getattr(tally, part)
                plain = [name for name, dtype in schema.items() if dtype in (NAME, TEXT)]
                db.register(part, frame.astype(dict.fromkeys(plain, object)))
                columns = ", ".join(f'"{n}"::{_SQL.get(dtype, "INTEGER")} AS "{n}"' for n, dtype in schema.items())
                parts.append(f"SELECT {literal(part)} AS part, {columns} FROM {part}")
            rows = " UNION ALL BY NAME ".join(parts)
            db.execute(
                f"COPY ({rows}) TO {literal(str(fresh))} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {metadata})"
            )
        os.replace(fresh, path)
    except (OSError, duckdb.IOException) as error:
        why = cause(error) if isinstance(error, OSError) else "it cannot be written there"
        raise OutputError(f"--save-tally {path}: {why}") from None
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def load(name: str, stream: Callable[[], BinaryIO]) -> Saved | str | None:
    """A saved tally, or why it is not read; None: the file is none. Raises OSError."""
    with stream() as looked_at:
        if looked_at.read(4) != MAGIC:
            return None
    with stream() as whole:
        try:
            with opened(whole) as file:
                return _load(name, file.db, file.pattern)
        except duckdb.Error:
            return None  # Parquet that cannot be opened: whoever reads Parquet says what is wrong with it


def _load(name: str, db: duckdb.DuckDBPyConnection, pattern: str) -> Saved | str | None:
    found = db.execute(
        "SELECT key::VARCHAR, value FROM parquet_kv_metadata($path) WHERE starts_with(key::VARCHAR, $family)",
        {"path": pattern, "family": FAMILY},
    ).fetchall()
    if not found:
        return None
    key, value = str(found[0][0]), bytes(found[0][1])
    if key != SCHEMA:
        version = key.removeprefix(FAMILY)
        said = version if version.isdecimal() and len(version) < 6 else "an unknown version"
        return f"a tally of version {said}, where {SCHEMA.removeprefix(FAMILY)} is read: take the apim-triage that saved it, or a newer one"
    if len(value) > _LARGEST:
        return "a saved tally that says more of itself than can be"
    try:
        about = msgspec.json.decode(value, type=_About)
        return Saved(name=name, tally=_tally(name, about, _frames(db, pattern)))
    except (duckdb.Error, msgspec.MsgspecError, UnicodeDecodeError):
        return "a saved tally that is damaged: save it anew"
    except _CannotBe as error:
        return f"a saved tally whose {error} cannot be: save it anew"


class _CannotBe(Exception):
    """A column holds what no tally holds."""


def _frames(db: duckdb.DuckDBPyConnection, pattern: str) -> dict[str, pd.DataFrame]:
    source = "read_parquet($path, hive_partitioning = false, union_by_name = false)"
    (count,) = db.execute(f"SELECT count(*) FROM {source}", {"path": pattern}).fetchone() or (0,)
    if count > _MOST_ROWS:
        raise _CannotBe("number of rows")
    found = {}
    for part, schema in FRAMES.items():
        columns = ", ".join(f"{_read(name, dtype)} AS {name}" for name, dtype in schema.items())
        frame = db.execute(f"SELECT {columns} FROM {source} WHERE part = $part", {"path": pattern, "part": part}).df()
        for column, (low, high) in _LIMITS.items():
            if column in schema and len(frame) and not frame[column].between(low, high).all():
                raise _CannotBe(column)
        for column in ("hour", "first", "last"):
            if column in schema and len(frame) and not frame[column].between(_EARLIEST, _LATEST).all():
                raise _CannotBe(column)
        if "elapsed_bucket" in schema and not set(frame["elapsed_bucket"]) <= {NOT_LOGGED, *ELAPSED_EDGES_MS}:
            raise _CannotBe("elapsed_bucket")
        if part == "failures":
            kinds = {t: messages.kind_of(t, reason=BACKEND_FAILED).value for t in frame["signature"].unique()}
            frame["kind"] = frame["signature"].map(kinds) if len(frame) else frame["kind"]
        found[part] = typed(frame, schema)
    return found


_EARLIEST, _LATEST = pd.Timestamp("2010-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
_LIMITS = {"count": (1, 10**15), "requests": (0, 10**15)}


def _read(name: str, dtype: str) -> str:
    """A column as it may stand in a report: names as long as our own are, with no control character and no secret in them."""
    if dtype == NAME:
        plain = rf"regexp_replace(coalesce({name}::VARCHAR, ''), '[\x00-\x1f\x7f]+', ' ', 'g')"
        return f"left({hide_sql(plain) if name != 'signature' else plain}, 300)"
    if dtype == TEXT:
        return (
            f"CASE WHEN regexp_full_match({name}::VARCHAR, '[0-9A-Za-z._:|-]{{1,64}}') THEN {name}::VARCHAR ELSE '' END"
        )
    return f"{name}::{_SQL.get(dtype, 'INTEGER')}"


def _tally(name: str, about: _About, frames: Mapping[str, pd.DataFrame]) -> Tally:
    if about.intake.failures != _connecting(frames["failures"]):
        raise _CannotBe("number of failures")
    sources = tuple(
        replace(
            s,
            name=printable(f"{name}: {s.name}")[:300],
            shape=printable(s.shape)[:300],
            first_rejected=tuple(printable(r)[:300] for r in s.first_rejected[:5]),
        )
        for s in about.intake.sources
    )
    return Tally(
        **frames,
        intake=replace(about.intake, sources=sources),
        found=about.found,
        caveats=tuple(printable(c)[:1000] for c in about.caveats),
        asked=tuple((a.source, Window(start=_aware(a.start), end=_aware(a.end))) for a in about.asked),
    )


def _connecting(failures: pd.DataFrame) -> int:
    """The failures to connect among the rows; bodies that broke off are among them too, and count as look-alikes."""
    return int(failures["count"][failures["kind"].astype(str) != Kind.TRANSFER.value].sum())


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


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
    keys = ["gateway", "scheme", "host", "port", "backend_id", "signature"]
    left = pd.MultiIndex.from_frame(failures[keys].astype(object))
    met = pd.MultiIndex.from_frame(tally.affected[keys].astype(object)).isin(left)
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


def _within(window: Window, start: datetime | None, end: datetime | None) -> tuple[Window, ...]:
    """What of a closed window lies between two times."""
    if window.start is None or window.end is None:
        return ()
    a, b = max(window.start, start or window.start), min(window.end, end or window.end)
    return (Window(start=a, end=b),) if a < b else ()


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
