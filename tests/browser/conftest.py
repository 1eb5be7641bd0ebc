"""A real browser, headless: what it complains of, what it asks the network for, and what pops up, is a failure of the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.model import Report
from analyzer.report import charts
from analyzer.report.html import render
from tests.conftest import need

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The system's Chromium, for as long as the tests run."""
    place = shutil.which("chromium")
    need(place is not None, "not installed: chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a report's page, with its charts if so asked, from a file; other keywords are the browser context's. Afterwards: nothing was said, asked for or popped up."""
    contexts, complaints = [], []

    def open_(report: Report, *, pictures: bool = False, query: str = "", **options: Any) -> Any:
        options.setdefault("viewport", {"width": 1280, "height": 1000})
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        place = tmp_path / f"report-{len(contexts)}.html"
        place.write_text(render(report, charts.inline(report) if pictures else ()), encoding="utf-8")
        page.on(
            "request",
            lambda request: (
                None if request.url.split("#")[0] == place.as_uri() else complaints.append(f"request: {request.url}")
            ),
        )
        page.goto(place.as_uri() + query)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, from a folder that NODE_PATH names."""
    folders = filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))
    found = [place for folder in folders if (place := Path(folder) / "axe-core" / "axe.min.js").is_file()]
    need(bool(found), "not installed: axe-core (npm), in a folder that NODE_PATH names")
    return found[0].read_text(encoding="utf-8")
