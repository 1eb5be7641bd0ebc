"""The probe to carry: targets and how to ask them in, the bytes of one file out that any Python from 3.8 on runs as it is.

It is a zip of `analyzer.probing`, which keeps to the standard library, with the targets in it (PEP 441). The same targets give
the same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from analyzer.probing import Target
from analyzer.probing.carried import SCHEMA, TARGETS

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_SHEBANG = b"#!/usr/bin/env python3\n"

# Any Python 3 must be able to read this far, to be told that it is too old.
_MAIN = """\
import sys

if sys.version_info < (3, 8):
    sys.exit("probe-kit: needs Python 3.8 or newer, and this is %d.%d" % sys.version_info[:2])

from analyzer.probing.carried import main

sys.exit(main())
"""

RUN = (
    ("On a machine in the gateway's virtual network, with Python 3.8 or newer", "python3 {kit} --out evidence.json"),
    (
        "In the cluster of a self-hosted gateway; the pod is gone afterwards",
        "kubectl run apim-triage-probe --rm -i -q --restart=Never --image=python:3.13-alpine --command -- "
        "sh -c 'cat > /tmp/kit.pyz && python3 /tmp/kit.pyz' < {kit} > evidence.json",
    ),
    ("Then, where the logs are", "apim-triage analyze LOGS --evidence evidence.json"),
)
"""How to run it and take its evidence back: what for, and the line; {kit} is the file's name, quoted."""


def build(
    targets: Sequence[Target],
    *,
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    deadline: float = 10.0,
    request: bool = True,
    fetch: bool = True,
    vantage: str = "gateway",
) -> bytes:
    """The kit for these targets. What it holds is the code, the targets and these words: no logs, no secrets."""
    order = {
        "schema": SCHEMA,
        "targets": [target._asdict() for target in targets],
        "allow": list(allow),
        "deny": list(deny),
        "deadline": deadline,
        "request": request,
        "fetch": fetch,
        "vantage": vantage,
    }
    folder = Path(__file__).parent / "probing"
    files = {f"analyzer/probing/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}
    files |= {
        "__main__.py": _MAIN.encode(),
        "analyzer/__init__.py": b"",
        f"analyzer/probing/{TARGETS}": json.dumps(order, indent=1).encode(),
    }
    packed = io.BytesIO(_SHEBANG)
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
