"""A week's summary, offline and real: eight generated weeks with known incidents in, from files or from a workspace on loopback."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from analyzer.lab.eight_weeks import WEEKS, eight_weeks
from analyzer.lab.logs import blob_lines
from analyzer.lab.week import END
from analyzer.model import Summary, Window
from analyzer.sources import read
from analyzer.tally import Tally
from analyzer.weekly.flow import weekly
from analyzer.weekly.history import History
from analyzer.weekly.weeks import week_of

if TYPE_CHECKING:
    from analyzer.checking import Progress
    from analyzer.sources.workspace.places import Workspaces

MORNING = END + timedelta(hours=7)
"""The Monday after the eight weeks, when such a summary is made."""


def week_demo(
    week: str | None = None,
    *,
    workspace: bool = False,
    weeks: int = WEEKS,
    history: Path | None = None,
    on_progress: Progress | None = None,
) -> Summary:
    """The summary of one of the eight weeks, held against the `weeks` - 1 before it and what `history` has; None: of the last.

    `workspace`: the logs are in a workspace, whose query API on loopback the real client asks; else they are in a file.
    """
    wanted = week_of(week, UTC, MORNING)
    since = wanted.end - timedelta(weeks=weeks)
    events = tuple(e for e in eight_weeks() if since <= e.time < wanted.end)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="apim-triage-")))
        asked: Workspaces | None = None
        if workspace:
            from analyzer.lab import workspace_demo

            asked, _, _ = opened.enter_context(workspace_demo.asked(MORNING, events))
        else:
            (folder / "PT1H.json").write_text(blob_lines(events), encoding="utf-8")

        def reader(window: Window) -> Tally:
            sources = [] if workspace else [str(folder)]
            return read(sources, window=window, workspaces=asked, now=MORNING, on_progress=on_progress)

        return weekly(
            reader,
            week=wanted,
            zone=UTC,
            now=MORNING,
            weeks=weeks,
            history=History(history, "UTC") if history is not None else None,
            on_progress=on_progress,
        )
