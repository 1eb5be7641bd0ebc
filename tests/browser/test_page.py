"""report.html in headless Chromium: it filters, sorts, searches, copies, unfolds and prints, and asks the network for nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from analyzer.model import Report, Verdict
from tests.browser.conftest import Open
from tests.report import make

VISIBLE = (
    "() => [...document.querySelectorAll('.case')].filter(one => one.checkVisibility()).map(one => one.id.slice(5))"
)


def shown(page: Any) -> list[str]:
    found: list[str] = page.evaluate(VISIBLE)
    return found


def ids(report: Report) -> list[str]:
    return [f.cluster.id for f in report.findings]


def many(number: int = 60) -> Report:
    return make.report(*(make.finding(f"host-{n:02}.example", counts={1: 100 - n}) for n in range(number)))


def test_the_browser_itself_enforces_the_pages_policy(chromium: Any, tmp_path: Any) -> None:
    """The twin of all that follows: what the tests call silence is not deafness."""
    from analyzer.report.html import render

    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    place = tmp_path / "changed.html"
    place.write_text(
        render(make.rich()).replace("</body>", "<img src='http://127.0.0.1:9/x'><script>alert(1)</script></body>")
    )
    page.goto(place.as_uri())
    page.close()
    assert any("img-src" in one or "default-src" in one for one in said)
    assert any("script-src" in one for one in said)


def test_search_shows_the_cases_with_all_the_words_and_says_how_many(opened: Open) -> None:
    report = make.rich()
    page = opened(report)
    page.get_by_label("Find").fill("contoso root not given")
    assert shown(page) == [f.cluster.id for f in report.findings if f.lead.cause == "untrusted_root"]
    assert page.locator("output").inner_text() == "2 of 9 cases"
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.querySelector('output').textContent === ''")
    assert shown(page) == ids(report)


def test_filters_narrow_together(opened: Open) -> None:
    report = make.rich()
    page = opened(report)
    page.locator(".tools").get_by_label("Verdict").select_option(label="likely")
    assert shown(page) == [f.cluster.id for f in report.findings if f.lead.verdict is Verdict.LIKELY]
    page.locator(".tools").get_by_label("State").select_option(label="comes and goes")
    assert shown(page) == [report.findings[2].cluster.id]
    page.locator("select[name=gateway]").select_option(label="edge-7")
    assert shown(page) == []
    assert page.locator("output").inner_text() == "0 of 9 cases"


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ("most failures", lambda f: -f.cluster.failures),
        ("last failure", lambda f: -f.cluster.last_seen.timestamp()),
        ("first failure", lambda f: f.cluster.first_seen.timestamp()),
        ("backend", lambda f: f.cluster.backend.label),
        ("worst first", lambda _: 0),
    ],
)
def test_the_cases_are_sorted_as_asked(opened: Open, order: str, key: Any) -> None:
    report = make.rich()
    page = opened(report)
    page.get_by_label("Sort by").select_option(label="backend")
    page.get_by_label("Sort by").select_option(label=order)
    assert shown(page) == [f.cluster.id for f in sorted(report.findings, key=key)]


def test_a_command_and_a_step_are_copied_as_they_are_written(opened: Open) -> None:
    report = make.rich()
    proof = "openssl s_client -connect orders.contoso.example:443 </dev/null   # three spaces"
    first = replace(report.findings[0], proof=proof)
    page = opened(make.report(first), permissions=["clipboard-read", "clipboard-write"])
    case = page.locator(".case")
    for button, expected in (
        (case.get_by_role("button", name="Copy command").nth(0), make.SWITCH),
        (case.locator("pre.copyable + button"), proof),
    ):
        button.click()
        page.wait_for_function("[...document.querySelectorAll('button')].some(one => one.textContent === 'Copied')")
        assert page.evaluate("navigator.clipboard.readText()") == expected
    case.get_by_role("button", name="Copy step").first.click()
    page.wait_for_timeout(50)
    assert page.evaluate("navigator.clipboard.readText()") == make.GIVE_ROOT.text


def test_a_copied_button_says_so_and_then_what_it_does_again(opened: Open) -> None:
    page = opened(make.report(make.rich().findings[0]), permissions=["clipboard-read", "clipboard-write"])
    button = page.locator(".incident .copy").first
    name = button.inner_text()
    button.click()
    page.wait_for_function("document.querySelector('.incident .copy').textContent === 'Copied'")
    page.wait_for_function("name => document.querySelector('.incident .copy').textContent === name", arg=name)


def test_a_case_unfolds_by_mouse_and_by_keyboard(opened: Open) -> None:
    report = make.rich()
    page = opened(report)
    case = page.locator(f"#case-{report.findings[4].cluster.id}")
    assert not case.locator(".body").is_visible()
    case.locator("summary").first.click()
    assert case.locator(".body").is_visible()
    case.locator("summary").first.press("Enter")
    assert not case.locator(".body").is_visible()
    case.locator("summary").first.press("Space")
    assert case.locator(".body").is_visible()


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(opened: Open) -> None:
    page = opened(make.rich())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the incidents"
    assert page.evaluate("document.activeElement.getBoundingClientRect().width") > 50
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.tagName + ' ' + (document.activeElement.className || document.activeElement.name || '')"
            )
        )
        if seen[-1].startswith("BODY"):
            break
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
    assert {"BUTTON copy", "INPUT find", "SELECT sort", "SUMMARY "} <= set(seen)


def test_an_incidents_link_opens_its_case_even_where_the_filter_hides_it(opened: Open) -> None:
    report = make.rich()
    page = opened(report)
    page.get_by_label("Find").fill("no such words")
    assert shown(page) == []
    wanted = report.findings[7].cluster.id
    page.locator(f'.incidents a[href="#case-{wanted}"]').first.click()
    assert shown(page) == [wanted]
    assert page.locator(f"#case-{wanted} .body").is_visible()


def test_a_link_to_a_case_from_elsewhere_opens_it(opened: Open) -> None:
    report = many()
    page = opened(report, query=f"#case-{report.findings[58].cluster.id}")
    assert page.locator(f"#case-{report.findings[58].cluster.id} .body").is_visible()


def test_open_all_and_close_all(opened: Open) -> None:
    page = opened(many())
    page.get_by_role("button", name="Open all").click()
    assert page.locator(".case[open] > .body").count() == 60
    page.get_by_role("button", name="Close all").click()
    assert page.locator(".case[open]").count() == 0


def test_cases_that_are_kept_as_text_are_searched_and_in_the_end_all_there(opened: Open) -> None:
    report = many()
    page = opened(report)
    page.get_by_label("Find").fill("host-57 create-order")
    assert shown(page) == [report.findings[57].cluster.id]
    page.wait_for_function("document.querySelectorAll('noscript').length === 0")
    assert page.locator(".case > .body").count() == 60


def test_without_scripts_everything_can_be_read(opened: Open) -> None:
    page = opened(many(), java_script_enabled=False)
    last = page.locator(".case").last
    last.locator("summary").first.click()
    assert last.locator(".body").is_visible()
    assert "create-order" in last.inner_text()
    assert not page.locator(".tools").is_visible()
    assert page.locator("button:visible").count() == 0


def test_paper_has_every_case_that_the_filter_shows_and_no_tools(opened: Open) -> None:
    report = many()
    page = opened(report)
    page.evaluate(
        "addEventListener('beforeprint', () => { window.opened = document.querySelectorAll('.case[open] > .body').length; })"
    )
    whole = page.pdf(format="A4")
    assert page.evaluate("window.opened") == 60
    assert page.locator(".case[open]").count() == 3
    page.get_by_label("Find").fill("host-1")
    fewer = page.pdf(format="A4")
    assert (
        page.evaluate("window.opened")
        == 10 + 3  # host-10 to host-19; the first three stay open, though the filter hides them
    )  # host-10 to host-19, and those of the first three that are open
    assert whole.startswith(b"%PDF-")
    pages = [len(re.findall(rb"/Type\s*/Page\b", one)) for one in (whole, fewer)]
    assert pages[0] > 30 > pages[1] > 5
    page.emulate_media(media="print")
    assert not page.locator(".tools").is_visible()
    assert page.locator("button:visible").count() == 0


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name", ["rich", "hostile", "empty"])
def test_a_phone_scrolls_in_one_direction_alone(opened: Open, width: int, name: str) -> None:
    report = {"rich": make.rich(), "hostile": make.hostile("W" * 10_000), "empty": make.empty()}[name]
    page = opened(report, pictures=True, viewport={"width": width, "height": 844}, has_touch=True)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_and_page_follow_the_readers_theme(opened: Open, scheme: str) -> None:
    page = opened(make.rich(), pictures=True, color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bright = sum(map(int, re.findall(r"\d+", paper)[:3])) > 380
    assert bright is (scheme == "light")
    ink = page.evaluate("getComputedStyle(document.querySelector('.chart svg text')).fill")
    assert (sum(map(int, re.findall(r"\d+", ink)[:3])) < 380) is (scheme == "light")


@pytest.mark.parametrize("text", make.HOSTILE, ids=range(len(make.HOSTILE)))
def test_hostile_text_does_nothing_in_a_browser(opened: Open, text: str) -> None:
    page = opened(make.hostile(text), pictures=True)
    page.get_by_role("button", name="Open all").click()
    page.get_by_label("Find").fill("scenario")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, embed, link, base").count() == 0
    assert page.evaluate("[...document.querySelectorAll('a')].every(one => one.getAttribute('href').startsWith('#'))")
    assert page.evaluate(
        "[...document.querySelectorAll('*')].every(one => [...one.attributes].every(a => !a.name.startsWith('on') && a.name !== 'style'))"
    )
