"""What Event Hub Capture kept in, the gateway's records out: an Avro container, or the JSON that somebody made of one.

Each message's `Body` is `{"records": […]}` as a diagnostic setting sends it, or one JSON object, as a `log-to-eventhub`
policy does. (https://learn.microsoft.com/azure/event-hubs/event-hubs-capture-overview)
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from analyzer.sources.columns import canonical, is_gateway_log
from analyzer.sources.documents import document
from analyzer.sources.items import LONGEST, TOO_LONG, Item, Record, Reject, element, parse

MAGIC = b"Obj\x01"
BODY = "Body"

_LONGEST_BLOCK = 4 * LONGEST  # bytes; it holds many messages
_LOOKED_AT = 1_000  # messages of which one should be a gateway's
_PLAIN = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
_META = {"type": "map", "values": "bytes"}
_SYNC = 16  # bytes between blocks (Avro 1.11 specification, "Object Container Files")
_BROKEN = (  # what fastavro raises where bytes are not what the schema says
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)


class _DamagedError(Exception):
    """What follows is no Avro, or none that is read."""


class _TooLongError(Exception):
    """A block takes more memory than is given to one."""


@dataclass(frozen=True, slots=True)
class _Container:
    """What the header says."""

    schema: Any  # as fastavro parsed it
    codec: str
    sync: bytes  # the mark between blocks


class _Bounded:
    """A stream of which no more is read than a header can be long: sizes in it may be anything."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, 1 << 16

    def read(self, size: int) -> bytes:
        """So many bytes. Raises ValueError where that is more, _DamagedError where fewer are left."""
        if not 0 <= size <= self._left:
            raise ValueError("longer than any header")
        self._left -= size
        data = self._stream.read(size)
        if len(data) < size:
            raise _DamagedError("it is Avro that ends in its header")
        return data


def messages(stream: BinaryIO) -> Iterator[Item]:
    """The records in each message of an Avro container; `line` is the message's number.

    What precedes damage counts; a damaged block costs itself, and what ends the file or its framing is one reject.
    """
    try:
        container = _header(stream)
    except _DamagedError as damage:
        yield Reject(line=1, why=f"damaged: {damage}")
        return
    yield from _messages(stream, container)


def _messages(stream: BinaryIO, container: _Container) -> Iterator[Item]:
    number = 0
    try:
        while first := stream.read(1):
            count, size = _long(first, stream), _long(stream.read(1), stream)
            if count < 0 or size < 0:
                raise _DamagedError("a block of negative size")
            data = _block(stream, size)
            if stream.read(_SYNC) != container.sync:
                raise _DamagedError("it ends in the middle, or a block is not as long as it says")
            before = number
            try:
                for body in _bodies(_unpacked(data, container.codec), container.schema, count):
                    number += 1
                    yield from _of_body(number, body)
            except _TooLongError:
                yield Reject(line=number + 1, why=f"damaged: a block longer than {_LONGEST_BLOCK >> 20} MiB")
            except _BROKEN:
                yield Reject(line=number + 1, why="damaged: a block that is not what its schema says")
            number = before + count
    except _DamagedError as damage:
        yield Reject(line=number + 1, why=f"damaged: {damage}")


def rendition(stream: BinaryIO) -> Iterator[Item]:
    """The records in each message of a capture that was turned into JSON: lines, or an array."""
    for one in document(stream):
        if isinstance(one, Record) and BODY in one.value:
            yield from _of_body(one.line, one.value[BODY])
        else:
            yield one


def is_rendition(record: Record) -> bool:
    """Whether a JSON object is a message of the Event Hub with gateway records in its body."""
    held = _of_body(record.line, record.value[BODY]) if BODY in record.value else iter(())
    return any(_is_ours(one) for one in held)


def why_not(stream: BinaryIO) -> str:
    """Why an Avro container is no capture of a gateway log; "" where it is one, or holds no message."""
    try:
        container = _header(stream)
    except _DamagedError as damage:
        return str(damage)
    found = list(islice(_messages(stream, container), _LOOKED_AT))
    if any(_is_ours(one) for one in found) or not any(isinstance(one, Record) for one in found):
        return ""
    return "no message of this capture has a field of a gateway log"


def _is_ours(one: Item) -> bool:
    return isinstance(one, Record) and is_gateway_log(canonical(one.value))


def _of_body(number: int, body: object) -> Iterator[Item]:
    """The records of one message's body: bytes, a text, or, in JSON, the object itself or `{"bytes": …}`."""
    if isinstance(body, dict) and isinstance(body.get("bytes"), str):  # Avro's own JSON encoding of a union
        body = body["bytes"]
    if isinstance(body, bytes | str):
        if len(body) > LONGEST:
            yield Reject(line=number, why=f"a body {TOO_LONG}")
            return
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        try:
            body = parse(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            yield Reject(line=number, why="a body that is no JSON")
            return
    records = body.get("records") if isinstance(body, dict) else None
    if isinstance(records, list):
        for one in records:
            yield element(number, one, inside="records")
    else:
        yield element(number, body)


def _header(stream: BinaryIO) -> _Container:
    """What a container says of itself before its first block."""
    from fastavro import parse_schema, schemaless_reader
    from fastavro.schema import SchemaParseException

    head: Any = _Bounded(stream)
    if head.read(4) != MAGIC:
        raise _DamagedError("it does not begin as Avro does")
    try:
        meta: Any = schemaless_reader(head, _META, None)
        sync = head.read(_SYNC)
        raw = json.loads(meta["avro.schema"])
        schema = parse_schema(raw) if _is_capture(raw) else None
        codec = bytes(meta.get("avro.codec", b"null")).decode("ascii")
    except (*_BROKEN, RecursionError, SchemaParseException):
        raise _DamagedError("the header of its Avro cannot be read") from None
    if schema is None:
        raise _DamagedError("it is Avro, but not of Event Hub Capture")
    if codec not in ("null", "deflate"):
        raise _DamagedError("it is Avro that is packed by neither of the codecs that are read, null and deflate")
    return _Container(schema=schema, codec=codec, sync=sync)


def _is_capture(schema: object) -> bool:
    """A record of plain fields with a body: a schema that refers to itself could nest until the process dies."""
    if not isinstance(schema, Mapping) or schema.get("type") != "record" or not isinstance(schema.get("fields"), list):
        return False
    fields = {f.get("name"): f.get("type") for f in schema["fields"] if isinstance(f, Mapping)}
    body = fields.get(BODY)
    return body in ("bytes", "string", ["null", "bytes"], ["bytes", "null"]) and all(map(_is_plain, fields.values()))


def _is_plain(kind: object, depth: int = 3) -> bool:
    if isinstance(kind, str):
        return kind in _PLAIN
    if isinstance(kind, list):
        return depth > 0 and all(_is_plain(k, depth - 1) for k in kind)
    if isinstance(kind, Mapping) and depth > 0:
        return _is_plain(kind.get("values" if kind.get("type") == "map" else "type"), depth - 1)
    return False


def _long(first: bytes, stream: BinaryIO) -> int:
    """A zigzag number (Avro 1.11 specification, "Binary Encoding"), of which one byte was read."""
    value = shift = 0
    while True:
        if not first or shift > 63:
            raise _DamagedError("it ends in the middle" if not first else "a block without a size")
        value |= (first[0] & 0x7F) << shift
        if first[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
        shift, first = shift + 7, stream.read(1)


def _block(stream: BinaryIO, size: int) -> bytes | None:
    """So many bytes, fewer at the end; None for more than are held, which are passed over."""
    if size <= _LONGEST_BLOCK:
        return stream.read(size)
    while size and (passed := stream.read(min(size, 1 << 20))):
        size -= len(passed)
    return None


def _unpacked(data: bytes | None, codec: str) -> io.BytesIO:
    if data is not None and codec == "deflate":
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _LONGEST_BLOCK + 1)
    if data is None or len(data) > _LONGEST_BLOCK:
        raise _TooLongError
    return io.BytesIO(data)


def _bodies(block: io.BytesIO, schema: Any, count: int) -> Iterator[object]:
    from fastavro import schemaless_reader

    for _ in range(count):
        message: Any = schemaless_reader(block, schema, None)
        yield message.get(BODY)
