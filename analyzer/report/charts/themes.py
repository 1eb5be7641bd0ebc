"""The colours of the charts, on light and on dark paper; each place has one name, so that the page can follow the reader's theme."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as `#rrggbb`, all of one theme different, so that each can be told by its value."""

    name: str
    paper: str
    ink: str
    muted: str
    line: str
    series: tuple[str, ...]  # in the order that keeps neighbours apart
    other: str
    certain: str
    likely: str
    open: str
    open_edge: str
    heat: tuple[str, ...]  # few to many

    def variables(self) -> dict[str, str]:
        """Colours by the name of the page's CSS variable."""
        single = ("paper", "ink", "muted", "line", "other", "certain", "likely", "open", "open_edge")
        named = {f"--chart-{name.replace('_', '-')}": getattr(self, name) for name in single}
        named |= {f"--chart-series-{place}": colour for place, colour in enumerate(self.series)}
        return named | {f"--chart-heat-{place}": colour for place, colour in enumerate(self.heat)}


# The series are those of Okabe & Ito, "Color Universal Design"; its yellow is too pale for white paper, its black for dark.
LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1b2330",
    muted="#566070",
    line="#d9dee6",
    series=("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#3b3b3b", "#8c6d1f"),
    other="#b5b5b5",
    certain="#0073b3",
    likely="#8cc0e0",
    open="#d5d9df",
    open_edge="#8a93a0",
    heat=("#c4ddf1", "#a6cdea", "#6faed9", "#3f8bc0", "#1f689d", "#0b4370"),
)
DARK = Theme(
    name="dark",
    paper="#181f28",
    ink="#e4e9f0",
    muted="#a0acbb",
    line="#313c49",
    series=("#3d9bdc", "#f0b429", "#1fbf8f", "#ee7733", "#c2699e", "#8fd0f7", "#d5d9df", "#b8963f"),
    other="#707b89",
    certain="#3e9cdd",
    likely="#234c6b",
    open="#323c48",
    open_edge="#8a94a2",
    heat=("#24425c", "#265a80", "#2a709c", "#3f93c8", "#77bbe8", "#c3e4fb"),
)
