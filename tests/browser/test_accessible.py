"""axe-core finds no fault in the page that keeps people from reading it, in either theme, folded and unfolded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Open
from tests.report import make

RUN = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
  return {passes: found.passes.length, faults: found.violations.map(
    (one) => `${one.impact} ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 150)).join(" | ")}`)};
}"""
UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


def faults(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(RUN)
    assert found["passes"] > 20
    return list(found["faults"])


def test_axe_sees_a_fault_where_there_is_one(opened: Open, axe: str) -> None:
    page = opened(make.rich())
    page.evaluate("document.querySelector('input').parentElement.replaceWith(document.querySelector('input'))")
    page.evaluate("document.querySelector('input').removeAttribute('placeholder')")
    assert any("critical label" in fault for fault in faults(page, axe))


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        *(("rich", scheme, width) for scheme in ("light", "dark") for width in (390, 1280)),
        ("hostile", "light", 390),
        ("long", "light", 390),
        ("hostile", "dark", 1280),
        ("crowded", "light", 1280),
        ("empty", "dark", 390),
    ],
)
def test_axe_finds_nothing(opened: Open, axe: str, name: str, scheme: str, width: int) -> None:
    hostile = {"hostile": make.HOSTILE[3], "long": "many words " * 200}
    reports = {"rich": make.rich, "empty": make.empty, "crowded": make.crowded}
    report = make.hostile(hostile[name]) if name in hostile else reports[name]()
    page = opened(report, pictures=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert faults(page, axe) == []
    page.evaluate(UNFOLD)
    assert faults(page, axe) == []
