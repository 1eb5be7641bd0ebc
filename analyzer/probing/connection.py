"""One TCP connection: an address in, a connection or the reason why there is none out; and the one handshake that is made on it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import nullcontext, suppress
from typing import NamedTuple, Optional, Tuple

from analyzer.probing import hello, messages, wire
from analyzer.probing.deadline import ends_by
from analyzer.probing.dns import Address
from analyzer.probing.handshake import Entry, NoConnection, Outcome, Stage, entry
from analyzer.probing.hello import Offer
from analyzer.probing.iana import alert_name

CHUNK = 1 << 16  # bytes asked of the socket at once
LEAST_PATIENCE = 1.0  # seconds
AT_ONCE = 0.02  # seconds: sooner than any answer of another network

TIMED_OUT = (asyncio.TimeoutError, TimeoutError)
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}

BLAMES_OUR_BYTES = {"unexpected_message", "bad_record_mac", "decrypt_error", "illegal_parameter"}
"""Alerts that speak of how we said it, not of the missing certificate. (For that, GnuTLS 3.7 says decode_error in TLS 1.2.)"""


class Connection(NamedTuple):
    """A TCP connection that stands."""

    socket: socket.socket
    started: float  # the loop's time
    round_trip: float  # seconds

    @property
    def patience(self) -> float:
        """Seconds after which what a server says at once will not come any more: three round trips, at least one second."""
        return max(LEAST_PATIENCE, 3 * self.round_trip)

    @property
    def seconds(self) -> float:
        """Since the connection was begun."""
        return asyncio.get_running_loop().time() - self.started


async def connect(address: Address, until: float) -> Connection:
    """Connect before the loop's time `until`; the caller closes the socket. Raises NoConnection."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        opened = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:  # no IPv6 here, or no file descriptor left
        raise _no_connection(error, address, at_once=True) from None
    try:
        opened.setblocking(False)
        with ends_by(until):
            await loop.sock_connect(opened, address.sockaddr)
    except BaseException as error:
        opened.close()
        if isinstance(error, (OSError, *TIMED_OUT)):
            raise _no_connection(error, address, at_once=loop.time() - started < AT_ONCE) from None
        raise
    return Connection(opened, started, loop.time() - started)


def _no_connection(error: Exception, address: Address, *, at_once: bool) -> NoConnection:
    code = error.errno if isinstance(error, OSError) else None
    outcome, stage = Outcome.CONNECT_FAILED, Stage.CONNECT
    if isinstance(error, TIMED_OUT):
        outcome = Outcome.CONNECT_TIMEOUT
    elif isinstance(error, ConnectionRefusedError):
        outcome = Outcome.REFUSED
    elif code in _UNREACHABLE:
        outcome = Outcome.UNREACHABLE
    elif isinstance(error, ConnectionResetError):  # a SYN is not reset but refused: this one stood before we looked
        outcome, stage = Outcome.RESET, Stage.HELLO
    words = "no answer" if code is None else os.strerror(code)  # asyncio's own text repeats the address
    if code == errno.ENETUNREACH and at_once:
        words = "no route from this machine"  # its own routing table says so, not the network
    return NoConnection(outcome, stage, f"{address.text}: {words}", address.text)


async def shake(connection: Connection, offer: Offer, name: str, sni: Optional[str], until: float) -> Entry:
    """Send the hello, read the server's flight to its end, learn whether a client certificate is required; never raises OSError.

    `name` is what the entry calls the offer. The socket is closed when it returns.
    """
    reader = wire.Reader(offer)
    with connection.socket:
        how = await _converse(connection, hello.encode(offer, sni), reader, until)
        reader.end(how)
        required, alert, detail = None, reader.alert, reader.detail
        if reader.outcome == Outcome.COMPLETED and reader.client_cert_requested:
            required, alert, detail = await _without_certificate(connection, reader, until)
        if reader.hello is not None:
            _say_last(connection, _record(wire.ALERT, reader.hello.version, bytes((wire.WARNING, 0))))  # close_notify
        return entry(
            name,
            reader.outcome or how,
            reader.stage,
            version=reader.version,
            suite=reader.suite,
            group=reader.group,
            chain=reader.chain,
            client_cert_requested=reader.client_cert_requested,
            client_cert_required=required,
            alert=alert,
            detail=detail,
            seconds=connection.seconds,
        )


async def _converse(connection: Connection, message: bytes, reader: wire.Reader, until: float) -> str:
    """Feed the reader until it is done, and say how the server's bytes ended: CLOSED, RESET or SILENT."""
    loop = asyncio.get_running_loop()
    sent = True
    try:
        with ends_by(until):
            try:
                if connection.socket.send(message) < len(message):  # what a new socket's buffer takes is far more
                    raise OSError
            except OSError:
                sent = False  # it has hung up, but may have said why before
            while not reader.done:
                # A banner may come without a line's end; nothing more is worth waiting for long then.
                with ends_by(loop.time() + connection.patience) if reader.foreign else nullcontext():
                    data = await loop.sock_recv(connection.socket, CHUNK)
                if not data:
                    return Outcome.CLOSED if sent else Outcome.RESET
                reader.feed(data)
        return Outcome.CLOSED
    except TIMED_OUT:
        return Outcome.SILENT
    except OSError:
        return Outcome.RESET


async def _without_certificate(
    connection: Connection, reader: wire.Reader, until: float
) -> Tuple[Optional[bool], Optional[str], Optional[str]]:
    """Answer the request with no certificate, and see whether the server goes on (RFC 5246 section 7.4.6).

    Returns (required, alert, detail). True: it refused by an alert or hung up; False: it was content; None: not learnt.
    """
    if reader.hello is None or reader.hello.version < 0x0301:  # SSL 3.0 has another way to say it
        return None, None, reader.detail
    answer = _message(messages.CERTIFICATE, bytes(3))
    if reader.key_exchange is not None and reader.key_exchange.public:
        # The server's own public value is one that its group surely has; the secret that follows from it is never needed.
        answer += _message(messages.CLIENT_KEY_EXCHANGE, reader.key_exchange.public)
    left = until - asyncio.get_running_loop().time()
    try:
        _say(connection, _record(wire.HANDSHAKE, reader.hello.version, answer))
        with ends_by(asyncio.get_running_loop().time() + min(connection.patience, left)):
            code = await _first_alert(connection)
    except TIMED_OUT:
        return None if left < connection.patience else False, None, reader.detail
    except OSError:
        return True, None, "the server reset the connection on an empty client certificate"
    except messages.Broken:
        return None, None, "the server's answer to an empty client certificate is not TLS"
    if code is None:
        return True, None, "the server closed the connection on an empty client certificate"
    alert = alert_name(code)
    return None if alert in BLAMES_OUR_BYTES else True, alert, "after an empty client certificate"


async def _first_alert(connection: Connection) -> Optional[int]:
    """The code of the next alert that is not a mere warning; None: the server closed."""
    loop = asyncio.get_running_loop()
    records = wire.Records()
    taken = 0
    while taken <= wire.MOST_BYTES:
        data = await loop.sock_recv(connection.socket, CHUNK)
        if not data:
            return None
        taken += len(data)
        records.push(data)
        record = records.next()
        while record is not None:
            content, fragment = record
            if content == wire.ALERT and len(fragment) == 2 and (fragment[0] != wire.WARNING or fragment[1] == 0):
                return fragment[1] or None
            record = records.next()
    raise messages.Broken("endless")


def _message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def _record(content: int, version: int, fragment: bytes) -> bytes:
    return bytes((content,)) + min(version, 0x0303).to_bytes(2, "big") + len(fragment).to_bytes(2, "big") + fragment


def _say(connection: Connection, data: bytes) -> None:
    """Send a few bytes if the server still listens; what it answers is read elsewhere."""
    with suppress(OSError):
        connection.socket.send(data)


def _say_last(connection: Connection, data: bytes) -> None:
    """The same before the socket is closed: the bytes go out with the FIN, in one packet where the system can."""
    with suppress(OSError):
        connection.socket.send(data, getattr(socket, "MSG_MORE", 0))
