"""The page of each cause, as Markdown: docs/causes, which travels inside an installed package."""

from __future__ import annotations

from pathlib import Path

from analyzer.model import CauseName

SECTIONS = (
    "What it is",
    "In the log",
    "Prove it by hand",
    "Fix it",
    "How long it takes",
    "What it risks",
    "Sources",
)
"""Of every page, in this order."""


def folder() -> Path:
    """The folder of the pages: inside an installed package, else the checkout's."""
    package = Path(__file__).parent
    return next(place for place in (package / "docs" / "causes", package.parent / "docs" / "causes") if place.is_dir())


def page_of(cause: CauseName) -> str:
    """The page of a cause."""
    return (folder() / f"{cause.value}.md").read_text(encoding="utf-8")
