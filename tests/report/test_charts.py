"""The pictures are whole, legible, and drawn without a word of complaint whatever the hosts are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import Image

from analyzer.model import Hour, Report
from analyzer.report import charts
from tests.report import make

NAMES = ("failures-over-time.png", "causes.png")


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
        assert set(edge(picture)) == {(255, 255, 255)}
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
