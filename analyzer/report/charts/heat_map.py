"""Backend × hour: when which backend failed, and what began together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline

from analyzer.model import Hour, Report
from analyzer.report import words
from analyzer.report.charts import canvas
from analyzer.report.charts.themes import Theme
from analyzer.report.timeline import DAY, HOUR, NAMES, WEEK, bucketed

NAME = "backends-by-hour"
MOST = 20
"""Backends that have a row."""


def finding(report: Report) -> str:
    """When most backends failed at once; "" where no hour holds a failure."""
    cells, step = _cells(report)
    if not cells:
        return ""
    at_once = Counter(at for row in cells.values() for at in row)
    most_at, most = min(at_once.items(), key=lambda item: (-item[1], item[0]))
    name = NAMES[step]
    if len(cells) == 1:
        return f"One backend failed, in {words.count(len(at_once), name)}"
    if most == 1:
        return f"No two of {len(cells):,} backends failed in the same {name}"
    return f"Most at once: {most:,} of {len(cells):,} backends failed in the {name} from {words.when(most_at)}"


def draw(report: Report, theme: Theme) -> Figure:
    """The figure; `finding` is not empty. A cell is one bucket of one backend, over all gateways."""
    cells, step = _cells(report)
    rows = sorted(cells, key=lambda label: (-sum(cells[label].values()), label))[:MOST]
    figure, axes = canvas.blank(high=1.9 + 0.3 * len(rows))
    edges = edges_of(max(n for label in rows for n in cells[label].values()))
    shades = _spread(theme.heat, len(edges))
    for shade, boxes in _boxes([cells[label] for label in rows], step, edges).items():
        axes.add_patch(PathPatch(Outline.make_compound_path(*boxes), facecolor=shades[shade], linewidth=0))
    canvas.title(figure, finding(report))
    first, last = min(min(row) for row in cells.values()), max(max(row) for row in cells.values())
    last = max(last + step, first + 12 * step)  # a single cell is no wall
    axes.set_xlim(canvas.days(first), canvas.days(last))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [canvas.shown(label, 36) for label in rows])
    axes.tick_params(axis="y", length=0, labelcolor=theme.ink, labelsize=canvas.SMALL)
    canvas.time_axis(axes)
    axes.set_xlabel(f"UTC; failures per {NAMES[step]}{_left_out(len(cells))}")
    axes.set_yticks([place + 0.5 for place in range(len(rows) - 1)], minor=True)
    axes.grid(axis="y", which="minor", color=theme.line, linewidth=0.8)
    axes.tick_params(axis="y", which="minor", length=0)
    names = [f"{low:,}" if low + 1 == high else f"{low:,} to {high - 1:,}" for low, high in pairwise(edges)]
    keys = [Patch(facecolor=shades[n], label=name) for n, name in enumerate([*names, f"{edges[-1]:,} or more"])]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, fontsize=canvas.SMALL)
    return figure


def _spread(shades: tuple[str, ...], number: int) -> tuple[str, ...]:
    """So many of the shades, as far apart as they can be; one alone is from the middle."""
    last = len(shades) - 1
    return tuple(shades[round(last * (place + 0.5) / number)] for place in range(number))


def edges_of(busiest: int) -> tuple[int, ...]:
    """The least number of each shade, rising; about as many times more from shade to shade up to the busiest cell."""
    if busiest <= 6:
        return tuple(range(1, max(busiest, 1) + 1))
    step = busiest ** (1 / 6)
    edges = [1]
    for place in range(1, 6):
        edges.append(max(edges[-1] + 1, _round(step**place)))
    return tuple(edges)


def _round(number: float) -> int:
    """To one digit, or to a half of the next power of ten."""
    scale: int = 10 ** max(len(str(int(number))) - 1, 0)
    return max(1, round(number / scale) * scale)


def _cells(report: Report) -> tuple[dict[str, dict[datetime, int]], timedelta]:
    """Failures by backend and bucket, and how long a bucket is: an hour up to eight days, a day up to half a year, else a week."""
    hours: dict[str, list[Hour]] = defaultdict(list)
    for one in report.findings:
        hours[words.label(one.cluster.backend)].extend(h for h in one.cluster.timeline if h.failures)
    starts = [h.start for some in hours.values() for h in some]
    span = max(starts) + HOUR - min(starts) if starts else HOUR
    step = HOUR if span <= 8 * DAY else DAY if span <= 184 * DAY else WEEK
    return {label: bucketed(some, step) for label, some in hours.items() if some}, step


def _boxes(rows: list[dict[datetime, int]], step: timedelta, edges: tuple[int, ...]) -> dict[int, list[Outline]]:
    """The rectangles of each shade; neighbours of one shade are one rectangle."""
    boxes: dict[int, list[Outline]] = defaultdict(list)
    for place, row in enumerate(rows):
        for shade, first, last in _runs(row, step, edges):
            left, right, top, bottom = canvas.days(first), canvas.days(last + step), place - 0.4, place + 0.4
            corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
            boxes[shade].append(Outline(corners, closed=True))
    return dict(sorted(boxes.items()))


def _runs(
    row: dict[datetime, int], step: timedelta, edges: tuple[int, ...]
) -> Iterator[tuple[int, datetime, datetime]]:
    def key(item: tuple[int, tuple[datetime, int]]) -> tuple[datetime, int]:
        place, (at, number) = item
        return at - place * step, sum(number >= low for low in edges) - 1

    for (_, shade), run in groupby(enumerate(row.items()), key):
        moments = [at for _, (at, _) in run]
        yield shade, moments[0], moments[-1]


def _left_out(backends: int) -> str:
    return f"; {words.count(backends - MOST, 'more backend')} with fewer are not drawn" if backends > MOST else ""
