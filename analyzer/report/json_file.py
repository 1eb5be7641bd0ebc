"""From a Report to the bytes of report.json and back (contract `apim-triage/report/1`)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from analyzer.errors import EvidenceError
from analyzer.model import Report
from analyzer.report.contract import SCHEMA, Document
from analyzer.report.document import document_of, report_of
from analyzer.report.plain import UNSEEN, elided, plain
from analyzer.report.words import iso

LARGEST = 256 * 1024 * 1024
"""Bytes of a report file that are read; a thousand clusters take about 30 MB."""

_FAMILY, _, _MAJOR = SCHEMA.rpartition("/")


def dumps(report: Report) -> bytes:
    """report.json: UTF-8, keys in the contract's order, times ISO 8601 UTC.

    Control and direction characters are escaped (RFC 8259 section 7), so that the file shows nothing but itself in a terminal or editor.
    """
    return encoded(msgspec.to_builtins(document_of(report), builtin_types=(datetime,)))


def encoded(document: object) -> bytes:
    """A JSON document as a file's bytes, as `dumps` says."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1, default=iso)
    return (UNSEEN.sub(_escape, text) + "\n").encode()


def load(path: str | Path) -> Report:
    """The report in a file that `dumps` wrote, or another program by the same contract; unknown fields are ignored.

    Certificates come without DER and `Report.evidence` is empty: evidence.json has both. Raises EvidenceError where the file
    cannot be read, is not such a report, or has another major version.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise EvidenceError(f"{path}: {error.strerror or error}; name the report.json of an earlier run") from error
    if len(content) > LARGEST:
        raise EvidenceError(f"{path}: larger than {LARGEST // 2**20} MiB, which no report is")
    try:
        loaded = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(
            f"{path}: not JSON ({_first_line(error)}); name the report.json of an earlier run"
        ) from error
    schema = loaded.get("schema") if isinstance(loaded, dict) else None
    family, _, version = schema.rpartition("/") if isinstance(schema, str) else ("", "", "")
    if family != _FAMILY:
        raise EvidenceError(
            f"{path}: not a report: its “schema” is not {_FAMILY}/…; name the report.json of an earlier run"
        )
    if version.split(".")[0] != _MAJOR:
        raise EvidenceError(
            f"{path}: a report of version {version[:20]!a}, and this program reads version {_MAJOR}; analyze again"
        )
    try:
        return report_of(msgspec.convert(loaded, Document))
    except msgspec.ValidationError as error:
        raise EvidenceError(f"{path}: a broken report: {_first_line(error)}; analyze again") from error


def _escape(found: Any) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _first_line(error: Exception) -> str:
    first, *_ = str(error).splitlines() or [type(error).__name__]
    return elided(plain(first), 200)
