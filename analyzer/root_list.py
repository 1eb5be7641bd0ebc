"""The CCADB's report of Microsoft's root program, fetched over https: an address in, the checked bytes of the report out.

Whatever the server does, the answer is bounded in bytes and time, no redirect leaves https, and what is no whole report is refused.
"""

from __future__ import annotations

import queue
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

from analyzer.errors import DownloadError
from analyzer.trust import ccadb

URL = "https://ccadb.my.salesforce-sites.com/microsoft/IncludedCACertificateReportForMSFTCSV"
"""The report "Included CA Certificates" of Microsoft's program, CSV (ccadb.org/resources)."""

LARGEST = 16 << 20
"""Bytes; the report has some 600 rows, with certificates under 2 MiB."""

REDIRECTS = 5
_CHUNK = 1 << 16
_OTHERWISE = "or download that report with a browser and name the file with --trust-store"


def fetch(url: str = URL, *, deadline: float = 60.0) -> bytes:
    """The bytes that the address gives, within `deadline` seconds for everything, name lookup and redirects included.

    Certificates are checked against this system's roots (SSL_CERT_FILE names others); the proxy is the environment's
    (HTTPS_PROXY). DownloadError (one line) where anything is in the way.
    """
    _require_https(url)
    done: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
    end = time.monotonic() + deadline

    def work() -> None:
        try:
            done.put(_read(url, end))
        except Exception as error:  # noqa: BLE001  handed to the caller, who says it
            done.put(error)

    # a name lookup, and a server that sends one byte at a time, heed no time limit: a thread can be left behind
    threading.Thread(target=work, daemon=True).start()
    while True:
        try:
            found = done.get(timeout=min(0.2, max(end - time.monotonic(), 0.01)))
        except queue.Empty:
            if time.monotonic() >= end:
                raise DownloadError(
                    f"{_shown(url)}: no whole answer within {deadline:g} seconds; try again with a longer --deadline, {_OTHERWISE}"
                ) from None
            continue
        if isinstance(found, Exception):
            raise _said(url, found) from found
        return found


def checked(data: bytes, url: str = URL, before: bytes | None = None) -> ccadb.Program:
    """The report's roots; DownloadError where it is not the report, not whole, or has lost half of what the one before had."""
    if not ccadb.is_report(data):
        raise DownloadError(
            f"{_shown(url)}: its answer is not the CCADB's report of Microsoft's program (no such headings); name its address with --url, {_OTHERWISE}"
        )
    if not ccadb.is_whole(data):
        raise DownloadError(f"{_shown(url)}: the report breaks off in its last row; nothing was stored, try again")
    found = ccadb.read(data)
    if not found.fingerprints:
        raise DownloadError(f"{_shown(url)}: the report names no root for server authentication; nothing was stored")
    had = len(ccadb.read(before).fingerprints) if before else 0
    if len(found.fingerprints) * 2 < had:
        raise DownloadError(
            f"{_shown(url)}: it names {len(found.fingerprints)} roots where the stored list has {had}; nothing was stored. "
            "If that is right, store it elsewhere with --out and name it with --trust-store"
        )
    return found


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, to https addresses only."""

    max_redirections = REDIRECTS
    max_repeats = 2

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        try:
            _require_https(newurl, f"{_shown(req.full_url)} redirects there: ")
        except DownloadError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(url: str, end: float) -> bytes:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _OnlyHttps(),
    ):
        opener.add_handler(handler)
    asked = urllib.request.Request(url, headers={"User-Agent": "apim-triage", "Accept": "text/csv, */*;q=0.1"})  # noqa: S310  https was checked
    found = bytearray()
    with opener.open(asked, timeout=max(end - time.monotonic(), 0.1)) as answer:
        while chunk := answer.read1(_CHUNK):
            found += chunk
            if len(found) > LARGEST:
                raise DownloadError(f"{_shown(url)}: more than {LARGEST >> 20} MiB, so not that report")
            if time.monotonic() > end:
                raise TimeoutError
        if answer.length:
            raise DownloadError(
                f"{_shown(url)}: the answer broke off {answer.length:,} bytes before its end; try again"
            )
    return bytes(found)


def _require_https(url: str, why: str = "") -> None:
    try:
        parts = urlsplit(url)
        right = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        right = False
    if not right:
        raise DownloadError(f"{why}{_shown(url)}: not an https address without a password; name one with --url")


def _said(url: str, error: Exception) -> DownloadError:
    if isinstance(error, DownloadError):
        return error
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if 300 <= error.code < 400:
            return DownloadError(
                f"{_shown(url)}: redirects too often, or to what is not https; name another address with --url, {_OTHERWISE}"
            )
        return DownloadError(
            f"{_shown(url)}: answered {error.code}; try later, name another address with --url, {_OTHERWISE}"
        )
    if isinstance(error, TimeoutError):
        return DownloadError(
            f"{_shown(url)}: no whole answer in time; try again with a longer --deadline, {_OTHERWISE}"
        )
    if isinstance(error, (OSError, HTTPException, ValueError)):
        why = getattr(error, "reason", None) or error
        return DownloadError(
            f"{_shown(url)}: cannot be fetched ({why}); check network, HTTPS_PROXY and, behind TLS inspection, SSL_CERT_FILE, {_OTHERWISE}"
        )
    raise error


def _shown(url: str) -> str:
    """The address without what may be secret in it."""
    bare = url.split("?")[0].split("#")[0]
    scheme, slashes, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return "".join(
        c if c.isprintable() else "?" for c in f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"[:200]
    )
