"""Who names the cause, and at what price: the lab in, seconds and TCP connections per backend and a grade per tool out."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analyzer.lab import Lab, LabBackend
from analyzer.lab.catalogue import Fault
from benchmarks.tools import Tool, installed
from benchmarks.words import GOOD, TABLES, grades, truth

LIMIT = 60  # seconds for one tool and one backend
WHOLE = 600  # seconds for one tool and the whole lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one process of a tool."""

    seconds: float
    connections: int  # as the lab's servers count them
    output: str


def ask(tool: Tool, backends: Sequence[LabBackend], root: str, limit: float) -> Cost:
    """Run the tool on these backends in one process; one that takes longer than the limit (seconds) is ended."""
    before, began = _connections(backends), time.perf_counter()
    with tempfile.TemporaryFile() as heard:
        # A session of its own: some tools are shell scripts, whose children must go with them.
        process = subprocess.Popen(
            tool.command(backends, root),
            stdin=subprocess.DEVNULL,
            stdout=heard,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        seconds = time.perf_counter() - began
        heard.seek(0)
        output = heard.read().decode(errors="replace")
    return Cost(seconds=seconds, connections=_connections(backends) - before, output=output)


def _connections(backends: Sequence[LabBackend]) -> int:
    return sum(backend.connections for backend in backends)


def run() -> None:
    """Print what each tool costs and names, backend by backend and in sum, then the whole lab in one process each."""
    tools, missing = installed()
    print("verdicts: one process per backend; " + "; ".join(f"{t.name} {t.version}" for t in tools))
    for line in missing:
        print(f"  {line}")
    with Lab(now=datetime.now(UTC)) as lab, tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root-a.pem"
        root.write_bytes(lab.ca_pem)
        costs = {}
        for tool in tools:
            costs[tool.name] = {Fault(n): ask(tool, [b], str(root), LIMIT) for n, b in lab.backends.items()}
            named = grades(TABLES[tool.words], {f: c.output for f, c in costs[tool.name].items()})
            print(_summary(tool.name, costs[tool.name], named), flush=True)
            for line in _details(costs[tool.name], named):
                print(line)
        every = list(lab.backends.items())
        for title, asked in (
            ("the whole lab", every),
            ("the same without the silent one", [(n, b) for n, b in every if Fault(n) is not Fault.SILENT]),
        ):
            _whole(title, tools, [b for _, b in asked], str(root))


def _whole(title: str, tools: Sequence[Tool], backends: Sequence[LabBackend], root: str) -> None:
    """Print what all these backends cost in one process of each tool that takes many."""
    print(f"verdicts: {title}, {len(backends)} backends, one process")
    costs = {t.name: ask(t, backends, root, WHOLE) for t in tools if t.many}
    ours = next(iter(costs.values()))
    for name, cost in costs.items():
        ratio = cost.seconds / ours.seconds
        print(f"  {name:<20} {cost.seconds:7.2f} s  {cost.connections:6} connections  {ratio:5.1f} x ours", flush=True)


def _summary(name: str, costs: Mapping[Fault, Cost], named: Mapping[Fault, str]) -> str:
    faulty = [fault for fault in costs if truth(fault) != GOOD]
    alarms = sum(1 for fault in costs if truth(fault) == GOOD and named[fault] == "no")
    count = {grade: sum(1 for fault in faulty if named[fault] == grade) for grade in ("yes", "partly", "no")}
    seconds = sorted(cost.seconds for cost in costs.values())
    connections = sorted(cost.connections for cost in costs.values())
    return (
        f"  {name:<20} named {count['yes']:2}, partly {count['partly']:2}, not {count['no']:2} of {len(faulty)}; false alarms {alarms}; "
        f"seconds: median {statistics.median(seconds):5.2f}, worst {seconds[-1]:5.2f}; "
        f"connections: median {statistics.median(connections):.0f}, worst {connections[-1]}, sum {sum(connections)}"
    )


def _details(costs: Mapping[Fault, Cost], named: Mapping[Fault, str]) -> Iterator[str]:
    for fault, cost in costs.items():
        yield f"    {fault:<28} {named[fault]:<7} {cost.seconds:6.2f} s {cost.connections:4}"
