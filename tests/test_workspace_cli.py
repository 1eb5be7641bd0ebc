"""The command asks a workspace by HTTPS, signed in by `az`: what the user sees in each mood of the API, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.cli import main
from analyzer.lab.query_api import QueryApi
from analyzer.lab.query_moods import Mood
from analyzer.lab.workspace_demo import https
from tests.sources.workspaces import ID, NOW, OTHER, START, day, specific

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for az is a shell script")

ROOT = Path(__file__).parents[1]
AZ = """#!/bin/sh
if [ -n "$AZ_FAILS" ]; then echo "ERROR: Please run 'az login' to setup account." >&2; exit 1; fi
echo '{"accessToken": "lab", "expiresOn": "2999-01-01 00:00:00.000000", "expires_on": 32472144000, "tenant": "t", "tokenType": "Bearer"}'
"""
TIME = ("--from", f"{START:%Y-%m-%d}", "--to", f"{START + timedelta(days=1):%Y-%m-%d}", "--slice", "12h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where a user sits."""

    folder: Path
    environment: dict[str, str]
    api: QueryApi
    shown: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def run(self, *words: str, **environment: str) -> Done:
        """A command in this process: its start would take longer than all else."""
        with self.patch.context() as changed:
            for name in (*os.environ, *self.environment):
                if name not in self.environment:
                    changed.delenv(name)
            for name, value in {**self.environment, **environment}.items():
                changed.setenv(name, value)
            changed.chdir(self.folder)
            code = main(list(words))
        said = self.shown.readouterr()
        return Done(returncode=code, stdout=said.out, stderr=said.err)

    def analyze(self, *words: str, workspace: str = ID, **environment: str) -> Done:
        return self.run(
            "analyze", "--workspace", workspace, "--auth", "cli", *TIME, "--no-probe", *words, **environment
        )


@contextmanager
def terminal(folder: Path, shown: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "az").write_text(AZ, encoding="utf-8")
    (tools / "az").chmod(0o755)
    given = {ID: specific(day()), OTHER: specific([])}
    with https(datetime.now(UTC)) as (tls, ca), QueryApi(given, tls=tls, now=lambda: NOW) as api:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AZURE_") and "proxy" not in k.lower()}
        environment |= {
            "APIM_TRIAGE_LOGS_ENDPOINT": api.url,
            "REQUESTS_CA_BUNDLE": str(ca),
            "PATH": f"{tools}:{environment['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder),
        }
        yield Terminal(folder=folder, environment=environment, api=api, shown=shown, patch=patch)


@pytest.fixture
def user(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(tmp_path, capsys, monkeypatch) as opened:
        yield opened


def test_a_report_comes_of_a_workspace_and_the_tally_is_kept(user: Terminal) -> None:
    done = user.analyze("--save-tally", "week.parquet", "--out", "report")
    assert (done.returncode, done.stderr) == (0, "")
    assert "24 backend connection failures" in done.stdout
    report = json.loads((user.folder / "report" / "report.json").read_text(encoding="utf-8"))
    (source,) = report["intake"]["sources"]
    assert source["shape"].startswith("Log Analytics: ")
    assert user.api.requests[0].prefer == "wait=600"
    asked = len(user.api.requests)

    again = user.run("analyze", "week.parquet", "--no-probe", "--out", "again")
    assert (again.returncode, again.stderr) == (0, "")
    other = json.loads((user.folder / "again" / "report.json").read_text(encoding="utf-8"))
    assert other["clusters"] == report["clusters"]
    assert len(user.api.requests) == asked


MOODS = [
    (Mood.FORBID, "Log Analytics Reader"),
    (Mood.REFUSE_TOKEN, "the token is not accepted"),
    (Mood.PRIVATE, "no queries from public networks"),
    (Mood.HTML, "a proxy or a sign-in page stands between"),
    (Mood.PROXY_DENIES, "a proxy or a sign-in page stands between"),
    (Mood.NONSENSE, "what answered is not the query API"),
]


@pytest.mark.parametrize(("mood", "words"), MOODS)
def test_what_does_not_pass_is_one_line_and_exit_2(user: Terminal, mood: Mood, words: str) -> None:
    user.api.temper.mood = mood
    done = user.analyze("--save-tally", "week.parquet")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"apim-triage: workspace {ID}: ")
    assert words in done.stderr
    assert len(user.api.requests) == 1
    assert not (user.folder / "week.parquet").exists()


def test_a_sign_in_that_fails_is_one_line_and_exit_2(user: Terminal) -> None:
    done = user.analyze(AZ_FAILS="1")
    assert done.returncode == 2
    assert done.stderr == (
        f"apim-triage: workspace {ID}: there is no credential that works with --auth cli: `az login` (and see that `az` is on the PATH)\n"
    )
    assert user.api.requests == []


def test_a_wrong_clock_is_named(user: Terminal) -> None:
    user.api.temper.clock_ahead = timedelta(hours=2)
    user.api.temper.mood = Mood.REFUSE_TOKEN
    done = user.analyze()
    assert done.returncode == 2
    assert "this machine's clock is 120 minutes behind the service's" in done.stderr


@pytest.mark.parametrize(
    ("workspace", "words"),
    [
        (ID.replace("0b", "ff"), "there is no such workspace in the public cloud"),
        (OTHER, "it has no gateway record of 2026-11-16 00:00 to 2026-11-17 00:00 UTC"),
        ("contoso-logs", "not a Workspace ID"),
    ],
)
def test_a_wrong_or_empty_workspace_is_one_line_and_exit_2(user: Terminal, workspace: str, words: str) -> None:
    done = user.analyze(workspace=workspace)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_an_endpoint_that_is_not_trusted_or_not_there_is_told_apart(user: Terminal, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    with https(datetime.now(UTC)) as (_, ca):
        stranger.write_bytes(ca.read_bytes())
    assert "REQUESTS_CA_BUNDLE" in user.analyze(REQUESTS_CA_BUNDLE=str(stranger)).stderr
    assert "cannot be reached" in user.analyze(APIM_TRIAGE_LOGS_ENDPOINT="https://127.0.0.1:1").stderr
    assert "does not resolve" in user.analyze(APIM_TRIAGE_LOGS_ENDPOINT="https://logs.invalid").stderr
    proxied = user.analyze(HTTPS_PROXY="http://127.0.0.1:1", NO_PROXY="")
    assert "HTTPS_PROXY" in proxied.stderr
    assert user.api.requests == []


def test_a_query_that_fails_among_good_ones_is_exit_3_and_said(user: Terminal) -> None:
    user.api.temper.moods.extend([Mood.FINE, Mood.NONSENSE])
    done = user.analyze("--out", "report")
    assert done.returncode == 3
    assert "1 of 2 queries were not answered" in " ".join(done.stdout.split())
    report = json.loads((user.folder / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["intake"]["failures"] == 12
    assert any("1 of 2 queries were not answered" in caveat for caveat in report["caveats"])


def test_the_query_is_printed_and_nothing_is_sent(user: Terminal) -> None:
    done = user.analyze("--print-query", AZ_FAILS="1")
    assert done.returncode == 0
    assert done.stdout.startswith(f"// workspace {ID}: POST {user.api.url}/v1/workspaces/{ID}/query\n")
    assert "let window_start = datetime(2026-11-16T00:00:00.000000Z);" in done.stdout
    assert user.api.requests == []
    assert not (user.folder / "apim-triage-report").exists()


def test_the_estimate_counts_and_writes_nothing(user: Terminal) -> None:
    done = user.analyze("--estimate")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ApiManagementGatewayLogs: 48 gateway records" in done.stdout
    assert not (user.folder / "apim-triage-report").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--auth", "password"), "--auth password: one of default, cli"),
        (("--cloud", "mars"), "--cloud mars: one of public"),
        (("--slice", "1"), "--slice 1: write"),
        (("--slice", "90d"), "--slice 90d: write"),
        (("--cross-workspace",), "two workspaces"),
        (("--resource", "contoso-apim"), "az apim show"),
        (("--save-tally", "week.csv"), "call it week.csv.parquet"),
    ],
)
def test_a_word_that_is_wrong_is_named_before_anything_is_asked(
    user: Terminal, words: tuple[str, ...], why: str
) -> None:
    done = user.analyze(*words)
    assert done.returncode == 2
    assert why in done.stderr
    assert user.api.requests == []


def test_ctrl_c_ends_at_once_and_leaves_nothing(user: Terminal) -> None:
    user.api.temper.mood = Mood.SILENT
    words = ["analyze", "--workspace", ID, "--auth", "cli", *TIME, "--no-probe", "--save-tally", "week.parquet"]
    with subprocess.Popen(
        [sys.executable, "-m", "analyzer", *words],
        cwd=user.folder,
        env=user.environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        until = time.monotonic() + 60
        while not user.api.requests and time.monotonic() < until:
            if user.api.stop.wait(0.05):
                break
        assert user.api.requests
        running.send_signal(signal.SIGINT)
        asked_at = time.monotonic()
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert time.monotonic() - asked_at < 15  # a query may take ten minutes
    assert said == "apim-triage: interrupted; nothing was left half-written\n"
    assert {p.name for p in user.folder.iterdir()} <= {"tools"}


def test_the_demo_asks_the_local_api(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "demo", "--workspace", "--out", str(tmp_path / "demo")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HTTPS_PROXY": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((tmp_path / "demo" / "report.json").read_text(encoding="utf-8"))
    assert report["intake"]["sources"][0]["name"].startswith("workspace ")
    assert report["intake"]["failures"] > 400
    found = {cluster["cause"] for cluster in report["clusters"]}
    assert {"untrusted_root", "incomplete_chain", "name_mismatch", "tls_version", "expired", "dns"} <= found


def test_the_demo_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "duckdb_kql.py").write_text("raise ImportError", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "demo", "--workspace"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        'apim-triage: the local query API executes KQL with one more package: pip install "apim-triage[lab]"\n'
    )
    assert not (tmp_path / "demo-report").exists()
