"""One TLS 1.3 handshake through `ssl`, for what encryption hides from raw bytes: the chain, and the refusal of a missing client certificate.

A connection in, an entry out. Only for servers that are known to agree on TLS 1.3, so that what OpenSSL will not do is no verdict on them.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Callable, Optional, Tuple, TypeVar

from analyzer.probing import iana, messages, wire
from analyzer.probing.connection import BLAMES_OUR_BYTES, CHUNK, TIMED_OUT, Connection
from analyzer.probing.handshake import Entry, Outcome, Stage, entry

try:
    import ssl
except ImportError:  # a Python that was built without OpenSSL
    _HAS_SSL = False
else:
    _HAS_SSL = True

T = TypeVar("T")


class _TooLarge(Exception):
    """More bytes than any honest handshake has."""


def lacks() -> Optional[str]:
    """Why this Python cannot make such a handshake; None: it can."""
    if not _HAS_SSL:
        return "this Python has no ssl module"
    return None if ssl.HAS_TLSv1_3 else "this Python's ssl module has no TLS 1.3"


async def shake(connection: Connection, name: str, sni: Optional[str], request: bytes, until: float) -> Entry:
    """Finish a handshake without a client certificate, send the request (b"": none) and read on; never raises OSError.

    TLS 1.3 refuses a missing client certificate only after the handshake looks complete to the client (RFC 8446 section
    4.4.2.4). Only an alert proves the refusal: a reset or a close without a word is the outcome at stage APPLICATION, and
    `client_cert_required` stays None. The socket is closed when it returns.
    """
    with connection.socket:
        lacking = lacks()
        if lacking is not None:
            return entry(name, Outcome.CONNECT_FAILED, Stage.CONNECT, detail=lacking)
        session = _Session(connection, sni)
        outcome, detail = await session.talk(request, until)
        session.leave()
        seen = session.seen
        return entry(
            name,
            outcome,
            session.stage,
            version=None if seen.hello is None else iana.version_name(seen.hello.version),
            suite=None if seen.hello is None else iana.suite_name(seen.hello.suite),
            group=None if seen.hello is None or seen.hello.group is None else iana.group_name(seen.hello.group),
            chain=seen.chain,
            client_cert_requested=seen.client_cert_requested if seen.chain else None,
            client_cert_required=session.client_cert_required(outcome),
            alert=None if outcome == Outcome.COMPLETED else seen.alert,  # a goodbye is no refusal
            detail=detail,
            seconds=connection.seconds,
        )


class _Seen:
    """What the server sent, noted from OpenSSL's own view of the decrypted messages.

    `SSLContext._msg_callback` is there from Python 3.8 on. It shows the chain as sent, which public methods do from 3.13
    only, and the CertificateRequest, which none does.
    """

    def __init__(self) -> None:
        self.hello: Optional[messages.ServerHello] = None
        self.chain: Tuple[bytes, ...] = ()
        self.client_cert_requested = False
        self.alert: Optional[str] = None

    def __call__(self, _: Any, direction: str, __: Any, content: int, ___: Any, data: bytes) -> None:
        if direction != "read" or len(data) < 2:
            return
        if content == wire.ALERT:
            self.alert = iana.alert_name(data[1])
        elif content == wire.HANDSHAKE:
            self._message(data[0], data[4:])

    def _message(self, kind: int, body: bytes) -> None:
        try:
            if kind == messages.SERVER_HELLO:
                self.hello = messages.server_hello(body)
            elif kind == messages.CERTIFICATE:
                self.chain = messages.certificates(body, tls13=True)
            elif kind == messages.CERTIFICATE_REQUEST:
                self.client_cert_requested = True
        except messages.Broken:
            pass  # OpenSSL is about to refuse it


class _Session:
    """TLS over a connection's socket, without a thread: OpenSSL reads and writes memory, the loop does the rest."""

    def __init__(self, connection: Connection, sni: Optional[str]) -> None:
        self.seen = _Seen()
        self._connection = connection
        self._taken = 0
        self._finished = False
        self._asked = False  # the request was sent
        self._spoke = False  # the server said or did something after the handshake
        self._cut_off = False  # the server has hung up on what was sent to it
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # observed here, judged elsewhere
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with suppress(ssl.SSLError):  # LibreSSL has no levels
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # weak keys and signatures are to be seen, not refused
        context._msg_callback = self.seen  # type: ignore[attr-defined]
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=sni)

    @property
    def stage(self) -> str:
        """How far it got."""
        if self._finished:
            return Stage.APPLICATION if self._spoke else Stage.FINISHED
        return Stage.HELLO if self.seen.hello is None else Stage.CERTIFICATE

    def client_cert_required(self, outcome: str) -> Optional[bool]:
        """What the end says of a missing client certificate; None: nothing."""
        if not self._finished:
            return None
        if outcome == Outcome.ALERT:
            proves = self.seen.client_cert_requested and self.seen.alert not in BLAMES_OUR_BYTES
            return True if proves else None
        content = outcome == Outcome.COMPLETED and self._asked and self.seen.client_cert_requested
        return False if content else None

    async def talk(self, request: bytes, until: float) -> Tuple[str, Optional[str]]:
        """Handshake, request, first bytes of the answer: (outcome, detail)."""
        left = until - asyncio.get_running_loop().time()
        try:
            return await asyncio.wait_for(self._handshake_and_ask(request, until), left)
        except TIMED_OUT:
            return Outcome.SILENT, None
        except ssl.SSLError as error:  # before OSError, which it is a kind of
            if self.seen.alert is not None:
                return Outcome.ALERT, None
            reason = (error.reason or str(error)).lower().replace("_", " ")
            return Outcome.TOO_LARGE if reason == "excessive message size" else Outcome.MALFORMED, reason
        except _TooLarge as error:
            return Outcome.TOO_LARGE, str(error)
        except OSError:
            return Outcome.RESET, None

    def leave(self) -> None:
        """Say goodbye if the server still listens (close_notify)."""
        with suppress(ssl.SSLError):  # raised as long as the server has not said goodbye itself
            self._tls.unwrap()
        with suppress(OSError):
            self._connection.socket.send(self._outgoing.read())

    async def _handshake_and_ask(self, request: bytes, until: float) -> Tuple[str, Optional[str]]:
        if not await self._run(self._shake_hands):
            return Outcome.CLOSED, None
        self._finished = True
        patience, left = self._connection.patience, until - asyncio.get_running_loop().time()
        try:
            if request:
                await self._run(lambda: self._tls.write(request))
                self._asked = True
            answer = await asyncio.wait_for(self._run(lambda: self._tls.read(CHUNK)), min(patience, left))
        except TIMED_OUT:
            # A refusal comes within a round trip; what is slow is the application, which the handshake is not about.
            return (Outcome.SILENT if left < patience else Outcome.COMPLETED), None
        except (OSError, _TooLarge):
            self._spoke = True
            raise
        self._spoke = True
        return (Outcome.COMPLETED, wire.describe(answer)) if answer else (Outcome.CLOSED, None)

    def _shake_hands(self) -> bool:
        self._tls.do_handshake()
        return True

    async def _run(self, step: Callable[[], T]) -> Optional[T]:
        """Repeat the step until OpenSSL has what it needs; None: the server closed before."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                await self._flush()
            data = await loop.sock_recv(self._connection.socket, CHUNK)
            if not data:
                if self._cut_off:
                    raise ConnectionResetError
                return None
            self._taken += len(data)
            if self._taken > wire.MOST_BYTES:
                raise _TooLarge(f"more than {wire.MOST_BYTES} bytes")
            self._incoming.write(data)

    async def _flush(self) -> None:
        pending = self._outgoing.read()
        if pending:
            try:
                await asyncio.get_running_loop().sock_sendall(self._connection.socket, pending)
            except OSError:
                self._cut_off = True  # what it said before is still to be read; the end that follows is this reset
