"""Servers on loopback that do what a script says with each connection, so that every bad manner can be had for real."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from analyzer.probing import Policy, Target, probe

Script = Callable[[socket.socket], None]


class Peer:
    """A listening server; it counts its connections and keeps what each of them said first."""

    def __init__(self, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self.hellos: list[bytes] = []
        self._changed = threading.Condition()

    @property
    def connections(self) -> int:
        return len(self.hellos)

    def accepted(self) -> int:
        """Note one more connection; its number."""
        with self._changed:
            self.hellos.append(b"")
            self._changed.notify_all()
            return len(self.hellos) - 1

    def reached(self, connections: int, seconds: float = 30) -> bool:
        """Wait for that many connections; False: they did not come."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.hellos) >= connections, seconds)


@contextmanager
def peer(*scripts: Script, host: str = "127.0.0.1", port: int = 0, speaks_first: bool = False) -> Iterator[Peer]:
    """The n-th connection is served by the n-th script, further ones by the last.

    A script gets the connection after the client's first bytes were read, unless the server speaks first.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=256) as listener:
        server, threads, faults = Peer(listener), list[threading.Thread](), list[Exception]()

        def serve(connection: socket.socket, script: Script, number: int) -> None:
            with connection, suppress(OSError):
                try:
                    if not speaks_first:
                        server.hellos[number] = connection.recv(65536)
                    script(connection)
                except OSError:
                    raise
                except Exception as fault:  # noqa: BLE001  raised again where the test ends
                    faults.append(fault)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.settimeout(30)
                    number = server.accepted()
                    script = scripts[min(number, len(scripts) - 1)]
                    thread = threading.Thread(target=serve, args=(connection, script, number))
                    threads.append(thread)
                    thread.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for thread in threads:
                thread.join()
        if faults:
            raise faults[0]


def says(*pieces: bytes) -> Script:
    """Sends the pieces one by one, then listens until the client leaves."""

    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        listens(connection)

    return script


def listens(connection: socket.socket) -> None:
    """Says nothing until the client leaves."""
    while connection.recv(65536):
        pass


def closes(connection: socket.socket) -> None:
    """Closes in good order (FIN)."""
    connection.shutdown(socket.SHUT_WR)
    listens(connection)


def resets(connection: socket.socket) -> None:
    """Resets the connection (RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def then(*scripts: Script) -> Script:
    """One script after another on the same connection; each but the last must return by itself."""

    def script(connection: socket.socket) -> None:
        for one in scripts:
            one(connection)

    return script


def sends(data: bytes) -> Script:
    """Sends and goes on."""
    return lambda connection: connection.sendall(data)


def hears(connection: socket.socket) -> None:
    """Waits for the client's next bytes."""
    connection.recv(65536)


HOST = "api.contoso.example"
LOOPBACK = Policy(allow=("127.0.0.0/8", "::1"))


def ask(port: int, *, deadline: float = 5.0, **changes: Any) -> dict[str, Any]:
    """The entry of one probe of a server on 127.0.0.1, by the name of api.contoso.example."""
    asked = {
        "host": HOST,
        "port": 443,
        "server_name": HOST,
        "connect_host": "127.0.0.1",
        "connect_port": port,
        **changes,
    }
    return probe([Target(**asked)], policy=LOOPBACK, deadline=deadline)[0]


def only(entry: dict[str, Any]) -> dict[str, Any]:
    """The one handshake of an entry."""
    assert [h["offer"] for h in entry["handshakes"]] == [entry["handshakes"][0]["offer"]]
    found: dict[str, Any] = entry["handshakes"][0]
    return found
