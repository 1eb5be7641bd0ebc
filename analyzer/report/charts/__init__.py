"""From a Report to pictures, titled with what they show: PNG for files, in light and dark, and SVG for the page. The only room with matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from analyzer.model import Report
from analyzer.report.charts import by_cause, canvas, heat_map, over_time, vector
from analyzer.report.charts.themes import DARK, LIGHT, Theme
from analyzer.report.summary import headline

_ALL = (over_time, heat_map, by_cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One picture in the page."""

    name: str
    finding: str  # what it shows, in words
    svg: str  # one element, in colours that the page's style names


def inline(report: Report) -> tuple[Chart, ...]:
    """The pictures that have something to show, as SVG that follows the page's theme."""
    found = []
    for one in _ALL:
        said = one.finding(report)
        if said:
            with canvas.drawing_in(LIGHT):
                figure = one.draw(report, LIGHT)
                figure.suptitle("")  # the page says it above the picture
                svg = vector.inline(figure, one.NAME)
            found.append(Chart(name=one.NAME, finding=said, svg=svg))
    return tuple(found)


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """The paths of the PNG files written into `folder`, which exists: each in light, and in dark as NAME-dark.png.

    Where there is nothing to draw, the picture says so.
    """
    return tuple(
        png(_drawing(one.draw if one.finding(report) else None, report, theme), folder / _file(one.NAME, theme), theme)
        for one in _ALL
        for theme in (LIGHT, DARK)
    )


def png(draw: Callable[[], Figure], path: Path, theme: Theme) -> Path:
    """What `draw` makes, as a PNG file in this theme: the same bytes in every run."""
    with canvas.drawing_in(theme):
        draw().savefig(path, format="png", metadata={"Software": None})
    return path


def _drawing(draw: Callable[[Report, Theme], Figure] | None, report: Report, theme: Theme) -> Callable[[], Figure]:
    return (lambda: draw(report, theme)) if draw else (lambda: canvas.only_words(headline(report)))


def _file(name: str, theme: Theme) -> str:
    return f"{name}.png" if theme is LIGHT else f"{name}-{theme.name}.png"
