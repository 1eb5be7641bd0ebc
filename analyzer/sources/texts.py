"""A stream of UTF-8 in, the JSON in it out: value by value, with what is being read held in bounded memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from analyzer.sources.items import LONGEST, Item, Record, Reject

_CHUNK = 1 << 18
_SPACE = re.compile(r"[ \t\n\r]*")
_NEXT = re.compile(r"\n[{\[]")  # where a next document can begin: elements of a pretty-printed one are indented
_ENDS = "it ends in the middle"
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
WRAPPERS = ("records", "tables", "Tables")
"""Keys of the arrays that hold the records of a document."""


class DamagedError(Exception):
    """What follows is not what JSON has here."""


def documents(
    stream: BinaryIO, *, if_object: Callable[[Text], Iterator[Item]], if_array: Callable[[Text], Iterator[Item]]
) -> Iterator[Item]:
    """The items of every document in a stream, each document read by what is given for its kind.

    What precedes damage is kept; the damage is one reject, and reading goes on where a line opens the next document.
    """
    text = Text(stream)
    while text.peek():
        start = text.place
        try:
            if text.peek() == "{":
                yield from if_object(text)
            elif text.peek() == "[":
                yield from if_array(text)
            else:
                raise DamagedError("neither an object nor an array")
        except DamagedError as damage:
            yield Reject(line=text.line, why=f"damaged: {damage}", text=text.ahead(), inside=True)
            text.skip_to_next_document(after=start)


def keys(text: Text) -> Iterator[str]:
    """The keys of an object; after each, the caller takes the value."""
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        if text.peek() != '"':
            raise DamagedError("a key is missing")
        key = str(text.value())
        text.take(":")
        text.peek()
        yield key
        if text.take(",}") == "}":
            return


def elements(text: Text) -> Iterator[None]:
    """Once per element of an array; each time, the caller takes the value."""
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        text.peek()  # so that `line` is the element's
        yield
        if text.take(",]") == "]":
            return


class Text:
    """A window on a stream of UTF-8: from the next character that was not taken to the last one that was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._decode = stream, codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._text, self._at, self._ended = "", 0, False
        self._let_go = 0  # characters
        self.line = 1  # of the next character

    @property
    def place(self) -> int:
        """How many characters precede the next one."""
        return self._let_go + self._at

    def peek(self) -> str:
        """The next character after white space; "" at the end."""
        while True:
            self._move(_end_of_space(self._text, self._at))
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read(_CHUNK):
                return ""

    def ahead(self) -> str:
        """A little of what was not taken yet; it may begin within a value."""
        return self._text[self._at : self._at + 2048].partition("\n")[0]

    def take(self, expected: str) -> str:
        """The next character after white space, which must be one of those expected."""
        found = self.peek()
        if not found:
            raise DamagedError(_ENDS)
        if found not in expected:
            raise DamagedError(f"{' or '.join(expected)} is missing")
        self._at += 1
        return found

    def value(self) -> object:
        """The next value, whole."""
        if not self.peek():
            raise DamagedError(_ENDS)
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                complete = end < len(self._text)  # a number may go on in what was not read yet
                why = ""
            except json.JSONDecodeError as error:
                complete = len(self._text) - self._at > LONGEST
                why = _ENDS if error.pos >= len(self._text) or "Untermin" in error.msg else error.msg
            except (ValueError, RecursionError) as error:
                complete = True
                why = "nested too deep" if isinstance(error, RecursionError) else "no JSON"
            if complete or not self._read(max(_CHUNK, len(self._text) - self._at)):  # doubling keeps the work linear
                break
        if why:
            self._at += 1  # no document is looked for where this value began
            raise DamagedError(why)
        self._move(end)
        return value

    def record(self) -> Record | None:
        """The next value, where it is an object that wraps nothing and is all here already: most are, and it is quick."""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or any(isinstance(value.get(key), list) for key in WRAPPERS):
            return None
        found = Record(line=self.line, value=value)
        self._move(end)
        return found

    def skip_to_next_document(self, *, after: int) -> None:
        """Go on at the next line that begins with { or [, beyond the place `after`; else at the end."""
        while True:
            # one back: white space was skipped to get here
            if found := _NEXT.search(self._text, max(self._at - 1, after + 1 - self._let_go, 0)):
                self._move(max(self._at, found.start() + 1))
                return
            self._move(max(self._at, len(self._text) - 1))  # the last character may be the line end that counts
            if not self._read(_CHUNK):
                self._move(len(self._text))
                return

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _read(self, size: int) -> bool:
        """Take more in, and let go of what was taken; False at the end."""
        if self._ended:
            return False
        data = self._stream.read(size)
        self._ended = not data
        keep = max(self._at - 1, 0)
        self._text = self._text[keep:] + self._decode(data, self._ended)
        self._at -= keep
        self._let_go += keep
        return True


def _end_of_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start
