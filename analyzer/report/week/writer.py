"""From a week's Summary to the folder of its files, which appear whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from analyzer.model import Summary
from analyzer.report.week import contract, html, markdown
from analyzer.report.writer import CHARTS, write_folder


def write(summary: Summary, out: str | Path) -> tuple[Path, ...]:
    """The paths written: weekly.html, weekly.md, weekly.json, charts/*.png and *.svg. Raises OutputError."""
    return write_folder(out, partial(_render, summary))


def _render(summary: Summary, folder: Path) -> tuple[Path, ...]:
    """Write every file below `folder`; their names, relative to it."""
    from analyzer.report.charts import week

    (folder / CHARTS).mkdir()
    contents: dict[str, Callable[[], bytes]] = {
        "weekly.html": lambda: html.render(summary).encode(),
        "weekly.md": lambda: markdown.render(summary).encode(),
        "weekly.json": lambda: contract.dumps(summary),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content())
    pictures = week.write(summary, folder / CHARTS)
    return (*map(Path, contents), *(path.relative_to(folder) for path in pictures))
