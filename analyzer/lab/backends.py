"""The lab: a moment in, one loopback server per fault out, and what tools must be told to find them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Thread
from types import MappingProxyType, TracebackType

from analyzer.lab.catalogue import CATALOGUE, Fault
from analyzer.lab.certificates import Pki, make_pki
from analyzer.lab.contexts import server_contexts
from analyzer.lab.manners import WITHOUT_TLS, Line, Manner, Tls
from analyzer.model import CauseName

ADDRESS = "127.0.0.1"


@dataclass(slots=True, kw_only=True)
class LabBackend:
    """One server of the lab."""

    name: str  # of its fault
    host: str  # as the logs name it
    port: int  # on 127.0.0.1
    cause: CauseName  # the right answer for a classic gateway that trusts root A
    description: str
    connections: int = 0  # accepted so far


class Lab:
    """Every fault of the catalogue that a server can have, as a context manager.

    `now` decides the certificates' dates. One thread serves them all; leaving ends it and closes every socket,
    whatever the clients do.
    """

    def __init__(self, *, now: datetime) -> None:
        self.pki: Pki = make_pki(now)
        self._backends: dict[str, LabBackend] = {}
        self._open = ExitStack()

    @property
    def backends(self) -> Mapping[str, LabBackend]:
        """The servers, by the name of their fault; empty until the lab is entered."""
        return MappingProxyType(self._backends)

    @property
    def ca_pem(self) -> bytes:
        """Root A, the one that was given to the gateway: what `--ca-file` takes."""
        return self.pki.root_a.pem

    def connect_to(self) -> tuple[str, ...]:
        """`HOST:443:127.0.0.1:PORT` of every server, as `--connect-to` and curl take it."""
        return tuple(f"{backend.host}:443:{ADDRESS}:{backend.port}" for backend in self._backends.values())

    def __enter__(self) -> Lab:
        manners: dict[Fault, Manner] = {fault: Tls(context) for fault, context in server_contexts(self.pki).items()}
        manners |= WITHOUT_TLS
        with ExitStack() as opened:
            # REFUSED is a port that is bound and does not listen: it refuses, and nobody else gets it meanwhile.
            sockets = {fault: opened.enter_context(_bound()) for fault in Fault if fault in (*manners, Fault.REFUSED)}
            self._backends = {fault: _backend(fault, bound) for fault, bound in sockets.items()}
            opened.enter_context(
                _running([(sockets[fault], self._backends[fault], manner) for fault, manner in manners.items()])
            )
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()


@contextmanager
def changed(fault: Fault, manner: Manner) -> Iterator[LabBackend]:
    """One backend of the lab as it would be after its owner changed something: another server, with these manners, on a port of its own."""
    with _bound() as bound:
        backend = _backend(fault, bound)
        with _running([(bound, backend, manner)]):
            yield backend


@contextmanager
def _running(servers: Sequence[tuple[socket.socket, LabBackend, Manner]]) -> Iterator[None]:
    """One thread that serves them all; leaving ends it."""
    for listener, _, _ in servers:
        listener.listen(1024)
    with ExitStack() as opened:
        loop = asyncio.SelectorEventLoop()
        opened.callback(loop.close)
        stop = asyncio.Event()
        thread = Thread(target=loop.run_until_complete, args=(_serve(servers, stop),), name="lab", daemon=True)
        thread.start()
        opened.callback(thread.join)
        opened.callback(loop.call_soon_threadsafe, stop.set)
        yield


def _bound() -> socket.socket:
    """A socket with a port of its own on loopback."""
    bound = socket.socket()
    bound.setblocking(False)
    bound.bind((ADDRESS, 0))
    return bound


def _backend(fault: Fault, bound: socket.socket) -> LabBackend:
    specimen = CATALOGUE[fault]
    return LabBackend(
        name=fault,
        host=specimen.host,
        port=bound.getsockname()[1],
        cause=specimen.cause,
        description=specimen.description,
    )


async def _serve(servers: Sequence[tuple[socket.socket, LabBackend, Manner]], stop: asyncio.Event) -> None:
    """Accepts and treats connections until told to stop; then every connection is closed, mid-word if need be."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def accept(listener: socket.socket, backend: LabBackend, manner: Manner) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # the client has left again
            return
        connection.setblocking(False)
        backend.connections += 1
        task = loop.create_task(_treat(Line(connection), manner))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: connection.close())  # also where the task was cancelled before it began

    for listener, backend, manner in servers:
        loop.add_reader(listener, accept, listener, backend, manner)
    await stop.wait()
    for listener, _, _ in servers:
        loop.remove_reader(listener)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _treat(line: Line, manner: Manner) -> None:
    with suppress(OSError):  # a client may leave at any time
        await manner(line)
