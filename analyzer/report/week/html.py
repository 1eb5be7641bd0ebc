"""From a week's Summary to weekly.html: one file that loads nothing and runs nothing, with a policy that lets it do neither."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analyzer.model import Summary
from analyzer.report import words
from analyzer.report.plain import elided, plain
from analyzer.report.week import words as week_words

ROWS = 50
"""Rows of a table, and incidents told at length; weekly.json has them all."""


def render(summary: Summary) -> str:
    """The whole page. Every text is escaped by the template engine; pictures are drawn into it, and it has no script."""
    from analyzer.report.charts import week

    style = _asset("report.css") + _asset("charts.css") + _asset("weekly.css")
    return (
        _environment()
        .get_template("weekly.html.j2")
        .render(
            summary=summary,
            now=summary.trend[-1],
            zone=week_words.zone_of(summary.week),
            failing=[a for a in summary.availability if a.failures],
            healthy=[a for a in summary.availability if not a.failures],
            several=len({a.gateway for a in summary.availability}) > 1,
            names={g.id: words.gateway(g) for g in summary.gateways},
            charts=week.inline(summary),
            rows=ROWS,
            style=Markup(style),  # noqa: S704  our own files
            policy=f"default-src 'none'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'",
        )
    )


def _shown(value: object) -> object:
    """What every expression of a template passes through: text without unseen characters, and not without end."""
    return elided(plain(value)) if type(value) is str else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("analyzer.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, said=week_words)
    environment.filters.update(iso=words.iso, capital=words.capital)
    return environment


@cache
def _asset(name: str) -> str:
    return resources.files("analyzer.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The source expression of an inline style (CSP Level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
