"""Where a report goes: --json to standard output, --format adaptive-card, --post to a webhook; what people read stays apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from analyzer.report import load
from tests.test_webhook import SECRET, hook

SAMPLE = Path(__file__).parents[1] / "sample_logs" / "causes" / "name_mismatch"


def command(*words: str, folder: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONWARNINGS": "error", "NO_PROXY": "localhost", **(env or {})}
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), environment.get("PYTHONPATH"))))
    line = [sys.executable, "-m", "analyzer", *words]
    return subprocess.run(line, capture_output=True, cwd=folder, env={**environment, "PYTHONPATH": path}, timeout=120)


def run(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    return command("analyze", str(SAMPLE), "--no-probe", "--out", "report", *words, folder=folder, env=env)


def test_json_on_standard_output_is_the_report_and_nothing_else(tmp_path: Path) -> None:
    done = run(tmp_path, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "report" / "report.json").read_bytes()
    assert b"backend connection failures" in done.stderr


def test_quiet_json_says_nothing_else_at_all(tmp_path: Path) -> None:
    done = run(tmp_path, "--json", "-", "--quiet")
    assert done.stderr == b""
    assert json.loads(done.stdout)["schema"] == "apim-triage/report/1"


def test_json_can_be_a_file(tmp_path: Path) -> None:
    done = run(tmp_path, "--json", "other.json", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert load(tmp_path / "other.json").findings


def test_the_card_is_written_where_it_is_asked_for_and_named_among_the_files(tmp_path: Path) -> None:
    done = run(tmp_path, "--format", "adaptive-card")
    assert json.loads((tmp_path / "report" / "card.json").read_bytes())["type"] == "AdaptiveCard"
    assert b"card.json" in done.stdout
    assert b"card.json" not in run(tmp_path).stdout


def test_the_card_is_posted_to_the_address_in_the_environment(tmp_path: Path) -> None:
    with hook(tmp_path, (202, {}, b"")) as there:
        trust = {"REQUESTS_CA_BUNDLE": str(tmp_path / "root.pem"), "TEAMS_HOOK": there.url}
        done = run(tmp_path, "--post", "env:TEAMS_HOOK", "--format", "adaptive-card", env=trust)
    assert done.returncode == 0, done.stderr
    ((_, _, sent),) = there.got
    assert json.loads(sent)["attachments"][0]["content"] == json.loads((tmp_path / "report" / "card.json").read_bytes())
    assert SECRET.encode() not in done.stdout + done.stderr
    assert all(SECRET.encode() not in p.read_bytes() for p in (tmp_path / "report").rglob("*") if p.is_file())


def test_where_posting_fails_the_report_is_there_and_the_exit_code_says_so(tmp_path: Path) -> None:
    with hook(tmp_path, (404, {}, b"")) as there:
        trust = {"REQUESTS_CA_BUNDLE": str(tmp_path / "root.pem"), "TEAMS_HOOK": there.url}
        done = run(tmp_path, "--post", "env:TEAMS_HOOK", "--quiet", env=trust)
    assert done.returncode == 3
    assert done.stderr.decode().splitlines() == [
        "apim-triage: --post env:TEAMS_HOOK: not posted: it answered 404; the report is written, post its card.json again"
    ]
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--post", f"https://example.com/{SECRET}"), "--post: write env:NAME"),
        (("--post", "env:NOT_SET_HERE"), "the environment has no NOT_SET_HERE"),
        (("--format", "pdf"), "--format pdf: one of adaptive-card"),
        (("--json", "no-such-folder/x.json"), "--json no-such-folder/x.json: there is no such folder"),
    ],
)
def test_a_place_that_can_never_be_is_refused_before_any_work(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr.decode()
    assert SECRET.encode() not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_check_answers_a_program_too(unused_port: Callable[[], int], tmp_path: Path) -> None:
    words = ("--connect-to", f"a.example:443:127.0.0.1:{unused_port()}", "--allow-address", "127.0.0.1", "--json", "-")
    done = command("check", "a.example", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (cluster,) = json.loads(done.stdout)["clusters"]
    assert (cluster["backend"]["host"], cluster["cause"]) == ("a.example", "refused")
    assert b"a.example" in done.stderr
    quiet = command("check", "a.example", *words, "--quiet", folder=tmp_path)
    assert quiet.stderr == b""
    (tmp_path / "checked.json").write_bytes(quiet.stdout)
    assert load(tmp_path / "checked.json").findings[0].lead.cause == "refused"
    nowhere = command("check", "a.example", "--json", "no-such-folder/x.json", folder=tmp_path)
    assert (nowhere.returncode, nowhere.stdout) == (2, b"")
