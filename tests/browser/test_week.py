"""weekly.html in headless Chromium: it asks the network for nothing, fits a phone, follows the theme, prints; axe-core finds no fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.report.week.html import render
from tests.browser.conftest import Open
from tests.browser.test_accessible import faults
from tests.report import make, weeks


@pytest.fixture
def week(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a summary's page from a file; afterwards: nothing was said, asked for or popped up."""
    contexts, complaints = [], []

    def open_(summary: Any, **options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        place = tmp_path / "weekly.html"
        place.write_text(render(summary), encoding="utf-8")
        page.on(
            "request",
            lambda asked: asked.url.split("#")[0] == place.as_uri() or complaints.append(f"asked: {asked.url}"),
        )
        page.goto(place.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("text", [None, make.HOSTILE[3], make.HOSTILE[5], make.HOSTILE[9]], ids=range(4))
def test_the_page_is_no_wider_than_the_screen(week: Open, width: int, text: str | None) -> None:
    page = week(weeks.rich() if text is None else weeks.hostile(text), viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_pictures_follow_the_theme(week: Open) -> None:
    inks = set()
    for scheme in ("light", "dark"):
        page = week(weeks.rich(), color_scheme=scheme)
        assert page.locator(".chart svg").count() == 2
        inks.add(page.locator(".chart svg text").first.evaluate("one => getComputedStyle(one).fill"))
    assert len(inks) == 2


def test_a_backend_in_the_table_leads_to_its_incident(week: Open) -> None:
    page = week(weeks.rich())
    link = page.locator(".runs a").first
    target = link.get_attribute("href")
    link.click()
    assert page.locator(target).is_visible()


def test_it_prints(week: Open) -> None:
    page = week(weeks.rich())
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["rich", "empty"])
def test_axe_finds_nothing(week: Open, axe: str, name: str, scheme: str) -> None:
    summary = {"rich": weeks.rich, "empty": weeks.empty}[name]()
    assert faults(week(summary, color_scheme=scheme), axe) == []
