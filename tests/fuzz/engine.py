"""One target under atheris, in a process of its own, which libFuzzer ends: a target's name and libFuzzer's arguments in, its log out."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["analyzer.probing", "analyzer.evidence", "analyzer.trust"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()
