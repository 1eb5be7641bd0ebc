"""How a lab server treats one connection: a connected socket in, good or bad manners out.

A manner returns when it has said what it had to say. A client may leave at any time, so `OSError` may escape.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from analyzer.lab.catalogue import Fault

T = TypeVar("T")

CHUNK = 65_536  # bytes; more than a ClientHello or a test's request has
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
INTERNAL_ERROR = bytes((21, 3, 3, 0, 2, 2, 80))  # an alert record: fatal, internal_error (RFC 8446 sections 5.1 and 6)


@dataclass(frozen=True, slots=True)
class Line:
    """One accepted connection, non-blocking."""

    socket: socket.socket

    async def read(self) -> bytes:
        """Some bytes; none at the end of the stream."""
        return await asyncio.get_running_loop().sock_recv(self.socket, CHUNK)

    async def write(self, data: bytes) -> None:
        """Sends all of it."""
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def finish(self) -> None:
        """Ends our side and hears the client out: closing over unread bytes would turn the FIN into a reset."""
        self.socket.shutdown(socket.SHUT_WR)
        while await self.read():
            pass


Manner = Callable[[Line], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Tls:
    """Shakes hands on the context's terms, answers one request with 200, closes."""

    context: ssl.SSLContext

    async def __call__(self, line: Line) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)

        async def done(step: Callable[[], T]) -> T:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    pass
                finally:
                    await line.write(outgoing.read())  # of a step that failed, the alert
                data = await line.read()
                if data:
                    incoming.write(data)
                else:
                    incoming.write_eof()

        try:
            await done(tls.do_handshake)
            await done(lambda: tls.read(CHUNK))
            await done(lambda: tls.write(OK))
            await done(tls.unwrap)
        except ssl.SSLError:  # no terms in common, or the client has left
            pass
        await line.finish()


async def plain_http(line: Line) -> None:
    """Takes the ClientHello for a bad request."""
    await line.read()
    await line.write(BAD_REQUEST)
    await line.finish()


async def ssh_banner(line: Line) -> None:
    """Speaks first, as SSH does, and dislikes what it hears (RFC 4253 section 4.2)."""
    await line.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await line.read()
    await line.write(b"Invalid SSH identification string.\r\n")
    await line.finish()


async def close_on_hello(line: Line) -> None:
    """Reads the ClientHello and closes in good order."""
    await line.read()
    await line.finish()


async def alert_on_hello(line: Line) -> None:
    """Answers the ClientHello with a fatal alert."""
    await line.read()
    await line.write(INTERNAL_ERROR)
    await line.finish()


async def reset_on_hello(line: Line) -> None:
    """Reads the ClientHello; when the lab then closes the socket, that is a TCP reset."""
    await line.read()
    no_linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)


async def silent(line: Line) -> None:
    """Listens until the client gives up."""
    while await line.read():
        pass


WITHOUT_TLS: Mapping[Fault, Manner] = MappingProxyType(
    {
        Fault.PLAIN_HTTP: plain_http,
        Fault.SSH_BANNER: ssh_banner,
        Fault.CLOSED_ON_HELLO: close_on_hello,
        Fault.INTERNAL_ERROR: alert_on_hello,
        Fault.RESET_ON_HELLO: reset_on_hello,
        Fault.SILENT: silent,
    }
)
