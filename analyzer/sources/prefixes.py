"""Lines as log tools print them in, the lines that the gateway wrote out: what `kubectl`, `docker`, CRI and `stern` put before.

A file has one form of prefix, which its first lines show; a line without it stays as it is.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from analyzer.sources.items import Item, Items

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LOOKED_AT = 40  # lines
_PIECE = 1 << 16  # bytes of a line that are in memory at once; no prefix is longer
_PAIRS = 4096  # pods and containers of one file that are kept apart
_BOM = b"\xef\xbb\xbf"

_CLOCK = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"  # RFC 3339, to the nanosecond
_END = rb"(?: |(?=\r?\n)|\Z)"  # an empty line may have lost the space after its prefix
_COLOR = rb"(?:\x1b\[[\d;]*m)?"
_WHO = {
    "pod": rb"\[pod/[^\]/\s]{1,253}/[^\]/\s]{1,63}\]" + _END,  # kubectl logs --prefix
    "compose": _COLOR + rb"[A-Za-z0-9][\w.-]{0,127} +\|" + _COLOR + _END,  # docker compose logs
    "pair": rb"[a-z0-9][a-z0-9.-]{0,252} [a-z0-9][a-z0-9-]{0,62}" + _END,  # stern: pod, container
    "": b"",
}
_WHEN = {
    "cri": _CLOCK
    + rb" (?:stdout|stderr) (?P<tag>[FP])(?::\w+)*"
    + _END,  # /var/log/pods; P: the line goes on in the next
    "clock": _CLOCK + _END,  # kubectl logs --timestamps, docker logs -t
    "": b"",
}
_STARTS = rb"(?=[\[{]|" + _CLOCK + rb" )"  # two words are a pod and its container where an entry begins behind them


@dataclass(frozen=True, slots=True)
class Form:
    """What stands before each line of a file."""

    who: str  # key of _WHO
    when: str  # key of _WHEN


_FORMS = {
    Form(who, when): re.compile(_WHO[who] + (_STARTS if who == "pair" else b"") + _WHEN[when])
    for who in _WHO
    for when in _WHEN
    if who or when
}
_SAME_PAIR = {when: re.compile(_WHO["pair"] + _WHEN[when]) for when in _WHEN}


def form_of(head: bytes) -> Form | None:
    """The prefix of a file that begins so; None where not even half of its first lines have one."""
    lines = [line for line in islice(head.removeprefix(_BOM).split(b"\n"), _LOOKED_AT) if line.strip()]
    # Not the first line alone: `kubectl logs deploy/…` first says which pod it takes.
    forms = Counter(form for line in lines for form in islice((f for f, e in _FORMS.items() if e.match(line)), 1))
    for form, _ in forms.most_common(1):
        strip = _Strip(form)
        if sum(strip(line)[1] for line in lines) * 2 >= len(lines):
            return form
    return None


def stripped(data: bytes, form: Form) -> bytes:
    """The lines of `data` without their prefixes."""
    return b"".join(_chunks(io.BytesIO(data), form))


def behind(items: Items, form: Form) -> Items:
    """Reads with `items` what stands behind such prefixes; line numbers stay the file's."""

    def read(stream: BinaryIO) -> Iterator[Item]:
        yield from items(io.BufferedReader(_Stripped(stream, form)))

    return read


class _Strip:
    """Takes the prefix off lines; remembers the pairs of words that were a pod and its container."""

    def __init__(self, form: Form) -> None:
        self._form, self._expression = form, _FORMS[form]
        self._pairs: set[bytes] = set()

    def __call__(self, line: bytes) -> tuple[bytes, bool, bool]:
        """What is behind the prefix, whether there was one, and whether the next line goes on with this one."""
        found = self._expression.match(line)
        if self._form.who == "pair":
            pair = b" ".join(line.split(b" ", 2)[:2]).rstrip()
            if found and len(self._pairs) < _PAIRS:
                self._pairs.add(pair)
            elif not found and pair in self._pairs:
                found = _SAME_PAIR[self._form.when].match(line)
        if found is None:
            return line, False, False
        return line[found.end() :], True, self._form.when == "cri" and found["tag"] == b"P"


def _chunks(stream: BinaryIO, form: Form) -> Iterator[bytes]:
    strip, begins, first = _Strip(form), True, True
    joins = False  # this line goes on in the next
    owed = 0  # line ends that joining took away, and which the numbers of later lines need
    while piece := stream.readline(_PIECE):
        if first:
            piece, first = piece.removeprefix(_BOM), False
        ended = piece.endswith(b"\n")
        if begins:
            went_on = joins
            piece, had, joins = strip(piece)
            if went_on and not had:  # whoever wrote this, it is not the rest of the line before
                yield b"\n" * owed
                owed = 0
        begins = ended
        if ended and joins:
            piece, owed = piece.rstrip(b"\r\n"), owed + 1
        elif ended and owed:
            piece, owed = piece + b"\n" * owed, 0
        yield piece


class _Stripped(io.RawIOBase):
    """A stream without the prefixes; closing it leaves the one below open."""

    def __init__(self, stream: BinaryIO, form: Form) -> None:
        self._chunks, self._rest = _chunks(stream, form), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._rest))
        view[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
