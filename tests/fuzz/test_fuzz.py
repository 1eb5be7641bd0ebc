"""The fuzz targets hold on real inputs, on damaged ones, and for some seconds under coverage guidance."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import need
from tests.fuzz.__main__ import fuzz
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

SECONDS = 5  # for each target


@cache
def seeds(name: str) -> list[bytes]:
    return list(SEEDS[name]())


def test_each_target_has_seeds() -> None:
    assert TARGETS.keys() == SEEDS.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_on_what_honest_servers_say(name: str) -> None:
    assert len(seeds(name)) >= 3
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_on_damaged_and_on_any_bytes(name: str) -> None:
    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(seeds(name)), st.data())
    def holds(seed: bytes, data: st.DataObject) -> None:
        at, end = sorted(data.draw(st.tuples(st.integers(0, len(seed)), st.integers(0, len(seed)))))
        TARGETS[name](seed[:at] + data.draw(st.binary(max_size=40)) + seed[min(end, at + 8) :])
        TARGETS[name](seed[:at])
        TARGETS[name](data.draw(st.binary(max_size=200)))

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_coverage_guided_fuzzing_finds_nothing(name: str, tmp_path: Path) -> None:
    need(importlib.util.find_spec("atheris") is not None, "not installed: atheris")
    run = fuzz(name, SECONDS, tmp_path)
    print(run)
    assert run.ok, f"{run}; {run.findings}\n{run.log[-4000:]}"
    assert run.edges > 0
