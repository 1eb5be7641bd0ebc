"""Groups in, the tally out: backends, gateways and signatures are worked out once per distinct text, then added up."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pandas as pd

from analyzer import messages
from analyzer.model import Intake, Share, SourceIntake, Window
from analyzer.overlap import overlaps
from analyzer.sources import addresses
from analyzer.sources.careful import LogFile
from analyzer.sources.grouping import BACKEND_FAILED, DETAILED, SEND_REQUEST, TRANSFER, bounds
from analyzer.sources.insights_join import sampled
from analyzer.sources.masking import hide_sql, literal, mask_sql
from analyzer.tally import AFFECTED, FAILURES, GATEWAYS, NOT_LOGGED, PORT, TRAFFIC, Tally, shares, typed

_SERVICE = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.apimanagement/service/[^/]+", re.IGNORECASE
)
_NOT_NAMED = "(not named)"
_MEMORY = "120MB"


def _clean(text: str) -> str:
    """A name as it may stand in a report: no secret, no control characters, at most 256 characters, never NULL."""
    plain = rf"regexp_replace(coalesce({text}, ''), '[\x00-\x1f\x7f]+', ' ', 'g')"
    return f"left({hide_sql(plain)}, 256)"


_PLACE_UNTIMED = (
    # A record whose time cannot be read still counts: at its file's last time, else at the time the file was written.
    """CREATE TABLE clocks AS
    SELECT file, coalesce(last, modified) AS moment, last IS NOT NULL AS own, coalesce(untimed, 0) AS untimed
    FROM files LEFT JOIN (
        SELECT file, max(last) AS last, sum(count) FILTER (NOT timed AND dimension IS NULL) AS untimed FROM groups GROUP BY file
    ) USING (file)""",
    """UPDATE groups SET first = moment, last = moment,
        hour = CASE WHEN dimension IS NULL THEN date_trunc('hour', moment) END,
        class = CASE WHEN moment < $start::TIMESTAMP OR moment >= $end::TIMESTAMP THEN 'outside' ELSE class END
    FROM clocks WHERE clocks.file = groups.file AND NOT timed""",
)

MOST_BY_THE_HOUR = 1_200
"""Failing backends beyond the worst so many, and other backends beyond the busiest, are counted as a whole, not by the hour."""
MOST_HOSTS = 100_000
"""Above it, hosts that differ in their first label only are counted as one, where there are MANY_SIBLINGS of them."""
MANY_SIBLINGS = 100
MOST_SIGNATURES = 5_000
"""Signatures beyond the most frequent so many are counted as OTHER_TEXTS."""
OTHER_TEXTS = "(other texts)"

# Whatever needs more than a comparison is worked out once per distinct text: groups may be millions, texts are few.
_NAME = (
    f"CREATE TABLE origins AS {addresses.origins('groups')}",
    f"CREATE TABLE named AS {addresses.named('groups')}",
    f"""CREATE TABLE signatures AS
    WITH masked AS (
        SELECT message, count, {mask_sql("message")} AS signature
        FROM (SELECT coalesce(message, '') AS message, sum(count) AS count FROM groups WHERE {DETAILED} AND dimension IS NULL GROUP BY ALL)
    ), counted AS (
        SELECT signature, sum(count) AS count FROM masked GROUP BY signature
    ), ranked AS (
        SELECT signature, row_number() OVER (ORDER BY count DESC, signature) AS rank FROM counted
    )
    SELECT message, CASE WHEN rank <= {MOST_SIGNATURES} THEN signature ELSE {literal(OTHER_TEXTS)} END AS signature,
        rank > {MOST_SIGNATURES} AS folded
    FROM masked JOIN ranked USING (signature)""",
    # only failures say that a gateway is self-hosted; its other records in the file are then its own too
    f"""CREATE TABLE places AS
    WITH met AS (
        SELECT file, g.resource_id, resource, region, coalesce(g.resource_id, f.resource_id) AS service,
            bool_or(class = 'failure' AND label = 'request-forwarder') AS self_hosted
        FROM groups g JOIN files f USING (file) WHERE class IN ('failure', 'lookalike', 'other') GROUP BY ALL
    ), told AS (
        SELECT *, {_clean("trim(region)")} AS place,
            CASE WHEN service IS NOT NULL THEN lower({_clean("rtrim(service, '/')")})
                 WHEN resource IS NOT NULL THEN lower({_clean("resource")})
                 WHEN bool_or(self_hosted) OVER (PARTITION BY file, region) THEN 'self-hosted' ELSE 'unknown' END AS base
        FROM met
    )
    SELECT file, resource_id, resource, region, base || '@' || lower(place) AS gateway,
        regexp_extract(base, '[^/]*$') AS name, place
    FROM told""",
)

_BROKE = f"(class = 'lookalike' AND coalesce(label = '{TRANSFER}', false))"
"""Of a group: a backend answered and the body broke off. Look-alikes in every count of records; in the tally's failures they
stand apart by their signature and kind, and so get clusters of the family `transfer`."""

_ROLLED = f"""
CREATE TABLE rolled AS
WITH hosts AS (SELECT host FROM origins UNION SELECT host FROM named),
parents AS (
    SELECT host, '*.' || regexp_extract(host, '^[^.]+[.](.+[.].+)$', 1) AS parent
    FROM hosts WHERE NOT {addresses.is_ip("host")} AND (SELECT count(*) FROM hosts) > {MOST_HOSTS}
)
SELECT host, parent FROM parents
WHERE parent <> '*.' AND parent IN (SELECT parent FROM parents GROUP BY parent HAVING count(*) >= {MANY_SIBLINGS})"""

_SETTLE = (
    f"""
CREATE TABLE keys AS
WITH met AS (
    SELECT DISTINCT origin, backend_id, message, class = 'failure' AS failed, {_BROKE} AS broke, answered
    FROM groups WHERE class IN ('failure', 'lookalike', 'other')
), told AS (
    SELECT met.*, o.scheme AS url_scheme, o.port AS url_port,
        CASE WHEN o.host <> {literal(addresses.PLACEHOLDER)} THEN coalesce(ro.parent, o.host) END AS url_host,
        coalesce(rn.parent, n.host) AS named_host, n.port AS named_port, coalesce(s.signature, '') AS signature
    FROM met LEFT JOIN origins o ON met.origin = o.origin LEFT JOIN rolled ro ON o.host = ro.host
        LEFT JOIN named n ON met.message = n.message LEFT JOIN rolled rn ON n.host = rn.host
        LEFT JOIN signatures s ON coalesce(met.message, '') = s.message
), placed AS (
    SELECT *,
        CASE WHEN url_host IS NOT NULL OR backend_id IS NOT NULL
             THEN {{'scheme': CASE WHEN url_host IS NULL THEN '' ELSE url_scheme END, 'host': coalesce(url_host, ''),
                   'port': CASE WHEN url_host IS NOT NULL THEN url_port END, 'backend_id': {_clean("backend_id")}}}
             END AS own,
        CASE WHEN named_host IS NOT NULL
             THEN {{'scheme': '', 'host': named_host, 'port': named_port, 'backend_id': ''}} END AS by_message,
        {{'scheme': '', 'host': '', 'port': NULL::INTEGER, 'backend_id': ''}} AS unnamed
    FROM told
)
SELECT origin, backend_id, message, failed, broke, answered,
    -- so the same text at both steps is two signatures, and each keeps its own kind, family and counts
    CASE WHEN broke THEN trim({literal(messages.TRANSFER)} || signature) ELSE signature END AS signature,
    coalesce(named_host, {literal(_NOT_NAMED)}) AS named_host, own,
    -- `own` is whom the last attempt went to. Where a backend answered, that is who: an earlier attempt failed, and only
    -- its message can say whose it was.
    -- A body that broke off where nothing names the backend stays a look-alike and no more.
    CASE WHEN broke THEN coalesce(own, by_message)
         WHEN NOT failed THEN NULL
         WHEN answered AND named_host = url_host AND coalesce(named_port = url_port, true) THEN unnamed
         WHEN answered THEN coalesce(by_message, unnamed)
         WHEN named_host <> url_host AND ({addresses.is_ip("url_host")} OR NOT {addresses.is_ip("named_host")})
         THEN by_message
         ELSE coalesce(own, by_message, unnamed) END AS failing
FROM placed""",
    """CREATE TABLE backends AS
SELECT row_number() OVER (ORDER BY backend) AS id, backend FROM (SELECT own AS backend FROM keys UNION SELECT failing FROM keys)
WHERE backend IS NOT NULL""",
    f"""CREATE TABLE settled AS
SELECT g.file, class, label, g.answered, hour, elapsed_bucket, dimension, value, count, first, last, first_id, last_id, sku, broke,
    signature, named_host, gateway, name, place AS region, o.id AS own, f.id AS failing
FROM groups g
    JOIN places p ON g.file = p.file AND g.resource_id IS NOT DISTINCT FROM p.resource_id
        AND g.resource IS NOT DISTINCT FROM p.resource AND g.region IS NOT DISTINCT FROM p.region
    JOIN keys k ON g.origin IS NOT DISTINCT FROM k.origin AND g.backend_id IS NOT DISTINCT FROM k.backend_id
        AND g.message IS NOT DISTINCT FROM k.message AND (g.class = 'failure') = k.failed AND {_BROKE} = k.broke
        AND g.answered = k.answered
    LEFT JOIN backends o ON k.own = o.backend LEFT JOIN backends f ON k.failing = f.backend
WHERE class IN ('failure', 'lookalike', 'other')""",
    # NULL for those that are counted by the hour; else the hour that all of theirs are counted at
    f"""CREATE TABLE hours AS
WITH met AS (
    SELECT gateway, failing AS backend, count AS failures, count, hour FROM settled WHERE failing IS NOT NULL AND dimension IS NULL
    UNION ALL
    SELECT gateway, own, 0, count, hour FROM settled WHERE dimension IS NULL AND own IS NOT NULL
), counted AS (
    SELECT gateway, backend, sum(failures) AS failures, sum(count) AS count, min(hour) AS earliest
    FROM met GROUP BY gateway, backend
)
SELECT gateway, backend, CASE WHEN row_number() OVER (ORDER BY failures DESC, count DESC, gateway, backend)
    > {MOST_BY_THE_HOUR} THEN earliest END AS whole
FROM counted""",
)

_BACKENDS = """SELECT backend.scheme AS scheme, backend.host AS host, backend.port AS port, backend.backend_id AS backend_id
FROM backends ORDER BY id"""

_FAILURES = f"""
SELECT gateway, backend, signature, hour, elapsed_bucket, count, first, last, first_id.id AS first_id, last_id.id AS last_id
FROM (
    SELECT s.gateway, failing AS backend, signature, coalesce(h.whole, hour) AS hour,
        coalesce(elapsed_bucket, {NOT_LOGGED}) AS elapsed_bucket, sum(count)::BIGINT AS count,
        min(first) AS first, max(last) AS last, max(first_id) AS first_id, max(last_id) AS last_id
    FROM settled s JOIN hours h ON s.gateway = h.gateway AND s.failing = h.backend
    WHERE dimension IS NULL GROUP BY ALL
)"""

# A failure is a request of the backend that failed, and, where another one answered, of that one too. A body that broke
# off is a request of the backend that answered, and no success.
_TRAFFIC = """
SELECT t.gateway, t.backend, coalesce(h.whole, hour) AS hour, sum(count)::BIGINT AS requests, max(success) AS last_success
FROM (
    SELECT gateway, own AS backend, hour, count, CASE WHEN answered AND NOT broke THEN last END AS success
    FROM settled WHERE dimension IS NULL AND own IS NOT NULL AND (class <> 'failure' OR answered)
    UNION ALL
    SELECT gateway, failing, hour, count, NULL
    FROM settled s JOIN backends b ON failing = b.id
    WHERE dimension IS NULL AND (class = 'failure' OR own IS NULL) AND (b.backend.host <> '' OR b.backend.backend_id <> '')
) t JOIN hours h ON t.gateway = h.gateway AND t.backend = h.backend GROUP BY ALL"""

_AFFECTED = f"""
SELECT gateway, backend, signature, dimension, {_clean("value")} AS value, sum(count)::BIGINT AS count
FROM (
    SELECT gateway, failing AS backend, signature, dimension, value, sum(count) AS count
    FROM settled WHERE failing IS NOT NULL AND dimension IS NOT NULL GROUP BY ALL
) GROUP BY ALL"""

_GATEWAYS = f"""
SELECT gateway, name, region, 'sku' AS field, {_clean("sku")} AS value, sum(count)::BIGINT AS count
FROM (SELECT gateway, name, region, sku, sum(count) AS count FROM settled WHERE dimension IS NULL GROUP BY ALL) GROUP BY ALL
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
    for statement in (*_NAME, _ROLLED, *_SETTLE):
        db.execute(statement)
    backends = (
        db.execute(_BACKENDS)
        .df()
        .astype({"scheme": "category", "host": "category", "backend_id": "category", "port": PORT})
    )
    failures = _told_of(backends, db.execute(_FAILURES).df())
    db.execute("DROP TABLE keys")
    db.execute("SET threads = 2")  # each takes its share of the memory
    db.execute(f"SET memory_limit = '{_MEMORY}'")  # the rest is small, and pandas needs the room
    kinds = {text: messages.kind_of(text, reason=BACKEND_FAILED).value for text in failures["signature"].unique()}
    sources, outside = _sources(db, files)
    first, last = _row(db, "SELECT min(first), max(last) FROM settled WHERE dimension IS NULL")
    return Tally(
        failures=typed(failures.assign(kind=failures["signature"].map(kinds)), FAILURES),
        traffic=typed(_told_of(backends, db.execute(_TRAFFIC).df()), TRAFFIC),
        affected=typed(_told_of(backends, db.execute(_AFFECTED).df()), AFFECTED),
        gateways=typed(db.execute(_GATEWAYS).df(), GATEWAYS),
        intake=Intake(
            sources=sources,
            lookalike_reasons=_shares(db, "label", "class = 'lookalike'"),
            send_request=_shares(db, "named_host", f"label = {literal(SEND_REQUEST)} AND class = 'lookalike'"),
        ),
        found=Window(start=_aware(first), end=_aware(last)),
        caveats=(
            *(note for file in files for note in file.notes),
            *_untimed(db, files),
            *sampled(db),
            *outside,
            *_folded(db),
            *_cannot_answer(files),
            *overlaps(_seen(db, files)),
        ),
    )


def _told_of(backends: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns of its rows' backends: a text for each row would be millions of texts."""
    places = frame.pop("backend").to_numpy() - 1
    return frame.assign(**{str(name): column.take(places).reset_index(drop=True) for name, column in backends.items()})


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


def _cannot_answer(files: Sequence[LogFile]) -> list[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for file in files:
        if file.shape.cannot_answer:
            by_reason[file.shape.cannot_answer].append(file.name)
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {why}."
        for why, names in by_reason.items()
    ]


def _seen(db: duckdb.DuckDBPyConnection, files: Sequence[LogFile]) -> pd.DataFrame:
    """Which source, in which shape, holds records of which gateway and hour; an account's blobs, one an hour, are one source."""
    sources = [
        # Application Insights' tables tell of the same requests, each its part
        "Application Insights"
        if f.shape.insights
        else "blobs of an hour each"
        if _HOURLY.search(f.found.address)
        else f"{f.found.origin} ({f.shape.name})"
        for f in files
    ]
    db.register("origin", pd.DataFrame({"file": range(len(files)), "source": sources}))
    query = "SELECT DISTINCT source, gateway, hour FROM settled JOIN origin USING (file) WHERE dimension IS NULL"
    return db.execute(query).df()


_HOURLY = re.compile(r"PT[15][HM][^/\\]*$")


def _folded(db: duckdb.DuckDBPyConnection) -> list[str]:
    """What was counted more coarsely than asked for, because there is too much of it."""
    whole, hosts, parents, texts = _row(
        db,
        """SELECT (SELECT count(*) FROM hours WHERE whole IS NOT NULL), (SELECT count(*) FROM rolled),
            (SELECT count(DISTINCT parent) FROM rolled), (SELECT count(*) FROM signatures WHERE folded)""",
    )
    said = []
    if whole:
        said.append(
            f"{whole:,} backends beyond the {MOST_BY_THE_HOUR:,} with the most failures were counted as a whole, not by the hour."
        )
    if hosts:
        said.append(
            f"{hosts:,} hosts that differ in their first label only were counted as {parents:,}, under their common suffix (*.)."
        )
    if texts:
        said.append(
            f"{texts:,} error texts beyond the {MOST_SIGNATURES:,} most frequent were counted as {OTHER_TEXTS}."
        )
    return said


def _shares(db: duckdb.DuckDBPyConnection, value: str, condition: str) -> tuple[Share, ...]:
    rows = db.execute(
        f"SELECT {value}, sum(count)::BIGINT FROM settled WHERE dimension IS NULL AND {condition} GROUP BY ALL"
    ).fetchall()
    return shares(Share(value=v, failures=n) for v, n in rows)


def _row(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return db.execute(query).fetchall()[
        0
    ]  # all of one: a result that is not fetched to its end keeps the connection busy
