"""Files, folders, globs and standard input in, one tally out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import BinaryIO

from analyzer.errors import SourceError
from analyzer.model import DateOrder, SourceIntake, Window
from analyzer.sources.blobs import is_remote
from analyzer.sources.careful import LogFile
from analyzer.sources.clocks import Locale
from analyzer.sources.files import count, database
from analyzer.sources.packing import content, is_plain
from analyzer.sources.paths import Found, cause, find, printable, without_copies
from analyzer.sources.settling import settle
from analyzer.sources.shapes import shape_of
from analyzer.tally import Tally

_LOOKED_AT_ONCE = 8  # files; each of an account costs a round trip


def read(
    sources: Sequence[str],
    *,
    window: Window = Window(),  # noqa: B008  frozen
    date_order: DateOrder | str = DateOrder.AUTO,
    tz: tzinfo = UTC,
    keep_ip: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
    stdin: BinaryIO | None = None,
) -> Tally:
    """Everything that the sources hold, counted.

    A source is a file, a folder (with all below it), a glob, "-" for standard input (`stdin` where given), each also packed
    (gzip, zstd, zip), or an address in Azure Storage; its shape is found by its content. `window` is half-open, UTC; records
    outside it are not counted.
    `keep_ip`: failures are counted per client address too (dimension "caller"); else no address is read.
    `date_order` ("mdy", "dmy") is of files whose dates do not tell day from month, `tz` of times whose header names a zone
    that is not known. `on_progress` hears what is being done, how much of it is done, and how much there is.

    Raises SourceError where a source names nothing, where nothing that the sources name can be read as a gateway log, or
    where a file's dates do not tell day from month and `date_order` does not either, or contradicts them.
    Where only some of it cannot, `intake.sources` says which and why.
    """
    locale = Locale(order=DateOrder(date_order), tz=tz)
    with tempfile.TemporaryDirectory(prefix="apim-triage-") as folder:
        workspace = Path(folder)
        found = without_copies(find(sources, workspace=workspace, stdin=stdin, window=window))
        with ThreadPoolExecutor(_LOOKED_AT_ONCE) as pool:
            looked_at = list(pool.map(_look_at, found))
        files = [one for one in looked_at if isinstance(one, LogFile)]
        if not files:
            raise SourceError(_nothing(sources, found, looked_at))
        with database(workspace) as db:
            count(
                db, files, workspace=workspace, window=window, locale=locale, keep_ip=keep_ip, on_progress=on_progress
            )
            tally = settle(db, files, window)
    refused = (
        SourceIntake(name=f.name, shape=why, records=0, failures=0, rejected=0)
        for f, why in zip(found, looked_at, strict=True)
        if isinstance(why, str)
    )
    rank = {one.name: place for place, one in enumerate(found)}
    listed = tuple(sorted((*tally.intake.sources, *refused), key=lambda s: rank[s.name]))
    copies = [f"{f.name} is a {f.refused}." for f in found if f.refused.startswith("copy")]
    return replace(tally, intake=replace(tally.intake, sources=listed), caveats=(*tally.caveats, *_few(copies)))


def _look_at(found: Found) -> LogFile | str:
    """A file that can be counted, or why it is not read."""
    if found.refused:
        return found.refused
    try:
        shape = shape_of(lambda: content(found.opened()))
        if isinstance(shape, str):
            return f"not a gateway log: {shape}"
        with found.opened() as stored:
            plain = found.path is not None and is_plain(stored.read(4))
        return LogFile(found=found, shape=shape, plain=plain)
    except OSError as error:
        return f"unreadable: {cause(error)}"


def _few(sentences: Sequence[str], most: int = 5) -> Sequence[str]:
    rest = len(sentences) - most
    return [*sentences[:most], f"And {rest} more copies."] if rest > 0 else sentences


def _nothing(sources: Sequence[str], found: Sequence[Found], why: Sequence[object]) -> str:
    """What to say where there is nothing to read."""
    if not found:
        named = printable(", ".join(sources)) or "no source"
        if any(map(is_remote, sources)):
            return f"{named}: there is no blob of this time in it; ask for other hours, or name a folder that holds gateway logs"
        return f"{named}: there is no file in it; name files or folders that hold gateway logs"
    rest = f" (and {len(found) - 1} more that cannot be read)" if len(found) > 1 else ""
    reason = str(why[0]).replace("a gateway log: ", "a gateway log because ")
    return f"{found[0].name}: {reason}{rest}; the README lists what can be read"
