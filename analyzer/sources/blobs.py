"""An address in Azure Storage in, the blobs below it out: only those whose path may hold records of the window."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from analyzer.errors import SourceError, UsageError
from analyzer.model import Window
from analyzer.sources.accounts import AUTHORITIES, PUBLIC, SAS_TOKEN, SUFFIX, Account, connect, is_hopeless, taught
from analyzer.sources.arrivals import DAY, arrivals, holds_only, may_hold
from analyzer.sources.ranges import CutOff, Patience, opened

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerClient

LIMIT = 200_000  # blobs and folders that are looked through

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_HOST = re.compile(r"([a-z0-9]{3,24})\.(z\d{1,3}\.)?(?:blob|dfs)\.(.+)")
_CONTAINER = re.compile(r"\$(?:root|logs|web)|(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*")
_HOW = "write az://account/container[/folder], or abfss://container@account.dfs.core.windows.net/folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where in Azure Storage to look."""

    account: Account
    container: str
    path: str  # a blob, or a folder; "": all of the container

    @property
    def root(self) -> str:
        return f"az://{self.account.name}/{self.container}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One blob that is worth reading."""

    name: str  # az://account/container/path; it may hold characters that are not printable
    size: int  # bytes, when it was listed
    modified: float  # seconds since the epoch
    open: Callable[[], BinaryIO]  # the bytes as stored, from the beginning; raises OSError


def is_remote(word: str) -> bool:
    """Whether a source is an address, such as az://…, and no path."""
    return _SCHEME.match(word) is not None


def find(word: str, window: Window, *, patience: Patience = Patience()) -> Iterator[Blob]:  # noqa: B008  frozen
    """The blobs behind an address; a folder's are those that arrived in the window, or within an hour of it.

    Empty blobs and the markers of folders are left out. Raises UsageError where the address cannot be one; SourceError where the
    account, the container or the path is not there or not open to us, and where there is too much of it.
    """
    where = address(word)
    by = connect(where.account, where.container)
    from azure.core.exceptions import AzureError

    try:
        for found in _below(_Listing(by.client, patience, where), where.path, window):
            if not found.size:  # nor is the marker of a folder a log
                continue
            client = by.client.get_blob_client(found.name)
            yield Blob(
                name=f"{where.root}/{found.name}",
                size=found.size,
                modified=found.last_modified.timestamp() if found.last_modified else 0.0,
                open=partial(opened, client, found, patience),
            )
    except (AzureError, CutOff) as error:
        raise taught(error, where.root, by) from None  # what it was raised from may quote a signature


def address(word: str) -> Address:
    """What an address names. Raises UsageError, which quotes no query: that would be a signature."""
    scheme, _, rest = word.partition("://")
    shown = f"{scheme}://{_unsigned(rest)}"
    if "?" in rest:
        raise UsageError(
            f"{shown}: the address has a query; give a SAS in {SAS_TOKEN}, where it stays out of the shell's history"
        )
    if scheme.lower() == "az":
        host, _, below = rest.partition("/")
        container, _, path = below.partition("/")
    elif scheme.lower() in ("abfss", "abfs"):
        authority, _, path = rest.partition("/")
        container, at, host = authority.partition("@")
        if not at:
            raise UsageError(f"{shown}: it does not say container@account; {_HOW}")
    else:
        raise UsageError(f"{shown}: {scheme}:// is not read; {_HOW}")
    account = _account(host.lower(), shown)
    if not container:
        raise UsageError(
            f"{shown}: it names no container; {_HOW} (the diagnostic setting's is insights-logs-gatewaylogs)"
        )
    if not _CONTAINER.fullmatch(container):
        raise UsageError(
            f"{shown}: {container!r} cannot be a container: 3 to 63 lower-case letters, digits and single hyphens"
        )
    if re.search(r"[*?\[]", path):
        raise UsageError(f"{shown}: patterns are not read here; name a folder, and the time by --from, --to or --last")
    return Address(account=account, container=container, path=path.lstrip("/"))


def _unsigned(rest: str) -> str:
    return re.sub(r":[^/@]*@", "@", rest.partition("?")[0])


def _account(host: str, shown: str) -> Account:
    suffix = os.environ.get(SUFFIX, "").strip().lower().lstrip(".").removeprefix("blob.") or PUBLIC
    if _ACCOUNT.fullmatch(host):
        return Account(name=host, suffix=suffix)
    parts = _HOST.fullmatch(host)
    if parts is None:
        raise UsageError(
            f"{shown}: {host!r} cannot be a storage account: 3 to 24 lower-case letters and digits; {_HOW}"
        )
    if parts[3] not in (*AUTHORITIES, suffix):  # it would be sent a token
        raise UsageError(f"{shown}: {parts[3]} is no cloud of Azure; if it is yours, set {SUFFIX} to it")
    return Account(name=parts[1], zone=parts[2] or "", suffix=parts[3])


class _Listing:
    """The listing of one container, with its limit."""

    def __init__(self, client: ContainerClient, patience: Patience, where: Address) -> None:
        self._client, self._patience, self._where = client, patience, where
        self._seen = 0

    def level(self, prefix: str) -> Iterator[Any]:
        """Blobs, and folders (whose names end in a slash), that begin with a prefix."""
        return self._paged(self._client.walk_blobs(name_starts_with=prefix, delimiter="/").by_page())

    def all(self, prefix: str) -> Iterator[Any]:
        """Blobs that begin with a prefix, at whatever depth."""
        return self._paged(self._client.list_blobs(name_starts_with=prefix).by_page())

    def _paged(self, pages: Iterator[Any]) -> Iterator[Any]:
        # an iterator of pages that raised asks for the same page again
        while (page := self._patience.run(lambda: _page(pages), hopeless=is_hopeless)) is not None:
            self._seen += len(page)
            if self._seen > LIMIT:
                raise SourceError(
                    f"{self._where.root}: more than {LIMIT:,} blobs would have to be looked through; name a folder, or fewer hours"
                )
            yield from page

    def nothing(self) -> NoReturn:
        path = self._where.path
        raise SourceError(f"{self._where.root}: it holds no blob or folder {path}; compare `az storage blob list`")


def _page(pages: Iterator[Any]) -> list[Any] | None:
    page = next(pages, None)
    return None if page is None else list(page)


def _below(listing: _Listing, path: str, window: Window) -> Iterator[BlobProperties]:
    """What is worth reading, and what is empty, which is worth nothing but is there."""
    folders = [path]
    if path and not path.endswith("/"):
        named = [one for one in listing.level(path) if one.name in (path, f"{path}/")]
        if not named:
            listing.nothing()
        yield from (one for one in named if one.name == path)  # a blob that is named itself is read, whatever its time
        folders = [one.name for one in named if one.name != path]
    while folders:
        folder = folders.pop()
        said = arrivals(folder)
        if holds_only(folder, window) or (said is not None and said.depth >= DAY):
            # one request for a day of hours is quicker than one for each
            yield from (one for one in listing.all(folder) if may_hold(one.name, window))
            continue
        below = []
        for one in listing.level(folder):
            if one.name.endswith("/") and one.name != folder:
                if may_hold(one.name, window):
                    below.append(one.name)
            elif may_hold(one.name, window):
                yield one
        folders.extend(reversed(below))
