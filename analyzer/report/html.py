"""From a Report to report.html: one file that loads nothing, with a content security policy that lets it load nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analyzer.model import Report, State, Verdict
from analyzer.report import words
from analyzer.report.chain import checks_of, links_of
from analyzer.report.ladder import Way, rungs_of
from analyzer.report.plain import elided, plain
from analyzer.report.summary import alike, failures, groups, headline, not_seen, told
from analyzer.report.timeline import HEIGHT, WIDTH, Timeline, timeline_of

if TYPE_CHECKING:
    from analyzer.report.charts import Chart

CASES_AT_FIRST, INCIDENTS_AT_FIRST = 3, 10
"""Cases and incidents that are unfolded when the page opens."""

CASES_AT_ONCE = 50
"""Cases that a browser lays out at once; those after them stand in `noscript`, which it reads as one text until the script,
or a reader without scripts, wants them: five hundred open in a third of the time."""


def render(report: Report, charts: Sequence[Chart] = ()) -> str:
    """The whole page, with the charts where there are any.

    Every text is escaped by the template engine; none comes into a script, a style or an address.
    """
    style, script = _asset("report.css") + _asset("charts.css"), _asset("report.js")
    numbers = {id_: number for number, id_ in enumerate(dict.fromkeys(f.cluster.gateway for f in report.findings))}
    page = _environment().get_template("report.html.j2")
    written = page.render(
        report=report,
        headline=headline(report),
        told=told(report),
        failures=failures(report),
        rest=words.rest(report),
        groups=groups(report),
        notes=not_seen(report),
        charts=charts,
        gateways={g.id: g for g in report.gateways},
        numbers=numbers,  # a gateway in an attribute is its number: its id comes from a log
        choices=_choices(report, numbers),
        overall=_overall(report),
        cases_at_first=CASES_AT_FIRST,
        cases_at_once=CASES_AT_ONCE,
        incidents_at_first=INCIDENTS_AT_FIRST,
        style=Markup(style),  # noqa: S704  our own file
        script=Markup(script),  # noqa: S704  our own file
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'",
    )
    return _BETWEEN_TAGS.sub("><", written)


# White space between two tags is a node of its own, and a fifth of all nodes; text that came from outside holds no bare ">" or "<".
_BETWEEN_TAGS = re.compile(r">\n\s*<")


def _choices(report: Report, numbers: Mapping[str, int]) -> dict[str, list[tuple[object, str]]]:
    """What the cases can be filtered by: value and words, the most frequent first."""
    names = {g.id: words.gateway(g) for g in report.gateways}
    causes = Counter(f.lead.cause for f in report.findings).most_common()
    verdicts, states = {f.lead.verdict for f in report.findings}, {f.cluster.state for f in report.findings}
    return {
        "causes": [(cause.value, f"{words.capital(words.CAUSES[cause])} ({cases:,})") for cause, cases in causes],
        "verdicts": [(v.value, words.VERDICTS[v]) for v in Verdict if v in verdicts],
        "states": [(s.value, words.STATES[s]) for s in State if s in states],
        "gateways": [(number, names.get(id_, id_)) for id_, number in numbers.items()],
    }


def _overall(report: Report) -> Timeline | None:
    hours = (*(hour for f in report.findings for hour in f.cluster.timeline), *report.rest.timeline)
    return timeline_of(hours, report.found.start, report.found.end)


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
    environment.globals.update(
        words=words,
        alike=alike,
        checks_of=checks_of,
        links_of=links_of,
        rungs_of=rungs_of,
        timeline_of=timeline_of,
        Verdict=Verdict,
        ways={Way.OUT: "Probe to backend", Way.BACK: "Backend to probe", Way.END: "Outcome"},
        WIDTH=WIDTH,
        HEIGHT=HEIGHT,
    )
    environment.filters.update(when=words.when, iso=words.iso, capital=words.capital)
    return environment


@cache
def _asset(name: str) -> str:
    return resources.files("analyzer.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The source expression of an inline style or script (CSP Level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
