"""The terminal's summary fits a hundred columns, is plain in a pipe, and nothing that logs say drives the terminal."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len

from analyzer.cli import terminal
from analyzer.model import Report, State
from tests.report import make

REPORTS = {
    "rich": make.rich(),
    "empty": make.empty(),
    "crowded": make.crowded(),
    "many": make.report(*(make.finding(f"h{n}.example") for n in range(80))),
    **{f"hostile {n}": make.hostile(text) for n, text in enumerate(make.HOSTILE)},
}


def summary(report: Report, capsys: pytest.CaptureFixture[str], *, stderr: bool = False) -> str:
    out = Path("report")
    written = [out / name for name in ("report.html", "report.md", "charts/causes.png", "charts/causes-dark.png")]
    terminal.summary(report, written, out, stderr=stderr)
    found = capsys.readouterr()
    assert (found.out if stderr else found.err) == ""
    return found.err if stderr else found.out


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("stderr", [False, True])
def test_no_line_is_wider_than_a_hundred_columns(name: str, stderr: bool, capsys: pytest.CaptureFixture[str]) -> None:
    said = summary(REPORTS[name], capsys, stderr=stderr)
    assert max(cell_len(line) for line in said.splitlines()) <= 100


@pytest.mark.parametrize("name", REPORTS)
def test_in_a_pipe_there_is_no_colour_and_no_character_that_drives_a_terminal(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = summary(REPORTS[name], capsys)
    assert {c for c in said if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")} <= {"\n"}


def test_on_a_terminal_markup_of_a_log_is_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    said = summary(make.hostile("[red]x[/red] [link=http://evil.example]y[/link]"), capsys)
    assert "\x1b[1m" in said
    assert "[red]x[/red]" in said
    assert "\x1b]8" not in said  # a link (OSC 8)
    assert "\x1b[31m" not in said


@pytest.mark.parametrize("state", State)
def test_the_whole_state_is_shown_beside_a_long_gateway_and_a_long_host(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    host = "a-rather-long-name-of-a-backend.internal.contoso.example"
    said = summary(make.report(make.finding(host, state=state), make.finding(gateway=make.V2)), capsys)
    assert any(line.rstrip().endswith(f"confirmed {state.value}") for line in said.splitlines())


def test_the_files_beside_the_page_are_those_that_were_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Report: report/report.html  (also report.md, charts/)" in summary(make.rich(), capsys)
