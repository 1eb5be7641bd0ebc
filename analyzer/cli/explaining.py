"""The commands that teach: every cause in a line, one cause on a page."""

from __future__ import annotations

from typing import Annotated

import typer

from analyzer.errors import UsageError
from analyzer.model import CauseName


def causes() -> None:
    """List every cause that is judged, with its scenario number in Microsoft's article."""
    from analyzer.causes import CAUSES
    from analyzer.model import SCENARIOS

    for one in CAUSES:
        typer.echo(f"{SCENARIOS.get(one.name, '-'):>2}  {one.name.value:<18}  {one.claim}")


def explain(
    cause: Annotated[
        str, typer.Argument(metavar="CAUSE", help="A name that `apim-triage causes` lists.", show_default=False)
    ],
) -> None:
    """Explain one cause: what it is, how the log of each tier shows it, how to prove it by hand, how to fix it, how long that takes.

    In a pipe it is plain Markdown: apim-triage explain expired > expired.md
    """
    from analyzer.cli import terminal
    from analyzer.pages import page_of

    name = cause.strip().lower().replace("-", "_")
    if name not in set(CauseName):
        raise UsageError(f"explain {cause}: no such cause{_like(name)}; `apim-triage causes` lists them")
    terminal.page(page_of(CauseName(name)))


def _like(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, [c.value for c in CauseName], n=1)
    return f" (did you mean {found[0]}?)" if found else ""
