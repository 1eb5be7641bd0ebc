"""Failures over time, stacked by cause: by hour, day or week as the span asks."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from matplotlib.figure import Figure

from analyzer.model import Hour, Report, State, Verdict
from analyzer.report import words
from analyzer.report.charts import canvas
from analyzer.report.charts.themes import Theme
from analyzer.report.timeline import DAY, HOUR, NAMES, bucketed, step_of

NAME = "failures-over-time"
NOT_JUDGED = "not judged, only counted"


def finding(report: Report) -> str:
    """When most calls failed, and how much goes on; "" where no hour holds a failure."""
    hours = _hours(report)
    if not hours:
        return ""
    step = _step(hours)
    peak_at, peak = max(bucketed(hours, step).items(), key=lambda item: (item[1], item[0]))
    going = sum(f.cluster.state is State.ONGOING for f in report.findings)
    return (
        f"Failures peaked at {peak:,} in the {NAMES[step]} from {words.when(peak_at)}; "
        f"{going or 'none'} of {words.count(len(report.findings), 'case')} still {'fails' if going == 1 else 'fail'}"
    )


def draw(report: Report, theme: Theme) -> Figure:
    """The figure; `finding` is not empty."""
    hours = _hours(report)
    step = _step(hours)
    figure, axes = canvas.blank(high=5.2)
    base: Counter[datetime] = Counter()
    for label, some, colour in _series(report, theme):
        bars = bucketed(some, step)
        axes.bar(
            [canvas.days(at) for at in bars],
            list(bars.values()),
            bottom=[base[at] for at in bars],
            width=step / DAY * 0.9,
            align="edge",
            color=colour,
            edgecolor=theme.paper,
            linewidth=0.4,
            label=label,
        )
        base.update(bars)
    canvas.title(figure, finding(report))
    canvas.time_axis(axes)
    begin, end = min(base), max(base) + step
    margin = max(step / 2, (12 * step - (end - begin)) / 2)  # room for twelve bars at least: one bar alone is no wall
    axes.set_xlim(canvas.days(begin - margin), canvas.days(end + margin))
    first, last = min(h.start for h in hours), max(h.start for h in hours)
    axes.set_xlabel(f"{' to '.join(dict.fromkeys((f'{first:%Y-%m-%d}', f'{last:%Y-%m-%d}')))}, UTC")
    axes.set_ylabel(f"failures per {NAMES[step]}")
    canvas.count_axis(axes.yaxis)
    axes.grid(axis="y", color=theme.line, linewidth=0.8)
    canvas.legend(figure, axes)
    return figure


def _hours(report: Report) -> list[Hour]:
    hours = [*(hour for f in report.findings for hour in f.cluster.timeline), *report.rest.timeline]
    return [hour for hour in hours if hour.failures]


def _step(hours: list[Hour]) -> timedelta:
    starts = [h.start for h in hours]
    return step_of(max(starts) + HOUR - min(starts))


def _series(report: Report, theme: Theme) -> list[tuple[str, list[Hour], str]]:
    """Label, hours and colour of each stack: the causes that cost most, those of the others together, what was not judged."""
    by_cause: dict[str, list[Hour]] = {}
    for finding_ in report.findings:
        open_ = finding_.lead.verdict not in (Verdict.CONFIRMED, Verdict.LIKELY)
        label = "cause not known" if open_ else words.CAUSES[finding_.lead.cause]
        by_cause.setdefault(label, []).extend(h for h in finding_.cluster.timeline if h.failures)
    worst = sorted(((label, some) for label, some in by_cause.items() if some), key=lambda item: -_sum(item[1]))
    top, rest = worst[: len(theme.series)], worst[len(theme.series) :]
    series = [(words.capital(label), some, colour) for (label, some), colour in zip(top, theme.series, strict=False)]
    others = [*(hour for _, some in rest for hour in some), *report.rest.timeline]
    names = [words.count(len(rest), "other cause")] if rest else []
    names += [NOT_JUDGED] if report.rest.timeline else []
    return [*series, (words.capital(" and ".join(names)), others, theme.other)] if names else series


def _sum(hours: list[Hour]) -> int:
    return sum(h.failures for h in hours)
