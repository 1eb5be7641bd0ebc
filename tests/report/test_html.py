"""report.html is one inert, self-contained, well-formed page, whatever the logs hold."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from analyzer.model import Report, WhatIf
from analyzer.report import charts
from analyzer.report.html import render
from analyzer.report.plain import plain
from tests.report import make

VOID = {"meta", "br", "input", "path"}
ATTRIBUTES = {
    "aria-hidden", "aria-label", "aria-labelledby", "autocomplete", "charset", "class", "content", "d", "datetime", "for", "hidden",
    "data-cause", "data-failures", "data-first", "data-gateway", "data-last", "data-state", "data-verdict", "data-worst", "value",
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
    read_by_the_script = [v for _, a in page.elements for k, v in a.items() if k.startswith("data-") or k == "value"]
    assert all(re.fullmatch("[a-z0-9_]*", str(value)) for value in read_by_the_script)
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


def test_an_incident_is_told_in_its_own_sentence_and_in_ours_where_it_has_none() -> None:
    report = make.rich()
    said = Page(render(report)).said
    assert (
        "Root not given to the gateway (scenario 2a): orders.contoso.example:443 and stock.contoso.example:443" in said
    )
    titled = replace(report, incidents=(replace(report.incidents[0], title="Two shops fail; one upload mends both."),))
    said = Page(render(titled)).said
    assert "Two shops fail; one upload mends both." in said
    assert "Root not given to the gateway (scenario 2a). 344 failed calls to orders.contoso.example:443" in said


def test_the_chain_is_held_against_what_the_gateway_needs() -> None:
    said = Page(render(make.rich())).said
    for words in (
        "Name pay.fabrikam.example *.fabrikam.net and fabrikam.net no",
        "Date of the last failure 2025-11-18 23:58 UTC valid 2025-03-01 00:00 UTC to 2025-11-18 21:59 UTC no",
        "2 certificates, up to CN=Contoso Root CA,O=Contoso (not sent) no",
        "2 certificates, up to CN=ISRG Root X1,O=Contoso (not sent) yes",
    ):
        assert words in said


def test_a_handshake_says_what_was_offered() -> None:
    said = Page(render(make.rich())).said
    assert (
        "ClientHello (gateway) offers TLS 1.2, 18 cipher suites in this order TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
        in said
    )
    assert "ClientHello (tls-1.0) Backend to probe: ServerHello" in said  # no hello of ours: nothing is claimed


def test_the_proof_by_hand_is_shown_and_a_change_for_tests_alone_is_marked() -> None:
    one = replace(
        make.rich().findings[0],
        proof="openssl s_client -connect a.example:443",
        what_if=(WhatIf(change="validateCertificateChain=false", connects=True, test_only=True),),
    )
    said = Page(render(make.report(one))).said
    assert "See for yourself openssl s_client -connect a.example:443" in said
    assert "validateCertificateChain=false in test only yes" in said


def test_explanations_that_were_answered_alike_stand_together() -> None:
    page = Page(render(make.report(make.rich().findings[0])))
    assert page.said.count("The handshake reached the end.") == 1
    assert "Other explanations: 1 open, 18 ruled out" in page.said


@pytest.mark.parametrize("text", make.HOSTILE, ids=range(len(make.HOSTILE)))
def test_charts_stand_in_the_page_and_what_they_name_stays_text(text: str) -> None:
    report = make.hostile(text)
    pictures = charts.inline(report)
    page = Page(render(report, pictures))
    assert [p.finding for p in pictures] != []
    assert page.said.count("In pictures") == 2
    assert not {"script", "img", "a", "foreignObject"} & set(
        re.findall(r"<([a-zA-Z]+)", "".join(p.svg for p in pictures))
    )


def test_a_page_without_charts_shows_the_failures_over_time_by_itself() -> None:
    report = make.rich()
    assert "In pictures" not in render(report)
    assert 'aria-label="All failures over time.' in render(report)
    assert 'aria-label="All failures over time.' not in render(report, charts.inline(report))


def test_every_case_can_be_filtered_and_sorted_by_what_it_shows() -> None:
    report = make.rich()
    page = Page(render(report))
    drawn = [a for a in page.all("details") if a.get("class") == "case"]
    assert [(a["data-cause"], a["data-verdict"], a["data-failures"]) for a in drawn] == [
        (f.lead.cause.value, f.lead.verdict.value, str(f.cluster.failures)) for f in report.findings
    ]
    offered = {str(a["value"]) for a in page.all("option")}
    assert {str(a["data-cause"]) for a in drawn} | {"0", "1", "2", "worst", "backend"} <= offered


def test_beyond_the_first_fifty_a_case_is_one_text_until_it_is_wanted() -> None:
    report = make.report(*(make.finding(f"h{n}.example") for n in range(53)))
    page = Page(render(report))
    assert len(page.all("noscript")) == 3
    assert page.said.count("Other explanations:") == 53
    assert not Page(render(make.rich())).all("noscript")


def test_what_a_log_says_cannot_end_the_text_that_a_case_is_kept_in() -> None:
    hostile = make.hostile("</noscript><script>alert(1)</script>")
    many = tuple(
        replace(f, cluster=replace(f.cluster, id=make.id_of(str(n)))) for n in range(30) for f in hostile.findings
    )
    page = render(replace(hostile, findings=many))
    assert page.count("</noscript>") == 10
    assert page.count("</script>") == 1
