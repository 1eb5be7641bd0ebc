"""--apim-config and --apim: the words of the command line in, the exported settings of services out; the same for four commands."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.checking import Progress
    from analyzer.settings import Settings


def configured(
    files: Sequence[Path] | None, services: Sequence[str] | None, on_progress: Progress | None = None
) -> Settings | None:
    """The settings in the files and of the services that are asked; None where neither is named. Raises UsageError, SettingsError.

    `on_progress` is told of what is asked; None: a line of its own shows it.
    """
    if not files and not services:
        return None
    from analyzer.settings import settings_of
    from analyzer.settings.resources import Read, read

    found = read(files) if files else Read(resources=())
    if services:
        from analyzer.cli import terminal
        from analyzer.settings import live

        wanted, asked = [live.service_id(text) for text in services], list[Read]()
        with nullcontext(on_progress) if on_progress is not None else terminal.progress(True) as shown:
            for one in wanted:
                with live.connect(one) as client:
                    asked.append(live.fetch(one, client, on_progress=shown))
        # what the service answers stands first: of what is given twice, that counts
        found = replace(
            found,
            resources=(*(r for one in asked for r in one.resources), *found.resources),
            notes=(*(n for one in asked for n in one.notes), *found.notes),
        )
    return settings_of(found)


def had_by_all(
    ca_files: Sequence[Path] | None, files: Sequence[Path] | None, services: Sequence[str] | None
) -> Sequence[Path]:
    """The --ca-file certificates that every gateway of the run has: of these the probe fetches no issuer.

    Where settings say who was given what, there are none: for a gateway that lacks one, whether it can be fetched counts.
    """
    return () if files or services else ca_files or ()
