"""From a Report to the folder of its files, which appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from analyzer.errors import OutputError
from analyzer.model import Report
from analyzer.report import csv_file, html, json_file, markdown

CHARTS = "charts"
Render = Callable[[Path], tuple[Path, ...]]


def write(report: Report, out: str | Path) -> tuple[Path, ...]:
    """The paths written: report.html, report.md, report.json, clusters.csv, evidence.json, charts/*.png; see `write_folder`."""
    return write_folder(out, partial(_render, report))


def write_folder(out: str | Path, render: Render) -> tuple[Path, ...]:
    """The paths written into a folder: what `render` writes into the empty one that it is given, and names relative to it.

    Everything is made beside its place first. An existing folder keeps whatever else it holds; where anything fails, or is
    interrupted, the folder is as it was before. Raises OutputError.
    """
    folder = check_out(out)
    try:
        return _new(render, folder) if not folder.exists() else _renewed(render, folder)
    except OSError as error:
        raise OutputError(
            f"{out}: the report cannot be written: {error.strerror or error}; name another folder with --out"
        ) from error


def check_out(out: str | Path) -> Path:
    """The folder that a report is asked for in; OutputError, before any work is done, where it can never be one."""
    folder = Path(out)
    for place in (folder, *folder.parents):
        if place.is_dir():
            if not os.access(place, os.W_OK | os.X_OK):
                raise OutputError(f"{out}: {place} may not be written to; name another folder with --out")
            break
        if place.exists():
            raise OutputError(f"{out}: {place} is a file, and the report needs a folder; name another one with --out")
    return folder


def write_file(path: str | Path, content: bytes) -> Path:
    """One file, whole or not at all; an existing one is replaced. Raises OutputError."""
    place = Path(path)
    beside = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    try:
        beside.write_bytes(content)
        os.replace(beside, place)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; name another file with --out"
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return place


def _new(render: Render, folder: Path) -> tuple[Path, ...]:
    made = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _staging(folder.parent) as staging:
            names = render(staging)
            staging.rename(folder)
    except BaseException:
        with suppress(OSError):
            for parent in made:
                parent.rmdir()
        raise
    return tuple(folder / name for name in names)


def _renewed(render: Render, folder: Path) -> tuple[Path, ...]:
    # inside the folder, so that it is the same file system and needs no right to the folder above
    with _staging(folder) as staging:
        fresh, before = staging / "fresh", staging / "before"
        fresh.mkdir()
        names = render(fresh)
        moved: list[Path] = []
        charts = folder / CHARTS
        had_charts = charts.exists()
        (before / CHARTS).mkdir(parents=True)
        try:
            charts.mkdir(exist_ok=True)
            for name in names:
                if (folder / name).exists():
                    shutil.copy2(folder / name, before / name)
                moved.append(name)
                os.replace(fresh / name, folder / name)
        except BaseException:
            _undo(folder, before, moved)
            if not had_charts:
                with suppress(OSError):
                    charts.rmdir()
            raise
    return tuple(folder / name for name in names)


def _undo(folder: Path, before: Path, moved: list[Path]) -> None:
    for name in moved:
        if (before / name).exists():
            os.replace(before / name, folder / name)
        elif (folder / name).is_file():
            (folder / name).unlink()


def _render(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write every file below `folder`; their names, relative to it."""
    # both are slow to load, and `load` needs neither
    from analyzer import evidence
    from analyzer.report import charts

    (folder / CHARTS).mkdir()
    contents: dict[str, Callable[[], bytes]] = {  # one at a time: each may be large
        "report.html": lambda: html.render(report, charts.inline(report)).encode(),
        "report.md": lambda: markdown.render(report).encode(),
        "report.json": lambda: json_file.dumps(report),
        "clusters.csv": lambda: csv_file.dumps(report).encode(csv_file.ENCODING),
        "evidence.json": lambda: evidence.dumps(report.evidence),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content())
    pictures = charts.write(report, folder / CHARTS)
    return (*map(Path, contents), *(path.relative_to(folder) for path in pictures))


@contextmanager
def _staging(parent: Path) -> Iterator[Path]:
    """A new folder with the rights that any new folder has here, gone afterwards unless it was renamed."""
    folder = parent / f".apim-triage-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
