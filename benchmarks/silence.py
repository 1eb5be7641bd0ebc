"""A thousand backends that accept and never answer: the deadline in, the wall time over it out."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter

from analyzer.probing import Policy, Target, probe

BACKENDS = 1000
DEADLINE = 2.0  # seconds

# The kernel accepts; nobody reads. The listener is another process's, so that its descriptors are not ours.
LISTENER = """
import socket, sys
with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
"""


def run() -> None:
    """Print how many deadlines it takes until all of them are given up."""
    with subprocess.Popen([sys.executable, "-c", LISTENER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listener:
        assert listener.stdout is not None
        port = int(listener.stdout.readline())
        targets = [
            Target(f"{n}.contoso.example", 443, f"{n}.contoso.example", "127.0.0.1", port) for n in range(BACKENDS)
        ]
        began = time.perf_counter()
        entries = probe(targets, Policy(allow=("127.0.0.1",)), deadline=DEADLINE)
        seconds = time.perf_counter() - began
        listener.communicate()
    outcomes = Counter(h["outcome"] for e in entries for h in e["handshakes"])
    print(f"silence: {BACKENDS} silent backends, deadline {DEADLINE:g} s, the system's backlog {socket.SOMAXCONN}")
    print(f"  the probe            {seconds:6.2f} s = {seconds / DEADLINE:.2f} deadlines; {dict(outcomes)}")
