"""The probe to carry: targets and how to ask them in, the bytes of one file out that any Python from 3.8 on runs as it is.

It is a zip of `analyzer.probing`, which keeps to the standard library, with the targets in it (PEP 441). The same targets give
the same bytes, on any machine with the same roots.
"""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path

from analyzer.probing import Target
from analyzer.probing.carried import ORDER, SCHEMA

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_SHEBANG = b"#!/usr/bin/env python3\n"

# Any Python must be able to read this, to say that it is too old.
_MAIN = """\
import sys

if sys.version_info < (3, 8):
    sys.stderr.write("probe-kit: needs Python 3.8 or newer, and this is %d.%d; start it with another, such as python3.12\\n" % sys.version_info[:2])
    sys.exit(2)

from analyzer.probing.carried import main

sys.exit(main())
"""

RUN = (
    (
        "On a machine in the gateway's virtual network, with Python 3.8 or newer and nothing else",
        "python3 {kit} > evidence.json",
    ),
    (
        "In the cluster of a self-hosted gateway: in its namespace (-n NAMESPACE), with labels that its network policies let out (-l KEY=VALUE) "
        "and any image that has Python and that the cluster may pull; nothing is mounted, and the pod is gone afterwards",
        "kubectl run apim-triage-probe --rm -i --quiet --restart=Never --image=python:3.13-slim --command -- "
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
    issuers: Iterable[bytes] = (),
) -> bytes:
    """The kit for these targets; the rest as for `probing.probe`. It holds the code and these words: no logs, no secrets."""
    order = {
        "schema": SCHEMA,
        "targets": [target._asdict() for target in targets],
        "allow": list(allow),
        "deny": list(deny),
        "deadline": deadline,
        "request": request,
        "fetch": fetch,
        "vantage": vantage,
        "issuers": sorted(b64encode(name).decode() for name in issuers),
    }
    folder = Path(__file__).parent / "probing"
    files = {f"analyzer/probing/{path.name}": path.read_bytes() for path in folder.glob("*.py")}
    files |= {
        "__main__.py": _MAIN.encode(),
        "analyzer/__init__.py": b"",
        f"analyzer/probing/{ORDER}": json.dumps(order, indent=1).encode(),
    }
    packed = io.BytesIO()
    packed.write(_SHEBANG)
    # stored, so that the bytes depend on no version of zlib, and a Python without it reads them
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # else it says on which system it was made
            archive.writestr(entry, data)
    return packed.getvalue()
