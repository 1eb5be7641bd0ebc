"""Reading logs: the tally of a made blob file against the bare hand-written query, whole processes, in one run."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from analyzer.lab.logs import blob_lines, failure, success
from analyzer.lab.texts import TRUST
from analyzer.lab.week import START

RECORDS = 300_000
OURS = "import sys; from analyzer.sources import read; print(read([sys.argv[1]]).intake.records)"
BARE = "import sys, duckdb; print(len(duckdb.execute(open(sys.argv[2]).read(), {'path': sys.argv[1]}).fetchall()))"


def make(path: Path, records: int) -> None:
    """Lines of storage blobs over a week and 40 backends; one record in 200 is a failure."""
    block = [
        failure(f"b{i % 40}.contoso.example", TRUST, START + timedelta(seconds=12 * i))
        if i % 200 == 0
        else success(f"b{i % 40}.contoso.example", START + timedelta(seconds=12 * i))
        for i in range(min(records, 50_000))
    ]
    text = blob_lines(block)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(records // len(block)):
            file.write(text)


def seconds(code: str, *arguments: str) -> float:
    """Wall-clock seconds of one whole process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def run() -> None:
    """Print the table; a one-record run of each is subtracted, so that start-up does not count."""
    sql = str(Path(__file__).with_name("bare.sql"))
    with tempfile.TemporaryDirectory() as folder:
        one, many = Path(folder) / "one.json", Path(folder) / "many.json"
        make(one, 1)
        make(many, RECORDS)
        size = many.stat().st_size / 1e9
        ours = seconds(OURS, str(many)) - seconds(OURS, str(one))
        bare = seconds(BARE, str(many), sql) - seconds(BARE, str(one), sql)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"ingest: {RECORDS:,} records, {size:.2f} GB, failures 0.5 %")
    print(f"  bare DuckDB query   {bare:6.2f} s")
    print(f"  the tally           {ours:6.2f} s   {ours / bare:.2f} x bare; peak {peak:.0f} MB (of either)")
