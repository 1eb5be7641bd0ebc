"""Asking backends: our probe against an asyncio loop of full `ssl` handshakes, same server, same run."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime

from analyzer.lab import Lab
from analyzer.lab.catalogue import Fault
from analyzer.probing import Policy, Target, probe

BACKENDS = 500
PARALLEL = 64


async def handshakes(host: str, port: int) -> None:
    """As many full handshakes as there are backends, `PARALLEL` at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    turn = asyncio.Semaphore(PARALLEL)

    async def one() -> None:
        async with turn:
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
            writer.transport.abort()

    await asyncio.gather(*(one() for _ in range(BACKENDS)))


def run() -> None:
    """Print backends per second of each; the server, in this process too, costs both the same kind of work."""
    with Lab(now=datetime.now(UTC)) as lab:
        backend = lab.backends[Fault.UNTRUSTED_ROOT]
        targets = [Target(backend.host, backend.port, backend.host, "127.0.0.1", backend.port)] * BACKENDS
        policy = Policy(allow=("127.0.0.1",))
        probe(targets[:10], policy)
        began = time.perf_counter()
        entries = probe(targets, policy, parallel=PARALLEL)
        ours = BACKENDS / (time.perf_counter() - began)
        began = time.perf_counter()
        asyncio.run(handshakes(backend.host, backend.port))
        theirs = BACKENDS / (time.perf_counter() - began)
    whole = sum(1 for e in entries if e["handshakes"][0]["chain_b64"])
    print(f"probe: {BACKENDS} backends, {PARALLEL} at once, one server in the same process")
    print(f"  asyncio + ssl       {theirs:6.0f} backends/s")
    print(f"  the probe           {ours:6.0f} backends/s   {ours / theirs:.1f} x; chains read: {whole}")
