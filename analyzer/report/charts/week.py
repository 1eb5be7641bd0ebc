"""From a week's Summary to pictures titled with what they show: week over week by kind, and backend by hour of the week; light and dark."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.model import Kind, Summary
from analyzer.report import week_words as said
from analyzer.report import words
from analyzer.report.plain import elided, line

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("week-over-week", "heat-map")
_WIDE, _DPI, _SMALL = 10.0, 130, 9.5  # inches, dots per inch, points
_FONT = "DejaVu Sans"  # travels with matplotlib
_MOST_KINDS = 7
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours on light or on dark paper."""

    name: str
    paper: str
    ink: str
    muted: str
    line: str
    series: tuple[str, ...]
    other: str
    heat: tuple[str, ...]  # few to many


# Series: Okabe & Ito, "Color Universal Design", in the order that keeps neighbours apart, lightened for dark paper.
LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1b2330",
    muted="#566070",
    line="#d9dee6",
    series=("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f"),
    other="#b5b5b5",
    heat=("#cfe3f3", "#6faed9", "#1f689d", "#0b2f4f"),
)
DARK = Theme(
    name="dark",
    paper="#181f28",
    ink="#e4e9f0",
    muted="#a0acbb",
    line="#313c49",
    series=("#3d9bdc", "#f0b429", "#1fbf8f", "#ee7733", "#c2699e", "#8fd0f7", "#b8963f"),
    other="#707b89",
    heat=("#24425c", "#2a709c", "#77bbe8", "#e6f4fd"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture for the page, in both themes."""

    name: str
    finding: str
    light: bytes  # SVG
    dark: bytes  # SVG


def findings(summary: Summary) -> dict[str, str]:
    """What each picture shows, in words: its title, and what is read out instead of it."""
    return {NAMES[0]: _compared(summary), NAMES[1]: _hottest(summary)}


def pictures(summary: Summary) -> tuple[Picture, ...]:
    """The pictures that have something to show, as SVG."""
    told = findings(summary)
    return tuple(
        Picture(
            name=name,
            finding=told[name],
            light=_drawn(_DRAW[name], summary, LIGHT, "svg"),
            dark=_drawn(_DRAW[name], summary, DARK, "svg"),
        )
        for name in NAMES
        if told[name]
    )


def write(summary: Summary, folder: Path) -> tuple[Path, ...]:
    """The paths written into `folder`, which exists: each picture as PNG and SVG, in light, and in dark as NAME-dark."""
    told, found = findings(summary), []
    for name in NAMES:
        for theme in (LIGHT, DARK):
            for form in ("png", "svg"):
                path = folder / f"{name}{'' if theme is LIGHT else '-dark'}.{form}"
                path.write_bytes(_drawn(_DRAW[name] if told[name] else _nothing, summary, theme, form))
                found.append(path)
    return tuple(found)


def _drawn(draw: Callable[[Summary, Theme], Figure], summary: Summary, theme: Theme, form: str) -> bytes:
    """One picture's file: the same bytes in every run."""
    file = io.BytesIO()
    metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    with _drawing_in(theme):
        draw(summary, theme).savefig(file, format=form, metadata=metadata, dpi=_DPI)
    return file.getvalue()


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
    figure, axes = _blank(high=4.6)
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
            axes.bar(
                places,
                heights,
                bottom=base,
                color=colour,
                label=label,
                width=0.72,
                edgecolor=theme.paper,
                linewidth=0.6,
            )
            base = [one + other for one, other in zip(base, heights, strict=True)]
    top = max(base)
    for place, one in enumerate(summary.trend):
        if one.known:
            note = f"{one.failures:,}" + (" (partly)" if one.partial else "")
            axes.annotate(note, (place, base[place]), (0, 4), textcoords="offset points", ha="center", color=theme.ink)
        else:
            axes.bar([place], [top], width=0.72, color="none", edgecolor=theme.line, hatch="///", linewidth=0)
            axes.text(
                place, top / 2, "not known", rotation=90, ha="center", va="center", color=theme.muted, fontsize=_SMALL,
                bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 2},
            )  # fmt: skip
    axes.set_xticks(list(places), [t.week.label for t in summary.trend])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, top * 1.12)
    axes.set_xlim(-0.6, max(len(summary.trend), 4) - 0.4)
    axes.set_ylabel("lost calls")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=theme.line, linewidth=0.8)
    _title(figure, _compared(summary))
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=_SMALL)
    return figure


def _kinds(summary: Summary) -> list[str]:
    """The kinds that have a colour of their own: those with most failures in the weeks shown."""
    sums: dict[str, int] = {}
    for one in summary.trend:
        for share in one.kinds:
            sums[share.value] = sums.get(share.value, 0) + share.failures
    return sorted(sums, key=lambda kind: (-sums[kind], kind))[:_MOST_KINDS]


def _heat_map(summary: Summary, theme: Theme) -> Figure:
    rows = summary.heat
    figure, axes = _blank(high=1.7 + 0.34 * len(rows))
    zone, week = said.zone_of(summary.week), summary.week
    width = week.hours
    cells = [[0] * width for _ in rows]
    for place, (_, hours) in enumerate(rows):
        for one in hours:
            column = min(max((one.start - week.start) // _HOUR, 0), width - 1)  # an hour that the week's edge cuts
            cells[place][column] += one.failures
    most = max(max(row) for row in cells)
    shades = LinearSegmentedColormap.from_list("heat", theme.heat)
    shown = [[number or float("nan") for number in row] for row in cells]
    mesh = axes.pcolormesh(
        range(width + 1),
        [place - 0.5 for place in range(len(rows) + 1)],
        shown,
        cmap=shades,
        norm=LogNorm(1, max(most, 2)),
        rasterized=True,  # a path for each hour would make the page heavy
        linewidth=0,
    )
    axes.hlines([place + 0.5 for place in range(len(rows))], 0, width, color=theme.paper, linewidth=4)
    days = [column for column in range(width) if (week.start + column * _HOUR).astimezone(zone).hour == 0]
    starts = [column for n, column in enumerate(days) if n == 0 or column - days[n - 1] > 1]
    axes.set_xticks(starts, [f"{(week.start + c * _HOUR).astimezone(zone):%a %d %b}" for c in starts], ha="left")
    axes.grid(axis="x", color=theme.line, linewidth=0.8)
    axes.tick_params(length=0)
    axes.set_yticks(range(len(rows)), [_shown(name, 40) for name, _ in rows])
    axes.tick_params(axis="y", labelcolor=theme.ink, labelsize=_SMALL)
    axes.set_xlim(0, width)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"hours, {week.zone}")
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=12)
    bar.set_label("lost calls per hour", fontsize=_SMALL)
    bar.outline.set_visible(False)
    ticks = [n for n in (1, 2, 5, 10, 20, 50, 100, 1_000, 10_000, 100_000) if n <= max(most, 2)]
    bar.set_ticks(ticks[:: max(len(ticks) // 5, 1)])
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    bar.ax.minorticks_off()
    _title(figure, _hottest(summary))
    return figure


_DRAW: dict[str, Callable[[Summary, Theme], Figure]] = {NAMES[0]: _week_over_week, NAMES[1]: _heat_map}


def _nothing(summary: Summary, _: Theme) -> Figure:
    figure, axes = _blank(high=2.4)
    axes.set_axis_off()
    text = textwrap.fill(_shown(said.headline(summary), 200), 60)
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=15, transform=axes.transAxes)
    return figure


@contextmanager
def _drawing_in(theme: Theme) -> Iterator[None]:
    """Whatever the reader's own settings of matplotlib are; they are back afterwards."""
    style: dict[str, Any] = {
        "font.family": [_FONT],
        "font.size": 11,
        "text.parse_math": False,  # a dollar sign from a log is a dollar sign
        "text.color": theme.ink,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.muted,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "figure.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "hatch.color": theme.line,
        "svg.hashsalt": "apim-triage",  # the same ids in every run
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(style)  # type: ignore[arg-type]  # the stubs list each key
        yield


def _blank(*, high: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDE, high), dpi=_DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    return figure, figure.add_subplot()


def _title(figure: Figure, text: str) -> None:
    """The finding, above everything, broken where its letters really reach the edge: a host may be all W."""
    font = font_manager.FontProperties(family=_FONT, size=13.5, weight="bold")
    lines = [""]
    for word in _shown(text, 200).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and TextPath((0, 0), longer, prop=font).get_extents().width > (_WIDE - 0.4) * 72:
            lines.append(word)
        else:
            lines[-1] = longer
    figure.suptitle("\n".join(lines), x=0.012, ha="left", fontproperties=font)


def _shown(text: str, longest: int) -> str:
    """The text on one line, shortened in the middle, with the font's own sign for characters that it lacks."""
    known = font_manager.get_font(font_manager.findfont(_FONT)).get_charmap()
    return "".join(c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in elided(line(text), longest))
