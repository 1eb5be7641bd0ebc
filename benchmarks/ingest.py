"""Reading logs: the whole command against the bare hand-written query and other tools, whole processes, in one run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.logs import make

SMALL, LARGE = 0.86e9, 3.4e9  # bytes

BARE = "import sys, duckdb; duckdb.execute(open(sys.argv[2]).read(), {'path': sys.argv[1]}).fetchall()"
POLARS = """
import sys, polars as pl
record = pl.scan_ndjson(sys.argv[1], infer_schema_length=1000)
p = pl.col("properties").struct
host = p.field("backendUrl").str.extract("^[a-z]+://([^/:?]+)", 1).alias("host")
failed = p.field("lastError").struct.field("reason").eq("BackendConnectionFailure").sum().alias("failures")
record.group_by(host, pl.col("time").str.slice(0, 13)).agg(pl.len(), failed).collect(engine="streaming")
"""
PANDAS = """
import sys, pandas as pd
parts = []
for part in pd.read_json(sys.argv[1], lines=True, chunksize=100_000, convert_dates=False):
    p = pd.DataFrame({
        "host": [x.get("backendUrl", "").split("/")[2:3] and x["backendUrl"].split("/")[2] for x in part["properties"]],
        "hour": part["time"].str[:13],
        "failed": [x.get("lastError", {}).get("reason") == "BackendConnectionFailure" for x in part["properties"]],
    })
    parts.append(p.groupby(["host", "hour"])["failed"].agg(["size", "sum"]))
pd.concat(parts).groupby(level=[0, 1]).sum()
"""
JQ = '[.properties.backendUrl, .time[:13], .properties.lastError.reason == "BackendConnectionFailure"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one whole process."""

    seconds: float  # wall-clock
    megabytes: float  # at its peak


def cost(command: list[str]) -> Cost:
    """What a process costs. Raises CalledProcessError where it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, command[:3])
    return Cost(seconds=time.perf_counter() - began, megabytes=usage.ru_maxrss / 1024)


def commands(path: Path, out: Path) -> dict[str, list[str]]:
    """Each tool's command line for one log; tools that are not installed are left out."""
    sql = str(Path(__file__).with_name("bare.sql"))
    found = {
        "analyze --no-probe": [
            sys.executable,
            "-m",
            "analyzer",
            "analyze",
            str(path),
            "--no-probe",
            "-q",
            "--out",
            str(out),
        ],
        "bare DuckDB query": [sys.executable, "-c", BARE, str(path), sql],
        "polars, streaming": [sys.executable, "-c", POLARS, str(path)],
        "pandas, chunks": [sys.executable, "-c", PANDAS, str(path)],
    }
    if jq := shutil.which("jq"):
        found["jq -c"] = [jq, "-c", JQ, str(path)]
    if rg := shutil.which("rg"):
        found["rg -c (the disk)"] = [rg, "-c", "BackendConnectionFailure", str(path)]
    return found


SLOW = ("pandas, chunks", "polars, streaming", "jq -c")  # measured on the small log only

LOGS = (  # name, bytes, share of failures, hosts
    ("0.86 GB, 0.5 % failures", SMALL, 0.005, 40),
    ("3.4 GB, 0.5 % failures", LARGE, 0.005, 40),
    ("0.86 GB, 30 %: an outage", SMALL, 0.3, 40),
    ("3.4 GB, 30 %: an outage", LARGE, 0.3, 40),
    ("3.4 GB, 30 %, 50,000 hosts", LARGE, 0.3, 50_000),
)


def run() -> None:
    """Print the tables; a one-record run of each is subtracted, so that start-up does not count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, log, out = folder / "one.json", folder / "log.json", folder / "out"
        make(one, 1)
        start = {tool: cost(command).seconds for tool, command in commands(one, out).items()}
        for title, size, failures, hosts in LOGS:
            records = make(log, size, failures=failures, hosts=hosts)
            print(f"ingest: {title}; {records:,} records, {log.stat().st_size / 1e9:.2f} GB")
            bare = 0.0
            for tool, command in sorted(commands(log, out).items(), key=lambda item: item[0] != "bare DuckDB query"):
                if tool in SLOW and (size, failures) != (SMALL, 0.005):
                    continue
                spent = cost(command)
                seconds = max(spent.seconds - start[tool], 0.001)
                bare = bare or seconds
                print(
                    f"  {tool:<20} {seconds:8.2f} s  {seconds / bare:6.2f} x bare  peak {spent.megabytes:6.0f} MB",
                    flush=True,
                )
