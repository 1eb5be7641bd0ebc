"""The kit: one file that any Python from 3.8 on runs without an install, and whose evidence is read back."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from analyzer import evidence as evidence_file
from analyzer import kit
from analyzer.aim import Aim, target_for
from analyzer.causes.case import BEFORE_TLS
from analyzer.checking import check
from analyzer.cli import main
from analyzer.errors import EvidenceError
from analyzer.lab import Lab
from analyzer.lab.catalogue import CATALOGUE, Fault, shown
from analyzer.lab.logs import blob_lines, failure
from analyzer.model import Tier
from analyzer.probing import Target
from analyzer.probing.carried import document
from tests.build import TRUST
from tests.conftest import need
from tests.probing.namespace import ENTER, alone
from tests.probing.peers import listens, peer

PROBING = Path(kit.__file__).parent / "probing"
CARRIED = sorted(PROBING.glob("*.py"))
SAMPLES = Path(kit.__file__).parents[1] / "sample_logs"
ISOLATED = ("-I", "-S")  # no environment, no site-packages


def interpreter(version: str) -> str:
    """A Python of that version: on the path, or among pyenv's."""
    found = [shutil.which(f"python{version}")]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        found += [str(path) for path in Path(root, "versions").glob(f"{version}.*/bin/python")]
    for path in filter(None, found):
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    need(False, f"not installed: python{version}")
    raise AssertionError


def permitted() -> None:
    done = subprocess.run([*ENTER[: ENTER.index("--mount") + 1], "true"], capture_output=True, check=False)
    need(done.returncode == 0, "this machine permits no network namespace")


def run(python: str, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [python, *ISOLATED, str(path), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(params=["3.8", "3.13"])
def python(request: pytest.FixtureRequest) -> str:
    """The oldest Python that the kit is for, and a new one."""
    return interpreter(request.param)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(now=datetime.now(UTC)) as opened:
        yield opened


@pytest.fixture
def packed(lab: Lab, tmp_path: Path) -> Path:
    """A kit for every server of the lab."""
    places: dict[tuple[str, int | None], tuple[str, int | None]] = {
        (backend.host, 443): ("127.0.0.1", backend.port) for backend in lab.backends.values()
    }
    targets = [target_for(b.host, 443, "classic", Aim(connect_to=places)) for b in lab.backends.values()]
    path = tmp_path / "probe-kit.pyz"
    path.write_bytes(kit.build(targets, allow=["127.0.0.0/8"], deadline=3.0))
    return path


def test_the_kit_names_every_fault_of_the_lab_when_its_evidence_is_read_back(
    lab: Lab, packed: Path, tmp_path: Path, python: str
) -> None:
    done = run(python, packed, "--out", str(tmp_path / "evidence.json"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == f"probed {len(lab.backends)} of {len(lab.backends)}\n"
    found = evidence_file.read(tmp_path / "evidence.json")
    assert {e.collected.tool for e in found} == {"apim-triage kit"}
    assert {e.collected.vantage for e in found} == {"gateway"}
    given = tmp_path / "root.pem"
    given.write_bytes(lab.ca_pem)
    targets = [target_for(b.host, 443, "classic", Aim()) for b in lab.backends.values()]
    findings = check(targets, probe=lambda _: found, tier=Tier.CLASSIC, ca_files=[given])
    named = {f.cluster.backend.host: f.lead.cause for f in findings}
    truth = {CATALOGUE[fault].host: shown(fault) for fault in Fault if CATALOGUE[fault].host in named}
    assert named == truth
    assert len(named) > 25


@pytest.mark.tool("unshare", "ip", "mount")
def test_the_kit_tells_names_and_asks_each_address(python: str, tmp_path: Path) -> None:
    permitted()
    answers = {"pool.example": ["127.0.0.2", "127.0.0.3"], "broken.example": 2, "silent.example": "silence"}
    hosts = ["gone.example", *answers]
    path = tmp_path / "kit.pyz"
    path.write_bytes(kit.build([Target(host, 443, host) for host in hosts], allow=["127.0.0.0/8"], deadline=3.0))
    found = alone({"answers": answers, "listen": ["127.0.0.2"], "run": [python, *ISOLATED, str(path)]})
    assert [(e["host"], e["address"], e["handshakes"][0]["outcome"]) for e in found] == [
        ("gone.example", None, "name_not_found"),
        ("pool.example", "127.0.0.2", "completed"),
        ("pool.example", "127.0.0.3", "refused"),
        ("broken.example", None, "resolver_failed"),
        ("silent.example", None, "resolver_failed"),
    ]


def test_a_python_without_ssl_says_what_is_lost_and_goes_on(python: str, lab: Lab, packed: Path) -> None:
    code = "import runpy, sys; sys.modules['ssl'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    only = [word for fault in ("untrusted_root", "tls_1_3_only") for word in ("--only", lab.backends[fault].host)]
    command = [python, *ISOLATED, "-c", code, str(packed), *only]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "no ssl module: what servers show only under TLS 1.3 stays unseen" in done.stderr
    clear, hidden = (entry["handshakes"] for entry in json.loads(done.stdout)["backends"])
    assert len(clear[0]["chain_b64"]) == 2
    assert [h["offer"] for h in hidden if h["detail"] == "this Python has no ssl module"] == ["tls1.3-full"]


def test_a_python_that_is_too_old_is_told_so(packed: Path) -> None:
    ast.parse(zipfile.ZipFile(packed).read("__main__.py"), feature_version=(3, 4))
    code = "import runpy, sys; sys.version_info = (3, 7, 16); runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code, str(packed)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("probe-kit: needs Python 3.8 or newer, and this is 3.7; ")


def test_the_same_targets_give_the_same_bytes_with_no_code_but_the_probe() -> None:
    targets = [Target("a.example", 443, "a.example")]
    built = kit.build(targets, issuers=frozenset([b"a", b"b", b"c"]))
    assert built == kit.build(targets, issuers=frozenset([b"c", b"b", b"a"]))
    names = zipfile.ZipFile(BytesIO(built)).namelist()
    assert {n for n in names if not n.startswith("analyzer/probing/")} == {"__main__.py", "analyzer/__init__.py"}


@pytest.mark.parametrize("path", CARRIED, ids=lambda path: path.stem)
def test_what_the_kit_carries_keeps_to_python_3_8_and_its_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            assert name.startswith("analyzer.probing") or name.split(".")[0] in sys.stdlib_module_names, name


def test_it_lists_whom_it_would_ask_and_asks_nobody(packed: Path, lab: Lab, python: str) -> None:
    port, before = lab.backends["untrusted_root"].port, lab.backends["untrusted_root"].connections
    done = run(python, packed, "--list", "--only", "inventory*", "--no-request")
    assert done.stdout == (
        f"inventory.contoso.example:443 SNI inventory.contoso.example, to 127.0.0.1:{port}, hello of classic, "
        "1 to 5 connections to each address, no request, a missing issuer fetched\n"
    )
    assert lab.backends["untrusted_root"].connections == before


def test_help_teaches_where_to_run_it_and_how_to_bring_the_evidence_back(packed: Path, python: str) -> None:
    said = " ".join(run(python, packed, "--help").stdout.split())
    assert "virtual network" in said
    assert "apim-triage analyze LOGS --evidence evidence.json" in said


def test_a_reader_that_leaves_is_no_fault(packed: Path, python: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [python, *ISOLATED, str(packed), "--list"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_kit_whose_targets_were_damaged_says_so(packed: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pyz"
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(damaged, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"{" if name.endswith("targets.json") else old.read(name))
    done = run(sys.executable, damaged)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "apim-triage kit" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--only", "nobody*"], "leaves no target"),
        (["--allow-address", "here"], "neither an address nor a network"),
        (["--out", "/nonexistent/e.json"], "a folder that exists"),
        (["--proxy", "https://secret@proxy"], "not supported"),
        (["--proxy", "env:NO_SUCH_PROXY"], "names no host"),
        (["--deadline", "0"], "between 0.1 and 300"),
        (["--deadline", "nan"], "--deadline"),
        (["--vantage", "moon"], "--help"),
        (["orders.example"], "--help"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_2(packed: Path, words: list[str], says: str) -> None:
    done = run(sys.executable, packed, *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert says in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, python: str) -> None:
    with peer(listens) as server:
        path = tmp_path / "kit.pyz"
        path.write_bytes(
            kit.build([Target("a.example", 443, "a.example", "127.0.0.1", server.port)], allow=["127.0.0.1"])
        )
        command = [python, *ISOLATED, str(path), "--out", str(tmp_path / "e.json")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert server.reached(1)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "probe-kit: interrupted; nothing was left half-written\n"
    assert os.listdir(tmp_path) == ["kit.pyz"]


def test_damage_on_the_way_is_noticed_and_a_broken_certificate_of_the_servers_is_not(
    packed: Path, tmp_path: Path
) -> None:
    path = tmp_path / "e.json"
    assert run(sys.executable, packed, "--only", "inventory*", "--out", str(path)).returncode == 0
    document = json.loads(path.read_text())
    shake = document["backends"][0]["handshakes"][0]
    shake["chain_b64"][0] = shake["chain_b64"][0][:-8]
    path.write_text(json.dumps(document))
    with pytest.raises(EvidenceError, match="is broken; copy the file again"):
        evidence_file.read(path)
    shake["chain_b64"] = []
    path.write_text(json.dumps(document))
    with pytest.raises(EvidenceError, match="is broken; copy the file again"):
        evidence_file.read(path)
    garbage = "AAAA"
    shake["chain_b64"] = [garbage]
    shake["chain_sha256"] = ["709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"]
    path.write_text(json.dumps(document))
    assert evidence_file.read(path)[0].chain == (b"\0\0\0",)


def test_the_command_writes_it_and_says_how_to_run_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unused_port: Callable[[], int]
) -> None:
    path = tmp_path / "my kit.pyz"
    port = unused_port()
    assert main(["kit", f"127.0.0.1:{port}", "--allow-address", "127.0.0.1", "-o", str(path)]) == 0
    said = capsys.readouterr().out
    carried = "/tmp/kit.pyz"  # noqa: S108  on the pod
    assert "--evidence evidence.json" in said
    inner = (
        next(line for line in said.splitlines() if "kubectl run" in line)
        .split(" -- ")[1]
        .replace(carried, str(tmp_path / "carried.pyz"))
    )
    done = subprocess.run(
        ["sh", "-c", inner.replace("> evidence.json", "").strip()],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    (backend,) = json.loads(done.stdout)["backends"]
    assert {h["outcome"] for h in backend["handshakes"]} <= {str(o) for o in BEFORE_TLS}


@pytest.mark.tool("unshare", "ip", "mount")
def test_a_log_of_trust_and_a_name_unknown_outside_are_unknown_until_the_kit_brings_evidence_from_inside(
    python: str, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    permitted()
    monkeypatch.chdir(tmp_path)
    backend, now = lab.backends["untrusted_root_sent"], datetime.now(UTC)
    Path("log.json").write_text(blob_lines([failure(backend.host, TRUST, now)]))
    Path("outside.pyz").write_bytes(kit.build([Target(backend.host, 443, backend.host)]))
    outside = alone({"run": [python, *ISOLATED, "outside.pyz"]})
    Path("outside.json").write_text(json.dumps(document(outside, now, "outside")))

    def leads(*evidence: str) -> tuple[str, str, int]:
        given = [word for name in evidence for word in ("--evidence", name)]
        assert main(["analyze", "log.json", "--no-probe", "-q", "--out", "report", *given]) == 0
        (cluster,) = json.loads(Path("report/report.json").read_text())["clusters"]
        (first, *_) = cluster["attributions"]
        return cluster["cause"], first["verdict"], len(evidence_file.read(Path("report/evidence.json")))

    assert leads("outside.json") == ("unknown", "unknown", 1)
    to = f"{backend.host}:443:127.0.0.1:{backend.port}"
    words = ["--targets", "report/report.json", "--connect-to", to, "--allow-address", "127.0.0.1", "-o", "inside.pyz"]
    assert main(["kit", *words]) == 0
    done = run(python, Path("inside.pyz"), "--out", "inside.json")
    assert done.returncode == 0, done.stderr
    assert leads("outside.json", "inside.json") == ("untrusted_root", "confirmed", 2)


def test_a_backend_of_a_report_that_cannot_be_asked_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    logs = [str(SAMPLES / "causes" / name) for name in ("unknown", "name_mismatch")]
    assert main(["analyze", *logs, "--no-probe", "-q", "--out", str(out)]) == 0
    path = tmp_path / "kit.pyz"
    assert main(["kit", "--targets", str(out / "report.json"), "-o", str(path)]) == 0
    told = capsys.readouterr()
    assert told.err == "not asked: (backend not named in the log): the log does not name the backend's host\n"
    assert "asks 1 backend;" in told.out


def test_without_a_target_the_command_says_what_to_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kit"]) == 2
    assert "nothing to ask" in capsys.readouterr().err
