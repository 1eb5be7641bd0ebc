"""From a Report to PNG pictures: failures over time by cluster, and failures by cause. The only place with matplotlib."""

from __future__ import annotations

import textwrap
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import dates, font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.model import Finding, Hour, Report, State, Verdict
from analyzer.report import words
from analyzer.report.plain import elided, line
from analyzer.report.summary import headline
from analyzer.report.timeline import DAY, HOUR, NAMES, bucketed, step_of

FAILURES_OVER_TIME, CAUSES = "failures-over-time.png", "causes.png"

# Okabe & Ito, "Color Universal Design", in the order that keeps neighbours apart; its yellow is too pale for white paper.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#8C6D1F")
OTHER = "#B5B5B5"

_INK, _MUTED, _LINE = "#1b2330", "#566070", "#d9dee6"
_FONT = "DejaVu Sans"  # travels with matplotlib
_STYLE: dict[str, Any] = {
    "font.family": [_FONT],
    "font.size": 11,
    "text.parse_math": False,  # a dollar sign from a log is a dollar sign
    "text.usetex": False,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
}
# how a tick is written where its unit starts anew: year, month, day, hour, minute, second
_ZERO_FORMATS = ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
_WIDE, _DPI = 10.0, 130  # inches, dots per inch
_SMALL = 9.5  # points, of legends


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """The paths of the PNG files written into `folder`, which exists; a report without failures gets pictures that say so."""
    with mpl.rc_context():
        mpl.rcdefaults()  # the same pictures whatever the reader's own settings; they are back afterwards
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]  # the stubs list each key
        return (
            _saved(_over_time(report), folder / FAILURES_OVER_TIME),
            _saved(_by_cause(report), folder / CAUSES),
        )


def _saved(figure: Figure, path: Path) -> Path:
    figure.savefig(path, format="png", metadata={"Software": None})
    return path


def _over_time(report: Report) -> Figure:
    timed = [f for f in report.findings if any(h.failures for h in f.cluster.timeline)]
    if not timed:
        return _nothing(report)
    figure, axes = _blank(high=5.2)
    starts = [h.start for f in timed for h in f.cluster.timeline if h.failures]
    starts += [h.start for h in report.rest.timeline]
    first, last = min(starts), max(starts) + HOUR
    step = step_of(last - first)
    base: Counter[datetime] = Counter()
    for label, hours, colour in _series(timed, report):
        bars = bucketed(hours, step)
        axes.bar(
            [_days(at) for at in bars],
            list(bars.values()),
            bottom=[base[at] for at in bars],
            width=step / DAY * 0.9,
            align="edge",
            color=colour,
            edgecolor="white",
            linewidth=0.4,
            label=f" {label}" if label.startswith("_") else label,  # matplotlib hides what begins with an underscore
        )
        base.update(bars)
    peak_at, peak = max(base.items(), key=lambda item: (item[1], item[0]))
    going = sum(f.cluster.state is State.ONGOING for f in report.findings)
    _title(
        figure,
        f"Failures peaked at {peak:,} in the {NAMES[step]} from {words.when(peak_at)}; "
        f"{going or 'none'} of {words.count(len(report.findings), 'case')} still {'fails' if going == 1 else 'fail'}",
    )
    locator = dates.AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = dates.ConciseDateFormatter(locator, zero_formats=_ZERO_FORMATS, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    begin, end = min(base), max(base) + step
    margin = max(step / 2, (12 * step - (end - begin)) / 2)  # room for twelve bars at least: one bar alone is no wall
    axes.set_xlim(_days(begin - margin), _days(end + margin))
    axes.set_xlabel(f"{' to '.join(dict.fromkeys((f'{first:%Y-%m-%d}', f'{max(starts):%Y-%m-%d}')))}, UTC")
    axes.set_ylabel(f"failures per {NAMES[step]}")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=_LINE, linewidth=0.8)
    _legend(figure, axes)
    return figure


def _legend(figure: Figure, axes: Axes) -> None:
    """Below the axes, in two columns where the labels are short enough for that."""
    labels = axes.get_legend_handles_labels()[1]
    font = font_manager.FontProperties(family=_FONT, size=_SMALL)
    widest = max(TextPath((0, 0), label, prop=font).get_extents().width for label in labels) / 72  # points to inches
    figure.legend(loc="outside lower center", ncols=2 if widest < 0.4 * _WIDE else 1, frameon=False, fontsize=_SMALL)


def _days(moment: datetime) -> float:
    return float(dates.date2num(moment))  # type: ignore[no-untyped-call]


def _series(findings: list[Finding], report: Report) -> list[tuple[str, list[Hour], str]]:
    """Label, hours and colour of each stack: the worst eight clusters, and all others together."""
    worst = sorted(findings, key=lambda f: -f.cluster.failures)
    top, rest = worst[: len(COLOURS)], worst[len(COLOURS) :]
    names = {g.id: words.gateway(g) for g in report.gateways}
    hosts = Counter(f.cluster.backend.label for f in top)
    series: list[tuple[str, list[Hour], str]] = []
    for finding, colour in zip(top, COLOURS, strict=False):
        c = finding.cluster
        gateway = f" · {_shown(names.get(c.gateway, c.gateway), 20)}" if hosts[c.backend.label] > 1 else ""
        series.append((f"{_shown(c.backend.label, 36)}{gateway}", list(c.timeline), colour))
    others = [*(hour for f in rest for hour in f.cluster.timeline), *report.rest.timeline]
    number = len(rest) + report.rest.clusters
    return [*series, (words.count(number, "other case"), others, OTHER)] if number else series


def _by_cause(report: Report) -> Figure:
    failures: Counter[tuple[str, Verdict]] = Counter()
    for finding in report.findings:
        failures[words.cause(finding.lead), finding.lead.verdict] += finding.cluster.failures
    if report.rest.failures:
        failures["not judged, only counted", Verdict.UNKNOWN] += report.rest.failures
    totals: Counter[str] = Counter()
    for (cause, _), number in failures.items():
        totals[cause] += number
    if not totals:
        return _nothing(report)
    causes = [cause for cause, _ in sorted(totals.items(), key=lambda item: (item[1], item[0]))]
    figure, axes = _blank(high=1.9 + 0.48 * len(causes))
    base: Counter[str] = Counter()
    fills: dict[Verdict, dict[str, Any]] = {
        Verdict.CONFIRMED: {"color": "#0072B2"},
        Verdict.LIKELY: {"color": "#8CC0E0", "hatch": "///", "edgecolor": "#0072B2", "linewidth": 0},
        Verdict.UNKNOWN: {"color": "#D5D9DF", "hatch": "...", "edgecolor": "#8A93A0", "linewidth": 0},
    }
    for verdict, fill in fills.items():
        widths = [failures[cause, verdict] for cause in causes]
        if any(widths):
            lefts = [base[cause] for cause in causes]
            axes.barh(causes, widths, left=lefts, height=0.62, label=words.VERDICTS[verdict], **fill)
            base.update(dict(zip(causes, widths, strict=True)))
    for place, cause in enumerate(causes):
        axes.annotate(
            f"{totals[cause]:,}", (totals[cause], place), (6, 0), textcoords="offset points", va="center", color=_INK
        )
    _title(figure, headline(report))
    _bare(axes, causes, max(totals.values()))
    figure.legend(loc="outside lower right", ncols=len(fills), frameon=False, fontsize=_SMALL)
    return figure


def _bare(axes: Axes, causes: list[str], longest: int) -> None:
    axes.set_yticks(range(len(causes)), [textwrap.fill(words.capital(cause), 38) for cause in causes])
    axes.tick_params(axis="y", length=0, labelcolor=_INK)
    axes.set_xlim(0, longest * 1.1)
    axes.set_xlabel("failures")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="x", color=_LINE, linewidth=0.8)


def _nothing(report: Report) -> Figure:
    figure, axes = _blank(high=2.4)
    axes.set_axis_off()
    said = textwrap.fill(_shown(headline(report), 200), 60)
    axes.text(0.5, 0.5, said, ha="center", va="center", fontsize=15, transform=axes.transAxes)
    return figure


def _blank(*, high: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDE, high), dpi=_DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    return figure, figure.add_subplot()


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(textwrap.fill(_shown(text, 200), 88), x=0.012, ha="left", fontsize=13.5, fontweight="bold")


def _shown(text: str, longest: int) -> str:
    """The text on one line, shortened in the middle, with the font's own sign for characters that it lacks."""
    known = font_manager.get_font(font_manager.findfont(_FONT)).get_charmap()
    return "".join(c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in elided(line(text), longest))
