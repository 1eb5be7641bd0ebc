"""--apim-config and --apim: the words of the command line in, the exported settings of services out; the same for four commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.checking import Progress
    from analyzer.settings import Settings


def configured(
    files: Sequence[Path] | None, service: str | None, on_progress: Progress | None = None
) -> Settings | None:
    """The settings in the files and of the service that is asked; None where neither is named. Raises UsageError, SettingsError."""
    if not files and service is None:
        return None
    from analyzer.settings import settings_of
    from analyzer.settings.resources import Read, read

    found = read(files) if files else Read(resources=())
    if service is not None:
        from analyzer.settings import live

        wanted = live.service_id(service)
        asked = live.fetch(wanted, live.connect(wanted), on_progress=on_progress)
        # what the service answers stands first: of what is given twice, that counts
        found = replace(found, resources=(*asked.resources, *found.resources), notes=(*asked.notes, *found.notes))
    return settings_of(found)
