"""Rows of Application Insights in, groups out: the SQL that joins exceptions with the attempts of their operation.

Each row is counted once, as many times as it stands for records. An exception is a failure, a look-alike or an other as
`grouping` has it; which backend it was about, only the dependencies of its operation say: the last of those that ended
without a status, else of those that ended with one of 400 and above. The exception then is the request, and that
attempt an other without traffic, as are all attempts of the operation that ended without a status. Where no exception
is left to say why (sampling), such an attempt is a look-alike, not a guess. Any other attempt had its answer.
Memory is bounded: only exceptions and failed attempts wait to be joined; all else is added up as it comes.
"""

from __future__ import annotations

import duckdb

from analyzer.sources.grouping import (
    _EARLIEST,
    _LATEST,
    _LEAST,
    BACKEND_FAILED,
    DETAILED,
    DIMENSIONS,
    LOOKALIKES,
    SEND_REQUEST,
    TRANSFER,
    _bucket,
    _elsewhere,
    _moment,
    _whole_words,
)
from analyzer.sources.insights import ANSWERED, DEPENDENCY, ERRED, EXCEPTION, FAILED, FIELDS
from analyzer.sources.masking import literal

UNEXPLAINED = "failed dependency without its exception"

_ATTEMPT = "STRUCT(unanswered BOOLEAN, start BIGINT, ms DOUBLE, origin VARCHAR, resource VARCHAR, region VARCHAR)"

INSIGHTS = f"""
CREATE TABLE insights (
    file INTEGER,
    outside BOOLEAN,            -- of the window; but it can still say what another row was about
    class VARCHAR, label VARCHAR,  -- of an exception, as in groups
    explains BOOLEAN,           -- an exception that failed attempts of its operation are due to
    takes BOOLEAN,              -- one that is about their backend
    attempt {_ATTEMPT},         -- of a failed dependency; the greatest of an operation is the one that counts
    operation_id VARCHAR,
    resource VARCHAR, region VARCHAR,  -- '' where not told
    origin VARCHAR, answered BOOLEAN,
    hour TIMESTAMP, moment TIMESTAMP, message VARCHAR, id VARCHAR,
    {", ".join(f"{dimension} VARCHAR" for dimension in DIMENSIONS)},
    rows BIGINT, count BIGINT, first TIMESTAMP, last TIMESTAMP
)"""

_COLUMNS = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in ("file", *FIELDS)) + "}"
_DUE_TO = (BACKEND_FAILED, "Timeout", "ClientConnectionFailure")


def stored() -> str:
    """The statement that adds the lines of `insights.row`, each with its `file`, to the table `insights`.

    Parameters: $paths (VARCHAR[]), $start and $end as in `grouping.grouped`.
    """
    return f"""
INSERT INTO insights
WITH read AS (
    SELECT * REPLACE (file::INTEGER AS file, count::BIGINT AS count, coalesce(resource, '') AS resource, coalesce(region, '') AS region),
        {_moment("time")} AS clock, try_cast(elapsed AS DOUBLE) AS ms
    FROM read_json($paths, format = 'newline_delimited', columns = {_COLUMNS}, hive_partitioning = false,
        compression = 'uncompressed', maximum_object_size = {1 << 20})
), told AS (
    SELECT *, CASE WHEN clock BETWEEN {_EARLIEST} AND {_LATEST} THEN clock END AS moment,
        CASE WHEN kind <> '{EXCEPTION}' THEN 'other'
             WHEN reason = '{BACKEND_FAILED}' AND (source IS NULL OR source IN ('forward-request', 'request-forwarder'))
             THEN 'failure'
             WHEN reason IN ({", ".join(map(literal, (BACKEND_FAILED, *LOOKALIKES)))}) THEN 'lookalike'
             ELSE 'other' END AS class
    FROM read
), classed AS (
    SELECT *, coalesce(moment < $start::TIMESTAMP OR moment >= $end::TIMESTAMP, false) AS outside,
        CASE class WHEN 'failure' THEN source
                   WHEN 'lookalike' THEN CASE reason WHEN '{BACKEND_FAILED}' THEN {_elsewhere("source")} ELSE reason END END AS label,
        kind = '{EXCEPTION}' AND coalesce(reason IN ({", ".join(map(literal, _DUE_TO))}), false) AS explains,
        explains AND (class = 'failure' OR reason <> '{BACKEND_FAILED}') AS takes,
        coalesce(kind = '{DEPENDENCY}' AND state IN ('{ERRED}', '{FAILED}'), false) AS tried,
        explains OR tried AS waits
    FROM told
)
SELECT file, outside, class, label, explains, takes,
    CASE WHEN tried THEN {{'unanswered': state = '{FAILED}', 'start': coalesce(epoch_us(moment), {_LEAST}), 'ms': coalesce(ms, -1),
        'origin': coalesce(origin, ''), 'resource': resource, 'region': region}} END AS attempt,
    CASE WHEN waits THEN operation_id END AS operation_id, resource, region,
    CASE WHEN state <> '' THEN origin END AS origin, coalesce(state = '{ANSWERED}', false) AS answered,
    date_trunc('hour', moment) AS hour, CASE WHEN waits THEN moment END AS moment,
    CASE WHEN class = 'failure' OR label IN ('{SEND_REQUEST}', '{TRANSFER}') THEN {_whole_words("message")} END AS message,
    CASE WHEN {DETAILED} AND regexp_full_match(correlation_id, '[0-9A-Fa-f._:|-]{{1,64}}') THEN correlation_id END AS id,
    {", ".join(f"CASE WHEN {DETAILED} THEN {d} END AS {d}" for d in DIMENSIONS)},
    count(*), sum(count)::BIGINT, min(classed.moment), max(classed.moment)
FROM classed GROUP BY ALL"""


def joined() -> str:
    """The query of all that is in the table `insights`, as rows of the table `groups`."""
    return f"""
WITH explaining AS (
    SELECT operation_id, resource, bool_or(takes) AS takes FROM insights
    WHERE explains AND operation_id IS NOT NULL GROUP BY ALL
), met AS (  -- gateways that call one another share an operation; a row that does not say its gateway meets them all
    SELECT e.operation_id, e.resource, e.takes, a.attempt
    FROM explaining e JOIN (SELECT DISTINCT operation_id, attempt FROM insights WHERE attempt IS NOT NULL) a
        ON e.operation_id = a.operation_id AND (e.resource = a.attempt.resource OR '' IN (e.resource, a.attempt.resource))
), chosen AS (
    SELECT operation_id, resource, max(attempt) AS attempt FROM met WHERE takes GROUP BY ALL
), due AS (
    SELECT operation_id, attempt FROM met WHERE attempt.unanswered
    UNION SELECT operation_id, attempt FROM chosen
), decided AS (
    SELECT i.* EXCLUDE (class, label, resource, region, origin, answered),
        CASE WHEN outside THEN 'outside'
             WHEN i.attempt.unanswered AND due.operation_id IS NULL THEN 'lookalike'
             ELSE class END AS class,
        CASE WHEN i.attempt.unanswered AND due.operation_id IS NULL THEN {literal(UNEXPLAINED)} ELSE label END AS label,
        coalesce(nullif(i.resource, ''), nullif(chosen.attempt.resource, '')) AS resource,
        coalesce(nullif(i.region, ''), nullif(chosen.attempt.region, '')) AS region,
        CASE WHEN takes THEN nullif(chosen.attempt.origin, '') WHEN due.operation_id IS NULL THEN i.origin END AS origin,
        CASE WHEN i.attempt IS NULL THEN answered ELSE NOT i.attempt.unanswered AND due.operation_id IS NULL END AS answered,
        nullif(chosen.attempt.ms, -1) AS ms
    FROM insights i
        LEFT JOIN chosen ON chosen.operation_id = CASE WHEN i.takes THEN i.operation_id END AND chosen.resource = i.resource
        LEFT JOIN due ON due.operation_id = i.operation_id AND due.attempt = i.attempt
), counted AS (
    SELECT file, class, CASE WHEN class <> 'outside' THEN label END AS label, resource, region, origin, answered,
        first IS NOT NULL AS timed, hour, CASE WHEN class <> 'outside' THEN message END AS message,
        CASE WHEN {DETAILED} THEN {_bucket("ms")} END AS elapsed_bucket,
        {", ".join(f"CASE WHEN {DETAILED} THEN {d} END AS {d}" for d in DIMENSIONS)},
        sum(count)::BIGINT AS count, min(first) AS first, max(last) AS last,
        max({{'rank': coalesce(-epoch_us(moment), {_LEAST}), 'id': coalesce(id, '')}}) FILTER {DETAILED} AS first_id,
        max({{'rank': coalesce(epoch_us(moment), {_LEAST}), 'id': coalesce(id, '')}}) FILTER {DETAILED} AS last_id
    FROM decided GROUP BY ALL
), affecting AS (
    SELECT *, unnest(CASE WHEN {DETAILED}
            THEN [NULL, {", ".join(f"{{'dimension': '{d}', 'value': {d}}}" for d in DIMENSIONS)}] ELSE [NULL] END) AS affects
    FROM counted
)
SELECT file, class, label, NULL AS resource_id, resource, region, NULL AS sku, origin, NULL AS backend_id, answered, timed,
    CASE WHEN affects IS NULL THEN hour END AS hour, message,
    CASE WHEN affects IS NULL THEN elapsed_bucket END AS elapsed_bucket,
    affects.dimension AS dimension, affects.value AS value,
    sum(count)::BIGINT, min(first), max(last),
    max(CASE WHEN affects IS NULL THEN first_id END), max(CASE WHEN affects IS NULL THEN last_id END), NULL AS part
FROM affecting
WHERE affects IS NULL OR affects.value IS NOT NULL
GROUP BY ALL"""


def sampled(db: duckdb.DuckDBPyConnection) -> list[str]:
    """What to say where rows of the table `insights` stand for more records than there are rows."""
    rows, records = db.execute(
        "SELECT sum(rows)::BIGINT, sum(count)::BIGINT FROM insights WHERE NOT outside"
    ).fetchone() or (0, 0)
    if not rows or rows == records:
        return []
    return [
        f"{rows:,} rows of Application Insights stand for {records:,} records, because it keeps a sample: its counts are "
        "estimates, and a failure whose exception was not kept is not among them."
    ]
