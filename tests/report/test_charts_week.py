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
from analyzer.report.charts import canvas, week
from tests.report import make, weeks

SUMMARIES: dict[str, Callable[[], Summary]] = {
    "rich": weeks.rich,
    "empty": weeks.empty,
    "quiet": weeks.quiet,
    **{f"hostile {place}": partial(weeks.hostile, make.HOSTILE[place]) for place in (4, 5, 8)},
}
FILES = {
    f"{name}{theme}.{form}"
    for name in ("week-over-week", "week-by-hour")
    for theme in ("", "-dark")
    for form in ("png", "svg")
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_each_picture_is_whole_and_nothing_is_cut_at_its_edge(tmp_path: Path, name: str) -> None:
    written = week.write(SUMMARIES[name](), tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()} == FILES
    for path in written:
        if path.suffix == ".svg":
            root = ElementTree.parse(path).getroot()  # noqa: S314  our own drawing
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert not any(e.tag.endswith(("script", "foreignObject")) for e in root.iter())
            continue
        with Image.open(path) as file:
            picture = file.convert("RGB")
        paper = week.DARK.paper if "dark" in path.name else week.LIGHT.paper
        wide, high = picture.size
        assert wide == 1300
        assert 200 <= high <= 1200
        edge = [(0, 0, wide, 3), (0, high - 3, wide, high), (0, 0, 3, high), (wide - 3, 0, wide, high)]
        colours = {colour for box in edge for _, colour in picture.crop(box).getcolors() or ()}
        assert colours == {tuple(bytes.fromhex(paper[1:]))}
        assert len(picture.getcolors(1 << 20) or ()) > 20


def test_the_structure_of_week_over_week_is_that_of_the_trend() -> None:
    """Bars and labels, not pixels: one bar a kind and week, its height the failures, and a dashed one where nothing is known."""
    summary = weeks.rich()
    with canvas.drawing_in(week.LIGHT):
        (axes,) = week._week_over_week(summary, week.LIGHT).axes
    labels = [t.get_text() for t in axes.get_xticklabels()]
    assert labels == [t.week.label for t in summary.trend]
    dashed = [p for p in axes.patches if p.get_linestyle() == "--"]
    assert len(dashed) == sum(not t.known for t in summary.trend)
    heights = sum(p.get_height() for p in axes.patches if p not in dashed)
    assert round(heights) == sum(t.failures for t in summary.trend)


def test_the_structure_of_the_hours_is_that_of_the_summary() -> None:
    summary = weeks.rich()
    with canvas.drawing_in(week.LIGHT):
        (axes,) = week._heat_map(summary, week.LIGHT).axes
    area = 0.0
    for patch in axes.patches:
        for box in patch.get_path().to_polygons():
            (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
            assert round(bottom - top, 3) == 0.8
            area += right - left
    assert round(area) == sum(len(hours) for _, hours in summary.heat)
    assert [t.get_text() for t in axes.get_yticklabels()] == [name for name, _ in summary.heat]
    assert axes.get_xlim() == (0, 168)


def test_the_same_summary_gives_the_same_pictures_and_leaves_the_settings_alone(tmp_path: Path) -> None:
    summary = weeks.rich()
    settings = dict(mpl.rcParams)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        week.write(summary, tmp_path / name)
    assert dict(mpl.rcParams) == settings
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_titles_say_what_the_picture_shows() -> None:
    told = week.findings(weeks.rich())
    assert "calls lost" in told["week-over-week"]
    assert "Worst hour" in told["week-by-hour"]
    assert week.findings(weeks.quiet()) == {"week-over-week": "", "week-by-hour": ""}
    assert week.inline(weeks.quiet()) == ()
