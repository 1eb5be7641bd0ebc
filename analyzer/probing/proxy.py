"""A tunnel through an HTTP proxy: a connection to the proxy and the backend's name in, a connection to the backend out, or why there is none.

RFC 9110 section 9.3.6 (CONNECT). The proxy's credentials are sent and never said.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from typing import NamedTuple, Optional
from urllib.parse import unquote, urlsplit

from analyzer.probing.handshake import NoConnection, Outcome, Stage

MOST_HEAD = 16 << 10  # bytes of the proxy's answer before the tunnel begins
MOST_WORDS = 80  # characters of its status line that are kept

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")


class Proxy(NamedTuple):
    """Where connections go first."""

    host: str
    port: int
    authorization: Optional[str] = None  # the value of Proxy-Authorization

    @property
    def label(self) -> str:
        """`host:port`, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(url: str) -> Proxy:
    """The proxy of http://[user:password@]host[:port]; ValueError, without the URL, for anything else."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("not a URL; write http://host:port") from None
    if parts.scheme != "http":
        raise ValueError(f"a proxy by {parts.scheme[:20]} is not supported; only http://host:port is")
    if not host:
        raise ValueError("the URL names no host; write http://host:port")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")  # RFC 7617
    return Proxy(host, port or 80, authorization)


async def tunnel(opened: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask for the tunnel on a connection that stands, and read the answer to its last byte and no further.

    `host` is ASCII. Raises NoConnection where the proxy refuses, and OSError where it hangs up.
    """
    loop = asyncio.get_running_loop()
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    await loop.sock_sendall(opened, ("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = await loop.sock_recv(opened, 1)  # what follows the head is the backend's
        if not byte or len(head) > MOST_HEAD:
            raise _refused(proxy, "it closed the connection" if not byte else "its answer has no end", head)
        head += byte
        if len(head) == 5 and head != b"HTTP/":
            raise _refused(proxy, "it is no HTTP proxy", head)
    match = _STATUS.match(head)
    if match is None or not match[1].startswith(b"2"):
        raise _refused(proxy, "it refused the tunnel", head)


def _refused(proxy: Proxy, why: str, head: bytearray) -> NoConnection:
    line = bytes(head[:MOST_WORDS]).split(b"\r\n")[0].decode("ascii", "replace")
    words = "".join(c if c.isprintable() else "\ufffd" for c in line)
    said = f": {words}" if words else ""
    return NoConnection(Outcome.PROXY_FAILED, Stage.CONNECT, f"the proxy {proxy.label}: {why}{said}")
