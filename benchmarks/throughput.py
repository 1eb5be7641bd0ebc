"""How many backends per second: the probe and an asyncio loop of `ssl` handshakes against nginx in, rates and client CPU out."""

from __future__ import annotations

import asyncio
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analyzer.probing import Policy, Target, probe
from tests import make
from tests.probing.servers import nginx

BACKENDS = 1000
PARALLEL = 64
ROUNDS = 5
HOST = "api.contoso.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Of one round of all backends."""

    seconds: float  # wall-clock
    cpu: float  # seconds of this process, the client


def spent(work: Callable[[], object]) -> Spent:
    """What one call of `work` costs this process."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(seconds=time.perf_counter() - began, cpu=time.process_time() - cpu)


async def handshakes(port: int, newest: ssl.TLSVersion) -> None:
    """As many full handshakes as there are backends, `PARALLEL` at once, and the leaf of each."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = newest
    turn = asyncio.Semaphore(PARALLEL)

    async def one() -> None:
        async with turn:
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=HOST)
            assert writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.transport.abort()

    await asyncio.gather(*(one() for _ in range(BACKENDS)))


def run() -> None:
    """Print the rate of each and the ratio of client CPU; the median of some rounds, by turns."""
    leaf = make.leaf(HOST, make.intermediate("Issuing", make.ca()))
    policy = Policy(allow=("127.0.0.1",))
    with tempfile.TemporaryDirectory() as folder, nginx(leaf, Path(folder)) as port:
        # One name per backend: the pace that is kept per host is not what is measured.
        targets = [Target(f"{n}.{HOST}", 443, HOST, "127.0.0.1", port) for n in range(BACKENDS)]

        def ours() -> None:
            entries = probe(targets, policy, parallel=PARALLEL)
            assert all(len(e["handshakes"]) == 1 and e["handshakes"][0]["chain_b64"] for e in entries)

        ways: dict[str, Callable[[], object]] = {
            "the probe": ours,
            "asyncio + ssl, 1.2": lambda: asyncio.run(handshakes(port, ssl.TLSVersion.TLSv1_2)),
            "asyncio + ssl, 1.3": lambda: asyncio.run(handshakes(port, ssl.TLSVersion.TLSv1_3)),
        }
        rounds: dict[str, list[Spent]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, work in ways.items():
                rounds[name].append(spent(work))
    print(
        f"throughput: {BACKENDS} backends, {PARALLEL} at once, nginx in a process of its own, median of {ROUNDS} rounds"
    )
    cpu = {name: statistics.median(s.cpu for s in all_of) for name, all_of in rounds.items()}
    for name, all_of in rounds.items():
        rate = BACKENDS / statistics.median(s.seconds for s in all_of)
        ratio = cpu[name] / cpu["the probe"]
        print(
            f"  {name:<20} {rate:6.0f} backends/s  {1e6 * cpu[name] / BACKENDS:6.0f} µs CPU each  {ratio:4.1f} x ours"
        )
