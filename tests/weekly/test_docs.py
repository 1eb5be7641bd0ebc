"""What docs/weekly.md says is so: its commands parse, its tables are the program's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from analyzer.cli.app import app
from analyzer.model import Status

TEXT = (Path(__file__).parents[2] / "docs" / "weekly.md").read_text(encoding="utf-8")


def weekly() -> Any:
    command: Any = typer.main.get_command(app)
    return command.commands["weekly"]


def offered() -> set[str]:
    return {option for one in weekly().params for option in one.opts if option.startswith("--")}


def test_every_command_that_is_shown_is_one() -> None:
    shown = re.findall(r"apim-triage weekly ([^\n`\"]*(?:\"[^\n\"]*\"[^\n`\"]*)*)", TEXT)
    assert len(shown) >= 5
    for words in shown:
        for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", words):
            assert option in offered(), words


def test_every_option_of_the_table_is_one_and_has_help() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)", TEXT, re.MULTILINE)
    assert len(rows) > 5
    assert set(rows) <= offered()
    assert all(one.help for one in weekly().params)


def test_the_statuses_are_the_models() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", TEXT, re.MULTILINE)
    assert rows == [status.value for status in Status]


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: Any) -> None:
    from analyzer.lab.logs import blob_lines, success
    from tests.weekly.build import LAST

    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "PT1H.json").write_text(blob_lines([success("a.example", LAST.start)]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  our own page
    assert set(names["frames"]) == {"runs", "availability", "trend", "trend_kinds", "outlook", "heat"}
