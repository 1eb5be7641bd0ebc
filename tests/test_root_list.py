"""Microsoft's list is fetched whole or not at all, over https only, within bounds; what was stored before survives whatever the server does."""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analyzer import root_list, trust
from analyzer.cli import main
from analyzer.errors import DownloadError
from tests import make
from tests.trust import make_chain as m
from tests.trust.test_ccadb import report, row

ROOTS = [m.root(f"Root {n}") for n in range(6)]
REPORT = report(*(row(root.der) for root in ROOTS))
HTML = b"<html>Sign in to continue</html>"


class _Server(BaseHTTPRequestHandler):
    asked: list[str]
    plain: str

    def do_GET(self) -> None:
        self.asked.append(self.path)
        moved = {
            "/moved": "/report",
            "/loop": "/loop",
            "/down": f"{self.plain}/report",
            "/file": "file:///etc/passwd",
            "/named": "https://user:secret@127.0.0.1/report",
        }
        bodies = {
            "/report": REPORT,
            "/html": HTML,
            "/half": REPORT[: len(REPORT) // 2],
            "/none": report(),
            "/few": report(row(ROOTS[0].der)),
        }
        if self.path in moved:
            self.send_response(302)
            self.send_header("Location", moved[self.path])
            self.end_headers()
        elif self.path in bodies:
            self._send(bodies[self.path])
        elif self.path == "/short":
            self._send(REPORT, claimed=len(REPORT) + 1000)
        elif self.path == "/drip":
            self._drip()
        elif self.path == "/endless":
            self._endless()
        else:
            self.send_error(503)

    def _send(self, body: bytes, claimed: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(claimed or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        """A byte of a header now and then, as long as anybody listens: each byte is in time, the whole is not."""
        stop: threading.Event = self.server.stop  # type: ignore[attr-defined]
        try:
            while not stop.wait(0.05):
                self.connection.sendall(b"x")
        except OSError:
            return

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"a,b\r\n" * 20_000)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        pass


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that turns away in the handshake is what some of these tests are about."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The CA's file and the server's."""
    folder = tmp_path_factory.mktemp("https")
    root = make.ca("Loopback Root")
    ca = folder / "ca.pem"
    ca.write_bytes(root.pem)
    return ca, make.leaf("127.0.0.1", root).write(folder)


@pytest.fixture
def server(certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """An https server on loopback that the fetcher trusts, and the paths that it was asked for."""
    ca, own = certificates
    asked: list[str] = []
    plain = _Quiet(("127.0.0.1", 0), type("_Plain", (_Server,), {"asked": asked, "plain": ""}))
    of_plain = f"http://127.0.0.1:{plain.server_address[1]}"
    handler = type("_Secure", (_Server,), {"asked": asked, "plain": of_plain})
    secure = _Quiet(("127.0.0.1", 0), handler)
    secure.stop = threading.Event()  # type: ignore[attr-defined]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    threads = [threading.Thread(target=s.serve_forever, args=(0.01,)) for s in (plain, secure)]
    for thread in threads:
        thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    try:
        yield f"https://127.0.0.1:{secure.server_address[1]}", asked
    finally:
        secure.stop.set()  # type: ignore[attr-defined]
        for one in (plain, secure):
            one.shutdown()
            one.server_close()
        for thread in threads:
            thread.join()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This user's data folder, not made yet."""
    monkeypatch.setenv("APIM_TRIAGE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_list_is_fetched_checked_stored_and_found_again(
    server: tuple[str, list[str]], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, _ = server
    assert main(["trust", "update", "--url", f"{base}/report"]) == 0
    assert "6 roots of Microsoft's program stored in" in capsys.readouterr().out
    assert trust.stored_list().read_bytes() == REPORT
    assert [p.name for p in data.iterdir()] == ["ccadb-microsoft.csv"]
    assert trust.load_stored().microsofts
    stored = trust.stored_at()
    assert stored is not None
    assert abs((datetime.now(UTC) - stored).total_seconds()) < 60


def test_a_second_time_says_what_was_there_before(
    server: tuple[str, list[str]], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["trust", "update", "--url", f"{server[0]}/report"]) == 0
    assert "(before: 6 roots, of " in capsys.readouterr().out


def test_out_names_another_file_and_leaves_the_data_folder_alone(
    server: tuple[str, list[str]], data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "list.csv"
    assert main(["trust", "update", "--url", f"{server[0]}/report", "--out", str(out)]) == 0
    assert out.read_bytes() == REPORT
    assert not data.exists()
    assert trust.load_store(str(out)).microsofts


def test_a_redirect_within_https_is_followed(server: tuple[str, list[str]]) -> None:
    base, asked = server
    assert root_list.fetch(f"{base}/moved") == REPORT
    assert asked == ["/moved", "/report"]


@pytest.mark.parametrize("path", ["/down", "/file", "/named"])
def test_a_redirect_that_leaves_https_is_refused_and_not_asked(server: tuple[str, list[str]], path: str) -> None:
    base, asked = server
    with pytest.raises(DownloadError, match="redirects") as caught:
        root_list.fetch(f"{base}{path}")
    assert asked == [path]
    assert "secret" not in str(caught.value)


def test_a_redirect_in_circles_ends(server: tuple[str, list[str]]) -> None:
    base, asked = server
    with pytest.raises(DownloadError):
        root_list.fetch(f"{base}/loop")
    assert len(asked) <= root_list.REDIRECTS + 1


@pytest.mark.parametrize("path", ["/html", "/half", "/none", "/few", "/short", "/missing", "/down", "/endless"])
def test_what_is_not_the_whole_list_leaves_the_one_before(
    server: tuple[str, list[str]],
    data: Path,
    path: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(root_list, "LARGEST", 4 << 20)
    data.mkdir()
    before = trust.stored_list()
    before.write_bytes(REPORT)
    assert main(["trust", "update", "--url", f"{server[0]}{path}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert path in said
    assert before.read_bytes() == REPORT
    assert [p.name for p in data.iterdir()] == [before.name]


@pytest.mark.parametrize("end", range(len(REPORT) - 40, len(REPORT) - 2))
def test_a_report_cut_anywhere_in_its_last_row_is_not_whole(end: int) -> None:
    with pytest.raises(DownloadError, match="breaks off"):
        root_list.checked(REPORT[:end])


def test_a_server_that_drips_is_left_at_the_deadline(server: tuple[str, list[str]]) -> None:
    begun = time.monotonic()
    with pytest.raises(DownloadError, match="within 1 seconds"):
        root_list.fetch(f"{server[0]}/drip", deadline=1.0)
    assert time.monotonic() - begun < 15


def test_a_server_that_this_system_does_not_trust_is_not_believed(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, asked = server
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DownloadError, match="SSL_CERT_FILE"):
        root_list.fetch(f"{base}/report")
    assert asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "file:///etc/passwd",
        "ftp://a/b",
        "https://",
        "https://u:p@a/b",
        "a",
        "",
        "https://[/",
        "https://a:0/",
    ],
)
def test_an_address_that_is_not_https_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(DownloadError, match="not an https address"):
        root_list.fetch(url)


def test_a_port_that_refuses_is_one_line(unused_port: object) -> None:
    with pytest.raises(DownloadError, match="cannot be fetched") as caught:
        root_list.fetch(f"https://127.0.0.1:{unused_port()}/x?key=secret")  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_data_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APIM_TRIAGE_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert trust.data_folder() == tmp_path / ".local" / "share" / "apim-triage"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert trust.data_folder() == tmp_path / "xdg" / "apim-triage"
    monkeypatch.setattr("sys.platform", "win32")
    assert trust.data_folder() == tmp_path / "Local" / "apim-triage"
    monkeypatch.setattr("sys.platform", "darwin")
    assert trust.data_folder() == tmp_path / "Library" / "Application Support" / "apim-triage"


def test_a_folder_that_may_not_be_written_is_one_line(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("APIM_TRIAGE_DATA", str(tmp_path / "file" / "below"))
    assert main(["trust", "update", "--url", f"{server[0]}/report"]) == 2
    assert "name a file with --out" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["file"]
