"""A blank figure in a theme, its title and its legend, and the text that may stand in it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import matplotlib as mpl
from matplotlib import dates, font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.report.charts.themes import Theme
from analyzer.report.plain import elided, line

WIDE, DPI = 10.0, 130  # inches, dots per inch
SMALL = 9.5  # points, of legends
_FONT = "DejaVu Sans"  # travels with matplotlib
# how a tick is written where its unit starts anew: year, month, day, hour, minute, second
_ZERO_FORMATS = ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]


@contextmanager
def drawing_in(theme: Theme) -> Iterator[None]:
    """Whatever is drawn inside is in this theme, whatever the reader's own settings of matplotlib; they are back afterwards."""
    style: dict[str, Any] = {
        "font.family": [_FONT],
        "font.size": 11,
        "text.parse_math": False,  # a dollar sign from a log is a dollar sign
        "text.usetex": False,
        "text.color": theme.ink,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.muted,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "axes.axisbelow": True,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "figure.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "apim-triage",  # the same ids in every run
        "path.simplify": False,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(style)  # type: ignore[arg-type]  # the stubs list each key
        yield


def draw_letters() -> None:
    """Inside `drawing_in`: letters become outlines, for a picture that stands alone."""
    mpl.rcParams["svg.fonttype"] = "path"


def blank(*, high: float) -> tuple[Figure, Axes]:
    """An empty figure of the width that all have, `high` inches high."""
    figure = Figure(figsize=(WIDE, high), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    return figure, figure.add_subplot()


def title(figure: Figure, text: str) -> None:
    """The finding, above everything, broken where its letters reach the edge: a host may be all W."""
    font = font_manager.FontProperties(family=_FONT, size=13.5, weight="bold")
    lines = [""]
    for word in shown(text, 200).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and TextPath((0, 0), longer, prop=font).get_extents().width > (WIDE - 0.4) * 72:
            lines.append(word)
        else:
            lines[-1] = longer
    figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=13.5, fontweight="bold")


def only_words(text: str) -> Figure:
    """A picture that says why it shows nothing else."""
    figure, axes = blank(high=2.4)
    axes.set_axis_off()
    said = textwrap.fill(shown(text, 200), 60)
    axes.text(0.5, 0.5, said, ha="center", va="center", fontsize=15, transform=axes.transAxes)
    return figure


def legend(figure: Figure, axes: Axes) -> None:
    """Below the axes, in two columns where the labels are short enough for that."""
    labels = axes.get_legend_handles_labels()[1]
    font = font_manager.FontProperties(family=_FONT, size=SMALL)
    widest = max(TextPath((0, 0), label, prop=font).get_extents().width for label in labels) / 72  # points to inches
    figure.legend(loc="outside lower center", ncols=2 if widest < 0.4 * WIDE else 1, frameon=False, fontsize=SMALL)


def days(moment: datetime) -> float:
    """A time as matplotlib's dates have it."""
    return float(dates.date2num(moment))  # type: ignore[no-untyped-call]


def time_axis(axes: Axes) -> None:
    """Few ticks, written as shortly as they can be."""
    locator = dates.AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = dates.ConciseDateFormatter(locator, zero_formats=_ZERO_FORMATS, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)


def count_axis(axis: Axis) -> None:
    """Whole numbers, with separators."""
    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def shown(text: str, longest: int) -> str:
    """The text on one line, shortened in the middle, with the font's own sign for characters that it lacks."""
    known = font_manager.get_font(font_manager.findfont(_FONT)).get_charmap()
    return "".join(c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in elided(line(text), longest))
