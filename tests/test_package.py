"""The wheel holds what the program needs at run time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from analyzer import __version__, probing

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize("pattern", ["analyzer/**/*.py", "analyzer/*.toml", "analyzer/report/templates/*"])
def test_every_file_of_the_package_is_in_the_wheel(wheel: zipfile.ZipFile, pattern: str) -> None:
    files = {p.relative_to(ROOT).as_posix() for p in ROOT.glob(pattern) if p.is_file()}
    assert files
    assert files <= set(wheel.namelist())


@pytest.mark.parametrize("folder", ["queries", "sample_logs", "docs/causes"])
def test_queries_samples_and_pages_travel_inside_the_package(wheel: zipfile.ZipFile, folder: str) -> None:
    files = {f"analyzer/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / folder).rglob("*") if p.is_file()}
    assert files
    assert files <= set(wheel.namelist())


def test_no_path_of_this_machine_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    here = str(ROOT).encode()
    assert [name for name in wheel.namelist() if here in wheel.read(name)] == []


def test_the_probe_names_the_packages_version() -> None:
    assert __version__ == probing.VERSION
