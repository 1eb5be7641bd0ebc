"""From a week's Summary to pictures titled with what they show: week over week by kind, and backend by hour of the week."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline

from analyzer.model import Kind, Summary
from analyzer.report import words
from analyzer.report.charts import Chart, canvas, png, vector
from analyzer.report.charts.heat_map import edges_of
from analyzer.report.charts.themes import DARK, LIGHT, Theme
from analyzer.report.plain import elided
from analyzer.report.week import words as said

NAMES = ("week-over-week", "week-by-hour")
_MOST_KINDS = 7
_HOUR = timedelta(hours=1)


def findings(summary: Summary) -> dict[str, str]:
    """What each picture shows, in words: its title, and what is read out instead of it; "" where there is nothing to show."""
    return {NAMES[0]: _compared(summary), NAMES[1]: _hottest(summary)}


def inline(summary: Summary) -> tuple[Chart, ...]:
    """The pictures that have something to show, as SVG that follows the page's theme."""
    found = []
    for name, finding in findings(summary).items():
        if finding:
            with canvas.drawing_in(LIGHT):
                figure = _DRAW[name](summary, LIGHT)
                figure.suptitle("")  # the page says it above the picture
                found.append(Chart(name=name, finding=finding, svg=vector.inline(figure, name)))
    return tuple(found)


def write(summary: Summary, folder: Path) -> tuple[Path, ...]:
    """The paths written into `folder`, which exists: each picture as PNG and SVG, in light, and in dark as NAME-dark.

    Where there is nothing to draw, the picture says so.
    """
    told, found = findings(summary), []
    for name in NAMES:
        for theme in (LIGHT, DARK):
            draw = _drawing(name if told[name] else "", summary, theme)
            place = folder / (name if theme is LIGHT else f"{name}-{theme.name}")
            found.append(png(draw, place.with_suffix(".png"), theme))
            found.append(_svg(draw, place.with_suffix(".svg"), theme))
    return tuple(found)


def _drawing(name: str, summary: Summary, theme: Theme) -> Callable[[], Figure]:
    return (lambda: _DRAW[name](summary, theme)) if name else (lambda: canvas.only_words(said.headline(summary)))


def _svg(draw: Callable[[], Figure], path: Path, theme: Theme) -> Path:
    """A picture that stands alone, its letters drawn: whoever opens it may lack the font. The same bytes in every run."""
    file = io.BytesIO()
    with canvas.drawing_in(theme):
        canvas.draw_letters()
        draw().savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    path.write_bytes(file.getvalue())
    return path


def _compared(summary: Summary) -> str:
    if not any(t.failures for t in summary.trend):
        return ""
    last = summary.trend[-1]
    return f"{last.week.label}: {words.count(last.failures, 'call')} lost. {said.compared(summary.trend)}"


def _hottest(summary: Summary) -> str:
    hours = [(h.failures, h.start, name) for name, those in summary.heat for h in those]
    if not hours:
        return ""
    most, at, name = max(hours, key=lambda h: (h[0], -h[1].timestamp()))
    return f"Worst hour: {words.count(most, 'call')} to {elided(name, 40)} lost from {said.when(at, said.zone_of(summary.week))}"


def _week_over_week(summary: Summary, theme: Theme) -> Figure:
    figure, axes = canvas.blank(high=4.6)
    kinds = _kinds(summary)
    places = range(len(summary.trend))
    base = [0] * len(summary.trend)
    for kind, colour in zip([*kinds, None], [*theme.series[: len(kinds)], theme.other], strict=True):
        heights = [
            sum(s.failures for s in t.kinds if (s.value == kind if kind else s.value not in kinds))
            for t in summary.trend
        ]
        if any(heights):
            label = textwrap.shorten(said.kind(Kind(kind)) if kind else "everything else", 60)
            bars = axes.bar(places, heights, bottom=base, width=0.72, color=colour, label=label)
            for bar in bars:
                bar.set(edgecolor=theme.paper, linewidth=0.6)
            base = [one + other for one, other in zip(base, heights, strict=True)]
    top = max(base)
    for place, one in enumerate(summary.trend):
        if one.known:
            note = f"{one.failures:,}" + (" (partly)" if one.partial else "")
            axes.annotate(note, (place, base[place]), (0, 4), textcoords="offset points", ha="center", color=theme.ink)
        else:
            axes.bar([place], [top], width=0.72, facecolor="none", edgecolor=theme.line, linestyle="--", linewidth=1)
            text = axes.text(place, top / 2, "not known", rotation=90, ha="center", va="center", color=theme.muted)
            text.set_fontsize(canvas.SMALL)
    axes.set_xticks(list(places), [t.week.label for t in summary.trend])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, top * 1.12)
    axes.set_xlim(-0.6, max(len(summary.trend), 4) - 0.4)
    axes.set_ylabel("lost calls")
    canvas.count_axis(axes.yaxis)
    axes.grid(axis="y", color=theme.line, linewidth=0.8)
    canvas.title(figure, _compared(summary))
    canvas.legend(figure, axes)
    return figure


def _kinds(summary: Summary) -> list[str]:
    """The kinds that have a colour of their own: those with most failures in the weeks shown."""
    sums: dict[str, int] = {}
    for one in summary.trend:
        for share in one.kinds:
            sums[share.value] = sums.get(share.value, 0) + share.failures
    return sorted(sums, key=lambda kind: (-sums[kind], kind))[:_MOST_KINDS]


def _heat_map(summary: Summary, theme: Theme) -> Figure:
    """Rows are the worst backends, columns the hours of the week in its zone; neighbours of one shade are one rectangle."""
    rows, week, zone = summary.heat, summary.week, said.zone_of(summary.week)
    figure, axes = canvas.blank(high=1.9 + 0.34 * len(rows))
    cells = [_columns(summary, place) for place in range(len(rows))]
    edges = edges_of(max(max(row.values()) for row in cells))
    shades = [theme.heat[round((len(theme.heat) - 1) * (n + 0.5) / len(edges))] for n in range(len(edges))]
    boxes: dict[int, list[Outline]] = {}
    for place, row in enumerate(cells):
        for shade, left, right in _stretches(row, edges):
            corners = [(left, place - 0.4), (right, place - 0.4), (right, place + 0.4), (left, place + 0.4)]
            boxes.setdefault(shade, []).append(Outline([*corners, corners[0]], closed=True))
    for shade, outlines in sorted(boxes.items()):
        axes.add_patch(PathPatch(Outline.make_compound_path(*outlines), facecolor=shades[shade], linewidth=0))
    days = [c for c in range(week.hours) if (week.start + c * _HOUR).astimezone(zone).hour == 0]
    starts = [c for n, c in enumerate(days) if n == 0 or c - days[n - 1] > 1]  # an hour that is there twice is one day
    axes.set_xticks(starts, [f"{(week.start + c * _HOUR).astimezone(zone):%a %d %b}" for c in starts], ha="left")
    axes.grid(axis="x", color=theme.line, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [canvas.shown(name, 36) for name, _ in rows])
    axes.tick_params(length=0)
    axes.tick_params(axis="y", labelcolor=theme.ink, labelsize=canvas.SMALL)
    axes.set_xlim(0, week.hours)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"hours, {week.zone}; lost calls per hour")
    tops = [*(edge - 1 for edge in edges[1:]), None]
    names = [
        f"{low:,} or more" if high is None else f"{low:,}" if low == high else f"{low:,} to {high:,}"
        for low, high in zip(edges, tops, strict=True)
    ]
    keys = [Patch(facecolor=shade, label=name) for shade, name in zip(shades, names, strict=True)]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, fontsize=canvas.SMALL)
    canvas.title(figure, _hottest(summary))
    return figure


def _columns(summary: Summary, place: int) -> dict[int, int]:
    """Failures by the hour of the week, of one backend; an hour that the week's edge cuts is the first or the last."""
    found: dict[int, int] = {}
    for one in summary.heat[place][1]:
        column = min(max((one.start - summary.week.start) // _HOUR, 0), summary.week.hours - 1)
        found[column] = found.get(column, 0) + one.failures
    return dict(sorted(found.items()))


def _stretches(row: dict[int, int], edges: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Hours next to each other of one shade: the shade, the first hour, the one after the last."""
    found: list[tuple[int, int, int]] = []
    for column, number in row.items():
        shade = sum(number >= low for low in edges) - 1
        if found and found[-1][0] == shade and found[-1][2] == column:
            found[-1] = (shade, found[-1][1], column + 1)
        else:
            found.append((shade, column, column + 1))
    return found


_DRAW: dict[str, Callable[[Summary, Theme], Figure]] = {NAMES[0]: _week_over_week, NAMES[1]: _heat_map}
