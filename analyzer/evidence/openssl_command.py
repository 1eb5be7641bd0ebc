"""A line in which somebody called `openssl s_client` in, whom and how it asked out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.evidence.openssl_names import OPTIONS

COMMAND = re.compile(r"\bs_client(?:\.exe)?\s+(?P<words>.*(?:-connect|-host|:\d).*)")
"""What shows that a line is a command line and not one of s_client's own messages."""

LONGEST = 4000  # characters of a command line

_WORD = re.compile(r"""[^\s"';|&<>]+|"([^"]*)"|'([^']*)'|[;|&<>]""")
_ENDPOINT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>\d{1,5})$")
_FLAGS = frozenset({*OPTIONS, "-noservername", "-starttls"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One call of s_client."""

    host: str | None = None  # None: a shell variable or nothing stands there
    port: int | None = None
    servername: str | None = None
    noservername: bool = False
    starttls: str | None = None
    proxy: str | None = None
    version: str | None = None  # the one version that was offered; None: OpenSSL's own choice
    certificate: bool = False  # a client certificate was sent


def command(line: str) -> Command | None:
    """The call in a line; None where there is none."""
    match = COMMAND.search(line) if len(line) < LONGEST else None
    if match is None:
        return None
    words: list[str] = []
    for found in _WORD.finditer(match["words"]):
        word = found[1] or found[2] or found[0]
        if word in ";|&<>" or re.fullmatch(r"[12]>.*", word):
            break
        words.append(word)
    given = {w: value for w, value in zip(words, [*words[1:], ""], strict=True) if w.startswith("-")}
    given = {w if w in _FLAGS else re.sub("^--", "-", w): value for w, value in given.items()}
    place = given.get("-connect") or (words[-1] if words and not words[-1].startswith("-") else "")
    host, port = _endpoint(place) if "-host" not in given else (given["-host"], _port(given.get("-port", "4433")))
    return Command(
        host=host.lower() if host and "$" not in host and "%" not in host else None,
        port=port,
        servername=(given.get("-servername") or "").lower().rstrip(".") or None,
        noservername="-noservername" in given,
        starttls=given.get("-starttls"),
        proxy=given.get("-proxy"),
        version=next((version for option, version in OPTIONS.items() if option in given), None),
        certificate="-cert" in given,
    )


def _endpoint(text: str) -> tuple[str | None, int | None]:
    match = _ENDPOINT.match(text)
    return (match["six"] or match["host"], _port(match["port"])) if match else (None, None)


def _port(digits: str) -> int | None:
    return int(digits) if digits.isdigit() and 0 < int(digits) < 65536 else None
