"""report.md reads as a ticket, and nothing of the logs comes alive in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from analyzer.model import Remedy, WhatIf
from analyzer.report.markdown import code, escaped, render
from analyzer.report.plain import UNSEEN, plain
from tests.report import make

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(text: str) -> list[Token]:
    return [inner for token in MARKDOWN.parse(text) for inner in (token, *(token.children or ()))]


def shape(text: str) -> list[str]:
    return [t.type for t in tokens(text) if t.type not in ("text", "code_inline", "text_special", "softbreak")]


@pytest.mark.parametrize("text", make.HOSTILE, ids=range(len(make.HOSTILE)))
def test_hostile_text_changes_nothing_of_the_document_but_its_words(text: str) -> None:
    assert shape(render(make.hostile(text))) == shape(render(make.hostile("harmless words")))


@pytest.mark.parametrize("text", make.HOSTILE, ids=range(len(make.HOSTILE)))
def test_nothing_is_html_a_link_or_a_picture(text: str) -> None:
    page = render(make.hostile(text))
    alive = {"html_block", "html_inline", "link_open", "image", "s_open"}
    assert not {t.type for t in tokens(page)} & alive
    assert "<script" not in page
    assert "<img" not in page
    assert UNSEEN.search(page) is None


@pytest.mark.parametrize(
    "text",
    [
        *make.HOSTILE[:5],
        "# heading",
        "- item",
        "+ item",
        "1. first",
        "12) twelfth",
        "> quoted",
        "=====",
        ":::mermaid",
        "a | b \\| c",
        "`code` ``two`` ```three",
        "**bold** __bold__ *i* _i_ ~~gone~~ $x$",
        "[a](http://x.example) [b][c] ![p](q) <http://y.example> [^1] [[_TOC_]]",
        "&lt;script&gt; &amp; &#60;",
        "see https://evil.example/path?q=1 or www.evil.example or me@evil.example or #12",
        "https://evil.example/<b>`|",
    ],
)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    for write in (escaped, code):
        parsed = MARKDOWN.parse(f"- {write(text)}")
        assert [t.type for t in parsed] == [
            "bullet_list_open", "list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close", "bullet_list_close",
        ]  # fmt: skip
        children = parsed[3].children or []
        assert {c.type for c in children} <= {"text", "text_special", "code_inline"}
        assert "".join(c.content for c in children).strip() == " ".join(plain(text).split())


@pytest.mark.parametrize("text", ["https://evil.example/x", "www.evil.example", "mail me@evil.example", "fixes #12"])
def test_what_renderers_link_by_themselves_is_code(text: str) -> None:
    children = MARKDOWN.parseInline(escaped(text))[0].children or []
    assert any(c.type == "code_inline" for c in children)


def test_every_row_of_a_table_has_its_cells() -> None:
    rows = [line for line in render(make.hostile("a | b \\| c")).splitlines() if line.startswith("|")]
    assert len(rows) > 5
    for table in MARKDOWN.parse(render(make.hostile("a | b \\| c"))):
        assert table.type != "fence"
    counts = [0]
    for token in MARKDOWN.parse(render(make.hostile("a | b \\| c"))):
        if token.type == "tr_open":
            counts.append(0)
        counts[-1] += token.type in ("td_open", "th_open")
    assert set(counts[1:]) == {7, 2, 5}


def test_long_words_are_cut() -> None:
    assert len(escaped("W" * 10_000)) == 500


def test_the_ticket_says_what_why_what_to_do_and_what_was_not_seen() -> None:
    page = render(make.rich())
    assert page.startswith("# 344 of 511 failed backend connections: root not given to the gateway\n")
    places = [
        page.index(words)
        for words in (
            "## What to do",
            "### 1. Root not given to the gateway (scenario 2a): confirmed and likely",
            "## All cases",
            "| `orders.contoso.example:443` | contoso-apim, West Europe | root not given to the gateway (scenario 2a) | confirmed | 312 |",
            "### `orders.contoso.example:443`: root not given to the gateway (scenario 2a)",
            "**Verdict: confirmed.**",
            "The probe: The server sends 2 certificates",
            "```sh",
            "| validateCertificateChain=false | yes |",
            "**The chain as sent**",
            "✕ not among the roots that the gateway is taken to have",
            "**What the probe met** at `10.1.4.20`, 2025-11-19 08:12 UTC",
            "Run on build-7, outside the gateway's network, resolver `10.0.0.53`, with apim-triage 0.1.0, in the voice of a classic gateway.",
            "## What was not seen",
            "logs/PT1H.json:17",
            "**Backends that were not probed**",
        )
    ]
    assert places == sorted(places)


def test_a_command_stays_in_its_fence() -> None:
    page = render(
        make.report(make.finding(remedies=(Remedy(owner="backend", text="x", command="a ```\n# b\n````\nc"),)))
    )
    fences = [t for t in MARKDOWN.parse(page) if t.type == "fence"]
    assert {t.content for t in fences} == {"a ```\n# b\n````\nc\n"}


def test_a_report_without_failures_says_so() -> None:
    page = render(make.empty())
    assert page.startswith("# No failed backend connection in 18,642 records\n")
    assert "## All cases" not in page
    assert "One window was asked for and is empty." in page


def test_of_very_many_cases_the_worst_are_told_at_length_and_all_are_listed() -> None:
    findings = [make.finding(f"h{place}.example", counts={1: 1000 - place}) for place in range(60)]
    page = render(make.report(*findings))
    assert page.count("**Verdict:") == 30
    assert page.count("| `h") == 60
    assert "30 further cases with fewer failures: see report.html." in page


def test_the_proof_by_hand_is_a_block_that_can_be_copied() -> None:
    one = replace(make.rich().findings[0], proof="openssl s_client -connect a.example:443 </dev/null")
    said = render(make.report(one))
    assert "**See for yourself**\n\n```sh\nopenssl s_client -connect a.example:443 </dev/null\n```\n" in said


def test_a_change_for_tests_alone_is_marked() -> None:
    change = WhatIf(change="validateCertificateChain=false", connects=True, test_only=True)
    said = render(make.report(replace(make.rich().findings[0], what_if=(change,))))
    assert "| validateCertificateChain=false (in test only) | yes |" in said
