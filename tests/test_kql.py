"""Values of parameters become literals that every reader of KQL reads back as the same value, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb_kql
import pytest

from analyzer import kql
from analyzer.kql import Type
from tests.conftest import need
from tests.queries.language_service import FOLDER, LanguageService, installed

QUERY = """// One row.
let at = ago(7d);
let host = "orders.example";
let most = 100;
let ids = dynamic(["a", "b"]);
// What follows is no parameter.
let fixed = "a";
print at, host, most, ids, fixed
"""
HOSTILE = [
    "",
    "orders.example",
    "it's",
    'say "no"',
    '"; drop table x; //',
    "'; .drop table ApiManagementGatewayLogs; let a = '",
    '" | union (AzureDiagnostics) | where "" == "',
    "\\",
    "\\\\",
    'a\\"',
    "\\u0022",
    "a\nlet host = 1;\nb",
    "a\r\nb\tc",
    '@"verbatim"',
    "h@'x'",
    'h"x"',
    "```not a block```",
    "~~~",
    "// no comment",
    "{0} {{1}} %s $x",
    "ünï😀中文\u0301",
    "'\"'\"'",
    "]) dynamic([",
    "x" * 5_000,
]


def printed(query: str) -> Any:
    """The one row that a query over no table returns."""
    db = duckdb_kql.connect()
    (row,) = duckdb_kql.query(db, query).fetchall()
    return row


@pytest.fixture(scope="module")
def service() -> Iterator[LanguageService]:
    folder = installed()
    need(folder is not None, f"not installed: @kusto/language-service-next (its folder in {FOLDER})")
    assert folder is not None
    with LanguageService(folder) as running:
        yield running


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_comes_back_as_it_was_given(text: str) -> None:
    query = f"let host = {kql.literal(Type.STRING, text)};\nlet ids = {kql.literal(Type.LIST, [text, 'b'])};\nprint host, ids"
    assert len(query.splitlines()) == 3
    host, ids = printed(query)
    assert host == text
    assert json.loads(ids) == [text, "b"]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_language_service_reads_one_literal_and_the_same_text(service: LanguageService, text: str) -> None:
    assert service.literals(f"print {kql.literal(Type.STRING, text)}") == ([], [text])
    assert service.literals(f"print {kql.literal(Type.LIST, [text])}") == ([], [text])


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_changes_no_other_line(text: str) -> None:
    plain, filled = QUERY.splitlines(), kql.rendered(QUERY, {"host": text, "ids": [text]}).splitlines()
    assert len(plain) == len(filled)
    assert all(plain[i] == filled[i] for i in (0, 1, 3, 5, 6, 7))


def test_each_type_has_its_literal() -> None:
    at = datetime(2026, 3, 4, 10, 15, 27, 441803, timezone(timedelta(hours=1)))
    filled = kql.rendered(QUERY, {"at": at, "host": "x", "most": 5, "ids": []}).splitlines()
    assert filled[1:5] == [
        "let at = datetime(2026-03-04T09:15:27.441803Z);",
        'let host = "x";',
        "let most = 5;",
        "let ids = dynamic([]);",
    ]
    row = printed("\n".join(filled))
    assert row[0] == at.astimezone(UTC).replace(tzinfo=None)
    assert row[2] == 5


def test_a_default_says_the_type_and_what_follows_a_comment_is_no_parameter() -> None:
    assert kql.parameters(QUERY) == {"at": Type.DATETIME, "host": Type.STRING, "most": Type.LONG, "ids": Type.LIST}
    assert kql.rendered(QUERY, {}) == QUERY


@pytest.mark.parametrize("name", ["fixed", "At", "at; drop", ""])
def test_a_parameter_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(KeyError, match="no parameter"):
        kql.rendered(QUERY, {name: "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("at", "ago(1d)"),
        ("at", 5),
        ("host", 5),
        ("host", ["x"]),
        ("host", b"x"),
        ("most", "5"),
        ("most", True),
        ("most", 1.5),
        ("ids", "abc"),
        ("ids", [1]),
        ("ids", b"abc"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError):
        kql.rendered(QUERY, {name: value})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("at", datetime(2026, 3, 4)),  # noqa: DTZ001  that it is naive is the point
        ("host", "a\x00b"),
        ("host", "a\ud800b"),
        ("host", "a\u2028b"),
        ("host", "a\x1bb"),
        ("ids", ["a", "\ufeff"]),
        ("most", 1 << 63),
    ],
)
def test_a_value_that_kql_cannot_say_is_refused(name: str, value: kql.Value) -> None:
    with pytest.raises(ValueError, match=r"zone|U\+|no long"):
        kql.rendered(QUERY, {name: value})


def test_an_unknown_query_is_refused() -> None:
    for name in ("no-such", "../pyproject", ""):
        with pytest.raises(KeyError):
            kql.render(name, {})


def test_the_wheel_and_the_checkout_are_both_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "failures-tally" in kql.names()
    package = tmp_path / "analyzer"
    (package / "queries").mkdir(parents=True)
    (package / "queries" / "mine.kql").write_text(QUERY, encoding="utf-8")
    monkeypatch.setattr(kql, "__file__", str(package / "kql.py"))
    assert kql.names() == ("mine",)
    assert kql.render("mine", {"most": 7}).splitlines()[3] == "let most = 7;"
