"""The command as its users run it: files, exit codes, one clear line where something is wrong, and the outlook on real TLS."""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import chdir, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.cli import main
from analyzer.lab.logs import blob_lines, failure, success
from analyzer.weekly.weeks import last_full
from tests import make
from tests.build import TRUST
from tests.make import DAY, NOW
from tests.probing.servers import python_ssl
from tests.test_cli import assert_one_clear_line
from tests.test_cli import run as run_apart

WEEK = last_full(UTC, datetime.now(UTC))
FILES = {"weekly.html", "weekly.md", "weekly.json"}


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in this process, which has loaded its libraries already."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(cwd or Path.cwd()), redirect_stdout(out), redirect_stderr(err):
        code = main([*map(str, arguments)])
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def log(folder: Path, *hosts: str, failing: str = "down.example") -> Path:
    place = folder / "logs" / "PT1H.json"
    place.parent.mkdir(exist_ok=True)
    hours = [WEEK.start + timedelta(hours=h) for h in range(0, 168, 6)]
    events = [success(host, at) for host in hosts for at in hours]
    events += [failure(failing, TRUST, at) for at in hours[3:7]] + [success(failing, at) for at in hours[8:]]
    place.write_text(blob_lines(sorted(events, key=lambda e: e.time)), encoding="utf-8")
    return place


def test_the_files_are_there_and_say_the_same(tmp_path: Path) -> None:
    done = run("weekly", log(tmp_path, "up.example"), "--out", tmp_path / "out", "--history", tmp_path / "history")
    assert done.returncode == 0, done.stderr
    assert "down.example" in done.stdout
    assert {p.name for p in (tmp_path / "out").iterdir()} == {*FILES, "charts"}
    document = json.loads((tmp_path / "out" / "weekly.json").read_bytes())
    assert document["schema"] == "apim-triage/weekly/1"
    assert document["week"]["label"] == WEEK.label
    (incident,) = document["incidents"]
    assert (incident["lost"], incident["status"], incident["ending"]) == (4, "unknown", "answered")
    assert (tmp_path / "history" / "reports" / f"{WEEK.label}.json").exists()
    for name in ("weekly.html", "weekly.md"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert "4 calls lost in 1 incident" in text
        assert "100 %" not in text
        assert "100.0" not in text


def test_a_log_comes_on_standard_input(tmp_path: Path) -> None:
    done = run_apart("weekly", "-", "--out", tmp_path / "out", stdin=log(tmp_path).read_bytes())
    assert done.returncode == 0, done.stderr
    assert "read only once" in done.stdout


def test_nothing_is_printed_when_asked_for_quiet(tmp_path: Path) -> None:
    done = run("weekly", log(tmp_path), "--out", tmp_path / "out", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_table_of_a_pipe_fits_a_hundred_columns(tmp_path: Path) -> None:
    done = run(
        "weekly", log(tmp_path, failing="a-rather-long-name-of-a-host.department.contoso.example"), "--out", tmp_path
    )
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= max(100, len(str(tmp_path)) + 70)
    assert "\x1b" not in done.stdout


def test_a_cause_that_must_not_be_gives_exit_code_1(tmp_path: Path) -> None:
    place = log(tmp_path)
    place.write_text(
        blob_lines(
            failure("down.example", "No connection could be made because the target machine actively refused it", at)
            for at in (WEEK.start + timedelta(hours=h) for h in range(5))
        )
    )
    assert run("weekly", place, "--out", tmp_path / "out", "--fail-on", "refused").returncode == 1
    assert run("weekly", place, "--out", tmp_path / "out", "--fail-on", "dns").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("source",)),
        (("LOG", "--week", "2026-W60"), ("--week 2026-W60", "write it as")),
        (("LOG", "--week", "2999-W01"), ("not begun",)),
        (("LOG", "--tz", "Mars/Olympus"), ("Mars/Olympus",)),
        (("LOG", "--history", "h", "--tz", "local"), ("IANA",)),
        (("LOG", "--history", "LOG"), ("--history needs a folder",)),
        (("LOG", "--weeks", "0"), ("--weeks",)),
        (("no-such-file.json",), ("no-such-file.json",)),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    place = log(tmp_path)
    done = run("weekly", *(str(place) if a == "LOG" else a for a in arguments), cwd=tmp_path)
    assert_one_clear_line(done, *words)
    assert not (tmp_path / "apim-triage-weekly").exists()


def test_the_outlook_finds_the_healthy_backend_whose_certificate_ends(tmp_path: Path) -> None:
    root = make.ca("Weekly Root", not_before=NOW - 1000 * DAY, not_after=NOW + 1000 * DAY)
    late = make.leaf("late.example", root, not_before=NOW - 80 * DAY, not_after=NOW + 10 * DAY)
    fine = make.leaf("fine.example", root, not_before=NOW - 40 * DAY, not_after=NOW + 50 * DAY)
    (tmp_path / "root.pem").write_bytes(root.pem)
    with python_ssl(late, tmp_path) as one, python_ssl(fine, tmp_path) as two:
        done = run(
            "weekly", log(tmp_path, "late.example", "fine.example", failing="fine.example"), "--out", tmp_path / "out",
            "--probe-all", "--ca-file", tmp_path / "root.pem", "--allow-address", "127.0.0.0/8",
            "--connect-to", f"late.example:443:127.0.0.1:{one}", "--connect-to", f"fine.example:443:127.0.0.1:{two}",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outlook = json.loads((tmp_path / "out" / "weekly.json").read_bytes())["outlook"]
    assert (outlook["backends"], outlook["asked"], outlook["judged"]) == (2, 2, 2)
    (forecast,) = outlook["forecasts"]
    assert (forecast["change"], forecast["backends"]) == ("breaks", ["late.example:443"])
    assert forecast["role"] == "server certificate"
    assert forecast["statuses"] == ["NotTimeValid"]
    for name in ("weekly.html", "weekly.md"):
        assert "late.example" in (tmp_path / "out" / name).read_text(encoding="utf-8")
    assert "will break 1 backend" in done.stdout


def test_help_teaches() -> None:
    done = run("weekly", "--help")
    assert done.returncode == 0
    for word in ("--week", "--history", "--probe-all", "2026-W47", "Example:"):
        assert word in done.stdout
