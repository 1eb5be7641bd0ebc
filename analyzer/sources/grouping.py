"""Records in any dialect in, groups out: the SQL that decides what each record is and counts it, in one pass.

A record is a *failure* where `lastError`, or any element of `errors`, has the reason BackendConnectionFailure at
`forward-request` or `request-forwarder` (or says no source, but section `backend`): a later policy error overwrites
`lastError` and does not hide it. A record without source, section and `errors`, as an export of few columns has it, is
one too, unless a backend answered. Status codes say nothing: policies rewrite them. A *look-alike* has one of
LOOKALIKES in `lastError`, or BackendConnectionFailure elsewhere. Everything else is an *other*. The look-alike at
`transfer-response`, a body that broke off, keeps its details as a failure does: it gets clusters of its own (`settling`).
(https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies)
"""

from __future__ import annotations

from datetime import UTC, datetime

from analyzer.model import Window
from analyzer.sources.addresses import ORIGIN
from analyzer.sources.columns import Dialect, with_caller
from analyzer.sources.masking import literal
from analyzer.tally import ELAPSED_EDGES_MS, NOT_LOGGED

BACKEND_FAILED = "BackendConnectionFailure"
LOOKALIKES = ("ClientConnectionFailure", "Timeout", "OperationNotFound")
SEND_REQUEST = f"{BACKEND_FAILED} at send-request"
TRANSFER = f"{BACKEND_FAILED} at transfer-response"
DETAILED = f"(class = 'failure' OR label = '{TRANSFER}')"
"""Of a record, or a group of them: that its text, its elapsed time, its id and what it affected are kept."""

DIMENSIONS = ("api", "operation", "product", "subscription")
OWN_HOST = "own_host"
"""The dimension of failures whose request had come in under the backend's host: the gateway called itself."""

_HOST = literal(r"(?i)^https?://(?:[^/?#@]*@)?([^/?#:@]+)")
_OWN_HOST = f"""lower(nullif(regexp_extract(url, {_HOST}, 1), '')) = lower(regexp_extract(backend_url, {_HOST}, 1))"""

MESSAGE_LENGTH = 4096  # characters of a message that are grouped by, before it is masked

GROUPS = """
CREATE TABLE groups (
    file INTEGER,               -- position in the list of files
    class VARCHAR,              -- failure, lookalike, other; outside: of the window; left: for the careful reader
    label VARCHAR,              -- failure: source of the error; look-alike: what it was
    resource_id VARCHAR, resource VARCHAR, region VARCHAR, sku VARCHAR,
    origin VARCHAR, backend_id VARCHAR,
    answered BOOLEAN,           -- a backend sent a status
    timed BOOLEAN,              -- its time could be read
    hour TIMESTAMP,
    message VARCHAR, elapsed_bucket BIGINT,
    dimension VARCHAR, value VARCHAR,  -- not NULL: counts a failure once more, under what it affected
    count BIGINT, first TIMESTAMP, last TIMESTAMP,
    first_id STRUCT(rank BIGINT, id VARCHAR), last_id STRUCT(rank BIGINT, id VARCHAR),  -- the greatest rank stands
    part INTEGER                -- which path it was read from, counted over all statements
)"""

_FORWARDED = "({source} IN ('forward-request', 'request-forwarder') OR ({source} IS NULL AND {section} = 'backend'))"
_LEAVES = ("reason", "source", "section", "message", "elapsed")
_ERRORS = literal("[{" + ", ".join(f'"{leaf}": "VARCHAR"' for leaf in _LEAVES) + "}]")
_PATHS = "[" + ", ".join(literal(f"$.{leaf}") for leaf in _LEAVES) + "]"
_EARLIEST, _LATEST = "TIMESTAMP '2010-01-01'", "TIMESTAMP '2200-01-01'"  # of what a gateway can write
_LONGEST = 1 << 22  # bytes of one line; DuckDB takes eight times that for each thread, and fails over longer ones
_LEAST = -(1 << 62)  # microseconds: before any time


def grouped(dialect: Dialect, *, keep_ip: bool = False) -> str:
    """The statement that adds the records of some files to `groups`.

    Parameters: $paths (VARCHAR[]); $files (INTEGER[]): the position of each path's file; $first: how many
    paths were read before; $start and $end of the window
    (TIMESTAMP, NULL where open). `keep_ip`: the clients' addresses are a dimension too; else they are not read.
    """
    dimensions = (*DIMENSIONS, "caller") if keep_ip else DIMENSIONS
    dialect = with_caller(dialect) if keep_ip else dialect
    counted_by = (*dimensions, OWN_HOST)
    fields = ", ".join(f"{expression} AS {name}" for name, expression in dialect.fields.items())
    return f"""
INSERT INTO groups
WITH read AS (
    SELECT {dialect.file} AS file, {dialect.part} AS part, {dialect.sure} AS sure, {fields}
    FROM {reader(dialect)}
), timed AS (
    SELECT *, {"make_timestamp(epoch_us(time))" if dialect.timed else _moment("time")} AS clock, try_cast(backend_response_code AS DOUBLE) > 0 AS answered,
        CASE WHEN json_valid(last_error) THEN json_extract_string(last_error, {_PATHS}) END AS nested
    FROM read
), told AS (  -- the error that the gateway kept last
    SELECT * REPLACE ({", ".join(_leaf(leaf, i) for i, leaf in enumerate(_LEAVES, 1))},
        coalesce(answered, false) AS answered),
        CASE WHEN clock BETWEEN {_EARLIEST} AND {_LATEST} THEN clock END AS moment
    FROM timed
), listed AS (  -- and the backend failures among all that it met
    SELECT *, coalesce(reason = '{BACKEND_FAILED}' AND {_FORWARDED.format(source="source", section="section")}, false) AS forwarded,
        CASE WHEN NOT forwarded AND contains(errors, '{BACKEND_FAILED}') AND json_valid(errors)
             THEN list_filter(from_json(CASE json_type(errors) WHEN 'OBJECT' THEN '[' || errors || ']' ELSE errors END,
                                        {_ERRORS}), lambda e: e.reason = '{BACKEND_FAILED}') END AS met
    FROM told
), decided AS (
    SELECT *, CASE
            WHEN forwarded OR (reason = '{BACKEND_FAILED}' AND coalesce(source, section) IS NULL
                               AND NOT answered AND coalesce(len(met), 0) = 0)
            THEN {{'source': source, 'message': message, 'elapsed': elapsed}}
            ELSE list_transform(
                list_filter(met, lambda e: {_FORWARDED.format(source="nullif(e.source, '')", section="e.section")}),
                lambda e: {{'source': nullif(e.source, ''), 'message': e.message, 'elapsed': e.elapsed}})[-1] END AS failed,
        CASE WHEN reason IN ({", ".join(map(literal, LOOKALIKES))}) THEN reason
             WHEN reason = '{BACKEND_FAILED}' THEN {_elsewhere("source")}
             WHEN len(met) > 0 THEN {_elsewhere("met[-1].source")} END AS resembles
    FROM listed
), classed AS (
    SELECT *, try_cast(coalesce(failed.elapsed, CASE WHEN failed IS NOT NULL THEN NULL WHEN resembles = '{TRANSFER}' AND reason = '{BACKEND_FAILED}' THEN elapsed
                                WHEN resembles = '{TRANSFER}' THEN met[-1].elapsed END, backend_time) AS DOUBLE) AS ms,
        CASE WHEN sure IS NOT TRUE THEN 'left'
             WHEN moment < $start::TIMESTAMP OR moment >= $end::TIMESTAMP THEN 'outside'
             WHEN failed IS NOT NULL THEN 'failure'
             WHEN resembles IS NOT NULL THEN 'lookalike'
             ELSE 'other' END AS class
    FROM decided
), labelled AS (
    SELECT *, CASE class WHEN 'failure' THEN failed.source WHEN 'lookalike' THEN resembles END AS label FROM classed
), keyed AS (
    SELECT file, part, class, answered, moment, label,
        resource_id, resource, region, sku,
        nullif(regexp_extract(backend_url, {literal(ORIGIN)}), '') AS origin, backend_id,
        date_trunc('hour', moment) AS hour,
        CASE WHEN class = 'failure' THEN {_whole_words("failed.message")}
             WHEN class = 'lookalike' AND label IN ('{SEND_REQUEST}', '{TRANSFER}')
             THEN {_whole_words(f"CASE WHEN reason = '{BACKEND_FAILED}' THEN message ELSE met[-1].message END")}
             END AS message,
        CASE WHEN {DETAILED} THEN {_bucket("ms")} END AS elapsed_bucket,
        CASE WHEN {DETAILED} AND regexp_full_match(correlation_id, '[0-9A-Fa-f._:|-]{{1,64}}')
             THEN correlation_id ELSE '' END AS id,
        {", ".join(f"CASE WHEN {DETAILED} THEN {d} END AS {d}" for d in dimensions)},
        CASE WHEN {DETAILED} AND contains(backend_url, '//') AND {_OWN_HOST}
             THEN lower(regexp_extract(url, {_HOST}, 1)) END AS {OWN_HOST}
    FROM labelled
), counted AS (
    SELECT * EXCLUDE (moment, id), moment IS NOT NULL AS timed, count(*) AS count, min(moment) AS first, max(moment) AS last,
        max({{'rank': coalesce(-epoch_us(moment), {_LEAST}), 'id': id}}) FILTER {DETAILED} AS first_id,
        max({{'rank': coalesce(epoch_us(moment), {_LEAST}), 'id': id}}) FILTER {DETAILED} AS last_id
    FROM keyed GROUP BY ALL
), affecting AS (  -- once more under each thing that a failure affected; after counting, for there may be millions of them
    SELECT *, unnest(CASE WHEN {DETAILED}
            THEN [NULL, {", ".join(f"{{'dimension': '{d}', 'value': {d}}}" for d in counted_by)}] ELSE [NULL] END) AS affects
    FROM counted
)
SELECT file, class, label, resource_id, resource, region, sku, origin, backend_id, answered, timed,
    CASE WHEN affects IS NULL THEN hour END, message, CASE WHEN affects IS NULL THEN elapsed_bucket END,
    affects.dimension, affects.value, count, first, last,
    CASE WHEN affects IS NULL THEN first_id END, CASE WHEN affects IS NULL THEN last_id END, part
FROM affecting
WHERE affects IS NULL OR affects.value IS NOT NULL"""


def bounds(window: Window) -> dict[str, datetime | None]:
    """The parameters $start and $end of a window: TIMESTAMP is UTC without a word of it."""
    start, end = (moment and moment.astimezone(UTC).replace(tzinfo=None) for moment in (window.start, window.end))
    return {"start": start, "end": end}


def unsure(dialect: Dialect) -> str:
    """The query of the positions, from 1, of those among one file's non-blank lines that `grouped` classes as left.

    Parameters: $paths, $limit (the last position that counts). Needs preserve_insertion_order.
    """
    return f"""
SELECT position FROM (SELECT row_number() OVER () AS position, ({dialect.sure}) IS NOT TRUE AS unsure FROM {reader(dialect)})
WHERE unsure AND position <= $limit ORDER BY position"""


def reader(dialect: Dialect) -> str:
    """The table function that reads JSON lines; a line that it cannot read is a row of NULLs."""
    return f"""read_json($paths, format = 'newline_delimited', columns = {dialect.columns}, compression = 'uncompressed',
        ignore_errors = true, hive_partitioning = false, maximum_object_size = {_LONGEST})"""


def _moment(text: str) -> str:
    """A UTC timestamp, to the microsecond; NULL where the text is not ISO 8601. Without a zone it is taken for UTC."""
    iso = f"try_cast({text} AS TIMESTAMP)"  # would pass over an offset
    return f"""CASE WHEN suffix({text}, 'Z') THEN {iso}
        WHEN regexp_matches({text}, '[0-9][+-][0-9]{{2}}:?[0-9]{{2}}$')
        THEN timezone('UTC', try_cast({text} AS TIMESTAMPTZ))
        ELSE {iso} END"""


def _leaf(leaf: str, position: int) -> str:
    return f"coalesce({leaf}, nullif(nested[{position}], '')) AS {leaf}"


def _elsewhere(source: str) -> str:
    """What to call a backend failure at another step; the step's name only where it can be one."""
    named = f"CASE WHEN regexp_full_match({source}, '[A-Za-z-]{{1,40}}') THEN {source} ELSE '(no source)' END"
    return f"'{BACKEND_FAILED} at ' || {named}"


def _whole_words(message: str) -> str:
    """A message, or as much of it as is grouped by; a word that the cut falls into could be half a secret."""
    return f"""CASE WHEN length({message}) > {MESSAGE_LENGTH}
        THEN regexp_replace(left({message}, {MESSAGE_LENGTH}), '[^ ]*$', '') ELSE coalesce({message}, '') END"""


def _bucket(ms: str) -> str:
    cases = " ".join(f"WHEN {ms} <= {edge} THEN {edge}" for edge in ELAPSED_EDGES_MS[:-1])
    return f"CASE WHEN {ms} IS NULL OR {ms} < 0 THEN {NOT_LOGGED} {cases} ELSE {ELAPSED_EDGES_MS[-1]} END"
