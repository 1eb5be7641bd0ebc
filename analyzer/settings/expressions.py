"""Template expressions: the text of one `[…]` and the template's parameters and variables in, its value out, or that it is not known.

Only what names and plain settings need is evaluated (learn.microsoft.com, "ARM template functions": concat, format, parameters,
variables, toLower, toUpper, true, false, json of a literal). Everything else depends on the deployment: `Unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MOST_DEPTH = 40  # of calls within calls, and of variables that name variables

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(-?\d+)|([A-Za-z_][\w.]*)|([(),.\[\]]))")


class Unknown(Exception):
    """The value depends on what only a deployment knows."""


def resolve(value: Any, parameters: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """The value with every expression in it replaced by what it stands for, and by None where that is not known."""
    return _Scope(parameters, variables).resolve(value, 0)


class _Scope:
    def __init__(self, parameters: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self._parameters = {name.lower(): value for name, value in parameters.items()}
        self._variables = {name.lower(): value for name, value in variables.items()}

    def resolve(self, value: Any, depth: int) -> Any:
        if depth > MOST_DEPTH:
            return None
        if isinstance(value, dict):
            return {self._key(key, depth): self.resolve(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner, depth + 1) for inner in value]
        if not isinstance(value, str) or not value.startswith("["):
            return value
        if value.startswith("[["):  # an escaped bracket: plain text
            return value[1:]
        try:
            return self._evaluate(value, depth)
        except Unknown:
            return None

    def _key(self, key: str, depth: int) -> str:
        found = self.resolve(key, depth)
        return found if isinstance(found, str) else key

    def _evaluate(self, text: str, depth: int) -> Any:
        tokens = _tokens(text[1:-1] if text.endswith("]") else text[1:])
        value, end = self._term(tokens, 0, depth)
        if end != len(tokens):
            raise Unknown
        return value

    def _term(self, tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Any, int]:
        if at >= len(tokens) or depth > MOST_DEPTH:
            raise Unknown
        kind, text = tokens[at]
        if kind == "text":
            return text, at + 1
        if kind == "number":
            return int(text), at + 1
        if kind != "name" or at + 1 >= len(tokens) or tokens[at + 1][1] != "(":
            raise Unknown
        arguments, at = list[Any](), at + 2
        while at < len(tokens) and tokens[at][1] != ")":
            value, at = self._term(tokens, at, depth + 1)
            arguments.append(value)
            if at < len(tokens) and tokens[at][1] == ",":
                at += 1
        if at >= len(tokens):
            raise Unknown
        return self._call(text.lower(), arguments, depth), at + 1

    def _call(self, name: str, arguments: list[Any], depth: int) -> Any:
        if name in ("parameters", "variables") and len(arguments) == 1 and isinstance(arguments[0], str):
            table = self._parameters if name == "parameters" else self._variables
            if arguments[0].lower() not in table:
                raise Unknown
            found = self.resolve(table[arguments[0].lower()], depth + 1)
            if found is None:
                raise Unknown
            return found
        function = _FUNCTIONS.get(name)
        if function is None:
            raise Unknown
        try:
            return function(*arguments)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError):
            raise Unknown from None


def _concat(*parts: Any) -> str:
    if not all(isinstance(part, str | int) for part in parts):
        raise Unknown
    return "".join(map(str, parts))


def _format(pattern: str, *values: Any) -> str:
    return re.sub(r"\{(\d+)\}", lambda match: str(values[int(match[1])]), pattern)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "concat": _concat,
    "format": _format,
    "tolower": lambda text: text.lower(),
    "toupper": lambda text: text.upper(),
    "string": lambda value: value if isinstance(value, str) else str(value).lower(),
    "true": lambda: True,
    "false": lambda: False,
}


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = list[tuple[str, str]](), 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unknown
        for kind, part in zip(("text", "number", "name", "mark"), match.groups(), strict=True):
            if part is not None:
                found.append((kind, part.replace("''", "'") if kind == "text" else part))
        at = match.end()
    return found
