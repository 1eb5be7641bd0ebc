"""A small Azure Resource Manager on loopback: it answers GETs from the exported files, in pages, and nothing else."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Manager:
    """What it holds, what it was asked, and how it misbehaves."""

    resources: dict[str, dict[str, Any]]  # by id, lower case
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)  # (method, path)
    refuse: dict[str, tuple[int, str]] = field(default_factory=dict)  # end of a path, lower case → (status, code)
    page: int = 2  # resources on one page of a list
    tokens: set[str] = field(default_factory=set)  # that came with the requests

    def answer(self, method: str, target: str) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(target)
        path, query = parts.path.lower().rstrip("/"), parse_qs(parts.query)
        self.asked.append((method, path))
        assert query["api-version"], "every request of the resource manager names a version"
        for end, (status, code) in self.refuse.items():
            if path.endswith(end):
                return status, _error(code)
        if path in self.resources:
            return 200, self.resources[path]
        below = [r for id_, r in self.resources.items() if id_.rpartition("/")[0] == path]
        if path.rpartition("/")[2] in ("policy",) or not path.split("/service/")[-1].count("/"):
            return 404, _error("ResourceNotFound")
        skip = int(query.get("$skip", ["0"])[0])
        found: dict[str, Any] = {"value": below[skip : skip + self.page], "count": len(below)}
        if skip + self.page < len(below):
            found["nextLink"] = f"{self.url}{parts.path}?api-version={query['api-version'][0]}&$skip={skip + self.page}"
        return 200, found


def _error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "words of the service, with a secret=hunter2 in them", "details": None}}


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """The resources of exported files by id, lower case."""
    found = {}
    for path in folder.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        for one in document.get("value", [document]):
            if "id" in one:
                found[one["id"].lower()] = one
    return found


@contextmanager
def manager(resources: dict[str, dict[str, Any]], identity: Path | None = None) -> Iterator[Manager]:
    """It listens on 127.0.0.1 for as long as the block lasts; over TLS where it has the PEM file of a key and its chain."""
    one = Manager(resources=resources)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            one.tokens.add(self.headers.get("Authorization", ""))
            status, document = one.answer(self.command, self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815  the names of http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if identity is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    one.url = f"http{'s' if identity else ''}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
