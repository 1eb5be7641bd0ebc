"""Gateway logs of any size to measure with: lines of storage blobs, made quickly and the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from analyzer.lab.logs import blob_lines, failure, success
from analyzer.lab.texts import TRUST
from analyzer.lab.week import START

HOST = "host-name.contoso.example"
AN_HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)


def make(path: Path, size: float, *, failures: float = 0.005, hosts: int = 40, week: timedelta = WEEK) -> int:
    """Write about `size` bytes: records spread over a week and over hosts, that share of them failures; how many records."""
    templates = [
        blob_lines([one]).replace(one.correlation_id, "{id}").replace("2026-11-16T00:00:00.000000", "{time}")
        for one in (success(HOST, START), failure(HOST, TRUST, START))
    ]
    bad = failures * len(templates[1])
    records = max(1, round(size / ((1 - failures) * len(templates[0]) + bad)))
    step = week / records
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in _batched(range(records), 20_000):
            file.write("".join(_line(templates, i, step, failures, hosts) for i in batch))
    return records


def _line(templates: list[str], i: int, step: timedelta, failures: float, hosts: int) -> str:
    fails = i * 0.618033988749895 % 1 < failures  # spread evenly, and over every host
    line = templates[fails].replace(HOST, f"b{i * 7919 % hosts}.contoso.example")
    line = line.replace("{time}", (START + i * step).isoformat(timespec="microseconds")[:26])
    return line.replace("{id}", f"{i:08x}-5db5-47d9-8992-{i * 2654435761 % (1 << 48):012x}")


def _batched(numbers: range, size: int) -> Iterator[range]:
    return (numbers[at : at + size] for at in range(0, len(numbers), size))
