"""Groups in, the tally out: backends, gateways and signatures are worked out once per distinct text, then added up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pandas as pd

from analyzer import messages
from analyzer.model import Intake, Share, SourceIntake, Window
from analyzer.sources import addresses
from analyzer.sources.careful import LogFile
from analyzer.sources.grouping import BACKEND_FAILED, SEND_REQUEST, bounds
from analyzer.sources.masking import hide_sql, literal, mask_sql
from analyzer.tally import AFFECTED, FAILURES, GATEWAYS, TRAFFIC, Tally, shares, typed

_SERVICE = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.apimanagement/service/[^/]+", re.IGNORECASE
)
_NOT_NAMED = "(not named)"


def _clean(text: str) -> str:
    """A name as it may stand in a report: no secret, no control characters, at most 256 characters, never NULL."""
    plain = rf"regexp_replace(coalesce({text}, ''), '[\x00-\x1f\x7f]+', ' ', 'g')"
    return f"left({hide_sql(plain)}, 256)"


_PLACE_UNTIMED = (
    # A record whose time cannot be read still counts: at its file's last time, else at the time the file was written.
    """CREATE TABLE clocks AS
    SELECT file, coalesce(max(g.last), any_value(f.modified)) AS moment, max(g.last) IS NOT NULL AS own,
        coalesce(sum(g.count) FILTER (NOT g.timed AND g.dimension IS NULL), 0) AS untimed
    FROM files f LEFT JOIN groups g USING (file) GROUP BY file""",
    """UPDATE groups SET first = moment, last = moment,
        hour = CASE WHEN dimension IS NULL THEN date_trunc('hour', moment) END,
        class = CASE WHEN moment < $start::TIMESTAMP OR moment >= $end::TIMESTAMP THEN 'outside' ELSE class END
    FROM clocks WHERE clocks.file = groups.file AND NOT timed""",
)

_NAME = (
    f"CREATE TABLE origins AS {addresses.origins('groups')}",
    f"CREATE TABLE named AS {addresses.named('groups')}",
    f"""CREATE TABLE signatures AS SELECT message, {mask_sql("message")} AS signature
        FROM (SELECT DISTINCT message FROM groups WHERE class = 'failure')""",
)

_SETTLE = f"""
CREATE TABLE settled AS
WITH met AS (
    SELECT g.*, o.scheme AS url_scheme, o.port AS url_port,
        CASE WHEN o.host <> {literal(addresses.PLACEHOLDER)} THEN o.host END AS url_host,
        n.host AS named_host, n.port AS named_port, coalesce(s.signature, '') AS signature,
        coalesce(g.resource_id, f.resource_id) AS service,
        -- only failures say that a gateway is self-hosted; its other records in the file are then its own too
        bool_or(class = 'failure' AND label = 'request-forwarder') OVER (PARTITION BY g.file, g.region) AS self_hosted
    FROM groups g JOIN files f USING (file)
        LEFT JOIN origins o ON g.origin = o.origin
        LEFT JOIN named n ON g.message = n.message
        LEFT JOIN signatures s ON g.message = s.message
    WHERE class IN ('failure', 'lookalike', 'other')
), told AS (
    SELECT *, {_clean("trim(region)")} AS place,
        CASE WHEN service IS NOT NULL THEN lower({_clean("rtrim(service, '/')")})
             WHEN resource IS NOT NULL THEN lower({_clean("resource")})
             WHEN self_hosted THEN 'self-hosted' ELSE 'unknown' END AS base,
        CASE WHEN url_host IS NOT NULL OR backend_id IS NOT NULL
             THEN {{'scheme': CASE WHEN url_host IS NULL THEN '' ELSE url_scheme END, 'host': coalesce(url_host, ''),
                   'port': CASE WHEN url_host IS NOT NULL THEN url_port END, 'backend_id': {_clean("backend_id")}}}
             END AS own,
        CASE WHEN named_host IS NOT NULL
             THEN {{'scheme': '', 'host': named_host, 'port': named_port, 'backend_id': ''}} END AS by_message,
        {{'scheme': '', 'host': '', 'port': NULL::INTEGER, 'backend_id': ''}} AS unnamed
    FROM met
)
SELECT file, class, label, answered, hour, elapsed_bucket, dimension, {_clean("value")} AS value, count, first, last,
    first_id, last_id, sku, signature, coalesce(named_host, {literal(_NOT_NAMED)}) AS named_host,
    base || '@' || lower(place) AS gateway, regexp_extract(base, '[^/]*$') AS name, place AS region, own,
    -- `own` is whom the last attempt went to. Where a backend answered, that is who: an earlier attempt failed, and only
    -- its message can say whose it was.
    CASE WHEN class <> 'failure' THEN NULL
         WHEN answered AND named_host = url_host AND coalesce(named_port = url_port, true) THEN unnamed
         WHEN answered THEN coalesce(by_message, unnamed)
         WHEN named_host <> url_host AND ({addresses.is_ip("url_host")} OR NOT {addresses.is_ip("named_host")})
         THEN by_message
         ELSE coalesce(own, by_message, unnamed) END AS failing
FROM told"""

_BACKEND = "{b}.scheme AS scheme, {b}.host AS host, {b}.port AS port, {b}.backend_id AS backend_id"

_FAILURES = f"""
SELECT gateway, {_BACKEND.format(b="failing")}, signature, hour, elapsed_bucket, sum(count)::BIGINT AS count,
    min(first) AS first, max(last) AS last, max(first_id).id AS first_id, max(last_id).id AS last_id
FROM settled WHERE class = 'failure' AND dimension IS NULL GROUP BY ALL"""

# A failure is a request of the backend that failed, and, where another one answered, of that one too.
_TRAFFIC = f"""
SELECT gateway, {_BACKEND.format(b="backend")}, hour, sum(count)::BIGINT AS requests, max(success) AS last_success
FROM (
    SELECT gateway, own AS backend, hour, count, CASE WHEN answered THEN last END AS success
    FROM settled WHERE dimension IS NULL AND own IS NOT NULL AND (class <> 'failure' OR answered)
    UNION ALL
    SELECT gateway, failing, hour, count, NULL
    FROM settled WHERE dimension IS NULL AND class = 'failure' AND (failing.host <> '' OR failing.backend_id <> '')
) GROUP BY ALL"""

_AFFECTED = f"""
SELECT gateway, {_BACKEND.format(b="failing")}, signature, dimension, value, sum(count)::BIGINT AS count
FROM settled WHERE class = 'failure' AND dimension IS NOT NULL GROUP BY ALL"""

_GATEWAYS = f"""
SELECT gateway, name, region, 'sku' AS field, {_clean("sku")} AS value, sum(count)::BIGINT AS count
FROM settled WHERE dimension IS NULL GROUP BY ALL
UNION ALL
SELECT gateway, name, region, 'source', label, sum(count)::BIGINT
FROM settled WHERE dimension IS NULL AND class = 'failure' AND label IS NOT NULL GROUP BY ALL"""

_PER_FILE = """
SELECT file, coalesce(sum(count) FILTER (class <> 'outside'), 0)::BIGINT,
    coalesce(sum(count) FILTER (class = 'failure'), 0)::BIGINT,
    coalesce(sum(count) FILTER (class = 'lookalike'), 0)::BIGINT,
    coalesce(sum(count) FILTER (class = 'outside'), 0)::BIGINT
FROM groups WHERE dimension IS NULL GROUP BY file"""


def settle(db: duckdb.DuckDBPyConnection, files: Sequence[LogFile], window: Window) -> Tally:
    """The tally of everything in `groups`; `files` in the order of its column `file`."""
    db.register("files", _files(files))
    db.execute(_PLACE_UNTIMED[0])
    db.execute(_PLACE_UNTIMED[1], bounds(window))
    for statement in (*_NAME, _SETTLE):
        db.execute(statement)
    failures = db.execute(_FAILURES).df()
    kinds = {text: messages.kind_of(text, reason=BACKEND_FAILED).value for text in failures["signature"].unique()}
    sources, outside = _sources(db, files)
    first, last = _row(db, "SELECT min(first), max(last) FROM settled WHERE dimension IS NULL")
    return Tally(
        failures=typed(failures.assign(kind=failures["signature"].map(kinds)), FAILURES),
        traffic=typed(db.execute(_TRAFFIC).df(), TRAFFIC),
        affected=typed(db.execute(_AFFECTED).df(), AFFECTED),
        gateways=typed(db.execute(_GATEWAYS).df(), GATEWAYS),
        intake=Intake(
            sources=sources,
            lookalike_reasons=_shares(db, "label", "class = 'lookalike'"),
            send_request=_shares(db, "named_host", f"label = {literal(SEND_REQUEST)} AND class = 'lookalike'"),
        ),
        found=Window(start=_aware(first), end=_aware(last)),
        caveats=(*(note for file in files for note in file.notes), *_untimed(db, files), *outside),
    )


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _files(files: Sequence[LogFile]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file": pd.Series(range(len(files)), dtype="int32"),
            "resource_id": pd.Series([_service(f) for f in files], dtype=object),
            "modified": pd.to_datetime([f.found.modified for f in files], unit="s").astype("datetime64[us]"),
        }
    )


def _service(file: LogFile) -> str | None:
    """The service whose log a file is, where the folders of a storage account say so."""
    found = _SERVICE.search(file.found.address.replace("\\", "/"))
    return found.group() if found else None


def _sources(db: duckdb.DuckDBPyConnection, files: Sequence[LogFile]) -> tuple[tuple[SourceIntake, ...], list[str]]:
    counts = {row[0]: row[1:] for row in db.execute(_PER_FILE).fetchall()}
    sources, beyond = [], 0
    for position, file in enumerate(files):
        records, failures, lookalikes, outside = counts.get(position, (0, 0, 0, 0))
        beyond += outside
        sources.append(
            SourceIntake(
                name=file.name,
                shape=f"unreadable after {records} records: {file.unreadable}" if file.unreadable else file.shape.name,
                records=records,
                failures=failures,
                lookalikes=lookalikes,
                rejected=file.rejected,
                first_rejected=tuple(file.first_rejected),
            )
        )
    said = [f"{beyond:,} records lie outside the window and were not counted."] if beyond else []
    return tuple(sources), said


def _untimed(db: duckdb.DuckDBPyConnection, files: Sequence[LogFile]) -> list[str]:
    rows = db.execute("SELECT file, untimed, moment, own FROM clocks WHERE untimed > 0 ORDER BY file").fetchall()
    return [
        f"{count:,} records of {files[file].name} have no readable time: they were counted at {moment:%Y-%m-%d %H:%M} UTC, "
        f"the time of {'its last record' if own else 'its last change'}."
        for file, count, moment, own in rows
    ]


def _shares(db: duckdb.DuckDBPyConnection, value: str, condition: str) -> tuple[Share, ...]:
    rows = db.execute(f"SELECT {value}, sum(count)::BIGINT FROM settled WHERE {condition} GROUP BY ALL").fetchall()
    return shares(Share(value=v, failures=n) for v, n in rows)


def _row(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return db.execute(query).fetchone() or (None, None)
