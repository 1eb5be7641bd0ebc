"""The JSON Schemas of report.json and weekly.json, made from the contracts' own types.

`python -m analyzer.report.schema [report|weekly]` writes one to standard output; they stand in docs/NAME.schema.json (draft 2020-12).
Fields that a schema does not name are allowed: additions are no new version.
"""

from __future__ import annotations

import json
import sys

import msgspec

from analyzer.report import contract
from analyzer.report.week import contract as week_contract

DOCUMENTS = {
    "report": (contract.Document, contract.SCHEMA, "The report of apim-triage"),
    "weekly": (week_contract.Document, week_contract.SCHEMA, "A week's summary by apim-triage"),
}


def published(name: str = "report") -> bytes:
    """The schema as it is published: UTF-8, one line feed at the end."""
    document, schema, title = DOCUMENTS[name]
    made = msgspec.json.schema(document)
    made["$defs"]["Document"]["properties"]["schema"] = {"const": schema}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{schema.replace('/', ':')}",
        "title": title,
        **made,
    }
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(published(*sys.argv[1:2]))
