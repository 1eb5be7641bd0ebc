"""A card is posted to a secret address: over https, once, tried again where that helps, and the address is never said."""

from __future__ import annotations

import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analyzer.errors import AnalyzerError, OutputError, UsageError
from analyzer.webhook import ATTEMPTS, address_of, send
from tests import make

SECRET = "sig-5UP3R-S3CR3T"
WORD = "env:TEAMS"


@dataclass
class Hook:
    """A webhook on loopback: answers as it was told, in turn, and the last answer for ever after."""

    answers: list[tuple[int, dict[str, str], bytes]]
    port: int = 0
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/workflows/{SECRET}?sig={SECRET}"


@contextmanager
def hook(folder: Path, *answers: tuple[int, dict[str, str], bytes], trusted_name: str = "localhost") -> Iterator[Hook]:
    root = make.ca("Hook Root")
    pem = make.leaf(trusted_name, root).write(folder)
    (folder / "root.pem").write_bytes(root.pem)
    state = Hook(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append((self.path, dict(self.headers), body))
            status, headers, said = state.answers[min(len(state.got), len(state.answers)) - 1]
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "root.pem"))
    monkeypatch.setenv("NO_PROXY", "localhost")


def post(url: str) -> list[float]:
    """Send, and the pauses that were asked for."""
    pauses: list[float] = []
    send(b'{"type": "message"}', WORD, url=url, pause=pauses.append)
    return pauses


def refused(url: str) -> str:
    with pytest.raises(OutputError) as error:
        post(url)
    return str(error.value)


@pytest.mark.parametrize(("status", "body"), [(202, b""), (200, b"1"), (204, b"")])
def test_it_is_posted_once_as_json(tmp_path: Path, status: int, body: bytes) -> None:
    with hook(tmp_path, (status, {}, body)) as there:
        assert post(there.url) == []
    ((path, headers, sent),) = there.got
    assert SECRET in path
    assert json.loads(sent) == {"type": "message"}
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_it_is_tried_again_where_the_server_means_later(tmp_path: Path, status: int) -> None:
    with hook(tmp_path, (status, {}, b""), (status, {"Retry-After": "7"}, b""), (202, {}, b"")) as there:
        assert post(there.url) == [1.0, 7.0]
    assert len(there.got) == 3


def test_a_connector_that_says_200_and_did_not_deliver_is_tried_again(tmp_path: Path) -> None:
    failed = b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    with hook(tmp_path, (200, {}, failed), (200, {}, b"1")) as there:
        assert post(there.url) == [1.0]


def test_it_gives_up_after_a_few_times_and_says_so(tmp_path: Path) -> None:
    with hook(tmp_path, (503, {}, b"")) as there:
        said = refused(there.url)
    assert len(there.got) == ATTEMPTS
    assert f"it answered 503, {ATTEMPTS} times" in said


def test_a_server_that_asks_for_hours_is_not_waited_for(tmp_path: Path) -> None:
    with hook(tmp_path, (429, {"Retry-After": "86400"}, b"")) as there:
        assert "it answered 429, 1 times" in refused(there.url)
    assert len(there.got) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
def test_what_will_not_change_is_not_tried_again(tmp_path: Path, status: int) -> None:
    with hook(tmp_path, (status, {}, b"")) as there:
        assert f"it answered {status}" in refused(there.url)
    assert len(there.got) == 1


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with hook(tmp_path, (307, {"Location": "https://localhost:1/elsewhere"}, b"")) as there:
        assert "it answered 307, a redirect" in refused(there.url)
    assert len(there.got) == 1


def test_a_lost_answer_is_not_posted_twice(tmp_path: Path) -> None:
    with hook(tmp_path, (0, {}, b"")) as there:
        assert "whether the message arrived is not known" in refused(there.url)
    assert len(there.got) == 1


def test_a_server_that_cannot_prove_its_name_gets_nothing(tmp_path: Path) -> None:
    with hook(tmp_path, (202, {}, b""), trusted_name="other.example") as there:
        assert "its certificate is not trusted here" in refused(there.url)
    assert there.got == []


def test_a_port_that_refuses_is_tried_again(unused_port: Callable[[], int], tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(make.ca("Hook Root").pem)
    pauses: list[float] = []
    with pytest.raises(OutputError, match=f"no connection, {ATTEMPTS} times"):
        send(b"{}", WORD, url=f"https://localhost:{unused_port()}/{SECRET}", pause=pauses.append)
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "answers",
    [[(503, {}, b"")], [(404, {}, SECRET.encode())], [(0, {}, b"")], [(307, {"Location": "https://x/"}, b"")]],
)
def test_the_address_is_never_said(
    tmp_path: Path,
    answers: list[tuple[int, dict[str, str], bytes]],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    with hook(tmp_path, *answers) as there, pytest.raises(OutputError) as error:
        post(there.url)
    shown = [str(error.value), caplog.text, *capfd.readouterr()]
    assert error.value.__cause__ is None
    assert not any(SECRET in one for one in shown)
    assert WORD in shown[0]
    assert not logging.getLogger("urllib3").disabled


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (f"https://example.com/{SECRET}", ""),
        ("env:", ""),
        ("env:A B", ""),
        ("env:TEAMS", ""),
        ("env:TEAMS", f"http://example.com/{SECRET}"),
        ("env:TEAMS", f"ftp://{SECRET}"),
        ("env:TEAMS", SECRET),
        ("env:TEAMS", f"https:///{SECRET}"),
        ("env:TEAMS", f"https://[{SECRET}"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_and_not_repeated(word: str, value: str) -> None:
    with pytest.raises(UsageError) as error:
        address_of(word, {"TEAMS": value})
    assert isinstance(error.value, AnalyzerError)
    assert SECRET not in str(error.value)
    assert "--post" in str(error.value)


def test_the_address_comes_from_the_environment() -> None:
    assert address_of("env:TEAMS", {"TEAMS": " https://example.com/x\n"}) == "https://example.com/x"
