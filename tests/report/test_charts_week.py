"""The week's pictures are whole, titled with what they show, and the same in every run; in light and in dark."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from PIL import Image

from analyzer.model import Summary
from analyzer.report import charts_week
from tests.report import make, weeks

SUMMARIES: dict[str, Callable[[], Summary]] = {
    "rich": weeks.rich,
    "empty": weeks.empty,
    "quiet": weeks.quiet,
    **{f"hostile {place}": partial(weeks.hostile, make.HOSTILE[place]) for place in (4, 5, 8)},
}
FILES = {
    f"{name}{theme}.{form}"
    for name in ("week-over-week", "heat-map")
    for theme in ("", "-dark")
    for form in ("png", "svg")
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_each_picture_is_whole_and_nothing_is_cut_at_its_edge(tmp_path: Path, name: str) -> None:
    written = charts_week.write(SUMMARIES[name](), tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()} == FILES
    for path in written:
        if path.suffix == ".svg":
            root = ElementTree.parse(path).getroot()  # noqa: S314  our own drawing
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert not any(e.tag.endswith(("script", "foreignObject")) for e in root.iter())
            continue
        with Image.open(path) as file:
            picture = file.convert("RGB")
        paper = charts_week.DARK.paper if "dark" in path.name else charts_week.LIGHT.paper
        wide, high = picture.size
        assert wide == 1300
        assert 200 <= high <= 1200
        edge = [(0, 0, wide, 3), (0, high - 3, wide, high), (0, 0, 3, high), (wide - 3, 0, wide, high)]
        colours = {colour for box in edge for _, colour in picture.crop(box).getcolors() or ()}
        assert colours == {tuple(bytes.fromhex(paper[1:]))}
        assert len(picture.getcolors(1 << 20) or ()) > 20


def test_the_structure_of_week_over_week_is_that_of_the_trend() -> None:
    """Bars, labels and hatching, not pixels: one bar a kind and week, its height the failures, and what is not known hatched."""
    summary = weeks.rich()
    with charts_week._drawing_in(charts_week.LIGHT):
        (axes,) = charts_week._week_over_week(summary, charts_week.LIGHT).axes
    labels = [t.get_text() for t in axes.get_xticklabels()]
    assert labels == [t.week.label for t in summary.trend]
    bars = [p for p in axes.patches if not getattr(p, "get_hatch", lambda: None)()]
    assert round(sum(p.get_height() for p in bars)) == sum(t.failures for t in summary.trend)
    assert sum(1 for p in axes.patches if p.get_hatch()) == sum(not t.known for t in summary.trend)


def test_the_structure_of_the_heat_map_is_that_of_the_hours() -> None:
    summary = weeks.rich()
    with charts_week._drawing_in(charts_week.LIGHT):
        axes, _ = charts_week._heat_map(summary, charts_week.LIGHT).axes
    (mesh,) = axes.collections[:1]
    cells = mesh.get_array()
    assert cells.shape == (len(summary.heat), 168)
    assert cells.sum() == sum(h.failures for _, hours in summary.heat for h in hours)
    assert [t.get_text() for t in axes.get_yticklabels()] == [name for name, _ in summary.heat]


def test_the_same_summary_gives_the_same_pictures_and_leaves_the_settings_alone(tmp_path: Path) -> None:
    summary = weeks.rich()
    settings = dict(mpl.rcParams)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        charts_week.write(summary, tmp_path / name)
    assert dict(mpl.rcParams) == settings
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_titles_say_what_the_picture_shows() -> None:
    told = charts_week.findings(weeks.rich())
    assert "calls lost" in told["week-over-week"]
    assert "Worst hour" in told["heat-map"]
    assert charts_week.findings(weeks.quiet()) == {"week-over-week": "", "heat-map": ""}
    assert charts_week.pictures(weeks.quiet()) == ()
