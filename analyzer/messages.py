"""From a gateway's error text to what it says: `messages.toml` is the table, this module reads it once and asks it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from analyzer.model import Family, Kind

Stack = Literal["netfx", "dotnet"]
Section = Literal["lookalike", "status", "handshake", "certificate", "network", "stream", "wrapper"]
SECTIONS: tuple[Section, ...] = get_args(Section)
"""The sections of `messages.toml`, most specific first: the order in which they are asked."""

TRANSFER = "transfer-response: "
"""What begins the signature of a failure at that step: a backend had answered, and the body broke off."""

CUT = 4096  # characters; .NET writes the messages of an exception chain before its stack trace

_BACKEND = "backendconnectionfailure"
_TRANSFER = TRANSFER.rstrip()
_REASONS = {"clientconnectionfailure": Kind.CLIENT_ABORT, "timeout": Kind.TIMEOUT}
_NETWORK = frozenset({Kind.DNS, Kind.REFUSED, Kind.UNREACHABLE, Kind.TIMEOUT, Kind.SNAT})

_QUOTES = dict.fromkeys(map(ord, '‘’‚‛“”„‟«»‹›「」『』"`´′'), "'")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_LETTERS = {ord("ı"): "i", ord("ł"): "l", ord("Ł"): "l"}  # no decomposition in Unicode, unlike ö or é
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_FOLD = _QUOTES | _DASHES | _LETTERS | _INVISIBLE
_ACCENTS = re.compile("[\u0300-\u036f]")
_LITERAL = re.compile(r"[^\\.^$*+?{}\[\]()|]*(?![*+?{])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What one text says."""

    kind: Kind
    also: tuple[Kind, ...] = ()  # other kinds that the same text is known to cover, likeliest first
    stack: Stack | None = None  # the stack that words its errors so; None: both do, or not known
    pattern: str | None = None  # id in `messages.toml`; None: the reason decided, or nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """One entry of the table, all its languages together."""

    id: str
    section: Section
    kind: Kind
    also: tuple[Kind, ...]
    stack: Stack | None
    expressions: tuple[
        tuple[str, re.Pattern[str]], ...
    ]  # each after the literal it begins with, which is quick to find

    def matches(self, text: str) -> bool:
        return any(literal in text and expression.search(text) for literal, expression in self.expressions)


def kind_of(text: str, *, reason: str | None = None) -> Kind:
    """The kind of failure that a text names: `classify(text, reason=reason).kind`."""
    return classify(text, reason=reason).kind


def classify(text: str, *, reason: str | None = None) -> Match:
    """What an error text says, original or masked, in any of the table's languages; `Kind.OTHER` where it is not known.

    `reason` is the log's reason. Only `BackendConnectionFailure`, or none, leaves the text to speak: with any other the
    gateway itself has said that no backend connection failed, and the kind is never one of TLS
    (https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies).
    """
    # Application Insights writes "ClientConnectionFailure at transfer-response"
    name = (reason or "").partition(" at ")[0].strip().casefold()
    if text.startswith(_TRANSFER) and name in ("", _BACKEND):
        said = _said(normalise(text.removeprefix(_TRANSFER)))
        return Match(kind=Kind.TRANSFER, stack=said.stack, pattern=said.pattern)
    if name and name != _BACKEND:
        return Match(kind=_REASONS.get(name, Kind.OTHER))
    said = _said(normalise(text))
    if name == _BACKEND and said.kind is Kind.CLIENT_ABORT and said.also:
        # a cancelled call: the text leaves open whose patience ended, the reason says that it was the gateway's
        return Match(kind=said.also[0], stack=said.stack, pattern=said.pattern)
    return said


def family_of(kind: Kind) -> Family:
    """How far a connection got that failed so: `NETWORK` where it never stood, `TRANSFER` where an answer broke off, else `TLS`."""
    if kind is Kind.TRANSFER:
        return Family.TRANSFER
    return Family.NETWORK if kind in _NETWORK else Family.TLS


def normalise(text: str) -> str:
    """The form in which texts and expressions meet: cut, lower case, no accents, straight quotes, single spaces."""
    text = text[:CUT]
    if not text.isascii():
        # NFKD also makes full-width punctuation and no-break spaces plain; NFC puts Hangul and kana together again
        decomposed = unicodedata.normalize("NFKD", text.translate(_FOLD).casefold())
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))
    return " ".join(text.replace('"', "'").replace("`", "'").lower().split())[:CUT]


def _said(text: str) -> Match:
    patterns = iter(_patterns())
    first = next((pattern for pattern in patterns if pattern.matches(text)), None)
    if first is None:
        return Match(kind=Kind.OTHER)
    rest = tuple(patterns)
    also = list(first.also)
    if first.section == "status":  # .NET lists every status it found: each is a fact of its own
        for other in rest:
            if other.section == "status" and other.matches(text):
                also += [other.kind, *other.also]
    # the innermost text is often the system's own; the sentences around it tell which .NET quoted it
    stack = first.stack or next((other.stack for other in rest if other.stack and other.matches(text)), None)
    return Match(
        kind=first.kind,
        also=tuple(kind for kind in dict.fromkeys(also) if kind is not first.kind),
        stack=stack,
        pattern=first.id,
    )


@cache
def _patterns() -> tuple[_Pattern, ...]:
    """The table, most specific first; read and compiled at the first call."""
    table = tomllib.loads(resources.files("analyzer").joinpath("messages.toml").read_text(encoding="utf-8"))
    return tuple(_pattern(section, entry) for section in SECTIONS for entry in table[section])


def _pattern(section: Section, entry: dict[str, Any]) -> _Pattern:
    languages = (entry, *entry.get("local", {}).values())
    expressions = [(_literal(e), e) for part in languages for e in map(normalise, part["match"])]
    # a code is neither a port nor a part of a longer number
    expressions += [(code, rf"(?<![\w.:]){code}(?!\w)") for code in entry.get("codes", ())]
    return _Pattern(
        id=entry["id"],
        section=section,
        kind=Kind(entry["kind"]),
        also=tuple(map(Kind, entry.get("also", ()))),
        stack=entry.get("stack"),
        expressions=tuple((literal, re.compile(expression)) for literal, expression in expressions),
    )


def _literal(expression: str) -> str:
    """The plain characters that every match of an expression begins with; "" where there are none."""
    found = _LITERAL.match(expression)
    return found.group() if found else ""
