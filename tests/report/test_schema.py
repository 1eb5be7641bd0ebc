"""The published JSON Schema is the contract's, takes every report that we write, and refuses what is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzer.model import Report
from analyzer.report.json_file import dumps
from analyzer.report.schema import published
from tests.report import make

PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(PUBLISHED.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_what_is_published_is_what_the_contract_says() -> None:
    assert PUBLISHED.read_bytes() == published(), "python -m analyzer.report.schema > docs/report.schema.json"


@pytest.mark.parametrize("report", [make.rich(), make.empty(), make.crowded(), *map(make.hostile, make.HOSTILE)])
def test_every_report_that_we_write_is_valid(validator: jsonschema.Draft202012Validator, report: Report) -> None:
    assert [error.message for error in validator.iter_errors(json.loads(dumps(report)))] == []


def _changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(dumps(make.rich()))
    change(document)
    return document


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("clusters"),
        lambda d: d.update(schema="apim-triage/report/2"),
        lambda d: d["clusters"][0].update(id="not hex"),
        lambda d: d["clusters"][0].update(verdict="sure"),
        lambda d: d["clusters"][0].update(failures="many"),
        lambda d: d["clusters"][0].update(attributions=[]),
        lambda d: d["clusters"][0]["what_if"][0].update(connects="yes"),
        lambda d: d["intake"].pop("sources"),
    ],
)
def test_what_breaks_the_contract_is_refused(
    validator: jsonschema.Draft202012Validator, change: Callable[[dict[str, Any]], object]
) -> None:
    assert list(validator.iter_errors(_changed(change)))


def test_an_addition_is_allowed(validator: jsonschema.Draft202012Validator) -> None:
    assert not list(validator.iter_errors(_changed(lambda d: d["clusters"][0].update(novelty=1))))
