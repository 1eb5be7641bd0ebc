"""The JSON Schema of report.json, made from the contract's own types; `python -m analyzer.report.schema` writes it to standard output.

It stands in docs/report.schema.json (draft 2020-12). Fields that it does not name are allowed: additions are no new version.
"""

from __future__ import annotations

import json
import sys

import msgspec

from analyzer.report.contract import SCHEMA, Document

TITLE = "The report of apim-triage"


def published() -> bytes:
    """The schema as it is published: UTF-8, one line feed at the end."""
    made = msgspec.json.schema(Document)
    definitions = made["$defs"]
    definitions["Document"]["properties"]["schema"] = {"const": SCHEMA}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": TITLE,
        **made,
    }
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(published())
