"""One target under atheris, in a process of its own, which libFuzzer ends: a target's name, a folder and libFuzzer's arguments in, its log out."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["analyzer.probing", "analyzer.evidence", "analyzer.trust"]):
    from tests.fuzz.seeds import SEEDS
    from tests.fuzz.targets import TARGETS


def plant(name: str, corpus: Path) -> list[str]:
    """Write the target's seeds, made here so that they share this process's keys; libFuzzer's arguments to use them."""
    folder, dictionary = corpus / name, corpus / f"{name}.dict"
    folder.mkdir(parents=True, exist_ok=True)
    words = set[bytes]()
    for number, seed in enumerate(SEEDS[name]()):
        (folder / f"seed-{number}").write_bytes(seed)
        words.update(re.findall(rb'"[\w./-]{2,60}"', seed))
    if not words:
        return [str(folder)]
    dictionary.write_bytes(b"\n".join(b'"\\"%s\\""' % word.strip(b'"') for word in sorted(words)))
    return [str(folder), f"-dict={dictionary}"]


if __name__ == "__main__":
    target, corpus, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *plant(target, Path(corpus)), *options], TARGETS[target])
    atheris.Fuzz()
