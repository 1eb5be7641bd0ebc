"""The pictures are whole, legible, and drawn without a word of complaint whatever the hosts are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as Tree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from analyzer.model import CauseName, Hour, Report
from analyzer.report import charts
from analyzer.report.charts import by_cause, heat_map, over_time
from analyzer.report.charts.canvas import drawing_in
from analyzer.report.charts.themes import DARK, LIGHT, Theme
from analyzer.report.summary import headline
from tests.report import make

PROTAN = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])
DEUTAN = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])


def lab(seen: np.ndarray, colour: str) -> np.ndarray:
    """L*a*b* (D65) of a colour as a reader with this deficiency sees it."""
    rgb = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(seen @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    x, y, z = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


CHARTS = ("failures-over-time", "backends-by-hour", "causes")
NAMES = tuple(f"{chart}{theme}.png" for chart in CHARTS for theme in ("", "-dark"))
PAPER = {"": (255, 255, 255), "-dark": (24, 31, 40)}


def long_labels() -> Report:
    hosts = (
        "a" * 63 + "." + "b" * 63 + ".example",
        "_hidden.example",
        "$\\alpha$.example",
        "日本語.example",
        "ﷺ.example",
    )
    return make.report(*(make.finding(host, counts={1: 4 + place}) for place, host in enumerate(hosts)))


def years() -> Report:
    hours = tuple(Hour(start=datetime(year, 1, 1, tzinfo=UTC), failures=3, requests=None) for year in range(2015, 2026))
    return make.report(make.finding(cluster={"timeline": hours}))


def many() -> Report:
    return make.report(*(make.finding(f"h{place}.example", counts={place % 40: 1 + place}) for place in range(300)))


REPORTS: dict[str, Callable[[], Report]] = {
    "rich": make.rich,
    "empty": make.empty,
    "one": lambda: make.report(make.rich().findings[0]),
    "crowded": make.crowded,
    "long labels": long_labels,
    "years": years,
    "many": many,
    "no timeline": lambda: make.report(make.finding(cluster={"timeline": ()})),
    **{f"hostile {place}": partial(make.hostile, text) for place, text in enumerate(make.HOSTILE)},
}


def edge(picture: Image.Image) -> Iterator[object]:
    """The pixels of a frame three wide."""
    wide, high = picture.size
    for box in ((0, 0, wide, 3), (0, high - 3, wide, high), (0, 0, 3, high), (wide - 3, 0, wide, high)):
        for _, colour in picture.crop(box).getcolors() or ():
            yield colour


@pytest.mark.parametrize("name", REPORTS)
def test_each_picture_is_whole_and_nothing_is_cut_at_its_edge(tmp_path: Path, name: str) -> None:
    written = charts.write(REPORTS[name](), tmp_path)
    assert [path.name for path in written] == list(NAMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    for path in written:
        with Image.open(path) as file:
            assert file.format == "PNG"
            picture = file.convert("RGB")
        assert picture.width == 1300
        assert 200 <= picture.height <= 2500
        assert set(edge(picture)) == {PAPER["-dark" if path.stem.endswith("-dark") else ""]}
        assert len(picture.getcolors(1 << 20) or ()) > 20
        assert path.stat().st_size < 400_000


def test_the_same_report_gives_the_same_pictures(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        charts.write(make.rich(), tmp_path / name)
    for name in NAMES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_the_readers_own_matplotlib_settings_stay_and_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    charts.write(make.rich(), tmp_path / "plain")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "figure.dpi": 20}):
        before = dict(mpl.rcParams)
        charts.write(make.rich(), tmp_path)
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "causes.png").read_bytes() == (tmp_path / "plain" / "causes.png").read_bytes()


# the structure of each picture: what is drawn, not its pixels


def drawn(chart: ModuleType, report: Report) -> Figure:
    with drawing_in(LIGHT):
        return chart.draw(report, LIGHT)  # type: ignore[no-any-return]


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_failures_over_time_are_stacked_by_cause_and_add_up() -> None:
    report = make.rich()
    figure = drawn(over_time, report)
    axes = figure.axes[0]
    heights = sum(bar.get_height() for bar in axes.patches)  # type: ignore[attr-defined]
    assert heights == sum(h.failures for f in report.findings for h in f.cluster.timeline)
    assert legend_of(figure)[:2] == ["Root not given to the gateway", "Certificate is for another name"]
    assert (
        figure.get_suptitle() == "Failures peaked at 105 in the hour from 2025-11-18 09:00 UTC; 6 of 9 cases still fail"
    )
    assert axes.get_xlabel() == "2025-11-17 to 2025-11-19, UTC"
    assert axes.get_ylabel() == "failures per hour"


def test_a_cause_has_one_colour_in_every_bar_and_no_two_share_one() -> None:
    figure = drawn(over_time, make.rich())
    handles = figure.axes[0].get_legend_handles_labels()[0]
    colours = [{to_hex(bar.get_facecolor()) for bar in container} for container in handles]
    assert all(len(one) == 1 for one in colours)
    assert len(set().union(*colours)) == len(colours) == len(legend_of(figure))


def test_causes_beyond_the_palette_and_clusters_only_counted_are_one_grey_stack() -> None:
    assert legend_of(drawn(over_time, make.crowded()))[-1] == "Not judged, only counted"
    many_causes = [c for c in CauseName if c is not CauseName.UNKNOWN]
    report = make.report(
        *(make.finding(f"h{n}.example", lead=c, counts={1: 30 - n}) for n, c in enumerate(many_causes))
    )
    assert legend_of(drawn(over_time, report))[-1] == f"{len(many_causes) - 8} other causes"


def test_the_heat_map_has_a_row_per_backend_worst_first_and_covers_each_failing_hour_once() -> None:
    report = make.rich()
    figure = drawn(heat_map, report)
    axes = figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows[:2] == ["orders.contoso.example:443", "pay.fabrikam.example:443"]
    assert len(rows) == len({f.cluster.backend.label for f in report.findings})
    area = 0.0
    for patch in axes.patches:
        for box in patch.get_path().to_polygons():
            (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
            area += (right - left) * 24 * round(bottom - top, 6) / 0.8
    cells = {(f.cluster.backend.label, h.start) for f in report.findings for h in f.cluster.timeline if h.failures}
    assert round(area) == len(cells)
    assert figure.get_suptitle().startswith("Most at once: 3 of 9 backends failed in the hour from ")


def test_the_heat_map_says_which_backends_it_leaves_out() -> None:
    axes = drawn(heat_map, many()).axes[0]
    assert len(axes.get_yticklabels()) == heat_map.MOST
    assert axes.get_xlabel().endswith("; 280 more backends with fewer are not drawn")


@pytest.mark.parametrize("busiest", [1, 2, 5, 6, 7, 20, 100, 1234, 10**6])
def test_shades_rise_and_the_busiest_cell_has_one(busiest: int) -> None:
    edges = heat_map.edges_of(busiest)
    assert edges[0] == 1
    assert list(edges) == sorted(set(edges))
    assert len(edges) <= len(LIGHT.heat)
    assert edges[-1] <= busiest


def test_causes_are_sorted_by_requests_lost_and_split_by_verdict() -> None:
    report = make.rich()
    figure = drawn(by_cause, report)
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[-1] == "Root not given to the gateway\n(scenario 2a)"
    assert legend_of(figure) == ["confirmed", "likely", "unknown"]
    assert [text.get_text() for text in axes.texts][-1] == "344"
    assert sum(bar.get_width() for bar in axes.patches) == sum(f.cluster.failures for f in report.findings)  # type: ignore[attr-defined]
    assert figure.get_suptitle() == headline(report)


# the same in the page


@pytest.mark.parametrize("name", REPORTS)
def test_in_the_page_a_picture_has_no_style_no_address_and_its_own_ids(name: str) -> None:
    pictures = charts.inline(REPORTS[name]())
    assert [p.name for p in pictures] in ([], ["causes"], list(CHARTS))
    ids: list[str] = []
    for picture in pictures:
        root = Tree.fromstring(picture.svg)  # noqa: S314  our own
        for element in root.iter():
            assert element.tag in {"svg", "g", "path", "use", "text", "tspan", "defs", "clipPath", "rect", "pattern"}
            assert "style" not in element.attrib
            assert str(element.attrib.get("href", "#")).startswith("#")
            assert not any(key.startswith("on") for key in element.attrib)
            ids += [element.attrib["id"]] if "id" in element.attrib else []
        assert re.search(r"[{:]", "".join(root.attrib)) is None
        assert len(picture.svg) < 120_000
        assert picture.finding
    assert len(ids) == len(set(ids))


def test_in_the_page_every_colour_follows_the_theme() -> None:
    for picture in charts.inline(make.rich()):
        assert "var(--chart-" in picture.svg
        assert re.findall(r'"#[0-9a-f]{6}"', picture.svg) == []
    css = (Path(charts.__file__).parents[1] / "templates" / "charts.css").read_text(encoding="utf-8")
    for theme in (LIGHT, DARK):
        for name, colour in theme.variables().items():
            assert f"{name}: {colour};" in css, (theme.name, name)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_no_two_colours_of_a_theme_are_the_same(theme: Theme) -> None:
    colours = list(theme.variables().values())
    assert len(colours) == len(set(colours))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("seen", [PROTAN, DEUTAN], ids=["protan", "deutan"])
def test_neighbours_in_a_stack_differ_for_colour_blind_readers(theme: Theme, seen: np.ndarray) -> None:
    """Machado, Oliveira & Fernandes 2009, severity 1.0; distance in CIELAB (CIE 1976)."""
    colours = [lab(seen, colour) for colour in (*theme.series, theme.other)]
    for one, next_ in pairwise(colours):
        assert float(np.linalg.norm(one - next_)) > 20
