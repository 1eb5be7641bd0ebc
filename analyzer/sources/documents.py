"""JSON documents of any size in, their records out: `{"records": […]}`, `{"tables": […]}`, arrays, bare objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.sources.answers import table
from analyzer.sources.items import Item, element
from analyzer.sources.texts import Text, documents, elements, keys


def document(stream: BinaryIO) -> Iterator[Item]:
    """The records of every document in a stream, in bounded memory.

    What precedes damage is kept; the damage is one reject, and reading goes on where a line opens the next document.
    """
    return documents(stream, if_object=_object, if_array=_array)


def _object(text: Text) -> Iterator[Item]:
    """The records in an object that wraps some, else the object itself."""
    if alone := text.record():
        yield alone
        return
    number, own, wraps = text.line, dict[str, object](), False
    for key in keys(text):
        if key == "records" and text.peek() == "[":
            wraps = True
            for _ in elements(text):
                yield element(text.line, text.value(), inside="records")
        elif key in ("tables", "Tables") and text.peek() == "[":
            wraps = True
            for _ in elements(text):
                yield from table(text, inside=key)
        else:
            own[key] = text.value()
    if not wraps:
        yield element(number, own)


def _array(text: Text) -> Iterator[Item]:
    for _ in elements(text):
        line, value = text.line, text.value()
        records = value.get("records") if isinstance(value, dict) else None
        if isinstance(records, list):  # Event Hub messages, gathered in an array
            for one in records:
                yield element(line, one, inside="records")
        else:
            yield element(line, value, inside="array")
