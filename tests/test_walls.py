"""The walls between the rooms stand: who may import what, read from the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "analyzer"
MODULES = sorted(PACKAGE.rglob("*.py"))

WALLS = {
    "socket": ("probing", "lab"),
    "ssl": ("probing", "lab"),
    "cryptography": ("trust", "evidence", "lab"),
    "duckdb": ("sources", "tally.py", "tally_file.py"),
    "requests": ("webhook.py",),
    "matplotlib": ("report/charts/",),
    "azure": (
        "sources/accounts.py",
        "sources/blobs.py",
        "sources/ranges.py",
        "settings/live.py",
        "sources/workspace/auth.py",
        "sources/workspace/client.py",
        "sources/workspace/places.py",  # the type of what a program may give
        "settings/live.py",
        "lab/workspace_demo.py",
    ),
    "duckdb_kql": ("lab/query_tables.py",),
}

STEPS = [
    "model",
    "messages",
    "tally",
    "sources",
    "clusters",
    "gateway",
    "settings",
    "probing",
    "evidence",
    "trust",
    "causes",
    "whatif",
    "attribution",
    "given",
    "configuration",
    "incidents",
    "report",
    "pipeline",
    "weekly",
    "kit",
    "cli",
]
MAY_NOT = {
    "model": {
        "sources",
        "clusters",
        "gateway",
        "probing",
        "evidence",
        "trust",
        "causes",
        "attribution",
        "incidents",
        "pipeline",
        "cli",
        "lab",
        "tally",
    },
    "settings": {
        "sources",
        "clusters",
        "evidence",
        "trust",
        "causes",
        "whatif",
        "attribution",
        "given",
        "configuration",
        "incidents",
        "report",
        "pipeline",
        "cli",
        "lab",
        "tally",
    },
    "probing": {*STEPS, "lab"} - {"probing"},
    "trust": {
        "sources",
        "clusters",
        "gateway",
        "probing",
        "evidence",
        "causes",
        "whatif",
        "attribution",
        "incidents",
        "report",
        "pipeline",
        "cli",
        "lab",
        "tally",
    },
    "causes": {
        "sources",
        "clusters",
        "gateway",
        "evidence",
        "whatif",
        "attribution",
        "incidents",
        "report",
        "pipeline",
        "cli",
        "lab",
        "tally",
    },
    "sources": {
        "clusters",
        "gateway",
        "probing",
        "evidence",
        "trust",
        "causes",
        "attribution",
        "incidents",
        "report",
        "pipeline",
        "cli",
        "lab",
    },
    "report": {
        "sources",
        "clusters",
        "gateway",
        "probing",
        "trust",
        "causes",
        "attribution",
        "incidents",
        "pipeline",
        "cli",
        "lab",
        "tally",
    },
    "pipeline": {"cli", "lab", "weekly"},
    "weekly": {"cli", "lab", "kit"},
}
HELLOS = {f"analyzer.probing.{name}" for name in ("iana", "profiles", "questions", "hello", "hello.Offer")}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_there_are_modules_to_check() -> None:
    assert len(MODULES) > 40


@pytest.mark.parametrize("library", WALLS)
def test_a_walled_library_is_imported_only_in_its_rooms(library: str) -> None:
    allowed = WALLS[library]
    offenders = [
        _room(path)
        for path in MODULES
        if any(name.split(".")[0] == library for name in _imports(path))
        and not _room(path).startswith(allowed or ("-",))
    ]
    assert offenders == []


@pytest.mark.parametrize("step", MAY_NOT)
def test_a_step_imports_nothing_downstream_of_itself(step: str) -> None:
    forbidden = {f"analyzer.{name}" for name in MAY_NOT[step]}
    for path in MODULES:
        if _room(path).split("/")[0].removesuffix(".py") != step:
            continue
        reached = {".".join(name.split(".")[:2]) for name in _imports(path)}
        if step == "model":
            reached -= {"analyzer.report"}  # Report.to_frames loads it when called
        if _room(path) == "report/hellos.py":
            assert {n for n in _imports(path) if n.startswith("analyzer.probing.")} <= HELLOS
            reached -= {"analyzer.probing"}  # what each hello offers: tables, no sockets
        assert not reached & forbidden, f"{_room(path)} imports {sorted(reached & forbidden)}"


def test_the_probe_is_standard_library_only() -> None:
    import sys

    for path in (PACKAGE / "probing").rglob("*.py"):
        outside = {n.split(".")[0] for n in _imports(path)} - set(sys.stdlib_module_names) - {"analyzer"}
        assert outside == set(), path.name


def test_the_command_starts_without_heavy_libraries() -> None:
    import subprocess
    import sys

    code = "import sys, analyzer.cli.app; print(sorted({'pandas','duckdb','matplotlib','cryptography','numpy','azure'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
