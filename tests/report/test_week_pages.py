"""A week's page, Markdown, JSON and frames: whole, inert whatever the logs hold, and never more certain than what was seen."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import msgspec
import pandas as pd
import pytest

from analyzer.model import Change, Ending, Kind, Status, Summary
from analyzer.report.plain import UNSEEN
from analyzer.report.schema import published
from analyzer.report.week import contract, frames, html, markdown, words
from tests.report import make, weeks

ROOT = Path(__file__).parents[2]
VOID = {"meta", "br"}


@cache
def page_of(name: str) -> str:
    return html.render(SUMMARIES[name]())


SUMMARIES: dict[str, Callable[[], Summary]] = {"rich": weeks.rich, "empty": weeks.empty, "quiet": weeks.quiet}


class Page(HTMLParser):
    """Every element with its attributes, and whether they close as they open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def harmless() -> Page:
    return Page(html.render(weeks.hostile("harmless words")))


@pytest.mark.parametrize("text", make.HOSTILE, ids=range(len(make.HOSTILE)))
def test_hostile_text_becomes_no_tag_and_no_attribute(harmless: Page, text: str) -> None:
    page = Page(html.render(weeks.hostile(text)))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]
    for (_, attributes), (_, others) in zip(page.elements, harmless.elements, strict=True):
        assert list(attributes) == list(others)
        assert not any(name.startswith("on") for name in attributes)
    assert not UNSEEN.search("".join(page.text).replace("\r", "\n"))


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_page_loads_and_runs_nothing(name: str) -> None:
    html = page_of(name)
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "form", "base", "img", "image", "style-src"}
    for tag, attributes in page.elements:
        assert "style" not in attributes
        for key in ("src", "srcset", "href"):
            value = attributes.get(key)
            assert value is None or (key == "href" and value.startswith("#")), tag
    (policy,) = [a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy is not None
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_link_and_label_of_the_page_leads_somewhere(name: str) -> None:
    page = Page(page_of(name))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for key in ("href", "aria-labelledby"):
            if attributes.get(key):
                assert str(attributes[key]).removeprefix("#") in ids
        if attributes.get("role") == "img":
            assert attributes["aria-label"]


@pytest.mark.parametrize("name", SUMMARIES)
def test_nothing_is_ever_a_hundred_percent(name: str) -> None:
    summary = SUMMARIES[name]()
    for text in (" ".join(Page(page_of(name)).text), markdown.render(summary)):
        assert not re.search(r"\b100(?:\.0+)? %", text)


def test_the_page_says_what_happened_and_how_it_stands() -> None:
    summary = weeks.rich()
    text = " ".join(" ".join(Page(page_of("rich")).text).split())
    page = markdown.render(summary)
    for said in (text, page):
        for run in summary.runs:
            assert run.backend.label in said
            assert words.STATUSES[run.status] in said
        assert "NotTimeValid" in said
        assert "2026-W44" in said
        assert "not known" in said
    assert {run.status for run in summary.runs} == {Status.NEW, Status.RECURRING, Status.RESOLVED}


def test_a_week_without_records_is_not_called_a_week_without_failures() -> None:
    assert "no record was found" in page_of("empty")
    assert "no failed backend connection in 336 calls" in markdown.render(weeks.quiet())


@pytest.mark.parametrize("text", make.HOSTILE, ids=range(len(make.HOSTILE)))
def test_hostile_text_stays_text_in_markdown(text: str) -> None:
    page = markdown.render(weeks.hostile(text))
    assert not UNSEEN.search(page)
    assert "<script" not in page
    assert "<img" not in page
    assert "<svg" not in page
    headings = [line for line in page.splitlines() if line.startswith("#")]
    twin = [line for line in markdown.render(weeks.hostile("harmless")).splitlines() if line.startswith("#")]
    assert len(headings) == len(twin)
    tables = [line.replace(r"\|", "").count("|") for line in page.splitlines() if line.startswith("| ")]
    assert set(tables) <= {10, 7, 5}


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_document_keeps_its_contract(name: str) -> None:
    content = contract.dumps(SUMMARIES[name]())
    read = msgspec.json.decode(content, type=contract.Document)
    assert read == msgspec.convert(json.loads(content), contract.Document)
    assert read.schema == "apim-triage/weekly/1"
    document = json.loads(content)
    assert list(document) == [f.name for f in msgspec.structs.fields(contract.Document)]
    for one in document["trend"]:
        assert (one["failures"] is None) is (not one["known"])


def test_the_published_schema_is_the_contracts_and_every_summary_obeys_it() -> None:
    place = ROOT / "docs" / "weekly.schema.json"
    assert place.read_bytes() == published("weekly"), (
        "python -m analyzer.report.schema weekly > docs/weekly.schema.json"
    )
    validator = jsonschema.Draft202012Validator(json.loads(place.read_bytes()))
    for make_summary in SUMMARIES.values():
        validator.validate(json.loads(contract.dumps(make_summary())))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"schema": "apim-triage/weekly/2"})


@pytest.mark.parametrize("name", SUMMARIES)
def test_frames_have_their_documented_dtypes_also_when_empty(name: str) -> None:
    found = SUMMARIES[name]().to_frames()
    documented = {
        "runs": frames.RUNS,
        "availability": frames.AVAILABILITY,
        "trend": frames.TREND,
        "trend_kinds": frames.TREND_KINDS,
        "outlook": frames.OUTLOOK,
        "heat": frames.HEAT,
    }
    assert set(found) == set(documented)
    for key, schema in documented.items():
        assert isinstance(found[key], pd.DataFrame)
        assert {c: str(t) for c, t in found[key].dtypes.items()} == dict(schema), key
    summary = SUMMARIES[name]()
    assert found["runs"]["lost"].sum() == sum(r.lost for r in summary.runs)
    assert len(found["trend"]) == len(summary.trend)


@pytest.mark.parametrize(
    ("table", "enum"),
    [
        (words.STATUSES, Status),
        (words.ENDINGS, Ending),
        (words.CHANGES, Change),
    ],
)
def test_every_word_of_the_model_has_one_in_english(table: dict[object, str], enum: type[Status]) -> None:
    assert set(table) == set(enum)


def test_every_kind_can_be_said() -> None:
    assert all(words.kind(kind) for kind in Kind)


def test_failures_without_calls_of_their_own_have_no_availability() -> None:
    """After a failover the failures are of the first backend, and the call is the second's."""
    rich = weeks.rich()
    changed = tuple(replace(a, requests=0, at_least=None) if a.failures else a for a in rich.availability)
    summary = replace(rich, availability=changed)
    assert "as after a failover" in html.render(summary)
    assert "as after a failover" in markdown.render(summary)


@pytest.mark.parametrize(
    ("lost", "calls", "expected"),
    [
        (1, 3, "at most 33.4 % of 3 calls"),
        (9_999, 10_000, "at most 99.9 % of 10,000 calls"),
        (3, 3, "every one of 3 logged calls"),
        (1, None, "share not known"),
        (1, 100_000, "at most 0.1 % of 100,000 calls"),
    ],
)
def test_a_share_is_rounded_up_and_never_a_hundred(lost: int, calls: int | None, expected: str) -> None:
    assert words.share(lost, calls) == expected
