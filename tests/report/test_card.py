"""card.json is an Adaptive Card 1.5 that Teams takes, small enough, and nothing in it comes alive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from analyzer.model import Report
from analyzer.report.card import LARGEST, MOST_INCIDENTS, card, dumps, message
from analyzer.report.plain import UNSEEN
from tests.report import make

TEAMS = 28 * 1024
"""Bytes that Teams takes (Microsoft: Create and send messages, message size)."""

# Adaptive Cards 1.5 (adaptivecards.io/explorer): what each element may have, of what is used.
KNOWN = {
    "AdaptiveCard": {"type", "$schema", "version", "fallbackText", "msteams", "body"},
    "Container": {"type", "items", "separator", "spacing"},
    "TextBlock": {"type", "text", "size", "weight", "wrap", "style", "isSubtle", "separator"},
    "RichTextBlock": {"type", "inlines"},
    "TextRun": {"type", "text", "weight", "color", "isSubtle"},
}
ENUMS = {
    "size": {"Small", "Default", "Medium", "Large", "ExtraLarge"},
    "weight": {"Lighter", "Default", "Bolder"},
    "color": {"Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"},
    "style": {"default", "heading"},
    "spacing": {"None", "Small", "Default", "Medium", "Large", "ExtraLarge", "Padding"},
}
REPORTS = {
    "rich": make.rich(),
    "empty": make.empty(),
    "crowded": make.crowded(),
    **{f"hostile {n}": make.hostile(text) for n, text in enumerate(make.HOSTILE)},
}


def elements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "type" in value:
            yield value
        for one in value.values():
            yield from elements(one)
    elif isinstance(value, list):
        for one in value:
            yield from elements(one)


@pytest.mark.parametrize("name", REPORTS)
def test_every_element_and_property_is_one_of_version_1_5(name: str) -> None:
    made = json.loads(dumps(REPORTS[name]))
    assert (made["type"], made["version"]) == ("AdaptiveCard", "1.5")
    for element in elements(made):
        assert set(element) <= KNOWN[element["type"]]
        for key, allowed in ENUMS.items():
            assert element.get(key, "Default" if key != "style" else "default") in allowed


@pytest.mark.parametrize("name", REPORTS)
def test_what_logs_say_stands_in_text_runs_alone_on_one_line(name: str) -> None:
    for element in elements(card(REPORTS[name])):
        if element["type"] == "TextRun":
            assert UNSEEN.search(element["text"]) is None
            assert "\n" not in element["text"]
            assert not any(start in element["text"] for start in ("{{", "${", "@{"))


@pytest.mark.parametrize(
    "text",
    [
        "[x](http://evil.example)",
        "**bold**",
        "![x](http://evil.example/y.png)",
        "{{DATE(2026-01-01)}}",
        "${1+1}",
        "@{triggerBody()}",
    ],
)
def test_no_text_block_which_reads_markdown_holds_a_foreign_word(text: str) -> None:
    ours, theirs = card(make.hostile("harmless words")), card(make.hostile(text))
    blocks = [[e["text"] for e in elements(one) if e["type"] == "TextBlock"] for one in (ours, theirs)]
    assert blocks[0] == blocks[1] != []
    assert "harmless words" not in " ".join(blocks[0])
    assert ours["fallbackText"] == theirs["fallbackText"]


def test_incidents_come_worst_first_each_with_its_first_step() -> None:
    said = [
        "".join(run["text"] for e in c["items"] for run in e["inlines"])
        for c in card(make.rich())["body"]
        if c["type"] == "Container"
    ]
    assert len(said) == 8
    assert said[0].startswith(
        "1. Root not given to the gateway (scenario 2a): orders.contoso.example:443 and stock.contoso.example:443"
    )
    assert "344 failed calls, from 2025-11-17 08:02 UTC" in said[0]
    assert "API Management team (classic tier): Security > Certificates" in said[0]


def test_the_incidents_own_sentence_leads_where_it_has_one() -> None:
    report = make.rich()
    titled = replace(report, incidents=(replace(report.incidents[0], title="Two shops fail."), *report.incidents[1:]))
    assert "1. Two shops fail." in dumps(titled).decode()


@pytest.mark.parametrize("width", [1, 10_000])
def test_the_message_stays_below_what_teams_takes_and_says_what_it_left_out(width: int) -> None:
    report = make.report(*(make.finding(f"h{n}{'ü' * width}.example", remedies=(make.GIVE_ROOT,)) for n in range(400)))
    sent = message(card(report))
    assert len(sent) <= LARGEST < TEAMS
    shown = sum(e["type"] == "Container" for e in elements(json.loads(sent)))
    assert 1 <= shown <= MOST_INCIDENTS
    assert f"{400 - shown} further incidents: see report.html." in sent.decode()


def test_the_message_is_what_a_workflows_webhook_takes() -> None:
    sent = json.loads(message(card(make.rich())))
    assert sent["type"] == "message"
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"] == json.loads(dumps(make.rich()))


def test_a_report_without_failures_says_so() -> None:
    made: Report = make.empty()
    assert card(made)["body"][0]["text"] == "No failed backend connection in 18,642 records"
