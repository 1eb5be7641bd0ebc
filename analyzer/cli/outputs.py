"""Where a report goes: the folder of its files, a card for Teams, standard output, a webhook; checked before any work is done."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.errors import OutputError, UsageError

if TYPE_CHECKING:
    from analyzer.checking import Progress
    from analyzer.model import Report

CARD = "adaptive-card"
FORMATS = (CARD,)
"""What --format can ask for besides the files that every report has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the options say about the places."""

    out: Path
    formats: frozenset[str]
    json_to: str | None  # "-": standard output; None: nowhere but in `out`
    post: str | None  # env:NAME; None: nowhere
    address: str = field(repr=False)  # of the webhook; "" where there is none
    quiet: bool

    @property
    def told_apart(self) -> bool:
        """Whether what people read goes to standard error, because standard output has the JSON."""
        return self.json_to == "-"

    def write(self, report: Report, on_progress: Progress | None = None) -> tuple[Path, ...]:
        """The paths written in `out`; then the JSON and the message go their ways. Raises OutputError where a file cannot be."""
        from analyzer import report as report_files

        written = report_files.write(report, self.out, card=CARD in self.formats, on_progress=on_progress)
        if self.json_to is not None:
            write_json(report, self.json_to)
        return written

    def send(self, report: Report) -> str:
        """Post the card where that was asked for; "" or, in one line, why it could not be."""
        if self.post is None:
            return ""
        from analyzer.report.card import card, message
        from analyzer.webhook import send

        try:
            send(message(card(report)), self.post, url=self.address)
        except OutputError as error:
            return str(error)
        return ""


def outputs(out: Path, *, formats: Sequence[str], json_to: str | None, post: str | None, quiet: bool) -> Outputs:
    """The options in one piece. Raises UsageError and OutputError where one of them can come to nothing."""
    for word in formats:
        if word not in FORMATS:
            raise UsageError(
                f"--format {word}: one of {', '.join(FORMATS)}; every report has HTML, Markdown, JSON and CSV"
            )
    address = ""
    if post is not None:  # its address is never part of a message, nor of this object's repr
        from analyzer.webhook import address_of

        address = address_of(post)
    from analyzer import report as report_files

    report_files.check_out(out)
    check_json(json_to)
    return Outputs(out=out, formats=frozenset(formats), json_to=json_to, post=post, address=address, quiet=quiet)


def check_json(json_to: str | None) -> None:
    """OutputError, before any work is done, where the JSON can never be written there."""
    if json_to is not None and json_to != "-" and not Path(json_to).absolute().parent.is_dir():
        raise OutputError(f"--json {json_to}: there is no such folder; name a file in one that exists, or -")


def write_json(report: Report, to: str) -> None:
    """report.json to a file, whole or not at all, or to standard output where `to` is "-"."""
    from analyzer.report.json_file import dumps

    if to != "-":
        from analyzer.report import write_file

        write_file(to, dumps(report))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(dumps(report))
    sys.stdout.buffer.flush()
