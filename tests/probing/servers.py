"""Real TLS servers on loopback, each as a context manager that gives its port: Python's ssl, openssl s_server, nginx."""

from __future__ import annotations

import signal
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
    group: str | None = None,
    chain: Sequence[Issued] | None = None,
) -> Iterator[int]:
    """Serves one answer per connection; `clients`: the CA of client certificates, which are required or only asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = minimum, maximum
    context.load_cert_chain(identity.write(folder, chain=chain))
    if group is not None:
        context.set_ecdh_curve(group)
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
def openssl(
    identity: Issued, folder: Path, *options: str, chain: Sequence[Issued] | None = None, stopped: bool = False
) -> Iterator[int]:
    """`openssl s_server -www` with more options, such as ("-tls1_2", "-cipher", "AES256-SHA"); `stopped`: it listens and hangs."""
    pem = str(identity.write(folder, chain=()))
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", pem, "-key", pem]
    after = identity.above if chain is None else chain
    if after:
        sent = folder / "after-the-leaf.pem"
        sent.write_bytes(b"".join(issuer.pem for issuer in after))
        command += ["-cert_chain", str(sent)]
    with subprocess.Popen(
        [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            heard = []
            for line in process.stdout:
                heard.append(line)
                if line.startswith("ACCEPT"):
                    if stopped:
                        process.send_signal(signal.SIGSTOP)
                    yield int(line.rpartition(":")[2])
                    return
            raise AssertionError(f"openssl did not start: {''.join(heard)}")
        finally:
            process.kill()


@contextmanager
def nginx(
    identity: Issued, folder: Path, *directives: str, chain: Sequence[Issued] | None = None, tls: bool = True
) -> Iterator[int]:
    """nginx with one server and more directives for it, such as ("ssl_verify_client on", "ssl_client_certificate ca.pem").

    It inherits a socket that listens already, so that nobody has to wait until it is ready.
    """
    pem = identity.write(folder, chain=chain)
    named = any(directive.startswith("ssl_certificate ") for directive in directives)
    own = () if named else (f"ssl_certificate {pem}", f"ssl_certificate_key {pem}")
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        lines = "".join(f"{directive};" for directive in (*own, *directives))
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


def gnutls(
    identity: Issued, folder: Path, priority: str, *options: str, chain: Sequence[Issued] | None = None
) -> list[str]:
    """The command of a gnutls-serv on port 443 of every interface: for a namespace of its own, where that is nobody else's."""
    pem = str(identity.write(folder, chain=chain))
    # The machine's own GnuTLS settings may forbid old versions, which tests are about.
    command = ["env", "GNUTLS_SYSTEM_PRIORITY_FILE=/dev/null", "gnutls-serv", "--http", "--port", "443"]
    return [*command, "--priority", priority, "--x509certfile", pem, "--x509keyfile", pem, *options]


GNUTLS_READY = "listening on IPv4"
