"""A storage account for tests: Azurite on loopback, and a proxy before it that counts requests and breaks connections."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Azurite's documented account and key: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def connection_string(port: int, key: str = KEY) -> str:
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
    )


@contextmanager
def azurite(folder: Path) -> Iterator[int]:
    """The port of a storage account that forgets everything."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = shutil.which("azurite-blob")
    assert program
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    command = [program, *options, "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout
        try:
            said = []
            for line in running.stdout:
                said.append(line)
                if "successfully listens on" in line or "successfully listening" in line:
                    break
            else:
                raise AssertionError("".join(said))
            yield port
        finally:
            running.terminate()


@dataclass(slots=True)
class Proxy:
    """Forwards connections to the storage account, unless it is told to spoil them."""

    to: int
    port: int = 0
    requests: list[str] = field(default_factory=list)  # "GET /container/blob"
    cut: list[int] = field(default_factory=list)  # bytes after which the answers to the next downloads break off
    canned: list[bytes] = field(default_factory=list)  # what the next requests get instead of an answer

    def downloads(self) -> list[str]:
        """The blobs of which something was asked, each once."""
        asked = (r.partition(" ")[2].partition("?") for r in self.requests if r.startswith("GET "))
        return list(dict.fromkeys(path for path, _, query in asked if "comp=list" not in query))

    def listings(self) -> int:
        return sum("comp=list" in r for r in self.requests)


@contextmanager
def proxy(to: int) -> Iterator[Proxy]:
    made = Proxy(to)
    with socket.create_server(("127.0.0.1", 0)) as server:
        made.port = int(server.getsockname()[1])
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=_serve, args=(made, client)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield made
        finally:
            server.shutdown(socket.SHUT_RDWR)
            accepting.join(10)
            for thread in threads:
                thread.join(10)


def _serve(made: Proxy, client: socket.socket) -> None:
    """One request per connection: the answer is told to be the last, so that it ends where the connection does."""
    with client:
        client.settimeout(10)
        head = b""
        while b"\r\n\r\n" not in head:
            try:
                more = client.recv(1 << 16)
            except OSError:
                return
            if not more:
                return
            head += more
        request = " ".join(head.split(b" ", 2)[:2][i].decode() for i in (0, 1))
        made.requests.append(request)
        if made.canned:
            client.sendall(made.canned.pop(0))
            return
        left = made.cut.pop(0) if made.cut and "comp=list" not in request else None
        with socket.create_connection(("127.0.0.1", made.to), timeout=10) as server:
            server.sendall(head.replace(b"Connection: keep-alive", b"Connection: close"))
            while more := server.recv(1 << 16):
                try:
                    client.sendall(more if left is None else more[:left])
                except OSError:
                    return
                if left is not None:
                    left -= len(more)
                    if left <= 0:
                        return
