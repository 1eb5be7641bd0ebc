"""The command as its users run it: good input, bad input, pipes, exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analyzer.evidence import read as read_evidence
from analyzer.lab import Lab
from analyzer.lab.logs import blob_lines, failure
from tests import make
from tests.build import NOW, TRUST

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_logs"


UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
"""The superuser without the right to pass over permissions; other users never had it."""


def run(
    *arguments: str | Path, stdin: bytes | None = None, cwd: Path | None = None, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONWARNINGS": "error", "COLUMNS": "200"}
    done = subprocess.run(
        [*(before if os.geteuid() == 0 else ()), sys.executable, "-m", "analyzer", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd or ROOT,
        env=env,
        timeout=120,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("apim-triage: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("analyze",), ("source",)),
        (("analyze", "no-such-file.json"), ("no-such-file.json",)),
        (("analyze", "no-such-*.json"), ("no-such-*.json",)),
        (("analyze", "x.json", "--gateway", "gold"), ("--gateway", "classic")),
        (("analyze", "x.json", "--setting", "Tls13"), ("--setting", "KEY=VALUE")),
        (("check", "a.example", "--setting", "Security.Protocols.Tls10=true"), ("--setting", "Security.Backend")),
        (("check", "a.example", "--setting", "Security.Backend.Protocols.Tls13=on"), ("--setting", "true nor false")),
        (
            ("probe", "a.example", "--setting", "Security.Backend.Protocols.Tls12=false"),
            ("--setting", "no TLS version"),
        ),
        (
            ("check", "a.example", "--gateway", "v2", "--setting", "Security.Ciphers.TripleDes168=true"),
            ("--setting", "v2 gateway"),
        ),
        (("analyze", "x.json", "--last", "soon"), ("--last",)),
        (("analyze", "x.json", "--from", "2026-11-20", "--to", "2026-11-19"), ("--from",)),
        (("analyze", "x.json", "--tz", "Mars/Olympus"), ("--tz",)),
        (("analyze", "x.json", "--date-order", "ymd"), ("--date-order", "mdy", "dmy")),
        (("analyze", "x.json", "--no-probe", "--dry-run"), ("--no-probe", "--dry-run")),
        (("analyze", "x.json", "--fail-on", "luck"), ("--fail-on", "causes")),
        (("analyze", "x.json", "--allow-address", "10.0.0.0/99"), ("--allow-address",)),
        (("analyze", "x.json", "--ca-file", "no-such.pem"), ("no-such.pem",)),
        (("analyze", "x.json", "--evidence", "no-such-evidence.json"), ("no-such-evidence.json",)),
        (("analyze", "--colour", "x.json"), ("--colour",)),
        (("explain", "luck"), ("luck", "causes")),
        (("check", "a b"), ("a b",)),
        (("probe",), ("HOST",)),
        (("probe", "--targets", "no-such-report.json"), ("no-such-report.json",)),
        (("frobnicate",), ("frobnicate",)),
    ],
)
def test_a_wrong_argument_is_one_clear_line_and_exit_2(
    arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path
) -> None:
    assert_one_clear_line(run(*arguments, cwd=tmp_path), *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture.json", bytes(range(256)) * 40),
        ("settings.json", b'{"name": "not a log", "value": 1}\n'),
        ("notes.txt", b"dear diary\n"),
        ("table.csv", b"a,b,c\n1,2,3\n"),
    ],
)
def test_a_file_that_is_no_gateway_log_says_so(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert_one_clear_line(run("analyze", name, cwd=tmp_path), name)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_bytes(b"")
    done = run("analyze", "empty.json", "--no-probe", cwd=tmp_path)
    assert done.returncode in (0, 2)
    assert "empty" in done.stdout + done.stderr


@pytest.mark.tool("setpriv")
def test_a_folder_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    try:
        assert_one_clear_line(run("analyze", "closed", cwd=tmp_path, before=UNPRIVILEGED), "closed")
    finally:
        closed.chmod(0o700)


@pytest.mark.tool("setpriv")
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for out in ("closed", "closed/below"):
        refused = run("analyze", SAMPLES, "--no-probe", "--out", out, cwd=tmp_path, before=UNPRIVILEGED)
        assert_one_clear_line(refused, "closed", "--out")
    assert list(closed.iterdir()) == []


def test_out_that_is_a_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine")
    assert_one_clear_line(run("analyze", SAMPLES, "--no-probe", "--out", "report", cwd=tmp_path), "report")
    assert (tmp_path / "report").read_text() == "mine"


def test_a_log_without_failures_is_a_good_report(tmp_path: Path) -> None:
    record = {
        "time": "2026-11-20T10:00:00Z",
        "category": "GatewayLogs",
        "resourceId": "/SUBSCRIPTIONS/0/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/GW",
        "location": "West Europe",
        "isRequestSuccess": True,
        "properties": {"backendUrl": "https://ok.contoso.example/", "backendResponseCode": 200, "responseCode": 200},
    }
    done = run("analyze", "-", "--out", "report", stdin=json.dumps(record).encode() + b"\n", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["intake"]["records"] == 1
    assert report["clusters"] == []
    assert {p.name for p in (tmp_path / "report").iterdir()} == {
        "report.html",
        "report.md",
        "report.json",
        "clusters.csv",
        "evidence.json",
        "charts",
    }


@pytest.mark.parametrize(
    "sample",
    sorted(p for p in SAMPLES.rglob("*") if p.is_file() and p.suffix != ".md"),
    ids=lambda p: p.relative_to(SAMPLES).as_posix(),
)
def test_every_sample_alone_gives_a_report(sample: Path, tmp_path: Path) -> None:
    done = run("analyze", sample, "--no-probe", "--quiet", "--out", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
    intake = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["intake"]
    assert intake["records"] == intake["failures"] + intake["lookalikes"] + intake["others"] > 0
    assert intake["rejected"] == 0


def test_dry_run_names_the_backends_and_writes_nothing(tmp_path: Path) -> None:
    done = run("analyze", SAMPLES, "--dry-run", "--out", tmp_path / "report", "--only", "orders.*")
    assert done.returncode == 0, done.stderr
    assert "orders.contoso.example:443" in done.stdout
    assert "inventory" not in done.stdout
    assert not (tmp_path / "report").exists()


def test_dry_run_says_what_would_be_asked_of_each_backend_and_sends_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        to = f"orders.contoso.example::127.0.0.1:{listener.getsockname()[1]}"
        words = ("--connect-to", to, "--allow-address", "127.0.0.1", "--no-request", "--only", "orders.*")
        done = run("analyze", SAMPLES, "--dry-run", "--quiet", *words, "--proxy", "http://u:secret@proxy.example:3128")
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    told = next(line for line in done.stdout.splitlines() if line.startswith("orders.contoso.example:443"))
    for part in (
        "SNI orders.contoso.example",
        "127.0.0.1",
        "classic",
        "1 to 5 connections",
        "proxy.example:3128",
        "no request",
    ):
        assert part in told
    assert "www.microsoft.com:443" in done.stdout  # the control host
    assert "secret" not in done.stdout + done.stderr


def test_only_the_backends_with_the_most_failures_are_probed_and_the_rest_is_told(tmp_path: Path) -> None:
    def places(*words: str) -> list[str]:
        told = run("analyze", SAMPLES, "--dry-run", "--quiet", *words).stdout.splitlines()
        return list(dict.fromkeys(line.split()[0] for line in told))

    assert len(places()) > 2
    assert places("--max-backends", "2") == places()[:2]
    words = ("--deny-address", "0.0.0.0/0", "--connect-to", "::10.1.2.3:443", "--max-backends", "1", "-q")
    done = run("analyze", SAMPLES, *words, "--out", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    caveats = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["caveats"]
    assert any("left out by --max-backends" in caveat for caveat in caveats)


def test_fail_on_exits_1_where_the_cause_is_likely(tmp_path: Path) -> None:
    sample = SAMPLES / "causes" / "dns"
    assert run("analyze", sample, "--no-probe", "-q", "--out", tmp_path / "a", "--fail-on", "dns").returncode == 1
    assert run("analyze", sample, "--no-probe", "-q", "--out", tmp_path / "b", "--fail-on", "expired").returncode == 0


def test_check_answers_without_logs_and_probe_hands_over_evidence(tmp_path: Path) -> None:
    with Lab(now=NOW) as lab:
        backend = lab.backends["name_mismatch"]
        (tmp_path / "ca.pem").write_bytes(lab.ca_pem)
        words = ["--allow-address", "127.0.0.0/8", "--connect-to", f"{backend.host}:443:127.0.0.1:{backend.port}"]
        checked = run("check", backend.host, "--ca-file", tmp_path / "ca.pem", *words)
        assert checked.returncode == 0, checked.stderr
        assert checked.stdout.startswith(f"no: {backend.host}:443  name_mismatch, scenario 1")
        assert "asked 127.0.0.1 from" in checked.stdout
        assert "if validateCertificateName=false: connects" in checked.stdout
        healthy = lab.backends["healthy"]
        to = f"{healthy.host}:443:127.0.0.1:{healthy.port}"
        fine = run(
            "check",
            healthy.host,
            "--ca-file",
            tmp_path / "ca.pem",
            "--allow-address",
            "127.0.0.1",
            "--connect-to",
            to,
            "--fail-on",
            "any",
        )
        assert fine.returncode == 0, fine.stdout
        assert fine.stdout.startswith(f"yes: {healthy.host}:443  not_reproduced")
        probed = run("probe", backend.host, *words, "--vantage", "gateway")
        assert probed.returncode == 0, probed.stderr
        (tmp_path / "evidence.json").write_text(probed.stdout)
        written = run("probe", backend.host, *words, "--out", tmp_path / "other.json")
        assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    one = read_evidence(tmp_path / "evidence.json")[0]
    assert (one.host, one.collected.vantage, len(one.chain)) == (backend.host, "gateway", 2)
    assert read_evidence(tmp_path / "other.json")[0].host == backend.host
    sample = SAMPLES / "causes" / "name_mismatch"
    done = run(
        "analyze",
        sample,
        "--no-probe",
        "--evidence",
        tmp_path / "evidence.json",
        "--ca-file",
        tmp_path / "ca.pem",
        "--out",
        tmp_path / "report",
        "-q",
    )
    assert done.returncode == 0, done.stderr
    first = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["clusters"][0]
    assert (first["cause"], first["scenario"]) == ("name_mismatch", "1")


def test_check_believes_evidence_from_the_gateways_network_and_shows_its_own(tmp_path: Path) -> None:
    with Lab(now=NOW) as lab:
        backend = lab.backends["healthy"]
        (tmp_path / "ca.pem").write_bytes(lab.ca_pem)
        to = ["--connect-to", f"{backend.host}:443:127.0.0.1:{backend.port}", "--allow-address", "127.0.0.1"]
        probed = run("probe", backend.host, *to, "--vantage", "gateway", "--out", tmp_path / "inside.json")
        assert probed.returncode == 0, probed.stderr
        words = ["check", backend.host, "--ca-file", tmp_path / "ca.pem", "--connect-to", ":443:127.0.0.1:1"]
    alone = run(*words)
    assert alone.stdout.startswith(f"not known: {backend.host}:443"), alone.stdout
    both = run(*words, "--evidence", tmp_path / "inside.json")
    assert both.returncode == 0, both.stderr
    assert both.stdout.startswith(f"yes: {backend.host}:443")
    assert "it looked different" in " ".join(both.stdout.split())
    assert "may not be probed" in both.stdout
    assert_one_clear_line(run(*words, "--evidence", tmp_path / "none.json"), "none.json")


def test_a_setting_changes_the_hello_and_the_verdict_and_is_said(tmp_path: Path) -> None:
    setting = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.Tls13=true"
    sample = SAMPLES / "causes" / "tls_version"
    named = run("analyze", sample, "--dry-run", "--setting", setting)
    assert ", hello of classic+Tls13" in named.stdout, named.stderr
    with Lab(now=NOW) as lab:
        backend = lab.backends["tls_1_3_only"]
        (tmp_path / "ca.pem").write_bytes(lab.ca_pem)
        to = f"{backend.host}:443:127.0.0.1:{backend.port}"
        words = ["--allow-address", "127.0.0.1", "--connect-to", to]
        off = run("check", backend.host, *words, "--ca-file", tmp_path / "ca.pem")
        on = run("check", backend.host, *words, "--ca-file", tmp_path / "ca.pem", "--setting", setting)
        report = tmp_path / "report"
        analyzed = run("analyze", sample, *words, "--out", report, "--setting", setting)
        gateway = json.loads((report / "report.json").read_text(encoding="utf-8"))["gateways"][0]
        probed = run("probe", "--targets", report / "report.json", *words, "--out", tmp_path / "evidence.json")
    assert "tls_version, scenario 3" in off.stdout
    assert "TLS 1.3 towards backends is taken as off, the default" in " ".join(off.stdout.split())
    assert "not_reproduced" in on.stdout
    assert "hello: classic+Tls13" in on.stdout
    assert (analyzed.returncode, probed.returncode) == (0, 0), analyzed.stderr + probed.stderr
    assert (gateway["profile"], gateway["told"]) == ("classic+Tls13", ["Tls13"])
    assert {e.profile for e in read_evidence(tmp_path / "evidence.json")} == {"classic+Tls13"}
    for name in ("report.md", "report.html"):
        assert "classic+Tls13" in (report / name).read_text(encoding="utf-8")
    edited = (report / "report.json").read_text(encoding="utf-8").replace("classic+Tls13", "classic+Tls99")
    (tmp_path / "edited.json").write_text(edited, encoding="utf-8")
    assert_one_clear_line(run("probe", "--targets", tmp_path / "edited.json"), "edited.json", "Tls99")


def test_a_setting_that_one_of_several_tiers_has_not_is_a_caveat(tmp_path: Path) -> None:
    sample = SAMPLES / "situations" / "three_gateways"
    setting = "Security.Ciphers.TripleDes168=true"
    done = run("analyze", sample, "--no-probe", "--setting", setting, "--out", tmp_path / "report", "-q")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert [g["profile"] for g in report["gateways"] if g["tier"] == "classic"] == ["classic+TripleDes168"]
    caveats = " ".join(report["caveats"])
    assert "Not a setting of the v2 tier" in caveats
    assert "Not a setting of the classic tier" not in caveats


def test_a_paste_and_an_exported_certificate_are_evidence_and_the_report_says_whose(tmp_path: Path) -> None:
    host = "orders.contoso.example"
    (tmp_path / "leaf.cer").write_bytes(make.leaf("elsewhere.example", make.ca()).der)
    pasted = "$ openssl s_client -connect 127.0.0.1:1\nconnect: Connection refused\nconnect:errno=111\n"
    (tmp_path / "paste.txt").write_bytes(pasted.encode("utf-16"))
    evidence = ("--evidence", f"{host}={tmp_path / 'leaf.cer'}", "--evidence-vantage", "gateway")
    sample = SAMPLES / "causes" / "name_mismatch"
    done = run("analyze", sample, "--no-probe", "-q", "--out", tmp_path / "report", *evidence)
    assert done.returncode == 0, done.stderr
    (cluster,) = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["clusters"]
    assert (cluster["cause"], cluster["verdict"]) == ("name_mismatch", "likely")
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "in the gateway's network, with exported certificate (time of the file), read from a file" in page
    assert "no connection was observed" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    (again,) = read_evidence(tmp_path / "report" / "evidence.json")
    assert (again.host, again.handshakes[0].offer, again.handshakes[0].chain_whole) == (host, "exported", False)
    checked = run("check", "127.0.0.1:1", "--evidence", tmp_path / "paste.txt", "--evidence-vantage", "gateway")
    assert "connection refused (openssl s_client (time of the file))" in checked.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--evidence", "{}/leaf.cer"), ("leaf.cer", "HOST[:PORT]=")),
        (("--evidence", "a b={}/leaf.cer"), ("not a host",)),
        (("--evidence", "a.example={}/absent.cer"), ("absent.cer", "cannot be read")),
        (("--evidence", "{}/leaf.cer", "--evidence-vantage", "inside"), ("--evidence-vantage inside",)),
    ],
)
def test_evidence_that_cannot_be_used_is_one_line(
    tmp_path: Path, words: tuple[str, ...], says: tuple[str, ...]
) -> None:
    (tmp_path / "leaf.cer").write_bytes(make.leaf("a.example", None).der)
    given = [word.format(tmp_path) for word in words]
    assert_one_clear_line(run("analyze", SAMPLES / "causes" / "name_mismatch", "--no-probe", *given), *says)


def test_loopback_is_refused_unless_allowed(tmp_path: Path) -> None:
    done = run("check", "127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert "may not be probed" in done.stdout


def test_causes_and_explain_teach() -> None:
    listed = run("causes").stdout.splitlines()
    assert len(listed) > 15
    for name in ("untrusted_root", "dns"):
        assert any(line.split()[1] == name for line in listed)
        explained = run("explain", name)
        assert explained.stdout.startswith(f"# {name}\n")
        assert "## Prove it by hand" in explained.stdout
    wrong = run("explain", "untrusted-rot")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "did you mean untrusted_root?" in wrong.stderr


def test_help_teaches_every_option_that_the_readme_lists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`--.+?) \|", readme, re.MULTILINE)
    documented = {option for row in rows for option in re.findall(r"`(--[a-z-]+)`", row)}
    offered = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", run("analyze", "--help").stdout)) - {"--help"}
    assert len(documented) > 15
    assert documented == offered


def test_the_version_is_the_packages() -> None:
    from analyzer import __version__

    assert run("--version").stdout.strip() == f"apim-triage {__version__}"
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_demo_ends_as_the_readme_shows_and_writes_the_report(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(b for b in readme.split("```") if "failures backend" in b)
    shown = [line.split() for line in block.strip().splitlines() if "contoso" in line]
    assert len(shown) > 5
    done = run("demo", "--out", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    printed = [line.split() for line in done.stdout.splitlines()]
    assert [row for row in shown if row not in printed] == []
    assert str(tmp_path / "demo" / "report.html") in done.stdout.replace("\n", "")
    assert {p.stem.removesuffix("-dark") for p in (tmp_path / "demo" / "charts").iterdir()} == {
        "failures-over-time",
        "backends-by-hour",
        "causes",
    }


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        '{"records": []}',
        '{"tables": []}',
        '{"tables": [{"name": "PrimaryResult", "columns": [{"name": "TimeGenerated", "type": "datetime"}], "rows": []}]}',
        "TimeGenerated,BackendUrl,LastErrorReason,LastErrorMessage\n",
    ],
)
def test_a_query_that_found_nothing_is_a_good_report(answer: str, tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text(answer)
    done = run("analyze", "answer.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No backend connection failure" in done.stdout


def test_a_date_that_can_be_read_twice_is_asked_about_and_the_answer_stands(tmp_path: Path) -> None:
    row = f'"3/4/2026, 9:15:27.441 AM",https://orders.example/v1,,BackendConnectionFailure,"{TRUST}"\n'
    header = "TimeGenerated [UTC],BackendUrl,BackendResponseCode,LastErrorReason,LastErrorMessage\n"
    (tmp_path / "query.csv").write_text(header + row)
    asked = run("analyze", "query.csv", "--no-probe", cwd=tmp_path)
    assert_one_clear_line(asked, "query.csv:2", "3/4/2026, 9:15:27.441 AM", "4 March", "3 April", "--date-order mdy")
    assert [p.name for p in tmp_path.iterdir()] == ["query.csv"]
    for order, day in (("mdy", "2026-03-04"), ("dmy", "2026-04-03")):
        done = run("analyze", "query.csv", "--no-probe", "--date-order", order, "--out", order, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"between {day} 09:15" in done.stdout
        assert f"(--date-order {order})" in " ".join(done.stdout.split())


def test_the_window_asked_for_and_the_one_found_stand_in_every_output(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(blob_lines([failure("orders.example", TRUST, NOW)]))
    words = ("--no-probe", "--from", "2026-11-23T00:00", "--to", "2026-11-24", "--tz", "Europe/Berlin")
    done = run("analyze", "log.json", *words, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    window = json.loads((tmp_path / "out" / "report.json").read_text())["window"]
    assert window["asked"] == {"from": "2026-11-22T23:00:00Z", "to": "2026-11-23T23:00:00Z"}
    assert window["found"] == {"from": "2026-11-23T12:00:00Z", "to": "2026-11-23T12:00:00Z"}
    asked, found = "2026-11-22 23:00 UTC to before 2026-11-23 23:00 UTC", "2026-11-23 12:00"
    for shown in (done.stdout, *((tmp_path / "out" / name).read_text() for name in ("report.md", "report.html"))):
        assert asked in shown
        assert found in shown


def test_without_a_command_it_teaches() -> None:
    assert "Usage: apim-triage" in run().stdout


def test_ctrl_c_in_mid_probe_exits_130_and_leaves_nothing(tmp_path: Path) -> None:
    with Lab(now=NOW) as lab:
        silent = lab.backends["silent"]
        log = blob_lines([failure(silent.host, TRUST, NOW)])
        (tmp_path / "log.json").write_text(log)
        code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from analyzer.cli import main; sys.exit(main(sys.argv[1:]))"
        to = f"{silent.host}:443:127.0.0.1:{silent.port}"
        words = ["analyze", "log.json", "--allow-address", "127.0.0.0/8", "--connect-to", to, "--deadline", "60"]
        command = [sys.executable, "-c", code, *words]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            until = time.monotonic() + 60
            while not silent.connections and time.monotonic() < until:
                time.sleep(0.01)
            assert silent.connections == 1
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "apim-triage: interrupted; nothing was left half-written\n"
    assert [p.name for p in tmp_path.iterdir()] == ["log.json"]
