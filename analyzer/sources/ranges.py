"""A blob in, its bytes out as a stream: ranges of a few megabytes, none past the size first seen, resumed where they broke off."""

from __future__ import annotations

import errno
import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobProperties

_FIRST = 256 << 10  # bytes: enough to tell a shape by
_RANGE = 4 << 20  # bytes
_PROGRESS = 64 << 10  # bytes that make a broken request worth its while: reading goes on behind them
_LONGEST_WAIT = 60.0  # seconds that a Retry-After may ask for
_PASSING = frozenset({408, 412, 429, 500, 502, 503, 504})  # 412: it was appended to

T = TypeVar("T")


class CutOff(Exception):
    """An answer stopped before its end, or took too long. It is no AzureError: those the SDK sleeps on, and asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a request is made before it is given up, and how long it may take."""

    attempts: int = 5
    pause: float = 0.5  # seconds before the second attempt; doubled before each further one
    deadline: float = 60.0  # seconds for one answer
    sleep: Callable[[float], None] = time.sleep

    def run(self, ask: Callable[[], T], *, hopeless: Callable[[Exception], bool] = lambda _: False) -> T:
        """What `ask` returns. Raises what it raised last, or at once where another attempt cannot help."""
        from azure.core.exceptions import AzureError

        for attempt in range(1, self.attempts + 1):
            try:
                return ask()
            except (AzureError, CutOff) as error:
                if attempt == self.attempts or not _passes(error) or hopeless(error):
                    raise
                self.sleep(max(self.pause * 2 ** (attempt - 1), _asked_for(error)))
        raise ValueError("attempts: at least one")


def opened(blob: BlobClient, seen: BlobProperties, patience: Patience) -> BinaryIO:
    """The bytes of a blob as they are stored, from the beginning, up to the size that was `seen`.

    Raises OSError, here or while it is read: `strerror` says why, without address or credential.
    """
    if str(seen.blob_tier or "").casefold() == "archive":
        raise _archived(rehydrating=bool(seen.archive_status))
    return cast(BinaryIO, io.BufferedReader(_Ranges(blob, seen, patience), buffer_size=1 << 16))


class _Ranges(io.RawIOBase):
    def __init__(self, blob: BlobClient, seen: BlobProperties, patience: Patience) -> None:
        self._blob, self._seen, self._patience = blob, seen, patience
        self._at = 0  # where the next range begins
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held and self._at < self._seen.size:
            self._held = memoryview(self._more())
            self._at += len(self._held)
        into = memoryview(buffer).cast("B")
        taken = min(len(into), len(self._held))
        into[:taken] = self._held[:taken]
        self._held = self._held[taken:]
        return taken

    def _more(self) -> bytes:
        from azure.core.exceptions import AzureError

        try:
            return self._patience.run(self._ask)
        except (AzureError, CutOff) as error:
            raise _refusal(error) from None  # the cause may quote the request, and that its signature

    def _ask(self) -> bytes:
        """The next bytes, by one request; never none."""
        length = min(_RANGE if self._at else _FIRST, self._seen.size - self._at)
        watch = _Watch(self._patience.deadline)
        try:
            answer = self._blob.download_blob(offset=self._at, length=length, raw_response_hook=watch)
            data = answer.readall()
        except CutOff:
            watch.close()
            if len(watch.arrived) < _PROGRESS:
                raise
            return bytes(watch.arrived)
        except ValueError:  # what the SDK makes of an answer whose headers are cut short
            watch.close()
            raise CutOff from None
        if len(data) != length or not _is_same(self._seen, answer.properties):
            raise OSError(errno.ESTALE, "it was replaced while it was read; read it again")
        return data


class _Watched:
    """An answer's body on its way: it is kept as far as it arrives, and cut off at the deadline."""

    def __init__(self, body: Any, arrived: bytearray, deadline: float) -> None:
        self._body, self._arrived, self._deadline = body, arrived, deadline

    def __iter__(self) -> Iterator[bytes]:
        from azure.core.exceptions import AzureError

        self._arrived.clear()
        try:
            for part in self._body:
                self._arrived.extend(part)
                yield part
                if time.monotonic() > self._deadline:
                    raise CutOff
        except AzureError:
            raise CutOff from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


class _Watch:
    """A hook for one request: the body of its answer is watched."""

    def __init__(self, seconds: float) -> None:
        self.arrived = bytearray()
        self._deadline = time.monotonic() + seconds
        self._answers: list[Any] = []

    def __call__(self, response: Any) -> None:
        answer = response.http_response
        stream = answer.stream_download
        # a range of a gzip is no gzip: whatever its Content-Encoding says, it is not unpacked here
        answer.stream_download = lambda pipeline, **_: _Watched(
            stream(pipeline, decompress=False), self.arrived, self._deadline
        )
        self._answers.append(answer)

    def close(self) -> None:
        """Give up the connections of answers that were not read to their end."""
        for answer in self._answers:
            answer.internal_response.close()


def _is_same(seen: BlobProperties, now: BlobProperties) -> bool:
    """Whether it is the blob that was seen. An append changes an append blob's ETag, but nothing that was there."""
    if str(getattr(now.blob_type, "value", now.blob_type)) == "AppendBlob":
        return not (seen.creation_time and now.creation_time) or seen.creation_time == now.creation_time
    return not (seen.etag and now.etag) or seen.etag.strip('"') == now.etag.strip('"')


def _passes(error: Exception) -> bool:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    if isinstance(error, ClientAuthenticationError):
        return False
    return not isinstance(error, HttpResponseError) or error.status_code is None or error.status_code in _PASSING


def _asked_for(error: Exception) -> float:
    """The seconds that the server asked to wait."""
    said = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    try:
        seconds = float(said) if re.fullmatch(r"\d{1,9}", said) else _until(said)
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _until(date: str) -> float:
    then = parsedate_to_datetime(date)
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()


def code(error: Exception) -> str:
    """What the storage account calls an error, such as "BlobNotFound"; "" where it said nothing."""
    said = getattr(error, "error_code", None)
    return re.sub(r"[^A-Za-z0-9]", "", str(getattr(said, "value", said) or ""))[:60]


def _archived(*, rehydrating: bool) -> OSError:
    what = "it is being rehydrated, which takes hours; wait" if rehydrating else "rehydrate it"
    return OSError(errno.EBUSY, f"it is in the archive tier; {what}")


def _refusal(error: Exception) -> OSError:
    status = getattr(error, "status_code", None)
    name = code(error)
    if name in ("BlobArchived", "BlobBeingRehydrated"):
        return _archived(rehydrating=name == "BlobBeingRehydrated")
    if status == 404:
        return FileNotFoundError(errno.ENOENT, "it went away while it was read")
    if status == 416:
        return OSError(errno.ESTALE, "it was replaced while it was read; read it again")
    if status in (401, 403):
        return PermissionError(
            errno.EACCES, f"the storage account does not let it be read ({status} {name}); Storage Blob Data Reader may"
        )
    if status is not None:
        return OSError(errno.EIO, f"the storage account answered {status} {name}".rstrip())
    return OSError(errno.EIO, "the storage account broke off, again and again")
