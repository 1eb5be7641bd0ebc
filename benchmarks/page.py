"""How fast report.html opens with 500 clusters: headless Chromium, against a page of as many bytes that holds nothing but text.

The report is the demo's, its cases told again for other hosts, so that a case weighs what a real one does. What is measured is
the browser's own clock, from the start of the navigation to `loadEventEnd` and to the first contentful paint, and how long
filtering, sorting and opening every case take until the next frame is drawn.
"""

from __future__ import annotations

import html as escaping
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from analyzer.lab.demo import demo
from analyzer.model import Report, cluster_id
from analyzer.report import charts
from analyzer.report.html import render

CLUSTERS, ROUNDS = 500, 5
CHROMIUM = "/usr/bin/chromium"

_OPENED = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return {loaded: page.loadEventEnd, painted: paint ? paint.startTime : null};
}"""
_TIMED = """async (act) => {
  const before = performance.now();
  eval(act);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - before;
}"""
_TYPE = 'const t = document.querySelector(".tools"); t.elements.%s.value = %r; t.elements.%s.dispatchEvent(new Event("input", {bubbles: true}))'
_ACTS = {
    "search for a host": _TYPE % ("find", "backend-7", "find"),
    "filter by verdict": _TYPE % ("verdict", "likely", "verdict"),
    "sort by last failure": _TYPE % ("sort", "last", "sort"),
    "open every case": 'document.querySelector(".tools").elements.unfold.click()',
}


def crowd(report: Report, clusters: int) -> Report:
    """The report with its cases told again, each time for another host, until there are so many."""
    findings = []
    while len(findings) < clusters:
        round_ = len(findings) // len(report.findings)
        for one in report.findings[: clusters - len(findings)]:
            host = f"backend-{round_}-{one.cluster.backend.host}"
            backend = replace(one.cluster.backend, host=host)
            id_ = cluster_id(one.cluster.gateway, backend, one.cluster.family)
            findings.append(replace(one, cluster=replace(one.cluster, id=id_, backend=backend)))
    return replace(report, findings=tuple(findings), incidents=())


def run() -> None:
    """Print the table."""
    from playwright.sync_api import sync_playwright

    began = time.perf_counter()
    report = crowd(demo(), CLUSTERS)
    pictures = charts.inline(report)
    drawn = time.perf_counter()
    page = render(report, pictures)
    rendered = time.perf_counter() - drawn
    with TemporaryDirectory(prefix="apim-triage-") as folder, sync_playwright() as playwright:
        ours, bare = Path(folder) / "report.html", Path(folder) / "bare.html"
        ours.write_text(page, encoding="utf-8")
        bare.write_text(
            f"<!doctype html><title>bare</title><pre>{escaping.escape(page)[: len(page)]}</pre>", encoding="utf-8"
        )
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = {path: [_open(browser, path) for _ in range(ROUNDS)] for path in (bare, ours)}
        acts = _acts(browser, ours)
        browser.close()
    print(
        f"\nreport.html with {len(report.findings)} clusters: {len(page) / 1e6:.1f} MB, rendered in {rendered:.1f} s ",
        end="",
    )
    print(f"(demo and charts before: {drawn - began:.1f} s)\n")
    print("| what | ours, ms | as much bare text, ms | ratio |\n|---|---:|---:|---:|")
    for what in ("painted", "loaded"):
        mine, its = (statistics.median(one[what] for one in opened[path]) for path in (ours, bare))
        print(f"| {what} | {mine:,.0f} | {its:,.0f} | {mine / its:.2f} |")
    for what, took in acts.items():
        print(f"| {what} | {took:,.0f} | | |")


def _open(browser: Any, path: Path) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    found: dict[str, float] = page.evaluate(_OPENED)
    context.close()
    return found


def _acts(browser: Any, path: Path) -> dict[str, float]:
    took: dict[str, float] = {}
    for what, act in _ACTS.items():
        context = browser.new_context(viewport={"width": 1280, "height": 1000}, bypass_csp=True)
        page = context.new_page()
        page.goto(path.as_uri(), wait_until="load")
        took[what] = page.evaluate(_TIMED, act)
        context.close()
    return took


if __name__ == "__main__":
    sys.exit(run())
