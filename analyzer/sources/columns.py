"""Records as any shape spells them in, canonical fields out: the one table of spellings and what is derived from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from analyzer.sources.items import parse
from analyzer.sources.masking import literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that a record says, and how each family of shapes spells it; "" where the family has no place for it."""

    name: str  # canonical
    log: str = ""  # resource log: storage blobs, Event Hub
    table: str = ""  # table ApiManagementGatewayLogs
    diagnostics: str = ""  # table AzureDiagnostics
    also: tuple[str, ...] = ()  # seen in other people's code and in other versions; less trusted than the above


FIELDS: tuple[Field, ...] = (
    Field(name="time", log="time", table="TimeGenerated", also=("Timestamp",)),
    Field(name="resource_id", log="resourceId", table="_ResourceId", diagnostics="ResourceId"),
    Field(name="resource", diagnostics="Resource", also=("ServiceName",)),
    Field(name="region", log="location", table="Region", diagnostics="Region_s", also=("location_s",)),
    Field(name="sku", log="Sku", also=("Sku_s",)),
    Field(name="correlation_id", log="correlationId", table="CorrelationId", also=("correlationId_g",)),
    Field(name="url", log="properties.url", table="Url", diagnostics="url_s"),  # only its host is looked at
    Field(name="backend_url", log="properties.backendUrl", table="BackendUrl", diagnostics="backendUrl_s"),
    Field(name="backend_id", log="properties.backendId", table="BackendId", diagnostics="backendId_s"),
    Field(
        name="backend_response_code",
        log="properties.backendResponseCode",
        table="BackendResponseCode",
        diagnostics="backendResponseCode_d",
    ),
    Field(name="backend_time", log="properties.backendTime", table="BackendTime", diagnostics="backendTime_d"),
    Field(name="api", log="properties.apiId", table="ApiId", diagnostics="apiId_s"),
    Field(name="operation", log="properties.operationId", table="OperationId", diagnostics="operationId_s"),
    Field(name="product", log="properties.productId", table="ProductId", diagnostics="productId_s"),
    Field(
        name="subscription",
        log="properties.apimSubscriptionId",
        table="ApimSubscriptionId",
        diagnostics="apimSubscriptionId_s",
    ),
    Field(name="last_error", log="properties.lastError"),  # the object; the five below are its leaves
    Field(
        name="reason",
        table="LastErrorReason",
        diagnostics="lastError_reason_s",
        also=("LastErrorReason_s", "ErrorReason_s"),
    ),
    Field(name="source", table="LastErrorSource", diagnostics="lastError_source_s", also=("LastErrorSource_s",)),
    Field(name="section", table="LastErrorSection", diagnostics="lastError_section_s", also=("LastErrorSection_s",)),
    Field(name="message", table="LastErrorMessage", diagnostics="lastError_message_s", also=("LastErrorMessage_s",)),
    Field(name="elapsed", table="LastErrorElapsed", diagnostics="lastError_elapsed_d", also=("LastErrorElapsed_d",)),
    Field(name="errors", log="properties.errors", table="Errors", diagnostics="errors_s"),
    Field(name="category", log="category", table="Category"),
    Field(name="caller", log="callerIpAddress", table="CallerIpAddress", diagnostics="CallerIPAddress"),
)

UNREAD = frozenset({"category", "caller"})
"""Fields that DuckDB does not read: the one tells shapes apart, the other is a client's address (`with_caller` adds it)."""

CONTAINERS = ("properties", "additionalfields")
"""Objects, or strings that hold one, whose keys count as the record's own (normal spelling)."""

OURS = frozenset({"backend_url", "backend_id", "backend_response_code", "backend_time", "api", "last_error", "reason"})
"""Fields that, but for API Management's gateway, nobody writes under these names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One family's spellings as DuckDB reads them from JSON lines: leaves are text, so that no varying type is nulled.

    But for two that are quicker as what they are, where what cannot be read may be NULL: a time without which a record
    is not sure, and a status of which only real numbers count.
    """

    name: str
    columns: str  # the `columns` argument of read_json, as SQL
    timed: bool  # its time is TIMESTAMPTZ; else text, in any of the spellings that exports have
    file: str  # SQL expression: position of the record's file; `grouping.grouped` says of what
    part: str  # SQL expression: number of the path that it was read from
    fields: Mapping[str, str]  # canonical field: SQL expression, never ""; VARCHAR but for the two
    sure: str  # SQL condition: this reading has all of the record; for others, see `canonical`
    spellings: frozenset[str]  # what the expressions read; "properties.x" for nested ones


_HEADING = re.compile(r" \[([^\]]*)\]$")


def normal(key: str) -> str:
    """A key without what spellings differ in: case, `_` and `.`, one type suffix, the time zone that the portal adds."""
    if len(key) > 64:
        return ""  # nobody's
    key = _HEADING.sub("", key.strip())
    key = re.sub(r"_[sdgbt]$", "", key.casefold())
    return key.replace("_", "").replace(".", "")


def _forms() -> dict[str, tuple[str, int]]:
    forms: dict[str, tuple[str, int]] = {}
    for field in FIELDS:
        for rank, spelling in enumerate((field.log, field.table, field.diagnostics, *field.also)):
            if spelling:
                forms.setdefault(normal(spelling.removeprefix("properties.")), (field.name, rank))
    return forms


FORMS: Mapping[str, tuple[str, int]] = _forms()
"""Normal spelling: canonical field and its rank (the lowest is trusted most)."""


def canonical(record: Mapping[str, object], *, absent: frozenset[str] = frozenset()) -> dict[str, str]:
    """The canonical fields of one record, whatever its spelling, as text; texts in `absent` and empty ones are left out.

    Looks inside `properties` and `AdditionalFields` and into a nested `lastError`, also where one is a string of JSON;
    where two spellings say the same field, the one outside any container is believed, then the first of the table.
    """
    best: dict[str, tuple[int, str]] = {}
    for depth, layer in enumerate(_layers(record)):
        for key, name, rank in _told(layer).fields:
            value, rank = layer[key], rank + depth * 100
            if value is None or value == "" or (name in best and best[name][0] <= rank):
                continue
            text = value if isinstance(value, str) else json.dumps(value)
            if text not in absent:
                best[name] = (rank, text)
    return {name: text for name, (_, text) in best.items()}


def heading(record: Mapping[str, object]) -> str:
    """The zone that the header of a record's time states, as "UTC" or "Local Time"; "" where it states none."""
    return _told(record).heading


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the keys of one object say."""

    fields: tuple[tuple[str, str, int], ...]  # key, canonical field, rank
    containers: tuple[str, ...]
    errors: tuple[str, ...]  # keys of a nested lastError
    heading: str  # zone of the time


def _told(layer: Mapping[str, object]) -> _Told:
    keys = tuple(layer)
    return _told_by(keys) if len(keys) <= _FEW_KEYS else _told_by.__wrapped__(keys)


_FEW_KEYS = 200  # an object of more is nobody's log record, and not to be remembered


@lru_cache(maxsize=512)
def _told_by(keys: tuple[str, ...]) -> _Told:
    forms = [(key, normal(key)) for key in keys]
    times = sorted((f for f in forms if FORMS.get(f[1], ("", 0))[0] == "time"), key=lambda f: FORMS[f[1]][1])
    return _Told(
        fields=tuple((key, *FORMS[form]) for key, form in forms if form in FORMS and form != _NESTED),
        containers=tuple(key for key, form in forms if form in CONTAINERS),
        errors=tuple(key for key, form in forms if form == _NESTED),
        heading=next((h[1] for key, form in times if (h := _HEADING.search(key.strip()))), ""),
    )


_NESTED = "lasterror"


def _layers(record: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    layers = [record, *(_object(record[key]) for key in _told(record).containers)]
    yield from layers
    for layer in layers:
        for key in _told(layer).errors:
            yield {f"lastError.{leaf}": value for leaf, value in _object(layer[key]).items()}


def _object(value: object) -> Mapping[str, object]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def is_gateway_log(fields: Mapping[str, str]) -> bool:
    """Whether a record with these canonical fields can only come from API Management's gateway."""
    return not OURS.isdisjoint(fields) or fields.get("category", "").casefold() == "gatewaylogs"


_QUICK: Mapping[str, str] = {"time": "TIMESTAMPTZ", "backend_response_code": "DOUBLE"}


def _dialect(
    name: str,
    spelled: Mapping[str, tuple[str, ...]],
    *,
    witness: str,
    sure: str,
    file: str = "$files[file_index::BIGINT + 1]",
    part: str = "file_index::INTEGER + $first",
    types: Mapping[str, str] = _QUICK,
) -> Dialect:
    spellings = [s for several in spelled.values() for s in several]
    read = [*spellings, witness]
    kinds = {s: types[field] for field, several in spelled.items() if field in types for s in several}
    columns = [f"{literal(s)}: {literal(kinds.get(s, 'VARCHAR'))}" for s in read if "." not in s]
    if leaves := [s for s in read if "." in s]:
        struct = ", ".join(f'"{s.removeprefix("properties.")}" {kinds.get(s, "VARCHAR")}' for s in leaves)
        columns.append(f"'properties': 'STRUCT({struct})'")
    return Dialect(
        name=name,
        columns="{" + ", ".join(columns) + "}",
        timed="time" in types,
        file=file,
        part=part,
        fields={field: _expression(several, typed=field in types) for field, several in spelled.items()},
        sure=sure,
        spellings=frozenset(spellings),
    )


def _expression(spellings: tuple[str, ...], *, typed: bool) -> str:
    leaves = [".".join(f'"{part}"' for part in s.split(".")) for s in spellings]
    leaves = leaves if typed else [f"nullif({leaf}, '')" for leaf in leaves]
    return f"coalesce({', '.join(leaves)})" if leaves else "NULL::VARCHAR"


def with_caller(dialect: Dialect) -> Dialect:
    """The dialect that reads also the clients' addresses, as its field `caller`; what is no address is NULL."""
    caller = next(field for field in FIELDS if field.name == "caller")
    spelled = {
        RESOURCE_LOG.name: (caller.log,),
        CONSOLE.name: (caller.log,),
        TABLE.name: (caller.table,),
    }
    spellings = spelled.get(dialect.name, (caller.name,))
    columns = "".join(f", {literal(s)}: 'VARCHAR'" for s in spellings)
    # DuckDB takes the two tables' spellings for one column: rows that have the other one are left to `canonical`
    elsewhere = f' AND "{caller.table}" IS NOT NULL' if dialect.name == TABLE.name else ""
    return replace(
        dialect,
        sure=dialect.sure + elsewhere,
        columns=dialect.columns.removesuffix("}") + columns + "}",
        fields={
            **dialect.fields,
            caller.name: f"nullif(regexp_extract({_expression(spellings, typed=False)}, {literal(_ADDRESS)}, 1), '')",
        },
    )


_ADDRESS = r"^\[?([0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,40})(?:%[0-9A-Za-z]{1,16})?\]?(?::[0-9]{1,5})?$"

_READ = tuple(field for field in FIELDS if field.name not in UNREAD)

RESOURCE_LOG = _dialect(
    "resource log",
    {field.name: (field.log,) if field.log else () for field in _READ},
    witness="properties.method",  # every request has one: `properties` is an object, not a string that holds one
    sure="""time IS NOT NULL AND coalesce(properties.method, properties.apiId, properties.backendUrl) IS NOT NULL""",
)
TABLE = _dialect(
    "table",
    {field.name: tuple(s for s in (field.table, field.diagnostics, *field.also) if s) for field in _READ},
    witness="AdditionalFields",  # the overflow of AzureDiagnostics; `canonical` looks inside
    sure="""coalesce("TimeGenerated", "Timestamp") IS NOT NULL AND coalesce("AdditionalFields", '') IN ('', '{}')""",
)
_CONSOLE = {"time": "timeGenerated", "region": "region"}  # else a resource log's, without `properties` around them
CONSOLE = _dialect(
    "console",
    {
        field.name: (_CONSOLE.get(field.name, field.log.removeprefix("properties.")),) if field.log else ()
        for field in _READ
    },
    witness="method",  # every request has one; the gateway's other events have none
    sure=""""timeGenerated" IS NOT NULL AND "method" IS NOT NULL""",
)
CANONICAL = _dialect(
    "canonical",  # as `files` writes down what `canonical` returned
    {field.name: (field.name,) for field in _READ},
    witness="file",
    sure="true",
    file='"file"::INTEGER',
    part="NULL::INTEGER",
    types={},
)
