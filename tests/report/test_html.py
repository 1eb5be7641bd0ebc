"""report.html is one inert, self-contained, well-formed page, whatever the logs hold."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from analyzer.model import Report
from analyzer.report.html import render
from analyzer.report.plain import plain
from tests.report import make

VOID = {"meta", "br", "input", "path"}
ATTRIBUTES = {
    "aria-hidden", "aria-label", "aria-labelledby", "autocomplete", "charset", "class", "content", "d", "datetime", "for", "hidden",
    "href", "http-equiv", "id", "lang", "name", "open", "placeholder", "preserveaspectratio", "role", "scope", "start", "tabindex",
    "type", "viewbox",
}  # fmt: skip


class Page(HTMLParser):
    """Every element with its attributes, the text, and whether the elements close as they open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside: dict[str, list[str]] = {"style": [], "script": []}
        self.headings: list[int] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs)), f"an attribute twice: {attrs}"
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in self.inside:
            self.inside[self._open[-1]].append(data)
        else:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.text).split())


HARMLESS = "harmless words"
PAGES = {"rich": make.rich(), "empty": make.empty(), "one": make.report(make.rich().findings[0])}


@pytest.mark.parametrize("text", make.HOSTILE, ids=range(len(make.HOSTILE)))
def test_hostile_text_becomes_no_tag_and_no_attribute(text: str) -> None:
    twin, page = Page(render(make.hostile(HARMLESS))), Page(render(make.hostile(text)))
    assert [name for name, _ in page.elements] == [name for name, _ in twin.elements]
    for (_, attributes), (_, harmless) in zip(page.elements, twin.elements, strict=True):
        assert list(attributes) == list(harmless)
    assert page.inside == twin.inside
    shown = " ".join(plain(text).split())
    if len(shown) < 100:
        assert page.said.count(shown) > 30


@pytest.mark.parametrize("report", [*PAGES.values(), *map(make.hostile, make.HOSTILE)])
def test_nothing_is_loaded_and_nothing_runs_but_our_own_script(report: Report) -> None:
    page = Page(render(report))
    assert {name for _, attributes in page.elements for name in attributes} <= ATTRIBUTES
    assert all(str(link["href"]).startswith("#") for link in page.all("a"))
    assert not {name for name, _ in page.elements} & {
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "video",
        "audio",
        "source",
    }
    assert "url(" not in "".join(page.inside["style"])
    assert "import" not in "".join(page.inside["style"])


@pytest.mark.parametrize("report", PAGES.values(), ids=PAGES)
def test_the_policy_allows_our_style_and_script_and_nothing_else(report: Report) -> None:
    page = Page(render(report))
    policy = next(
        str(meta["content"]) for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    )
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert set(directives) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    for tag in ("style", "script"):
        assert len(page.all(tag)) == 1
        digest = hashlib.sha256("".join(page.inside[tag]).encode()).digest()
        assert directives[f"{tag}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"


@pytest.mark.parametrize("report", PAGES.values(), ids=PAGES)
def test_the_page_can_be_walked_by_keyboard_and_screen_reader(report: Report) -> None:
    page = Page(render(report))
    assert page.elements[0] == ("html", {"lang": "en"})
    assert [len(page.all(tag)) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    ids = Counter(str(a["id"]) for _, a in page.elements if "id" in a)
    assert max(ids.values()) == 1
    pointed = {
        str(a[key]).lstrip("#") for _, a in page.elements for key in ("href", "for", "aria-labelledby") if key in a
    }
    assert pointed <= set(ids)
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in page.all("svg"))


def test_the_first_sentence_says_what_fails_how_often_and_since_when() -> None:
    said = Page(render(make.rich())).said
    assert "344 of 511 failed backend connections: root not given to the gateway" in said
    assert "3 gateways could not connect to 9 backends, since 2025-11-17 06:02 UTC." in said
    assert "Of 9 cases, 6 still fail. The cause is confirmed for 6, likely for 2 and not known for 1." in said


def test_a_case_shows_verdict_reasons_chain_handshake_what_if_remedy_and_where_it_was_seen() -> None:
    said = Page(render(PAGES["one"])).said
    for words in (
        "confirmed",
        "The gateway's log 312 of 312 failures say",
        "The probe The server sends 2 certificates",
        "Settings and tier Two CA certificates",
        "Names orders.contoso.example",
        "Issuer CN=Contoso Issuing CA 1,O=Contoso",
        "Valid 2025-03-01 00:00 UTC to 2026-03-01 23:59 UTC",
        "not sent CN=Contoso Root CA,O=Contoso ✕ not among the roots",
        "ClientHello (gateway)",
        f"ServerHello: TLS 1.2, {make.SUITE}, secp256r1",
        "2 certificates",
        "validateCertificateChain=false yes",
        "the gateway is given the root “CN=Contoso Root CA,O=Contoso” not known",
        "API Management team · classic tier Security > Certificates",
        "az rest --method patch",
        "Caution: For proving the cause, in test.",
        "Other explanations: 1 open, 18 ruled out",
        "at 10.1.4.20, 2025-11-19 08:12 UTC",
        "Run on build-7, outside the gateway's network, resolver 10.0.0.53",
        "312 among 630 logged requests",
        "Failures per hour: in 7 of 48 hours, most in the hour from 2025-11-18 09:00 UTC (100).",
    ):
        assert words in said


def test_no_share_of_failures_is_printed() -> None:
    assert "%" not in Page(render(make.rich())).said


def test_what_was_not_seen_comes_last() -> None:
    said = Page(render(make.rich())).said
    unseen = said[said.rindex("What was not seen") :]
    for words in (
        "3 lines or elements could not be read",
        "logs/PT1H.json:17: not JSON: unexpected end",
        "Backends that were not probed backend entity pool-a, pool-b",
        "ClientConnectionFailure: 30",
        "auth.contoso.example: 7",
        "Nothing says which tier edge-7 is",
    ):
        assert words in unseen


def test_a_report_without_failures_says_so() -> None:
    said = Page(render(make.empty())).said
    assert "No failed backend connection in 18,642 records" in said
    assert "Case by case" not in said


def test_only_the_worst_cases_are_unfolded() -> None:
    page = Page(render(make.rich()))
    cases = [a for a in page.all("details") if a.get("class") == "case"]
    assert ["open" in a for a in cases] == [True] * 3 + [False] * 6
