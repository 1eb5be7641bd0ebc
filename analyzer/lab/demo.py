"""The whole job, offline and real: the sample logs in, the lab's backends probed on loopback, a report out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from analyzer.aim import Aim
from analyzer.checking import Progress, probe_backends
from analyzer.lab import Lab
from analyzer.model import Evidence, Report, Window
from analyzer.pipeline import analyze
from analyzer.probing import Policy, Target

if TYPE_CHECKING:
    from analyzer.sources.workspace.places import Workspaces

LOOPBACK = ("127.0.0.0/8",)
NEVER = ("192.0.2.0/24",)  # TEST-NET-1 (RFC 5737): the sample's unreachable backend is never asked
DEADLINE = 3.0
"""Seconds per backend: enough on loopback, and one of the backends never answers."""


def sample_logs() -> Path:
    """The folder of sample logs: inside an installed package, else the checkout's."""
    package = Path(__file__).parents[1]
    return next(folder for folder in (package / "sample_logs", package.parent / "sample_logs") if folder.is_dir())


def demo(*, now: datetime | None = None, workspace: bool = False, on_progress: Progress | None = None) -> Report:
    """Start the lab, read the sample logs, probe, judge, and return the report; the lab is gone when it returns.

    `workspace`: the sample logs are in a workspace, which a query API on loopback answers for. Raises UsageError where what executes
    its queries is not installed.
    """
    now = now or datetime.now(UTC)

    def probe(targets: Sequence[Target]) -> tuple[Evidence, ...]:
        policy = Policy(allow=LOOPBACK, deny=NEVER)
        return probe_backends(targets, policy=policy, deadline=DEADLINE, on_progress=on_progress)

    with ExitStack() as opened:
        asked: Workspaces | None = None
        window = Window()
        if workspace:
            from analyzer.lab import workspace_demo

            asked, window, _ = opened.enter_context(workspace_demo.asked(now))
        lab = opened.enter_context(Lab(now=now))
        folder = opened.enter_context(TemporaryDirectory(prefix="apim-triage-"))
        given = Path(folder) / "given-to-the-gateway.pem"
        given.write_bytes(lab.ca_pem)
        places: dict[tuple[str, int | None], tuple[str, int | None]] = {
            (backend.host, 443): ("127.0.0.1", backend.port) for backend in lab.backends.values()
        }
        return analyze(
            [] if workspace else [sample_logs()],
            workspaces=asked,
            window=window,
            probe=probe,
            ca_files=[given],
            aim=Aim(connect_to=places),
            now=now,
            on_progress=on_progress,
        )
