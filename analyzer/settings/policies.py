"""A policy document's text in, what it says about the connection to the backend out.

Policies are not well-formed XML: expressions such as `@(context.Request.Headers["x"])` stand in attributes and elements with
quotes and angle brackets of their own. So tags are found by a small scanner that steps over expressions, and nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 1 << 20  # of one policy; the service's own limit is 256 KiB

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Za-z][\w.-]*)")
_NAME = re.compile(r"\s*([\w.:-]+)\s*=\s*(?=[\"'])")
_VALUE = re.compile(r"<value>\s*(.*?)\s*</value>", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one policy document does to the connection; an expression's value is not known here: None."""

    base_urls: tuple[str | None, ...] = ()  # set-backend-service base-url
    backend_ids: tuple[str | None, ...] = ()  # set-backend-service backend-id
    host: str | None = None  # set-header Host to this literal; None: not set, or by an expression
    host_expression: bool = False  # set-header Host by an expression
    client_certificates: tuple[str, ...] = ()  # authentication-certificate: thumbprint or certificate-id
    proxy: str | None = None  # the policy `proxy`: its URL


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    attributes: dict[str, str]
    inside: str  # up to the end tag of the same name; "" where it is empty


def read(text: str) -> Policy:
    """What the policy says; of several Host headers the last counts."""
    base_urls, backend_ids, certificates = list[str | None](), list[str | None](), list[str]()
    host: str | None = None
    by_expression = False
    proxy: str | None = None
    for tag in _tags(_COMMENT.sub("", text[:MOST_CHARACTERS])):
        get = tag.attributes.get
        if tag.name == "set-backend-service":
            if "base-url" in tag.attributes:
                base_urls.append(_literal(get("base-url", "")))
            if "backend-id" in tag.attributes:
                backend_ids.append(_literal(get("backend-id", "")))
        elif tag.name == "set-header" and get("name", "").strip().lower() == "host":
            values = _VALUE.findall(tag.inside)
            if get("exists-action", "override").lower() == "delete" or not values:
                continue
            host = _literal(_unescaped(values[0]))
            by_expression = host is None
        elif tag.name == "authentication-certificate":
            certificates += [v for v in (get("thumbprint"), get("certificate-id")) if v]
        elif tag.name == "proxy" and get("url"):
            proxy = _literal(get("url", ""))
    return Policy(
        base_urls=tuple(base_urls),
        backend_ids=tuple(backend_ids),
        host=host.strip().lower() if host else None,
        host_expression=by_expression,
        client_certificates=tuple(dict.fromkeys(certificates)),
        proxy=proxy,
    )


def _literal(text: str) -> str | None:
    """The text, or None where an expression or a named value stands in it."""
    return None if text.lstrip().startswith("@") or "{{" in text else text.strip()


def _tags(text: str) -> Iterator[_Tag]:
    at = 0
    while (match := _TAG.search(text, at)) is not None:
        at = match.end()
        if match[1]:
            continue
        attributes, at, empty = _attributes(text, at)
        name = match[2].lower()
        inside = ""
        if not empty and name == "set-header":
            end = text.find(f"</{match[2]}", at)
            inside = text[at : end if end >= 0 else len(text)]
        yield _Tag(name, attributes, inside)


def _attributes(text: str, at: int) -> tuple[dict[str, str], int, bool]:
    """The attributes from `at` on, where the tag ends, and whether it is an empty element."""
    found: dict[str, str] = {}
    while (match := _NAME.match(text, at)) is not None:
        value, at = _quoted(text, match.end())
        found[match[1].lower()] = _unescaped(value)
    end = text.find(">", at)
    if end < 0:
        return found, len(text), True
    return found, end + 1, text[at:end].rstrip().endswith("/")


def _quoted(text: str, at: int) -> tuple[str, int]:
    """The value that begins with the quote at `at`; quotes inside the brackets of an expression do not end it."""
    quote, start = text[at], at + 1
    if not text.startswith(("@(", "@{"), start):
        end = text.find(quote, start)
        return (text[start:], len(text)) if end < 0 else (text[start:end], end + 1)
    depth, inside, at = 0, "", start + 1
    while at < len(text):
        letter = text[at]
        if inside:
            if letter == "\\":
                at += 1
            elif letter == inside:
                inside = ""
        elif letter == '"':
            inside = letter
        elif letter in "({":
            depth += 1
        elif letter in ")}":
            depth -= 1
            if depth == 0:
                end = text.find(quote, at + 1)
                return (text[start:], len(text)) if end < 0 else (text[start:end], end + 1)
        at += 1
    return text[start:], len(text)


def _unescaped(text: str) -> str:
    for entity, letter in (("&quot;", '"'), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text
