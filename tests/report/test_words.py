"""Every member of every enum has its words, and no two share them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest

from analyzer.model import CauseName, Outcome, State, Tier, TierFrom, Verdict, Window
from analyzer.report import html, markdown, words
from analyzer.report.plain import elided, line, plain
from analyzer.report.summary import headline
from tests.report import make


@pytest.mark.parametrize(
    ("table", "enum"),
    [
        (words.CAUSES, CauseName),
        (words.VERDICTS, Verdict),
        (words.STATES, State),
        (words.TIERS, Tier),
        (words.TIERS_FROM, TierFrom),
        (words.OUTCOMES, Outcome),
    ],
)
def test_every_member_has_words_of_its_own(table: dict[StrEnum, str], enum: type[StrEnum]) -> None:
    assert set(table) == set(enum)
    assert len(set(table.values())) == len(table) > 0


def test_numbers_and_times_read_plainly() -> None:
    assert words.count(1, "failure") == "1 failure"
    assert words.count(1234, "failure") == "1,234 failures"
    assert words.count(0, "line or element", "lines or elements") == "0 lines or elements"
    east = datetime(2025, 11, 17, 9, 2, 11, tzinfo=timezone(timedelta(hours=1)))
    assert words.when(east) == "2025-11-17 08:02 UTC"
    assert words.iso(east) == "2025-11-17T08:02:11Z"
    assert words.iso(datetime(2025, 1, 2, 3, 4, 5, 600, tzinfo=UTC)) == "2025-01-02T03:04:05.000600Z"


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a and b"),
        (("a", "b", "a", "c"), "a, b and c"),
        (("a", "b", "c", "d"), "a, b, c and 1 more"),
    ],
)
def test_lists_are_short(items: tuple[str, ...], text: str) -> None:
    assert words.listed(items) == text


def test_a_window_reads_as_half_open_as_it_is() -> None:
    start, end = datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
    assert words.asked(Window()) == "all times"
    assert words.asked(Window(start=start)) == "from 2026-03-04 00:00 UTC on"
    assert words.asked(Window(end=end)) == "before 2026-03-05 00:00 UTC"
    assert words.asked(Window(start=start, end=end)) == "2026-03-04 00:00 UTC to before 2026-03-05 00:00 UTC"


def test_unseen_characters_are_spelled_out() -> None:
    assert plain("a\u202eb\x1bc\ud800\u2028\ufeff") == "a[U+202E]b[U+001B]c[U+D800][U+2028][U+FEFF]"
    assert plain("one\ntwo\tGrüße 🚀 日本") == "one\ntwo\tGrüße 🚀 日本"
    assert line(" one\r\n two ") == "one two"


def test_long_texts_keep_both_ends() -> None:
    assert elided("short", 10) == "short"
    assert elided("abcdefghijklmnop", 10) == "abcdef…nop"
    assert len(elided("x" * 5000)) == 1000


def test_every_page_says_what_was_only_counted() -> None:
    said = "2 more clusters with 624 failures, counted, not judged: see clusters.csv."
    report = make.crowded()
    assert words.rest(report) == said
    assert words.rest(make.rich()) == ""
    assert said in html.render(report)
    assert said in markdown.render(report).replace("\\", "")
    assert headline(report).startswith("312 of 936 failed backend connections")


def test_the_headline_leads_with_what_most_failures_have_which_may_be_no_explanation() -> None:
    known = make.finding("a.example", counts={1: 3})
    unknown = make.finding("b.example", lead=CauseName.UNKNOWN, verdict=Verdict.UNKNOWN, counts={1: 40})
    assert headline(make.report(unknown, known)) == "40 of 43 failed backend connections: cause not known"
    assert headline(make.report(known)) == "All 3 failed backend connections: root not given to the gateway"
