"""Files, folders, globs, standard input and workspaces in, one tally out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from analyzer.errors import SourceError
from analyzer.model import DateOrder, SourceIntake, Window
from analyzer.sources import saved
from analyzer.sources.blobs import is_remote
from analyzer.sources.careful import LogFile
from analyzer.sources.clocks import Locale
from analyzer.sources.files import count, database
from analyzer.sources.packing import content, is_plain
from analyzer.sources.paths import Found, cause, find, printable, without_copies
from analyzer.sources.settling import settle
from analyzer.sources.shapes import shape_of
from analyzer.sources.workspace.asking import Asked, ask, nothing_asked
from analyzer.tally import Tally

if TYPE_CHECKING:
    from analyzer.sources.workspace.places import Workspaces

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
    workspaces: Workspaces | None = None,
    now: datetime | None = None,
) -> Tally:
    """Everything that the sources hold, counted.

    A source is a file, a folder (with all below it), a glob, "-" for standard input (`stdin` where given), each also packed
    (gzip, zstd, zip), or an address in Azure Storage; its shape is found by its content. `window` is half-open, UTC; records
    outside it are not counted.
    `keep_ip`: failures are counted per client address too (dimension "caller"); else no address is read.
    `date_order` ("mdy", "dmy") is of files whose dates do not tell day from month, `tz` of times whose header names a zone
    that is not known. `on_progress` hears what is being done, how much of it is done, and how much there is.
    `workspaces` are asked for the window too, up to `now` where it is open, but for what a saved tally among the files had asked.

    Raises SourceError where a source names nothing, where nothing that the sources name can be read as a gateway log, or
    where a file's dates do not tell day from month and `date_order` does not either, or contradicts them.
    Where only some of it cannot, `intake.sources` says which and why.
    """
    locale = Locale(order=DateOrder(date_order), tz=tz)
    with tempfile.TemporaryDirectory(prefix="apim-triage-") as folder:
        place = Path(folder)
        found = without_copies(find(sources, workspace=place, stdin=stdin, window=window))
        with ThreadPoolExecutor(_LOOKED_AT_ONCE) as pool:
            looked_at = list(pool.map(_look_at, found))
        files = [one for one in looked_at if isinstance(one, LogFile)]
        kept = [saved.cut(one, window) for one in looked_at if isinstance(one, saved.Saved)]
        if not files and not kept and (sources or workspaces is None):
            raise SourceError(_nothing(sources, found, looked_at))
        with database(place) as db:
            count(db, files, workspace=place, window=window, locale=locale, keep_ip=keep_ip, on_progress=on_progress)
            asked: Asked = ()
            if workspaces is not None:
                done = tuple(one for tally in kept for one in tally.asked)
                now = now or datetime.now(UTC)
                asked = ask(
                    db, workspaces, first=len(files), window=window, now=now, done=done, on_progress=on_progress
                )
                if not files and not kept:
                    nothing_asked(asked)
                answered = frozenset(one.place.name for one in asked if not one.failed)
                kept = [saved.mended(tally, answered) for tally in kept]
                if keep_ip:
                    asked[0].file.notes.append("Workspaces were not asked for client addresses.")
            tally = settle(db, (*files, *(one.file for one in asked)), window)
    counted = iter(tally.intake.sources)
    of_kept = iter(kept)
    listed: list[SourceIntake] = []
    for file, one in zip(found, looked_at, strict=True):
        if isinstance(one, str):
            listed.append(SourceIntake(name=file.name, shape=one, records=0, failures=0, rejected=0))
        else:
            listed += [next(counted)] if isinstance(one, LogFile) else next(of_kept).intake.sources
    listed += counted
    copies = [f"{f.name} is a {f.refused}." for f in found if f.refused.startswith("copy")]
    whole = saved.joined(replace(tally, asked=tuple(w for one in asked for w in one.told())), kept)
    return replace(whole, intake=replace(whole.intake, sources=tuple(listed)), caveats=(*whole.caveats, *_few(copies)))


def _look_at(found: Found) -> LogFile | saved.Saved | str:
    """A file that can be counted, a tally that was saved, or why it is not read."""
    if found.refused:
        return found.refused
    try:
        tally = saved.load(found.name, lambda: content(found.opened()))
        if tally is not None:
            return f"not a gateway log: {tally}" if isinstance(tally, str) else tally
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
