"""Records come out of documents of any size and in any state, and what is none is counted once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.sources.documents import document
from analyzer.sources.items import LONGEST, Item, Record, lines
from analyzer.sources.sheets import rows


def read(how: Callable[[BinaryIO], Iterator[Item]], data: bytes) -> list[tuple[int, object]]:
    """Line and value of each record; line and None of each reject."""
    return [(i.line, i.value if isinstance(i, Record) else None) for i in how(io.BytesIO(data))]


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b'{"records":[{"a":1},\n{"a":2}]}', [(1, {"a": "1"}), (2, {"a": "2"})]),
        (b'\xef\xbb\xbf{"records":[{"a":1}]}\r\n{"records":[{"a":2}]}', [(1, {"a": "1"}), (2, {"a": "2"})]),
        (b'{"records":[{"a":1}]}{"records":[]}{"records":[{"a":2}]}', [(1, {"a": "1"}), (1, {"a": "2"})]),
        (b'{"x":{"records":[1]},"records":[{"a":1}]}', [(1, {"a": "1"})]),
        (b'[{"records":[{"a":1}]},{"a":2}]', [(1, {"a": "1"}), (1, {"a": "2"})]),
        (b'[\n  {\n    "a": [1, {"b": "}]"}]\n  },\n  5\n]\n', [(2, {"a": ["1", {"b": "}]"}]}), (5, None)]),
        (b'{"a":1}{"a":2}\n', [(1, {"a": "1"}), (1, {"a": "2"})]),
        (b'{"records":"none","a":1}', [(1, {"records": "none", "a": "1"})]),
        (b"[]", []),
        (b" \n\t", []),
        (b'{"records":[{"a":1},null,[2],"x"]}', [(1, {"a": "1"}), (1, None), (1, None), (1, None)]),
        (b'{"a":"\xff"}', [(1, {"a": "\ufffd"})]),
        (b'{"a":"\xe2\x82\xac"}', [(1, {"a": "€"})]),
    ],
)
def test_documents_yield_their_records(data: bytes, items: list[tuple[int, object]]) -> None:
    assert read(document, data) == items


def test_an_answers_rows_become_objects_by_column_name() -> None:
    answer = {
        "tables": [
            {"name": "PrimaryResult", "columns": [{"name": "A"}, {"name": "B"}], "rows": [[1, None], [2], "x"]},
            {"name": "second", "columns": [{"name": "A"}], "rows": [[3]]},
        ],
        "error": {"code": "PartialError"},
    }
    assert read(document, json.dumps(answer).encode()) == [
        (1, {"A": "1", "B": None}),
        (1, None),
        (1, None),
        (1, {"A": "3"}),
    ]


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b'{"records":[{"a":1},{"a":', [(1, {"a": "1"}), (1, None)]),
        (b'[{"a":1},\n{"a":"x', [(1, {"a": "1"}), (2, None)]),
        (b'[{"a":1} {"a":2}]\n[{"a":3}]', [(1, {"a": "1"}), (1, None), (2, {"a": "3"})]),
        (b'oops\n{"a":1}', [(1, None), (2, {"a": "1"})]),
        (b'{"records":[{"a":1},{"b":\n{"records":[{"a":2}]}\n', [(1, {"a": "1"}), (1, None), (2, {"a": "2"})]),
        (b'{"tables":[{"rows":[[1]],"columns":[{"name":"A"}]}]}', [(1, None)]),
        (b'{"a":' + b"[" * 200_000, [(1, None)]),
        (b'{1:2}\n{"a":1}', [(1, None), (2, {"a": "1"})]),
    ],
)
def test_damage_costs_itself_and_nothing_before_or_after_it(data: bytes, items: list[tuple[int, object]]) -> None:
    assert read(document, data) == items


def test_a_value_longer_than_any_record_is_one_reject() -> None:
    data = b'[{"a":"' + b"x" * (2 * LONGEST) + b'"}]\n{"a":1}\n'
    assert read(document, data) == [(1, None), (2, {"a": "1"})]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=300), max_size=3), max_size=8), st.integers(1, 40)
)
def test_where_a_chunk_ends_makes_no_difference(records: list[dict[str, str]], size: int) -> None:
    data = json.dumps({"records": records}, ensure_ascii=False, indent=1).encode("utf-8", "replace")

    class Trickle(io.BytesIO):
        def read(self, wanted: int | None = -1, /) -> bytes:
            return super().read(min(size, 10**9 if wanted is None or wanted < 0 else wanted))

    whole = [i.value for i in document(io.BytesIO(data)) if isinstance(i, Record)]
    assert [i.value for i in document(Trickle(data)) if isinstance(i, Record)] == whole
    assert len(whole) == len(records)


def test_lines_are_counted_one_by_one() -> None:
    data = b'{"a":1}\n\n  \r\n{}\nnull\n[1]\n{"a":1}{"b":2}\n{"a":"\x01\xff"}\n{"records":[{"a":2},3]}\n{"a'
    assert read(lines, data) == [
        (1, {"a": "1"}),
        (4, {}),
        (5, None),
        (6, None),
        (7, None),
        (8, {"a": "\x01\ufffd"}),
        (9, {"a": "2"}),
        (9, None),
        (10, None),
    ]


def test_a_line_longer_than_any_record_is_one_reject() -> None:
    data = b'{"a":"' + b"x" * (2 * LONGEST) + b'"}\n{"a":1}\n'
    assert read(lines, data) == [(1, None), (2, {"a": "1"})]


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b"t,m\n1,2\n\n3,4", [(2, {"t": "1", "m": "2"}), (4, {"t": "3", "m": "4"})]),
        (
            b'\xef\xbb\xbft,m\r\n1,"a""b\r\nc"\r\n\r\n3,4\n',
            [(2, {"t": "1", "m": 'a"b\r\nc'}), (5, {"t": "3", "m": "4"})],
        ),
        (b"t,m\n1\n1,2,3\n4,5\n,\n", [(2, None), (3, None), (4, {"t": "4", "m": "5"}), (5, {"t": "", "m": ""})]),
        (b't,m\n1,"2\n3,4\n5,6\n', [(2, None), (3, {"t": "3", "m": "4"}), (4, {"t": "5", "m": "6"})]),
        (b't,m\n1,"2\n3,"4"\n5,6\n', [(2, None), (3, {"t": "3", "m": "4"}), (4, {"t": "5", "m": "6"})]),
        (b"t,m\n1,\xff\x00\n", [(2, {"t": "1", "m": "\ufffd\x00"})]),
        (b"t,m\n1," + b"x" * 300_000 + b"\n2,3\n", [(2, None), (3, {"t": "2", "m": "3"})]),
        (b"t,m\n", []),
        (b"", []),
    ],
)
def test_a_broken_row_costs_its_first_line_only(data: bytes, items: list[tuple[int, object]]) -> None:
    assert read(rows, data) == items
