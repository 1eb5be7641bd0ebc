"""What holds of every query file: it can be pasted, says what a row is, masks as reading masks, and is in the README."""

from __future__ import annotations

import re
from pathlib import Path

import polars
import pytest

from analyzer import kql
from analyzer.kql import Type
from analyzer.lab.rows import Row
from analyzer.sources.masking import SECRETS
from tests.queries.executed import answer

README = (Path(__file__).parents[2] / "queries" / "README.md").read_text(encoding="utf-8")
BEGIN, END = "// Both tables as one, no hour of a service twice", "// Up to here."
OVER_BOTH = [name for name in kql.names() if "let legacy = " in kql.text(name)]
TALLIES = [name for name in kql.names() if "TallyVersion" in kql.text(name)]
_PATTERN = re.compile(
    r'(?:matches regex|extract\(|trim\(|trim_end\(|replace_regex\([A-Za-z]+,|, 0, BackendUrl\),) ?@"((?:[^"]|"")*)"'
)


def test_there_are_queries() -> None:
    assert len(kql.names()) > 8
    assert len(OVER_BOTH) > 4
    assert TALLIES


@pytest.mark.parametrize("name", kql.names())
def test_a_query_says_what_a_row_is_and_has_no_blank_line(name: str) -> None:
    text = kql.text(name)
    assert re.match(r"// One row\b", text)
    assert all(line.strip() for line in text.splitlines())  # the portal runs what stands between blank lines
    assert text.isascii()
    assert f"| `{name}.kql` |" in README


def test_the_readme_names_no_query_that_is_not_there() -> None:
    assert set(re.findall(r"`([a-z-]+)\.kql`", README)) <= set(kql.names())


@pytest.mark.parametrize("name", [n for n in kql.names() if "window_start" in kql.text(n)])
def test_a_window_is_half_open_and_a_parameter(name: str) -> None:
    text = kql.text(name)
    assert list(kql.parameters(text))[:2] == ["window_start", "window_end"]
    assert [*kql.parameters(text).values()][:2] == [Type.DATETIME] * 2
    assert text.count("TimeGenerated >= ") == text.count("TimeGenerated < ") > 0


@pytest.mark.parametrize("name", OVER_BOTH)
def test_both_tables_are_read_alike_everywhere(name: str) -> None:
    parts = {kql.text(n).partition(BEGIN)[2].partition(END)[0] for n in (name, "failures-tally")}
    assert len(parts) == 1
    assert len(parts.pop().splitlines()) > 40


@pytest.mark.parametrize("name", TALLIES)
def test_a_tally_masks_what_reading_masks(name: str) -> None:
    text = kql.text(name)
    for pattern, replacement in SECRETS:
        quoted = [part.replace('"', '""') for part in (pattern, replacement)]
        assert f'replace_regex(Message, @"{quoted[0]}", @"{quoted[1]}")' in text


@pytest.mark.parametrize("name", kql.names())
def test_every_pattern_is_one_in_rust_s_dialect_too(name: str) -> None:
    # Kusto's is RE2's; that the patterns mean the same where no backslash is needless, another engine of that family shows
    for pattern in (found.replace('""', '"') for found in _PATTERN.findall(kql.text(name))):
        assert re.search(r"""(?<!\\)(?:\\\\)*\\["'@/<>:; ]""", pattern) is None
        assert polars.Series(["x"]).str.contains(pattern).len() == 1


@pytest.mark.parametrize("name", OVER_BOTH)
def test_a_workspace_without_gateway_logs_has_no_row(name: str) -> None:
    assert answer(name, {}) == []
    others: Row = {
        "TimeGenerated": "2026-03-14T09:00:00Z",
        "ResourceProvider": "MICROSOFT.KEYVAULT",
        "Category": "AuditEvent",
        "_ResourceId": "/x",
    }
    assert answer(name, {"AzureDiagnostics": [others]}) == []
