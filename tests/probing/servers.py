"""Real TLS servers on loopback, each as a context manager that gives its port: Python's ssl, openssl s_server, nginx."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.make import Issued
from tests.probing.peers import peer

OLD_ALLOWED = "DEFAULT:@SECLEVEL=0"  # OpenSSL 3 serves TLS 1.0 and 1.1 and weak keys at this level only


@contextmanager
def python_ssl(
    identity: Issued,
    folder: Path,
    *,
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ciphers: str = OLD_ALLOWED,
    clients: Issued | None = None,
    required: bool = True,
    chain: Sequence[Issued] | None = None,
) -> Iterator[int]:
    """Serves one answer per connection; `clients`: the CA of client certificates, which are required or only asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = minimum, maximum
    context.load_cert_chain(identity.write(folder, chain=chain))
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=clients.pem.decode())

    def serve(connection: socket.socket) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            tls.unwrap()

    with peer(serve, speaks_first=True) as server:
        yield server.port


@contextmanager
def openssl(identity: Issued, folder: Path, *options: str) -> Iterator[int]:
    """`openssl s_server -www` with more options, such as ("-tls1_2", "-cipher", "AES256-SHA")."""
    pem = str(identity.write(folder))
    command = [
        "openssl",
        "s_server",
        "-accept",
        "127.0.0.1:0",
        "-www",
        "-cert",
        pem,
        "-key",
        pem,
        "-cert_chain",
        pem,
        *options,
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            heard = []
            for line in process.stdout:
                heard.append(line)
                if line.startswith("ACCEPT"):
                    yield int(line.rpartition(":")[2])
                    return
            raise AssertionError(f"openssl did not start: {''.join(heard)}")
        finally:
            process.terminate()


@contextmanager
def nginx(
    identity: Issued, folder: Path, *directives: str, chain: Sequence[Issued] | None = None, tls: bool = True
) -> Iterator[int]:
    """nginx with one server and more directives for it, such as ("ssl_verify_client on", "ssl_client_certificate ca.pem").

    It inherits a socket that listens already, so that nobody has to wait until it is ready.
    """
    pem = identity.write(folder, chain=chain)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        lines = "".join(
            f"{directive};" for directive in (f"ssl_certificate {pem}", f"ssl_certificate_key {pem}", *directives)
        )
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
            f"events {{ worker_connections 512; }}"
            f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}{' ssl' if tls else ''}; {lines} return 200 ok; }} }}"
        )
        listener.set_inheritable(True)
        command = ["nginx", "-c", str(config), "-e", str(folder / "error.log")]
        environment = {"NGINX": f"{listener.fileno()};", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        with subprocess.Popen(command, pass_fds=(listener.fileno(),), env=environment) as process:
            try:
                yield port
            finally:
                process.terminate()
