"""Rows of Application Insights in, as the classic and the workspace tables spell them; flat canonical texts out.

API Management writes one request per call, one dependency per attempt at a backend, and its last error as an exception
whose `problemId` is "<reason> at <source>" (https://learn.microsoft.com/azure/api-management/api-management-howto-app-insights).
Nothing of a URL but its origin goes on from here. What the rows mean together, `insights_join` works out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from analyzer.sources.columns import FORMS, OURS, normal
from analyzer.sources.grouping import BACKEND_FAILED, LOOKALIKES, MESSAGE_LENGTH
from analyzer.sources.items import parse

EXCEPTION, DEPENDENCY, REQUEST, OTHER = "exception", "dependency", "request", "other"
ANSWERED, ERRED, FAILED = "answered", "erred", "failed"
_LONGEST = 1024  # characters of any other value
MOST = 1_000_000  # records that one row is believed to stand for

FIELDS = (
    "kind",
    "time",
    "count",  # records that the row stands for, always there
    "operation_id",
    "reason",
    "source",
    "message",
    "state",  # of a dependency: answered; erred: with a status of 400 and above; failed: without any; else not told
    "origin",  # scheme://host[:port], or //host[:port] where only the target names it
    "elapsed",  # ms
    "resource",
    "region",
    "api",
    "operation",
    "product",
    "subscription",
    "correlation_id",
)
"""What `row` can say of a row."""

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("exception", "exceptions", "appexceptions"), EXCEPTION),
    **dict.fromkeys(("dependency", "dependencies", "appdependencies"), DEPENDENCY),
    **dict.fromkeys(("request", "requests", "apprequests"), REQUEST),
}
_OTHERS = frozenset(
    f"app{name}"
    for name in (
        "availabilityresults",
        "browsertimings",
        "events",
        "metrics",
        "pageviews",
        "performancecounters",
        "systemevents",
        "traces",
    )
)
_SAYS_KIND = ("itemtype", "type", "$table", "sourcetable", "tablename")  # the last three: `union withsource=`
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    EXCEPTION: ("problemid", "outermessage", "innermostmessage", "exceptiontype"),
    DEPENDENCY: ("target", "data", "dependencytype"),
    REQUEST: ("url", "source"),
}
_BAGS = ("customdimensions", "properties")
_MARKS = frozenset(
    [
        "problemid",
        "outermessage",
        "innermostmessage",
        "customdimensions",
        "itemcount",
        "itemtype",
        "dependencytype",
        "cloudrolename",
        "approlename",
    ]
)
_TOGETHER = (frozenset({"target", "resultcode"}), frozenset({"data", "resultcode", "success"}))
_PROBLEM = re.compile(r"\s*([A-Za-z]{1,64})(?: at (\S{1,200}))?\s*", re.ASCII)
_STATUS = re.compile(r"\s*([1-5][0-9]{2})(?![0-9])", re.ASCII)  # "500", "500 [not sent in full]", "200.0"
_NUMBER = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]+)?)\s*", re.ASCII)
_WHOLE = re.compile(r"\s*0*([0-9]+)(?:\.0*)?\s*", re.ASCII)
_URL = re.compile(r"\s*(?:[A-Z]{1,16} )?([A-Za-z][A-Za-z0-9+.-]{0,31}://[^/?#\s]+)", re.ASCII)
_TARGET = re.compile(
    r"\s*([^/?#|\s]+)\s*(?:\||$)", re.ASCII
)  # "orders.example:8443 | cid-v1:…", where the other end tells its id
_OPERATION = re.compile(r"(\S+?)(?:;rev=\S+)? - (.+)", re.DOTALL)  # "orders-api;rev=1 - get-order"
_DOMAINS = (".azure-api.net", ".azure-api.us", ".azure-api.cn")
_NO_OPERATION = re.compile(r"[0-]*")  # W3C Trace Context section 3.2.2.3: all zeros is no trace id


def is_insights(record: Mapping[str, object] | Iterable[str]) -> bool:
    """Whether a row, or a header of columns, is Application Insights' and not a gateway log's."""
    forms = set(_forms(record))
    if any(FORMS.get(form, ("",))[0] in OURS for form in forms):
        return False
    if isinstance(record, Mapping) and any(
        normal(key) == "type" and str(value).casefold() in _KINDS and str(value).startswith("App")
        for key, value in record.items()
    ):
        return True
    classic = any(key.partition(" [")[0].strip().casefold() == "operation_id" for key in record)
    return classic or not _MARKS.isdisjoint(forms) or any(together <= forms for together in _TOGETHER)


def row(record: Mapping[str, object], *, absent: frozenset[str] = frozenset()) -> dict[str, str]:
    """What one row says, by the names of `FIELDS`, none of them ""; of a row that is not a gateway's, only its time.

    Texts in `absent` count as none. A row stands for `itemCount` records, from 1 to `MOST`.
    """
    flat = _texts(record, absent)
    bag, bagged = _bag(record, absent)
    kind = _kind(flat, _forms(record))
    told = {
        "time": _first(flat, "timestamp", "timegenerated", "time"),
        "count": str(_weight(flat.get("itemcount", ""))),
    }
    if kind == EXCEPTION:
        told |= _error(flat)
    if not _of_gateway(flat, bag, bagged=bagged, reason=told.get("reason", "")):
        return {"kind": OTHER, **{name: told[name] for name in ("time", "count") if told[name]}}
    operation_id = flat.get("operationid", "")
    told |= {
        "kind": kind,
        "operation_id": "" if _NO_OPERATION.fullmatch(operation_id) else operation_id,
        "resource": _service(_first(bag, "servicename") or flat.get("servicename", ""), bag.get("serviceid", "")),
        "region": bag.get("region") or flat.get("region", ""),
    }
    if kind == DEPENDENCY:
        told |= {
            "state": _state(flat),
            "origin": _origin(flat.get("data", ""), flat.get("target", "")),
            "elapsed": _number(_first(flat, "duration", "durationms")),
        }
    elif kind == EXCEPTION:
        called = _OPERATION.fullmatch(flat.get("operationname", ""))
        api = bag.get("apiname") or flat.get("apiname", "")
        told |= {
            "api": api.partition(";rev=")[0] or (called[1] if called else ""),
            "operation": bag.get("operationname") or (called[2] if called else ""),
            "product": bag.get("productname") or flat.get("productname", ""),
            "subscription": bag.get("subscriptionname") or flat.get("subscriptionname", ""),
            "correlation_id": bag.get("requestid") or flat.get("requestid", "") or told["operation_id"],
        }
    told["message"] = told.get("message", "")[: MESSAGE_LENGTH + 1]  # one more shows that it goes on
    return {name: text for name, text in told.items() if text and (len(text) <= _LONGEST or name == "message")}


def _kind(flat: Mapping[str, str], forms: Iterable[str]) -> str:
    """What a row is: as it says, else by the columns that only one kind has, else by those that are filled."""
    for column in _SAYS_KIND:
        said = flat.get(column, "").casefold()
        if said in _KINDS:
            return _KINDS[said]
        if said and (column == "itemtype" or said in _OTHERS):
            return OTHER  # a trace, a page view, …
    for filled in (set(forms), flat):
        kinds = [kind for kind, columns in _OF_KIND.items() if any(column in filled for column in columns)]
        if len(kinds) == 1:
            return kinds[0]
    if kinds:
        return kinds[0]
    return REQUEST if "resultcode" in flat or "success" in flat else OTHER


def _of_gateway(flat: Mapping[str, str], bag: Mapping[str, str], *, bagged: bool, reason: str) -> bool:
    """Whether API Management wrote a row: applications share its Application Insights, and its operation ids.

    The gateway says so in a bag that it always writes; where a query left the bag out, the row has the benefit of the
    doubt.
    """
    said = bag.get("servicetype") or flat.get("servicetype", "")
    if said:
        return said.casefold() == "api management"
    if reason == BACKEND_FAILED or reason in LOOKALIKES:
        return True  # nobody else has errors of these names
    return not bagged or "apiname" in bag or "servicename" in bag


def _error(flat: Mapping[str, str]) -> dict[str, str]:
    problem = flat.get("problemid") or " at ".join(
        part for part in (_first(flat, "exceptiontype", "type"), flat.get("method", "")) if part
    )
    found = _PROBLEM.fullmatch(problem)
    message = _first(flat, "outermessage", "innermostmessage", "message")
    return {
        "reason": found[1] if found else "",
        "source": (found[2] or "") if found else "",
        "message": message,
    }


def _state(flat: Mapping[str, str]) -> str:
    """How an attempt ended. A failure with a good status is a body that broke off: the connection was there."""
    success = {"true": True, "1": True, "false": False, "0": False}.get(flat.get("success", "").strip().casefold())
    code = flat.get("resultcode", "")
    status = _STATUS.match(code)
    if success or (status and int(status[1]) < 400):
        return ANSWERED
    if status:
        return ERRED
    return FAILED if success is False or code.strip() else ""


def _origin(data: str, target: str) -> str:
    if url := _URL.match(data) or _URL.match(target):
        return url[1]
    host = _TARGET.match(target)
    return f"//{host[1]}" if host else ""


def _service(name: str, ident: str) -> str:
    """The service's resource name: the host name that the gateway was born with begins with it."""
    lower = name.strip().casefold()
    for domain in _DOMAINS:
        if lower.endswith(domain):
            return lower.removesuffix(domain)
    return ident or name


def _weight(text: str) -> int:
    found = _WHOLE.fullmatch(text)
    if not found:
        return 1
    return max(int(found[1]), 1) if len(found[1]) <= len(str(MOST)) and int(found[1]) <= MOST else MOST


def _number(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    return found[1] if found else ""


def _first(texts: Mapping[str, str], *names: str) -> str:
    return next((texts[name] for name in names if texts.get(name)), "")


def _bag(record: Mapping[str, object], absent: frozenset[str]) -> tuple[dict[str, str], bool]:
    """The custom dimensions, and whether the row has a place for them."""
    found: dict[str, str] = {}
    bagged = False
    for key, form in zip(record, _forms(record), strict=True):
        if form not in _BAGS:
            continue
        bagged, value = True, record[key]
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = parse(value)
            except (ValueError, RecursionError):
                continue
        if isinstance(value, dict):
            found = {**_texts(value, absent), **found}
    return found, bagged


def _texts(record: Mapping[str, object], absent: frozenset[str]) -> dict[str, str]:
    """The values that are plain and not empty, by the normal form of their key; of two alike, the first."""
    texts: dict[str, str] = {}
    for form, value in zip(_forms(record), record.values(), strict=True):
        if isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip() and value not in absent:
            texts.setdefault(form, value)
    return texts


def _forms(keys: Iterable[str]) -> tuple[str, ...]:
    named = tuple(keys)
    return _normal(named) if len(named) <= _FEW else _normal.__wrapped__(named)


_FEW = 200  # a row of more columns is nobody's, and not to be remembered


@lru_cache(maxsize=512)
def _normal(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(normal(key).replace(" ", "") for key in keys)
