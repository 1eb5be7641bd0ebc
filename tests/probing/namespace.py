"""A network of its own for tests: only loopback, a resolver that the test scripts, servers that would listen on every interface.

Run as a program inside `unshare --net --mount`: a JSON description on standard input, the entries of the probe on standard output.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from analyzer.probing import Policy, Target, probe
from analyzer.probing.aia import Issuers
from analyzer.probing.dns import Lookups

ENTER = ["unshare", "--map-root-user", "--net", "--mount", sys.executable, "-m", "tests.probing.namespace"]


def alone(description: dict[str, Any]) -> list[dict[str, Any]]:
    """Probe inside a fresh namespace; what the namespace holds, and whom to ask, is in the description.

    `answers`: host → addresses, or an error code of DNS (RFC 1035 section 4.1.1), or "silence", or a list of these in {"turns": …}, one for
    each time it is asked; `proxy`: a host where a proxy opens every tunnel; `server`: a command to start and
    `ready`: the text it says when it listens; `listen`: addresses where port 443 says a whole flight; `routes`: arguments of `ip route
    add`; `ask`: arguments of Target;
    `deadline`: seconds. With `leaf` instead of `ask`: fetch the issuer of this certificate (base64), where `library` has addresses
    where port 80 says `says` (base64); the `aia` entries come back. Or `run`: a command that prints the evidence.
    """
    done = subprocess.run(ENTER, input=json.dumps(description), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def permitted() -> tuple[bool, str]:
    """Whether this machine lets us have a network of our own, and what it says where it does not."""
    command = [*ENTER[: ENTER.index("--mount") + 1], "true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return done.returncode == 0, f"this machine permits no network namespace: {done.stderr.strip()}"


def main() -> None:
    from analyzer.probing import Proxy
    from tests.probing.peers import hears, peer, says, sends, then
    from tests.probing.speech import flight

    description = json.load(sys.stdin)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for route in description.get("routes", []):
        subprocess.run(["ip", "route", "add", *route], check=True)
    with ExitStack() as stack:
        stack.enter_context(_resolver(stack, description.get("answers", {})))
        if "server" in description:
            stack.enter_context(_running(description["server"], description["ready"]))
        for address in description.get("listen", []):
            stack.enter_context(peer(says(flight([b"\x30\x00"])), host=address, port=443))
        if "run" in description:
            done = subprocess.run(description["run"], stdout=subprocess.PIPE, check=True)
            json.dump(json.loads(done.stdout)["backends"], sys.stdout)
            return
        for address in description.get("library", []):
            stack.enter_context(peer(says(base64.b64decode(description["says"])), host=address, port=80))
        proxy = None
        if "proxy" in description:
            opens = sends(b"HTTP/1.1 200 OK\r\n\r\n")
            server = stack.enter_context(peer(then(opens, hears, says(flight([b"\x30\x00"])))))
            proxy = Proxy(description["proxy"], server.port)
        policy, deadline = Policy(allow=["127.0.0.0/8", "::1"]), description.get("deadline", 5)
        if "leaf" in description:
            entries = asyncio.run(_fetch(base64.b64decode(description["leaf"]), policy, deadline))
        else:
            targets = [Target(**asked) for asked in description["ask"]]
            entries = probe(targets, policy, deadline=deadline, proxy=proxy)
    json.dump(entries, sys.stdout)


async def _fetch(leaf: bytes, policy: Policy, seconds: float) -> list[dict[str, Any]]:
    issuers = Issuers(policy, Lookups(), frozenset(), "apim-triage/test")
    return await issuers.complete([leaf], asyncio.get_running_loop().time() + seconds)


def _resolver(stack: ExitStack, answers: dict[str, Any]) -> socket.socket:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    config = Path(folder) / "resolv.conf"
    config.write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(config), "/etc/resolv.conf"], check=True)
    stack.callback(subprocess.run, ["umount", "/etc/resolv.conf"], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.53", 53))
    thread = threading.Thread(target=_answer, args=(server, answers), daemon=True)
    thread.start()
    return server


def _answer(server: socket.socket, answers: dict[str, Any]) -> None:
    with suppress(OSError):
        while True:
            query, client = server.recvfrom(2048)
            reply = _reply(query, answers)
            if reply:
                server.sendto(reply, client)


def _reply(query: bytes, answers: dict[str, Any]) -> bytes | None:
    """RFC 1035 section 4: the question back, with address records of the type asked for, or an error code."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12 : at + 5]
    kind = int.from_bytes(query[at + 1 : at + 3], "big")
    told = answers.get(".".join(labels), 3)  # NXDOMAIN
    if isinstance(told, dict):
        asked = told.setdefault("asked", {})
        turn = asked[kind] = asked.get(kind, -1) + 1
        told = told["turns"][min(turn, len(told["turns"]) - 1)]
    if told == "silence":
        return None
    code = told if isinstance(told, int) else 0
    family, size = (socket.AF_INET6, 16) if kind == 28 else (socket.AF_INET, 4)
    addresses = [a for a in (told if isinstance(told, list) else []) if (":" in a) == (size == 16)]
    records = b"".join(
        b"\xc0\x0c"
        + kind.to_bytes(2, "big")
        + b"\x00\x01\x00\x00\x00\x00"
        + size.to_bytes(2, "big")
        + socket.inet_pton(family, a)
        for a in addresses
    )
    counts = b"\x00\x01" + len(addresses).to_bytes(2, "big") + b"\x00\x00\x00\x00"
    return query[:2] + bytes((0x81, 0x80 | code)) + counts + question + records


@contextmanager
def _running(command: list[str], ready: str) -> Iterator[None]:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            heard = []
            for line in process.stdout:
                heard.append(line)
                if ready in line:
                    yield
                    return
            raise AssertionError(f"{command[0]} did not start: {''.join(heard)}")
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
