"""A tally in, one Parquet file out, and back: contract `apim-triage/tally/1`, readable by anything that reads Parquet.

The rows of all four tables stand in one file, the column `part` says whose a row is ("failures", "traffic", "affected",
"gateways"), and a column that a table does not have is null in its rows. The footer's metadata have the key
`apim-triage/tally/1`, whose value says as JSON what is no row: what was taken in, the span found, what reading had to assume.
"""

from __future__ import annotations

import glob
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import duckdb
import msgspec
import pandas as pd

from analyzer.errors import OutputError, SourceError
from analyzer.model import Intake, Kind, Share, SourceIntake, Window
from analyzer.tally import (
    AFFECTED,
    COUNT,
    ELAPSED_EDGES_MS,
    FAILURES,
    GATEWAYS,
    NOT_LOGGED,
    PORT,
    TIME,
    TRAFFIC,
    Tally,
    typed,
)

SCHEMA = "apim-triage/tally/1"
TABLES: Mapping[str, Mapping[str, str]] = {
    "failures": FAILURES,
    "traffic": TRAFFIC,
    "affected": AFFECTED,
    "gateways": GATEWAYS,
}
MOST_ROWS = 10_000_000
MOST_BYTES = 1 << 30
_LONGEST = 8192  # characters of any text
_MOST = 10**12  # of one row; no gateway serves so many requests in an hour
_FAMILY, _, _MAJOR = SCHEMA.rpartition("/")
_COLUMNS: Mapping[str, str] = {name: dtype for schema in TABLES.values() for name, dtype in schema.items()}
_TYPES = {TIME: "TIMESTAMPTZ", COUNT: "BIGINT", PORT: "BIGINT"}  # everything else is text
_FORMS = {TIME: ("TIMESTAMP", "time"), COUNT: ("INT", "number"), PORT: ("INT", "number")}
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "512MB",
    "threads": "1",
}
_READ = "read_parquet($path, binary_as_string = true, hive_partitioning = false)"

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
_Text = Annotated[str, msgspec.Meta(max_length=_LONGEST)]


class _Share(msgspec.Struct):
    value: _Text
    failures: _Count


class _Source(msgspec.Struct):
    name: _Text
    shape: _Text
    records: _Count
    failures: _Count
    rejected: _Count
    lookalikes: _Count = 0
    first_rejected: tuple[_Text, ...] = ()


class _Intake(msgspec.Struct):
    sources: tuple[_Source, ...] = ()
    lookalike_reasons: tuple[_Share, ...] = ()
    send_request: tuple[_Share, ...] = ()


class _Span(msgspec.Struct):
    start: datetime | None = None
    end: datetime | None = None


class _Asked(msgspec.Struct):
    source: _Text
    start: datetime
    end: datetime


class _About(msgspec.Struct):
    """The metadata `about`; unknown fields are ignored."""

    intake: _Intake
    found: _Span
    caveats: tuple[_Text, ...] = ()
    asked: tuple[_Asked, ...] = ()


def write(tally: Tally, path: str | Path) -> Path:
    """Write a tally as one Parquet file, whole or not at all; an existing one is replaced. Raises OutputError."""
    place = Path(path)
    beside = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _database() as db:
            for name in TABLES:
                db.register(name, getattr(tally, name))
            whole = " UNION ALL BY NAME ".join(f"SELECT '{name}' AS part, * FROM {name}" for name in TABLES)
            metadata = f"{_quoted(SCHEMA)}: {_quoted(_about(tally))}"
            db.execute(
                f"COPY ({whole}) TO {_quoted(str(beside))} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{metadata}}})"
            )
        os.replace(beside, place)
    except (OSError, duckdb.IOException) as error:
        raise OutputError(
            f"{path}: the tally cannot be written: {_why(error)}; name another file or folder for it"
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return place


def is_tally(path: str | Path) -> bool:
    """Whether a file is a tally that was saved, of whatever version; False too where it cannot be read."""
    try:
        with _database() as db:
            return _said_in(db, path) is not None
    except (OSError, duckdb.Error):
        return False


def read(path: str | Path) -> Tally:
    """The tally in a file that `write` made; every value is one that `write` can have written.

    A kind of message that this version does not know is taken as `other`, and a caveat says so. Raises SourceError where the file
    cannot be read, is no saved tally, has another major version, or holds what no tally holds.
    """
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise SourceError(f"{path}: larger than {MOST_BYTES >> 30} GiB, which no saved tally is")
        with _database() as db:
            about = _checked(db, path)
            frames = {name: _frame(db, path, name) for name in TABLES}
    except (OSError, duckdb.Error, msgspec.DecodeError) as error:
        raise _broken(path, _why(error)) from error
    failures, strange = _known(frames["failures"])
    return Tally(
        failures=failures,
        traffic=frames["traffic"],
        affected=frames["affected"],
        gateways=frames["gateways"],
        intake=Intake(
            sources=tuple(SourceIntake(**msgspec.structs.asdict(s)) for s in about.intake.sources),
            lookalike_reasons=_shares(about.intake.lookalike_reasons),
            send_request=_shares(about.intake.send_request),
        ),
        found=Window(start=about.found.start, end=about.found.end),
        caveats=(*about.caveats, *strange),
        asked=tuple((a.source, Window(start=_utc(a.start), end=_utc(a.end))) for a in about.asked),
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    db = duckdb.connect(config=_CONFIG)
    try:
        db.execute("SET TimeZone = 'UTC'")
        yield db
    finally:
        db.close()


def _about(tally: Tally) -> str:
    """What is no row of a tally, as JSON."""
    from analyzer import __version__

    asked = [{"source": name, "start": w.start, "end": w.end} for name, w in tally.asked]
    said = {"intake": asdict(tally.intake), "found": asdict(tally.found), "caveats": tally.caveats, "asked": asked}
    return msgspec.json.encode({**said, "tool": __version__}).decode()


def _said_in(db: duckdb.DuckDBPyConnection, path: str | Path) -> tuple[str, bytes] | None:
    """The schema that a Parquet file names, of whatever version, and what it says of itself; None: it is no tally."""
    found = db.execute(
        "SELECT decode(key), value FROM parquet_kv_metadata($path) WHERE starts_with(decode(key), $family) LIMIT 1",
        {"path": _pattern(path), "family": f"{_FAMILY}/"},
    ).fetchone()
    return None if found is None else (str(found[0]), bytes(found[1]))


def _checked(db: duckdb.DuckDBPyConnection, path: str | Path) -> _About:
    """What a file says about itself, when its version, columns and values are those of a tally."""
    said, where = _said_in(db, path), {"path": _pattern(path)}
    if said is None:
        raise SourceError(f"{path}: no saved tally: its metadata have no {_FAMILY}/…; name one that was saved")
    version = said[0].rpartition("/")[2]
    if version.split(".")[0] != _MAJOR:
        raise SourceError(
            f"{path}: a saved tally of version {version[:20]!a}, and this program reads version {_MAJOR}; read its sources again"
        )
    columns = {row[0]: str(row[1]) for row in db.execute(f"DESCRIBE SELECT * FROM {_READ}", where).fetchall()}
    missing = sorted({"part", *_COLUMNS} - set(columns))
    if missing:
        raise _broken(path, f"it lacks {', '.join(missing)}")
    for name, dtype in _COLUMNS.items():
        wanted, what = _FORMS.get(dtype, ("VARCHAR", "text"))
        if wanted not in columns[name]:
            raise _broken(path, f"its column {name} is no {what}")
    (count,) = db.execute(f"SELECT count(*) FROM {_READ}", where).fetchone() or (0,)
    if count > MOST_ROWS:
        raise SourceError(f"{path}: {count:,} rows, and no saved tally has more than {MOST_ROWS:,}")
    for rule, why in _rules():
        (number,) = db.execute(f"SELECT count(*) FROM {_READ} WHERE NOT coalesce({rule}, false)", where).fetchone() or (
            0,
        )
        if number:
            raise _broken(path, f"{number:,} rows with {why}")
    return msgspec.json.decode(said[1], type=_About)


def _rules() -> Iterator[tuple[str, str]]:
    """What is true of every row of a tally, as SQL, and what is wrong where it is not."""
    yield f"part IN ({', '.join(map(_quoted, TABLES))})", "an unknown table"
    texts = [name for name, dtype in _COLUMNS.items() if dtype not in _TYPES]
    yield (
        " AND ".join(f"coalesce(length({name}) <= {_LONGEST}, true)" for name in texts),
        "a text of no message's length",
    )
    yield "coalesce(port BETWEEN 0 AND 65535, true)", "a port that is none"
    for name in ("count", "requests"):
        tables = ", ".join(_quoted(t) for t, schema in TABLES.items() if name in schema)
        yield f"part NOT IN ({tables}) OR {name} BETWEEN 1 AND {_MOST}", f"{name} that cannot be"
    hourly = "part NOT IN ('failures', 'traffic')"
    yield f"{hourly} OR hour::TIMESTAMPTZ = date_trunc('hour', hour::TIMESTAMPTZ)", "an hour that is none"
    yield f"{hourly} OR hour::TIMESTAMPTZ BETWEEN '2010-01-01' AND '2200-01-01'", "an hour that cannot be"
    failures, edges = "part <> 'failures'", ", ".join(map(str, (NOT_LOGGED, *ELAPSED_EDGES_MS)))
    yield f"{failures} OR elapsed_bucket IN ({edges})", "an unknown bucket of elapsed time"
    yield (
        f"{failures} OR (first::TIMESTAMPTZ <= last::TIMESTAMPTZ AND first::TIMESTAMPTZ >= hour::TIMESTAMPTZ)",
        "times that cannot be",
    )
    yield f"{failures} OR last::TIMESTAMPTZ < hour::TIMESTAMPTZ + INTERVAL 1 HOUR", "times outside their hour"


def _frame(db: duckdb.DuckDBPyConnection, path: str | Path, table: str) -> pd.DataFrame:
    schema = TABLES[table]
    columns = ", ".join(f"{name}::{_TYPES.get(dtype, 'VARCHAR')} AS {name}" for name, dtype in schema.items())
    found = db.execute(
        f"SELECT {columns} FROM {_READ} WHERE part = $table", {"path": _pattern(path), "table": table}
    ).df()
    return typed(found, schema)


def _known(failures: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The failures, kinds of a later version taken as `other`, and the sentence that says so."""
    strange = sorted(set(failures["kind"].cat.categories) - set(Kind))
    if not strange:
        return failures, ()
    plain = failures["kind"].astype(str)
    changed = typed(failures.assign(kind=plain.where(~plain.isin(strange), Kind.OTHER.value)), FAILURES)
    return changed, (
        f"{len(strange)} kinds of message in a saved tally are unknown to this version; they count as “other”.",
    )


def _shares(parts: tuple[_Share, ...]) -> tuple[Share, ...]:
    return tuple(Share(value=p.value, failures=p.failures) for p in parts)


def _pattern(path: str | Path) -> str:
    return glob.escape(str(path))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _broken(path: str | Path, why: str) -> SourceError:
    return SourceError(f"{path}: a broken saved tally: {why}; read its sources again")


def _why(error: Any) -> str:
    said = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
    return str(said)[:200]
