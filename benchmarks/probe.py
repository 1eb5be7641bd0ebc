"""Asking backends, three tables: who names the cause and at what price, how many backends per second, and how silence is borne."""

from __future__ import annotations

from benchmarks import silence, throughput, verdicts


def run() -> None:
    """Print the three tables."""
    throughput.run()
    silence.run()
    verdicts.run()
