"""Authority information access: a chain that stops short in, what its issuers' addresses gave out, fetched as Windows and .NET fetch it.

Plain HTTP only, redirects to plain HTTP only (dotnet/runtime, OpenSslCertificateAssetDownloader.cs; RFC 5280 section 4.2.2.1).
.NET asks the first such address of a certificate, Windows goes on to the next. The addresses come from certificates, that is from
strangers: each host is resolved, judged by the policy and connected to at the very address that was judged; so is each redirect.
"""

from __future__ import annotations

import asyncio
import base64
from typing import AbstractSet, Dict, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import quote, urljoin, urlsplit

from analyzer.probing import connection, x509
from analyzer.probing.connection import TIMED_OUT, Connection
from analyzer.probing.dns import Lookups
from analyzer.probing.handshake import Entry, NoConnection
from analyzer.probing.policy import Policy
from analyzer.probing.target import BadName, ascii_name

PATIENCE = 5.0  # seconds for one address, all its redirects included; never beyond the backend's own deadline
MOST_LEVELS = 3  # issuers one above the other
MOST_URLS = 2  # addresses asked for one certificate
MOST_REDIRECTS = 10  # as many as .NET follows
MOST_KEPT = 30  # certificates of one reply
LONGEST_URL = 2048  # characters

LARGEST = 256 << 10
"""Bytes of a reply. A CA's certificate has one or two KiB, and a hundred of them in one file still fit; .NET would read on to 100 MB."""

LARGEST_HEAD = 16 << 10  # bytes; also of one line of a chunked body

_CONTENT_ENDS = b"\r\n\r\n"
_REDIRECTS = (301, 302, 303, 307, 308)  # RFC 9110 section 15.4
_IN_A_TARGET = "%/?:@!$&'()*+,;=~-._[]"  # what needs no escaping in a request's target


class Outcome:
    """What came of one address; the words are those of `model.Fetched`, which says what each means."""

    FETCHED = "fetched"
    NOT_HTTP = "not_http"
    FORBIDDEN = "forbidden"
    NO_ANSWER = "no_answer"
    NOT_FOUND = "not_found"
    NOT_A_CERTIFICATE = "not_a_certificate"
    TOO_LARGE = "too_large"
    NOT_ASKED = "not_asked"


class Reply(NamedTuple):
    """What one address gave."""

    outcome: str
    certificates: Tuple[bytes, ...] = ()  # DER
    detail: Optional[str] = None
    address: Optional[str] = None  # the IP address that answered last; None: none was connected to


class Answer(NamedTuple):
    """One HTTP response."""

    status: int
    location: Optional[str]
    body: Optional[bytes]  # None: larger than allowed


class _Failed(Exception):
    """The asking ended here, without a response."""

    def __init__(self, outcome: str, detail: str, address: Optional[str] = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.address = address


class Issuers:
    """Fetches missing issuers for all targets of a run; each address is asked once."""

    def __init__(
        self, policy: Policy, lookups: Lookups, known: AbstractSet[bytes], agent: str, through: Optional[str] = None
    ) -> None:
        """`known`: raw subject names of the certificates at hand, which need no fetching; `through`: the proxy in use, if any."""
        self._policy = policy
        self._lookups = lookups
        self._known = known
        self._agent = agent
        self._through = through
        self._asked: Dict[str, asyncio.Task[Reply]] = {}

    async def complete(self, chain: Sequence[bytes], until: float) -> List[Entry]:
        """The `aia` entries of a chain (DER as sent): empty where no issuer is missing, or no certificate says where it is.

        Ends before the loop's time `until`, and never later than a few times PATIENCE.
        """
        top = x509.top_of(chain)
        found: List[Entry] = []
        for _ in range(MOST_LEVELS):
            if top is None or top.self_issued or top.issuer in self._known:
                break
            top = await self._issuer_of(top, found, until)
        return found

    async def _issuer_of(self, below: x509.Names, found: List[Entry], until: float) -> Optional[x509.Names]:
        """Ask below's addresses until one gives its issuer; None where none does. What they gave is appended to `found`."""
        asked = 0
        for url in below.urls:
            if _is_http(url) and asked == MOST_URLS:
                continue
            asked += _is_http(url)
            reply = await self._reply(url, until)
            issuers = {
                der: n for der in reply.certificates for n in [x509.read(der)] if n and n.subject == below.issuer
            }
            kept = sorted(reply.certificates, key=lambda der: der not in issuers)[
                :MOST_KEPT
            ]  # never cuts the issuer off
            found += [_entry(url, reply, der) for der in kept or (None,)]
            if issuers:
                return next(iter(issuers.values()))
        return None

    async def _reply(self, url: str, until: float) -> Reply:
        """The shared answer of an address, waited for no longer than this backend may."""
        if not _is_http(url):
            return Reply(Outcome.NOT_HTTP)
        if self._through is not None:
            return Reply(Outcome.NOT_ASKED, detail=f"nothing is fetched through the proxy {self._through}")
        if url not in self._asked:
            self._asked[url] = asyncio.ensure_future(self._fetch(url))
        left = until - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait({self._asked[url]}, timeout=max(0.0, left))
        return done.pop().result() if done else Reply(Outcome.NOT_ASKED, detail="the backend's deadline came first")

    async def _fetch(self, url: str) -> Reply:
        until = asyncio.get_running_loop().time() + PATIENCE
        try:
            return await asyncio.wait_for(self._follow(url, until), PATIENCE)
        except TIMED_OUT:
            return Reply(Outcome.NO_ANSWER, detail=f"no answer within {PATIENCE:g} seconds")
        except _Failed as failure:
            return Reply(failure.outcome, detail=failure.detail[:500], address=failure.address)

    async def _follow(self, url: str, until: float) -> Reply:
        """Ask, and ask again where a redirect points."""
        came = None
        for _ in range(MOST_REDIRECTS + 1):
            answer, address = await self._get(url, until)
            if answer.status not in _REDIRECTS or not answer.location:
                return _judged(answer, came, address)
            came = f"redirected to {_printable(answer.location)}"
            try:
                url = urljoin(url, answer.location)
            except ValueError:
                raise _Failed(Outcome.NO_ANSWER, came, address) from None
            if not _is_http(url):
                raise _Failed(Outcome.NOT_HTTP, came, address)
        raise _Failed(Outcome.NOT_FOUND, f"more than {MOST_REDIRECTS} redirects", address)

    async def _get(self, url: str, until: float) -> Tuple[Answer, str]:
        """One request, and the address that answered it."""
        host, port, request = _request(url, self._agent)
        line, address = await self._reach(host, port, until)
        with line.socket:
            try:
                reader, writer = await asyncio.open_connection(sock=line.socket, limit=LARGEST_HEAD)
                try:
                    writer.write(request)
                    return await read_answer(reader), address
                finally:
                    writer.transport.abort()
            except EOFError:
                raise _Failed(Outcome.NO_ANSWER, f"{address}: the answer was cut off", address) from None
            except (ValueError, asyncio.LimitOverrunError):
                raise _Failed(Outcome.NO_ANSWER, f"{address}: the answer is not HTTP", address) from None
            except OSError as error:
                raise _Failed(Outcome.NO_ANSWER, f"{address}: {error.strerror or error}", address) from None

    async def _reach(self, host: str, port: int, until: float) -> Tuple[Connection, str]:
        """A connection to the first permitted address of the host that gives one: the address judged is the address connected to."""
        try:
            addresses = await self._lookups.addresses(host, port)
        except NoConnection as failure:
            raise _Failed(Outcome.NO_ANSWER, f"{host}: {failure.detail}") from None
        judged = [(a, self._policy.refusal(a.text)) for a in addresses]
        permitted = [a for a, refusal in judged if refusal is None]
        if not permitted:
            raise _Failed(Outcome.FORBIDDEN, "; ".join(refusal for _, refusal in judged[:3] if refusal))
        now = asyncio.get_running_loop().time
        failures = []
        for tried, address in enumerate(permitted):
            share = (until - now()) / (len(permitted) - tried)  # so that a dead address leaves time for the next
            try:
                return await connection.connect(address, now() + share), address.text
            except NoConnection as failure:
                failures.append(failure.detail)
        raise _Failed(Outcome.NO_ANSWER, "; ".join(failures[:3]))


def _entry(url: str, reply: Reply, der: Optional[bytes]) -> Entry:
    return {
        "url": url[:LONGEST_URL],
        "outcome": reply.outcome,
        "der_b64": None if der is None else base64.b64encode(der).decode("ascii"),
        "detail": reply.detail,
        "address": reply.address,
    }


def _judged(answer: Answer, came: Optional[str], address: str) -> Reply:
    """What a response that is no redirect amounts to; `came`: where a redirect led."""

    def reply(outcome: str, *words: Optional[str], certificates: Tuple[bytes, ...] = ()) -> Reply:
        return Reply(outcome, certificates, "; ".join(w for w in (*words, came) if w) or None, address)

    if answer.status >= 500:  # the server's trouble of the moment says nothing of what it has
        return reply(Outcome.NO_ANSWER, f"HTTP status {answer.status}")
    if answer.status != 200:
        return reply(Outcome.NOT_FOUND, f"HTTP status {answer.status}")
    if answer.body is None:
        return reply(Outcome.TOO_LARGE, f"more than {LARGEST >> 10} KiB")
    found = tuple(x509.bundle(answer.body))
    if not found:
        return reply(Outcome.NOT_A_CERTIFICATE, f"{len(answer.body)} bytes without a certificate")
    return reply(Outcome.FETCHED, certificates=found)


def _is_http(url: str) -> bool:
    return url[:7].lower() == "http://"


def _request(url: str, agent: str) -> Tuple[str, int, bytes]:
    """Host, port and the bytes to send (RFC 9112 section 3); nothing of the URL can add a line to them. Raises _Failed."""
    try:
        if len(url) > LONGEST_URL:
            raise ValueError(f"longer than {LONGEST_URL} characters")
        parts = urlsplit(url)
        host, port = ascii_name(parts.hostname or ""), parts.port or 80
    except (BadName, ValueError) as error:
        raise _Failed(Outcome.NO_ANSWER, f"not an address that can be asked: {_printable(str(error))}") from None
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_IN_A_TARGET)
    authority = (f"[{host}]" if ":" in host else host) + ("" if port == 80 else f":{port}")
    head = (
        f"GET {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    return host, port, head.encode("ascii")


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read one response; the body only where it is wanted (RFC 9112 sections 4 to 6). Raises ValueError, EOFError, LimitOverrunError."""
    head = (await reader.readuntil(_CONTENT_ENDS)).decode("latin-1").split("\r\n")
    version, _, rest = head[0].partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("no status line")
    status = _number(rest[:3].encode("latin-1"), 10)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    if status != 200:
        return Answer(status, fields.get("location"), b"")
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return Answer(status, None, await _chunks(reader))
    length = fields.get("content-length")
    if length is None:
        return Answer(status, None, await _rest(reader))
    size = _number(length.encode("latin-1"), 10)
    return Answer(status, None, await reader.readexactly(size) if size <= LARGEST else None)


async def _chunks(reader: asyncio.StreamReader) -> Optional[bytes]:
    body = bytearray()
    while True:
        size = _number((await reader.readline()).split(b";")[0].strip(), 16)
        if size == 0:
            return bytes(body)
        if len(body) + size > LARGEST:
            return None
        body += (await reader.readexactly(size + 2))[:-2]


async def _rest(reader: asyncio.StreamReader) -> Optional[bytes]:
    body = bytearray()
    while len(body) <= LARGEST:
        piece = await reader.read(connection.CHUNK)
        if not piece:
            return bytes(body)
        body += piece
    return None


def _number(digits: bytes, base: int) -> int:
    if not 0 < len(digits) <= 16 or not digits.isalnum():
        raise ValueError("no length")
    return int(digits, base)


def _printable(text: str) -> str:
    """Text of a stranger's for one line of a report."""
    return "".join(c if c.isprintable() else "?" for c in text[:300])
