"""From a Report to an Adaptive Card 1.5 for Teams: the headline, the incidents worst first, each with its first step, in few kilobytes.

Text that logs and backends wrote stands only in text runs, which read no Markdown (adaptivecards.io, TextRun); a text block would
make links and pictures of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from analyzer.model import Report, Verdict
from analyzer.report import words
from analyzer.report.plain import elided, line
from analyzer.report.summary import Group, groups, headline, not_seen, told

VERSION = "1.5"
LARGEST = 25_000
"""Bytes of the message: Teams refuses one of more than 28 KB."""

MOST_INCIDENTS = 10
_LONGEST = 300  # characters of one text
_COLOURS = {Verdict.CONFIRMED: "Attention", Verdict.LIKELY: "Warning"}
_EXPRESSION = re.compile(r"(\{|\$|@)(?=\{)")  # date functions, templates and workflow expressions begin so

Element = dict[str, Any]


def dumps(report: Report) -> bytes:
    """card.json: the card alone, UTF-8."""
    return (json.dumps(card(report), ensure_ascii=False, indent=1) + "\n").encode()


def message(card_: Element) -> bytes:
    """What an incoming webhook of Teams or of a workflow takes: a message with the card attached."""
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card_,
    }
    return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode()


def card(report: Report) -> Element:
    """The card with as many incidents as the message has room for."""
    found = groups(report)
    for shown in range(min(len(found), MOST_INCIDENTS), -1, -1):
        made = _card(report, found, shown)
        if len(message(made)) <= LARGEST:
            return made
    return made


def _card(report: Report, found: tuple[Group, ...], shown: int) -> Element:
    left = len(found) - shown
    body = [
        {
            "type": "TextBlock",
            "text": headline(report),
            "size": "Large",
            "weight": "Bolder",
            "wrap": True,
            "style": "heading",
        },
        {"type": "TextBlock", "text": told(report), "wrap": True},
        *(_incident(number, group) for number, group in enumerate(found[:shown], start=1)),
    ]
    if left:
        more = f"{words.count(left, 'further incident' if shown else 'incident')}: see report.html."
        body.append({"type": "TextBlock", "text": more, "wrap": True, "isSubtle": True})
    notes = not_seen(report)
    if notes:
        kinds = "; ".join(f"{note.title.lower()} ({len(note.items):,})" for note in notes)
        text = f"What was not seen, and why, stands at the end of the report: {kinds}."
        body.append(
            {"type": "TextBlock", "text": text, "wrap": True, "isSubtle": True, "size": "Small", "separator": True}
        )
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "fallbackText": headline(report),
        "msteams": {"width": "Full"},
        "body": body,
    }


def _incident(number: int, group: Group) -> Element:
    verdicts = words.listed(words.VERDICTS[v] for v in group.verdicts)
    colour = _COLOURS.get(group.verdicts[0], "Default")
    items = [
        _runs(_run(f"{number}. {group.title}", weight="Bolder"), _run(f"  {verdicts}", weight="Bolder", color=colour)),
        _runs(
            _run(
                f"{group.lost}, from {words.when(group.first_seen)} to {words.when(group.last_seen)}; {group.state}.",
                isSubtle=True,
            )
        ),
    ]
    if group.remedies:
        first = group.remedies[0]
        tier = f" ({words.TIERS[first.tier]})" if first.tier else ""
        owner = f"{words.OWNERS.get(first.owner, first.owner)}{tier}: "
        items.append(_runs(_run(owner, weight="Bolder"), _run(first.text)))
    return {"type": "Container", "separator": True, "spacing": "Medium", "items": items}


def _runs(*runs: Element) -> Element:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **look: Any) -> Element:
    return {"type": "TextRun", "text": _inert(text), **look}


def _inert(text: str) -> str:
    """One line without unseen characters, and without what a card, a template or a workflow would compute."""
    leading = " " if text[:1].isspace() else ""
    trailing = " " if text[-1:].isspace() else ""
    return leading + _EXPRESSION.sub(r"\1 ", elided(line(text), _LONGEST)) + trailing
