"""clusters.csv opens in a spreadsheet as a table of text and numbers, and runs nothing."""

from __future__ import annotations

import csv
import io

import pytest

from analyzer.report.csv_file import COLUMNS, ENCODING, dumps
from tests.report import make


def rows(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_there_is_one_row_per_cluster_with_what_the_report_says() -> None:
    report = make.rich()
    head, *body = rows(dumps(report))
    assert tuple(head) == COLUMNS
    assert len(body) == len(report.findings)
    first = dict(zip(head, body[0], strict=True))
    assert first["host"] == "orders.contoso.example"
    assert first["port"] == "443"
    assert first["failures"] == "312"
    assert first["requests"] == "630"
    assert (first["cause"], first["scenario"], first["verdict"]) == ("untrusted_root", "2a", "confirmed")
    assert first["first_seen_utc"] == "2025-11-17 08:02:11"
    assert first["remedy_owner"] == "gateway"
    unnamed = dict(zip(head, body[6], strict=True))
    assert unnamed["backend_ids"] == "pool-a pool-b"
    assert (unnamed["port"], unnamed["requests"], unnamed["last_success_utc"], unnamed["probed_utc"]) == (
        "",
        "",
        "",
        "",
    )


def test_lines_end_as_rfc_4180_has_it() -> None:
    text = dumps(make.hostile(make.HOSTILE[6]))
    assert text.count("\r\n") == 3
    assert text.replace("\r\n", "").count("\n") == text.replace("\r\n", "").count("\r") == 0


def test_excel_can_tell_the_encoding() -> None:
    assert dumps(make.hostile("Grüße")).encode(ENCODING).startswith(b"\xef\xbb\xbf")
    assert "Grüße".encode() in dumps(make.hostile("Grüße")).encode(ENCODING)


STARTS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    '";=1',
    "x;=1",
    'x; "=1',
    "x;\t+1",
)


@pytest.mark.parametrize("text", [*STARTS, *make.HOSTILE])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_is_a_formula_in_any_locale(text: str, delimiter: str) -> None:
    for row in rows(dumps(make.hostile(text)), delimiter):
        for cell in row:
            assert not cell.strip(' \t\r\n"').startswith(tuple("=+-@＝＋－＠")), cell


def test_an_ordinary_text_is_left_as_it_is() -> None:
    cells = rows(dumps(make.hostile("a-b=c, d+e; f (g)")))[1]
    assert "a-b=c, d+e; f (g)" in cells


def test_a_report_without_failures_is_its_head() -> None:
    assert rows(dumps(make.empty())) == [list(COLUMNS)]


def test_no_cell_is_longer_than_excel_takes() -> None:
    assert max(len(cell) for row in rows(dumps(make.hostile("W" * 100_000))) for cell in row) < 32_767


def test_clusters_that_were_only_counted_follow_the_judged_ones() -> None:
    head, *body = rows(dumps(make.crowded()))
    found = [dict(zip(head, row, strict=True)) for row in body]
    assert [(row["host"], row["verdict"], row["cause"]) for row in found] == [
        ("a.contoso.example", "confirmed", "untrusted_root"),
        ("b.contoso.example", "not judged", ""),
        ("c.contoso.example", "not judged", ""),
    ]
    assert (found[1]["failures"], found[1]["first_seen_utc"], found[1]["state"]) == ("312", "2025-11-17 08:02:11", "")
