"""From a week's Summary to weekly.html: one file that loads nothing and runs nothing, with a policy that lets it do neither."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analyzer.model import Summary
from analyzer.report import week_words, words
from analyzer.report.plain import elided, plain

ROWS = 50
"""Rows of a table, and incidents told at length; weekly.json has them all."""


def render(summary: Summary) -> str:
    """The whole page. Every text is escaped by the template engine; pictures are data, and nothing of the log is in an address."""
    from analyzer.report.charts import week as charts_week

    style = _asset("report.css") + _asset("weekly.css")
    pictures = [
        {"finding": one.finding, "light": _data(one.light), "dark": _data(one.dark)}
        for one in charts_week.pictures(summary)
    ]
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
            pictures=pictures,
            rows=ROWS,
            style=Markup(style),  # noqa: S704  our own files
            policy=f"default-src 'none'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'",
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


def _data(svg: bytes) -> Markup:
    """A picture as an address that holds it (RFC 2397)."""
    return Markup("data:image/svg+xml;base64,") + base64.b64encode(svg).decode()


def _hash(text: str) -> str:
    """The source expression of an inline style (CSP Level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
