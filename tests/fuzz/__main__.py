"""`python -m tests.fuzz --seconds 60`: every target in turn; prints executions, coverage and findings, and exits 1 where there are any."""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.seeds import SEEDS

LIMITS = ("-timeout=10", "-rss_limit_mb=1024", "-max_len=16384", "-print_final_stats=1")  # seconds and MiB of one input


class Run(NamedTuple):
    """What came of fuzzing one target."""

    name: str
    executions: int
    seconds: int
    edges: int  # libFuzzer's coverage counter
    findings: tuple[Path, ...]
    log: str

    @property
    def ok(self) -> bool:
        return self.executions > 0 and not self.findings

    def __str__(self) -> str:
        count = f"{self.executions:>9,} executions in {self.seconds:>4} s, {self.edges:>5,} edges"
        return f"{self.name:<12}{count}, {len(self.findings)} findings"


def fuzz(name: str, seconds: int, corpus: Path) -> Run:
    """Fuzz one target; inputs that reach something new stay in `corpus`/name, findings in `corpus`/found."""
    found = corpus / "found"
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    command = [sys.executable, "-m", "tests.fuzz.engine", name, str(corpus)]
    command += [f"-max_total_time={seconds}", f"-artifact_prefix={found}/{name}-", *LIMITS]
    log = subprocess.run(command, capture_output=True, text=True, errors="replace").stderr
    return Run(
        name,
        executions=_number(r"number_of_executed_units:\s+(\d+)", log),
        seconds=_number(r"Done \d+ runs in (\d+) second", log) or seconds,
        edges=_number(r"(?s:.*)cov: (\d+)", log),
        findings=tuple(sorted(set(found.iterdir()) - before)),
        log=log,
    )


def _number(pattern: str, log: str) -> int:
    found = re.search(pattern, log)
    return int(found[1]) if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="in all, shared by the targets")
    parser.add_argument("--only", choices=SEEDS, action="append", help="this target; may be repeated")
    parser.add_argument("--corpus", type=Path, help="where inputs and findings are kept; default: a temporary folder")
    asked = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        parser.error(
            "atheris is not installed; it has wheels for CPython on x86-64 Linux alone: `make fuzz` there installs it"
        )
    names = asked.only or list(SEEDS)
    corpus = asked.corpus or Path(tempfile.mkdtemp(prefix="fuzz-"))
    runs = []
    for name in names:
        run = fuzz(name, max(1, asked.seconds // len(names)), corpus)
        print(run, flush=True)
        if not run.ok:
            print(run.log[-4000:], *run.findings, sep="\n")
        runs.append(run)
    print(
        f"{sum(run.executions for run in runs):,} executions, {sum(len(run.findings) for run in runs)} findings; {corpus}"
    )
    return 0 if all(run.ok for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
