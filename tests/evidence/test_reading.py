"""Whatever it is called, a file is known by its content; and what is of no accepted kind says what it seems to be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.errors import EvidenceError
from analyzer.evidence import EvidenceFile, read

OWN = {
    "schema": "apim-triage/evidence/1",
    "collected": {"host": "vm", "at": "2026-11-23T12:30:00Z", "tool": "kit", "version": "1"},
    "backends": [{"host": "a.example", "port": 443}],
}
AT = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "whatever.bin"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        (b"2026-11-23 12:00 GatewayLogs something\n", "text of another kind"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_is_accepted(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(written(tmp_path, data))
    assert says in str(caught.value)
    assert "s_client" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_host_that_is_said_must_be_the_documents(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(OWN).encode())
    assert read(EvidenceFile(path=path, host="a.example", port=443)) == read(path)
    with pytest.raises(EvidenceError, match="without HOST="):
        read(EvidenceFile(path=path, host="b.example"))


def test_what_was_observed_in_the_future_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(OWN).encode())
    assert len(read(path, now=AT - timedelta(hours=20))) == 1  # clocks differ
    with pytest.raises(EvidenceError, match="still to come"):
        read(path, now=AT - timedelta(days=2))


def test_a_backend_that_stands_in_a_document_twice_counts_once(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, json.dumps({**OWN, "backends": OWN["backends"] * 3}).encode()))) == 1
