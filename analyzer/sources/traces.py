"""Request traces in, one record each out: the failing entry's chain of exceptions becomes the error that a log would have.

As `listTrace` or the trace's location give it (JSON), and as the portal's tab shows it (text):
https://learn.microsoft.com/azure/api-management/api-management-howto-api-inspector
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from analyzer.messages import CUT, kind_of
from analyzer.model import Kind
from analyzer.sources import documents
from analyzer.sources.items import LONGEST, TOO_LONG, Item, Record, Reject

_BACKEND = ("forward-request", "request-forwarder")
_BOILERPLATE = re.compile(
    r"error occur+ed while calling backend service\.?", re.IGNORECASE
)  # "occured", the product says
_OWN_TIMER = re.compile(r"request to (?:the )?backend service timed out", re.IGNORECASE)
_TIMER = re.compile(r"timeout set to (\d{1,6}) seconds", re.IGNORECASE)
_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d\d):(\d\d(?:\.\d{1,7})?)")  # .NET's TimeSpan

_TELLS = re.compile(rb'(?<!\\)"traceEntries"\s*:\s*\{')
_STEP = re.compile(r"^[ \t]*([A-Za-z][\w-]{1,60}) \((\d[\d.,]*) ms\)[ \t]*\r?\n\s*(?=\{)", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*(inbound|backend|outbound|on-error)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One step of a trace."""

    section: str
    source: str
    time: str = ""
    elapsed: float | None = None  # ms since the request came
    data: Mapping[str, object]


def is_trace(head: bytes) -> bool:
    """Whether a file that begins so holds traces as JSON."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and _TELLS.search(head) is not None


def is_portal_text(head: bytes) -> bool:
    """Whether a file that begins so is a trace as the portal shows it."""
    return any(found[1] in (*_BACKEND, "api-inspector") for found in _STEP.finditer(head.decode("utf-8", "replace")))


def traces(stream: BinaryIO) -> Iterator[Item]:
    """One record per trace: alone, in an array, or the one value of an object around it. What is no trace stays."""
    for item in documents.document(stream):
        if isinstance(item, Record) and (trace := _unwrapped(item.value)) is not None:
            yield Record(line=item.line, value=_record(tuple(_entries(trace)), trace), inside=item.inside)
        else:
            yield item


def portal_text(stream: BinaryIO) -> Iterator[Item]:
    """The one record of a trace in the portal's text, which states no time."""
    data = stream.read(LONGEST + 1)
    if len(data) > LONGEST:
        yield Reject(line=1, why=TOO_LONG)
        return
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    headings = [(found.start(), found[1].casefold()) for found in _HEADING.finditer(text)]
    steps, until = [], 0
    for found in _STEP.finditer(text):
        if found.start() < until:
            continue  # a text within the step before
        try:
            data_, until = _DECODER.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            yield Reject(line=text.count("\n", 0, found.start()) + 1, why="the data of a step are damaged")
            return
        above = bisect_left(headings, (found.start(),))
        section = headings[above - 1][1] if above else "backend" if found[1] in _BACKEND else ""
        elapsed = float(found[2].replace(",", "")) if re.fullmatch(r"[\d,]{1,20}(?:\.\d{1,9})?", found[2]) else None
        steps.append(_Entry(section=section, source=found[1], elapsed=elapsed, data=data_))
    yield Record(line=1, value=_record(tuple(steps), {})) if steps else Reject(line=1, why="no step of a trace")


def _unwrapped(value: Mapping[str, object]) -> Mapping[str, object] | None:
    if isinstance(value.get("traceEntries"), dict):
        return value
    inner = next(iter(value.values())) if len(value) == 1 else None
    return inner if isinstance(inner, dict) and isinstance(inner.get("traceEntries"), dict) else None


def _entries(trace: Mapping[str, object]) -> Iterator[_Entry]:
    for section, steps in _object(trace.get("traceEntries")).items():
        for step in steps if isinstance(steps, list) else []:
            if isinstance(step, dict):
                yield _Entry(
                    section=section,
                    source=_text(step.get("source")),
                    time=_text(step.get("timestamp")),
                    elapsed=_milliseconds(_text(step.get("elapsed"))),
                    data=_object(step.get("data")),
                )


def _record(steps: tuple[_Entry, ...], trace: Mapping[str, object]) -> dict[str, object]:
    """The record that the gateway would have logged, as far as the trace tells; without a chain there is no error."""
    failing = [(step, chain) for step in steps if (chain := _chain(step))]
    errors = [_error(step, chain, steps) for step, chain in failing]
    forwarded = [i for i, (step, _) in enumerate(failing) if step.source in _BACKEND]
    last = forwarded[-1] if forwarded else len(failing) - 1
    sent = [step for step in steps if step.source in _BACKEND]
    url = next((u for s in reversed(sent) if (u := _text(_object(s.data.get("request")).get("url")))), None)
    answer = next((r for s in reversed(sent) if (r := _object(s.data.get("response")))), {})
    time = failing[last][0].time if failing else next((s.time for s in steps if s.time), "")
    told: dict[str, object] = {
        "time": time,
        "serviceName": trace.get("serviceName"),
        "backendUrl": url,
        "backendResponseCode": _object(answer.get("status")).get("code"),
        "lastError": errors[last] if errors else None,
        "errors": errors or None,
    }
    return {key: value for key, value in told.items() if value}


def _chain(step: _Entry) -> tuple[str, ...]:
    """The texts of the exceptions that a step met, without the sentence that says nothing."""
    told = step.data.get("messages")
    texts = [text.strip() for text in told if isinstance(text, str)] if isinstance(told, list) else []
    said = tuple(text for text in texts if text and not _BOILERPLATE.fullmatch(text))
    return said or tuple(texts[:1])


def _error(step: _Entry, chain: tuple[str, ...], steps: tuple[_Entry, ...]) -> dict[str, object]:
    error: dict[str, object] = {"source": step.source, "section": step.section, "message": _joined(chain)}
    if step.elapsed is not None:
        error["elapsed"] = str(round(step.elapsed))
    if step.source in _BACKEND:
        error["reason"] = "Timeout" if _is_own_timer(step, chain, steps) else "BackendConnectionFailure"
    return error


def _is_own_timer(step: _Entry, chain: tuple[str, ...], steps: tuple[_Entry, ...]) -> bool:
    """Whether forward-request's `timeout` ran out: it says so, or a cancelled call waited as long as it was set to."""
    if any(map(_OWN_TIMER.search, chain)):
        return True
    if kind_of(" ".join(chain)) not in (Kind.TIMEOUT, Kind.CLIENT_ABORT) or step.elapsed is None:
        return False
    begun = [s for s in steps[: steps.index(step)] if s.source in _BACKEND and s.elapsed is not None]
    timers = [(s.elapsed or 0, t) for s in begun if (t := _TIMER.search(_text(s.data.get("message"))))]
    return any(step.elapsed - since >= int(timer[1]) * 1000 for since, timer in timers[-1:])


def _joined(chain: tuple[str, ...]) -> str:
    """The chain as one text, the most specific exception first: their order is not fixed, and long texts are cut."""
    kind = kind_of(" ---> ".join(text[: CUT // len(chain)] for text in chain))
    lead = next((text for text in chain if kind_of(text) is kind), chain[0])
    return " ---> ".join(dict.fromkeys((lead, *chain)))


def _milliseconds(span: str) -> float | None:
    found = _SPAN.fullmatch(span)
    if found is None:
        return None
    days, hours, minutes, seconds = found.groups()
    return ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
