"""The commands about trust: which roots the gateways are taken to have, fetched and stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from analyzer.cli import EXIT_OK

trust = typer.Typer(
    name="trust",
    help="The roots that gateways are taken to have: fetch Microsoft's own list, so that a public root is judged as Windows does.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@trust.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@trust.command()
def update(
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Where the CCADB's CSV report of Microsoft's program is to be had, over https.  [default: the CCADB's own]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write it here, for --trust-store FILE.  [default: your data folder, where analyze and check find it]",
            show_default=False,
        ),
    ] = None,
    deadline: Annotated[
        float, typer.Option("--deadline", metavar="SECONDS", help="For the whole download.", min=1, max=600)
    ] = 60.0,
) -> int:
    """Fetch the public list of roots that Microsoft's root program trusts, and use it from then on.

    Without it, a public root that this machine does not know is at most likely the cause: Windows, which classic gateways
    run on, may know it. The list is checked before it replaces the one before. Nothing is sent but the request.
    """
    from analyzer import root_list
    from analyzer import trust as certificates
    from analyzer.cli import terminal
    from analyzer.report import write_file

    place = out or certificates.stored_list()
    before, age = _before(place)
    asked = url or root_list.URL
    data = root_list.fetch(asked, deadline=deadline)
    found = root_list.checked(data, asked, before)
    if out is None:
        _make(place.parent)
    write_file(place, data)
    had = f" (before: {age})" if age else ""
    how = (
        f"--trust-store {out} uses it" if out else "analyze and check use it by default; --trust-store certifi does not"
    )
    terminal.lines([f"{len(found.fingerprints)} roots of Microsoft's program stored in {place}{had}: {how}."])
    return EXIT_OK


def _before(place: Path) -> tuple[bytes | None, str]:
    """What is stored there already, and of when; None: nothing that can be read as such a list."""
    from analyzer import root_list
    from analyzer.trust import ccadb

    try:
        with place.open("rb") as file:
            data = file.read(root_list.LARGEST)
        stored = datetime.fromtimestamp(place.stat().st_mtime, UTC)
    except OSError:
        return None, ""
    if not ccadb.is_report(data):
        return None, ""
    return data, f"{len(ccadb.read(data).fingerprints)} roots, of {stored:%Y-%m-%d}"


def _make(folder: Path) -> None:
    from analyzer.errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror or error}; name a file with --out") from error
