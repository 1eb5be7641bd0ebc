"""Many backends at once: order, one deadline for each, names, addresses, and an end by Ctrl-C without a mess."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

import analyzer
from analyzer.probing import TOOL, VERSION, Policy, Target, probe, resolver
from analyzer.probing.route import PAUSE
from tests.probing import speech
from tests.probing.peers import HOST, LOOPBACK, Script, ask, closes, listens, only, peer, resets, says
from tests.probing.speech import alert, flight, record, server_hello

LEAF = b"\x30\x03\x02\x01\x01"
GOOD = says(flight([LEAF]))


def at(port: int, **changes: Any) -> Target:
    return Target(
        **{"host": HOST, "port": 443, "server_name": HOST, "connect_host": "127.0.0.1", "connect_port": port, **changes}
    )


def many(port: int, hosts: int) -> list[Target]:
    """As many hosts, all of them on one server."""
    return [at(port, host=f"b{n}.contoso.example") for n in range(hosts)]


def outcomes(entries: list[dict[str, Any]]) -> list[str]:
    return [e["handshakes"][0]["outcome"] for e in entries]


def test_entries_come_in_the_order_of_the_targets_whoever_is_done_first() -> None:
    with ExitStack() as stack:
        ports = [
            stack.enter_context(peer(script)).port
            for script in (listens, GOOD, says(b"SSH-2.0-x\r\n"), listens, resets)
        ]
        found = probe([at(p) for p in ports], LOOPBACK, deadline=0.8)
    assert outcomes(found) == ["silent", "completed", "not_tls", "silent", "reset"]


def test_no_targets_give_no_entries() -> None:
    assert probe([]) == []


def test_a_hundred_silent_servers_end_within_about_one_deadline() -> None:
    with peer(listens) as server:
        began = time.monotonic()
        found = probe(many(server.port, 100), LOOPBACK, deadline=1.0)
        took = time.monotonic() - began
    assert outcomes(found) == ["silent"] * 100
    assert took < 2.0


def test_one_deadline_covers_every_connection_to_a_backend() -> None:
    began = time.monotonic()
    with peer(says(alert(40)), listens) as server:
        found = ask(server.port, deadline=0.8)
    assert [h["outcome"] for h in found["handshakes"]] == ["alert", "silent"]
    assert time.monotonic() - began < 1.6


def test_a_thousand_silent_hosts_end_within_two_deadlines_though_few_files_may_be_open() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:  # nobody accepts: the kernel connects
        targets = many(listener.getsockname()[1], 1000)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        try:
            began = time.monotonic()
            found = probe(targets, LOOPBACK, deadline=5.0)
            took = time.monotonic() - began
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (256, hard)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(outcomes(found)) == {"silent"}
    assert took < 10.0


def test_where_the_limit_of_open_files_cannot_be_lifted_fewer_are_asked_at_once() -> None:
    code = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
from analyzer.probing import Policy, Target, probe
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
port = listener.getsockname()[1]
targets = [Target(f"{n}.example", 443, "a.example", "127.0.0.1", port) for n in range(120)]
found = probe(targets, Policy(allow=["127.0.0.1"]), deadline=0.1)
print({h["outcome"] for e in found for h in e["handshakes"]})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "{'silent'}\n", done.stderr


def test_connections_to_one_host_never_overlap_whatever_its_ports_and_profiles() -> None:
    open_now, most = 0, 0
    lock = threading.Lock()

    def counts(connection: socket.socket) -> None:
        nonlocal open_now, most
        with lock:
            open_now += 1
            most = max(most, open_now)
        time.sleep(0.05)
        with lock:
            open_now -= 1
        says(alert(40))(connection)

    with peer(counts) as one, peer(counts) as other:
        targets = [at(p, profile=profile) for p in (one.port, other.port) for profile in ("classic", "v2")]
        probe([*targets, at(one.port, host=HOST.upper() + ".")], LOOPBACK)
        assert one.connections + other.connections > 10
        assert most == 1
        probe([at(one.port, host=f"b{n}.example") for n in range(3)], LOOPBACK)
    assert most > 1  # the twin: different hosts do


def test_a_server_that_hung_up_is_given_a_moment_and_one_that_answered_is_not() -> None:
    def starts(script: Script) -> list[float]:
        heard: list[float] = []

        def notes(connection: socket.socket) -> None:
            heard.append(time.monotonic())
            script(connection)

        with peer(notes) as server:
            ask(server.port)
        return [later - sooner for sooner, later in itertools.pairwise(heard)]

    assert min(starts(resets)) >= PAUSE * 0.9
    assert min(starts(says(alert(40)))) < PAUSE


def test_a_refused_connection_is_tried_twice_and_both_tries_are_told(unused_port: Callable[[], int]) -> None:
    port = unused_port()
    tries = ask(port)["handshakes"]
    assert [(h["offer"], h["outcome"]) for h in tries] == [("gateway", "refused")] * 2
    tries = ask(port, tls=False)["handshakes"]
    assert [(h["offer"], h["outcome"]) for h in tries] == [("tcp", "refused")] * 2


def test_parallel_bounds_how_many_are_asked_at_once() -> None:
    with peer(listens) as server:
        began = time.monotonic()
        probe(many(server.port, 4), LOOPBACK, deadline=0.3, parallel=2)
        assert time.monotonic() - began >= 0.6


def test_progress_counts_to_the_number_of_targets() -> None:
    seen: list[tuple[int, int]] = []
    with peer(GOOD) as server:
        probe([at(server.port)] * 5, LOOPBACK, on_done=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_it_works_where_an_event_loop_runs_already() -> None:
    async def notebook(port: int) -> list[dict[str, Any]]:
        return probe([at(port)], LOOPBACK)

    with peer(GOOD) as server:
        assert outcomes(asyncio.run(notebook(server.port))) == ["completed"]


def test_an_error_in_the_callers_progress_function_is_the_callers() -> None:
    def fails(done: int, of: int) -> None:
        raise ZeroDivisionError(f"{done} of {of}")

    async def notebook(port: int) -> None:
        probe([at(port)] * 3, LOOPBACK, on_done=fails)

    with peer(GOOD) as server:
        with pytest.raises(ZeroDivisionError):
            probe([at(server.port)] * 3, LOOPBACK, on_done=fails)
        with pytest.raises(ZeroDivisionError):
            asyncio.run(notebook(server.port))


def test_a_profile_that_does_not_exist_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="classic, self-hosted, v2, consumption"):
        probe([at(1, profile="premium")], LOOPBACK)


@pytest.mark.parametrize(
    ("changes", "sni"),
    [
        ({}, HOST),
        ({"server_name": "other.contoso.example"}, "other.contoso.example"),
        ({"server_name": "api.contoso.example."}, HOST),
        ({"server_name": "müller.example"}, "xn--mller-kva.example"),
        ({"host": "10.1.2.3", "server_name": "10.1.2.3"}, None),
        ({"host": "fd00::5", "server_name": "fd00::5"}, None),
        ({"host": "fe80::5%eth0", "server_name": "fe80::5%eth0"}, None),
        ({"host": "10.1.2.3"}, HOST),
    ],
)
def test_the_sni_is_the_server_name_and_never_an_address(changes: dict[str, Any], sni: str | None) -> None:
    with peer(GOOD) as server:
        entry = ask(server.port, **changes)
    assert entry["sni"] == sni
    assert only(entry)["outcome"] == "completed"
    if sni is not None:
        assert sni.encode() in server.hellos[0]


def test_a_server_that_needs_sni_in_tls_1_3_gets_it_in_every_question() -> None:
    with peer(says(alert(70)), says(record(22, server_hello(speech.TLS13, speech.TLS13_SUITE))), closes) as server:
        ask(server.port)
    assert [HOST.encode() in hello for hello in server.hellos] == [True, True, True]


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "a..b",
        ".example",
        "x" * 64 + ".example",
        "x." * 130 + "example",
        "a b",
        "a/b",
        "a\x00b",
        "*.example",
        "-" * 300,
        "ü" * 200,
        "[::1]",
    ],
)
def test_text_that_is_no_host_name_is_a_result_not_an_exception(host: str) -> None:
    for target in (Target(host, 443, HOST), Target("127.0.0.1", 443, host), Target(HOST, 443, HOST, host, 443)):
        seen = only(probe([target], LOOPBACK, deadline=2)[0])
        assert (seen["outcome"], seen["stage"]) == ("name_not_found", "resolve")
        assert seen["detail"].startswith("not a host name")


@pytest.mark.parametrize("port", [0, -1, 65536, 10**9])
def test_a_port_that_does_not_exist_is_a_result_not_an_exception(port: int) -> None:
    seen = only(probe([Target("127.0.0.1", port, HOST)], LOOPBACK)[0])
    assert (seen["outcome"], seen["detail"]) == ("connect_failed", f"{port} is not a port")


def test_an_address_of_the_machine_itself_resolves_without_a_resolver() -> None:
    with peer(GOOD) as server:
        entry = probe([Target("localhost", server.port, "localhost")], LOOPBACK)[0]
    assert only(entry)["outcome"] == "completed"
    assert (entry["address"], entry["pinned"], entry["allowed"]) == ("127.0.0.1", False, True)


def test_the_connection_goes_elsewhere_and_the_entry_keeps_the_backends_own_name() -> None:
    with peer(GOOD) as server:
        entry = ask(server.port)
    assert (entry["host"], entry["port"], entry["server_name"], entry["address"]) == (HOST, 443, HOST, "127.0.0.1")


def test_the_resolver_is_named() -> None:
    named = resolver()
    assert named is None or named


def test_the_version_is_the_packages() -> None:
    assert TOOL == "apim-triage"
    assert analyzer.__version__ == VERSION


def test_an_entry_is_plain_json() -> None:
    with peer(GOOD) as server:
        entry = ask(server.port)
    assert json.loads(json.dumps(entry)) == entry


INTERRUPTED = """
import asyncio, signal, sys
from analyzer.probing import Policy, Target, probe

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored

def ask():
    targets = [Target(f"{n}.example", 443, "a.example", "127.0.0.1", int(sys.argv[1])) for n in range(20)]
    probe(targets, Policy(allow=["127.0.0.1"]), deadline=60)

async def cell():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as a notebook's kernel does for the time a cell runs
    ask()

asyncio.run(cell()) if sys.argv[2] == "notebook" else ask()
"""


@pytest.mark.parametrize("place", ["script", "notebook"])
def test_ctrl_c_ends_it_at_once_and_without_a_mess(place: str) -> None:
    with peer(listens) as server:
        command = [sys.executable, "-W", "error", "-c", INTERRUPTED, str(server.port), place]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert server.reached(20)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in errors
    assert "ResourceWarning" not in errors


def test_policy_is_asked_for_every_target() -> None:
    with peer(GOOD) as server:
        found = probe([at(server.port), at(server.port, connect_host="127.0.0.2")], Policy(allow=["127.0.0.1"]))
    assert outcomes(found) == ["completed", "forbidden"]


def test_a_refusing_port_costs_no_deadline(unused_port: Callable[[], int]) -> None:
    began = time.monotonic()
    assert [h["outcome"] for h in ask(unused_port(), deadline=30)["handshakes"]] == ["refused"] * 2
    assert time.monotonic() - began < 5
