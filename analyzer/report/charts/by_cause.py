"""Causes by requests lost, each bar split by how sure the verdict is."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import Any

from matplotlib.figure import Figure

from analyzer.model import Report, Verdict
from analyzer.report import words
from analyzer.report.charts import canvas
from analyzer.report.charts.over_time import NOT_JUDGED
from analyzer.report.charts.themes import Theme
from analyzer.report.summary import headline

NAME = "causes"


def finding(report: Report) -> str:
    """The page's own headline: the cause of most failures; "" where nothing failed."""
    return headline(report) if report.findings or report.rest.failures else ""


def draw(report: Report, theme: Theme) -> Figure:
    """The figure; `finding` is not empty."""
    failures: Counter[tuple[str, Verdict]] = Counter()
    for one in report.findings:
        sure = Verdict.UNKNOWN if one.lead.verdict is Verdict.RULED_OUT else one.lead.verdict
        failures[words.cause(one.lead), sure] += one.cluster.failures
    if report.rest.failures:
        failures[NOT_JUDGED, Verdict.UNKNOWN] += report.rest.failures
    totals: Counter[str] = Counter()
    for (cause, _), number in failures.items():
        totals[cause] += number
    causes = [cause for cause, _ in sorted(totals.items(), key=lambda item: (item[1], item[0]))]
    figure, axes = canvas.blank(high=1.9 + 0.48 * len(causes))
    base: Counter[str] = Counter()
    # verdicts differ in their pattern, not in colour alone
    fills: dict[Verdict, dict[str, Any]] = {
        Verdict.CONFIRMED: {"color": theme.certain},
        Verdict.LIKELY: {"color": theme.likely, "hatch": "///", "edgecolor": theme.certain, "linewidth": 0},
        Verdict.UNKNOWN: {"color": theme.open, "hatch": "\\\\\\\\", "edgecolor": theme.open_edge, "linewidth": 0},
    }
    for verdict, fill in fills.items():
        widths = [failures[cause, verdict] for cause in causes]
        if any(widths):
            lefts = [base[cause] for cause in causes]
            axes.barh(causes, widths, left=lefts, height=0.62, label=words.VERDICTS[verdict], **fill)
            base.update(dict(zip(causes, widths, strict=True)))
    for place, cause in enumerate(causes):
        axes.annotate(
            f"{totals[cause]:,}",
            (totals[cause], place),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=theme.ink,
        )
    canvas.title(figure, finding(report))
    axes.set_yticks(range(len(causes)), [textwrap.fill(words.capital(cause), 38) for cause in causes])
    axes.tick_params(axis="y", length=0, labelcolor=theme.ink)
    axes.set_ylim(-0.6, len(causes) - 0.4)
    axes.set_xlim(0, max(totals.values()) * 1.1)
    axes.set_xlabel("requests lost")
    canvas.count_axis(axes.xaxis)
    axes.grid(axis="x", color=theme.line, linewidth=0.8)
    figure.legend(loc="outside lower right", ncols=len(fills), frameon=False, fontsize=canvas.SMALL)
    return figure
