"""A missing issuer, fetched as Windows would: the chain as sent in, what its authority information access gave out.

CryptoAPI and .NET look for an issuer that was not sent at the caIssuers addresses of the certificate that lacks it (RFC 5280
section 4.2.2.1): .NET on Linux over plain HTTP alone, Windows over LDAP too, which no gateway in Azure reaches. Here: plain HTTP,
a few levels, small answers, and every address is judged by the policy after its name was resolved, again for each redirect.
"""

from __future__ import annotations

import asyncio
import base64
import re
from typing import AbstractSet, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urljoin, urlsplit

from analyzer.probing import connection, x509
from analyzer.probing.connection import CHUNK, TIMED_OUT
from analyzer.probing.dns import Lookups
from analyzer.probing.handshake import Entry, NoConnection
from analyzer.probing.policy import Policy
from analyzer.probing.target import BadName, ascii_name

SECONDS = 5.0  # for one address, redirects and all
MOST_LEVELS = 3  # issuers of issuers
MOST_ASKED = 2  # addresses of one certificate
MOST_BYTES = 256 << 10  # of an answer: the largest bundles of public bridges are a third of it
MOST_CERTIFICATES = 30  # of one answer that are kept
MOST_REDIRECTS = 3

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_HEADER = re.compile(
    rb"^([!-9;-~]+):(.*)$", re.MULTILINE
)  # blanks are not its matter: a quarter megabyte of them took minutes


class Outcome:
    """What came of one address; the words are those of `model.Fetched`, which says what each means."""

    FETCHED = "fetched"
    NOT_HTTP = "not_http"
    FORBIDDEN = "forbidden"
    NO_ANSWER = "no_answer"
    NOT_FOUND = "not_found"
    NOT_A_CERTIFICATE = "not_a_certificate"
    TOO_LARGE = "too_large"


class _Answer(NamedTuple):
    outcome: str
    detail: Optional[str] = None
    certificates: Tuple[bytes, ...] = ()


class Issuers:
    """Fetches missing issuers for all targets of a run; each address is asked once."""

    def __init__(
        self, policy: Policy, lookups: Lookups, known: AbstractSet[bytes], agent: str, through: Optional[str]
    ) -> None:
        """`known`: raw subject names of the certificates at hand, which need no fetching; `through`: the proxy in use, if any."""
        self._policy = policy
        self._lookups = lookups
        self._known = known
        self._agent = agent
        self._through = through
        self._asked: Dict[str, "asyncio.Task[_Answer]"] = {}

    async def complete(self, chain: Sequence[bytes], until: float) -> List[Entry]:
        """The `aia` entries of a chain: empty where no issuer is missing, or the certificate does not say where it is."""
        top = x509.top_of(chain)
        found: List[Entry] = []
        for _ in range(MOST_LEVELS):
            if top is None or top.self_issued or top.issuer in self._known:
                break
            above = None
            for url in top.urls[:MOST_ASKED]:
                answer = await self._ask(url, until)
                found += _entries(url, answer)
                names = map(x509.read, answer.certificates)
                above = next((n for n in names if n is not None and n.subject == top.issuer), None)
                if above is not None:
                    break
            top = above
        return found

    async def _ask(self, url: str, until: float) -> _Answer:
        task = self._asked.get(url)
        if task is None:
            task = self._asked[url] = asyncio.ensure_future(self._fetch(url))
        left = until - asyncio.get_running_loop().time()
        try:
            return await asyncio.wait_for(asyncio.shield(task), left)
        except TIMED_OUT:
            return _Answer(Outcome.NO_ANSWER, "no answer before the backend's deadline")

    async def _fetch(self, url: str) -> _Answer:
        if self._through is not None:
            return _Answer(Outcome.NO_ANSWER, f"not asked: nothing is fetched through the proxy {self._through}")
        until = asyncio.get_running_loop().time() + SECONDS
        try:
            for _ in range(MOST_REDIRECTS + 1):
                status, headers, body = await self._get(url, until)
                where = headers.get(b"location")
                if status not in (301, 302, 303, 307, 308) or where is None:
                    return _judged(status, body)
                url = urljoin(url, where.decode("ascii"))
            return _Answer(Outcome.NOT_FOUND, "too many redirects")
        except _Refusal as refusal:
            return _Answer(refusal.outcome, str(refusal))
        except NoConnection as failure:
            return _Answer(Outcome.NO_ANSWER, failure.detail)
        except TIMED_OUT:
            return _Answer(Outcome.NO_ANSWER, f"no answer within {SECONDS:.0f} seconds")
        except (OSError, ValueError) as error:
            return _Answer(Outcome.NO_ANSWER, str(error)[:200] or "the connection broke")

    async def _get(self, url: str, until: float) -> Tuple[int, Dict[bytes, bytes], bytes]:
        """Status, headers and body of one GET. Raises _Refusal, NoConnection, OSError, ValueError."""
        parts = urlsplit(url)
        if parts.scheme.lower() != "http":
            raise _Refusal(Outcome.NOT_HTTP, f"{(parts.scheme or 'no scheme')[:20]} is not fetched, only http")
        if not parts.hostname or not re.fullmatch(r"[!-~]*", url):
            raise _Refusal(Outcome.NO_ANSWER, "not a usable address")
        try:
            name = ascii_name(parts.hostname)
        except BadName as error:
            raise _Refusal(Outcome.NO_ANSWER, str(error)) from None
        now = asyncio.get_running_loop().time
        addresses = await asyncio.wait_for(self._lookups.addresses(name, parts.port or 80), until - now())
        refusals = [(address, self._policy.refusal(address.text)) for address in addresses]
        permitted = [address for address, refusal in refusals if refusal is None]
        if not permitted:
            raise _Refusal(Outcome.FORBIDDEN, "; ".join(refusal for _, refusal in refusals[:3] if refusal))
        line = await connection.connect(permitted[0], until)
        with line.socket:
            request = (
                f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
                f"User-Agent: {self._agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
            )
            return await asyncio.wait_for(_exchange(line.socket, request.encode("ascii")), until - now())


class _Refusal(Exception):
    """Nothing was fetched, for a reason of ours."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome


async def _exchange(opened: Any, request: bytes) -> Tuple[int, Dict[bytes, bytes], bytes]:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(opened, request)
    data = bytearray()
    while True:
        parsed = reply(bytes(data), ended=False)
        if parsed is not None:
            return parsed
        piece = await loop.sock_recv(opened, CHUNK)
        if not piece:
            break
        data += piece
        if len(data) > MOST_BYTES:
            raise _Refusal(Outcome.TOO_LARGE, f"more than {MOST_BYTES >> 10} KiB")
    parsed = reply(bytes(data), ended=True)
    if parsed is None:
        raise ValueError("the answer broke off")
    return parsed


def reply(data: bytes, *, ended: bool) -> Optional[Tuple[int, Dict[bytes, bytes], bytes]]:
    """An HTTP/1 answer: status, headers by lower-case name, body; None: not complete yet. ValueError for what is none (RFC 9112)."""
    head, separator, rest = data.partition(b"\r\n\r\n")
    if not separator:
        if len(data) >= 5 and not data.startswith(b"HTTP/"):
            raise ValueError("the answer is not HTTP")
        return None
    match = _STATUS.match(head)
    if match is None:
        raise ValueError("the answer is not HTTP")
    headers = {name.lower(): value.strip(b" \t") for name, value in _HEADER.findall(head.replace(b"\r", b""))}
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = _unchunked(rest)
    elif re.fullmatch(rb"\d{1,9}", headers.get(b"content-length", b"")):
        length = int(headers[b"content-length"])
        if length > MOST_BYTES:
            raise _Refusal(Outcome.TOO_LARGE, f"{length} bytes are announced")
        body = rest[:length] if len(rest) >= length else None
    else:
        body = rest if ended else None
    return None if body is None else (int(match.group(1)), headers, body)


def _unchunked(data: bytes) -> Optional[bytes]:
    """The body of chunks (RFC 9112 section 7.1); None: not complete."""
    body, at = bytearray(), 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = data[at:end].split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            raise ValueError("a chunk without a size")
        length = int(size, 16)
        if length == 0:
            return bytes(body)
        if len(data) < end + 2 + length + 2:
            return None
        body += data[end + 2 : end + 2 + length]
        at = end + 2 + length + 2


def _judged(status: int, body: bytes) -> _Answer:
    if status != 200:
        return _Answer(Outcome.NOT_FOUND, f"HTTP {status}")
    found = tuple(x509.bundle(body))[:MOST_CERTIFICATES]
    return _Answer(Outcome.FETCHED, None, found) if found else _Answer(Outcome.NOT_A_CERTIFICATE, f"{len(body)} bytes")


def _entries(url: str, answer: _Answer) -> List[Entry]:
    ders: Sequence[Optional[bytes]] = answer.certificates or (None,)
    return [
        {
            "url": url[:2000],
            "outcome": answer.outcome,
            "der_b64": None if der is None else base64.b64encode(der).decode("ascii"),
            "detail": answer.detail,
        }
        for der in ders
    ]
