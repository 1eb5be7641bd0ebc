"""What is stored and how it is read: archives, encodings, damage, bombs; the same records whatever they are wrapped in."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.errors import SourceError
from analyzer.sources import packing, read, slices
from analyzer.sources.items import LONGEST
from tests.sources.build import answered, counts, failed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINES = [json.dumps(failed(correlationId=f"{i:032x}")) for i in range(300)] + [json.dumps(answered())] * 200
TEXT = "\n".join(LINES) + "\n"
DOCUMENT = json.dumps({"records": [json.loads(line) for line in LINES]})


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("logs/PT1H.json", data)
    return stream.getvalue()


WRAPPED: dict[str, Callable[[str], bytes]] = {
    "plain": lambda t: t.encode(),
    "gzip": lambda t: gzip.compress(t.encode()),
    "gzip with a name": lambda t: _with_name(t.encode()),
    "gzip members": lambda t: b"".join(gzip.compress(t.encode()[i : i + 10_007]) for i in range(0, len(t), 10_007)),
    "gzip, padded": lambda t: gzip.compress(t.encode()) + bytes(70_000),
    "zstd": lambda t: zstd.compress(t.encode()),
    "zstd frames": lambda t: zstd.compress(t.encode()[:5_000]) + zstd.compress(t.encode()[5_000:]),
    "zip": lambda t: zipped(t.encode()),
    "zip of gzip": lambda t: zipped(gzip.compress(t.encode())),
    "BOM": lambda t: b"\xef\xbb\xbf" + t.encode(),
    "UTF-16 as PowerShell writes it": lambda t: t.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 BE": lambda t: b"\xfe\xff" + t.encode("utf-16-be"),
    "UTF-16 without BOM": lambda t: t.encode("utf-16-le"),
    "gzip of UTF-16": lambda t: gzip.compress(t.encode("utf-16")),
    "CRLF": lambda t: t.replace("\n", "\r\n").encode(),
}


def _with_name(data: bytes) -> bytes:
    stream = io.BytesIO()
    with gzip.GzipFile(filename="a name.json", mode="wb", fileobj=stream, mtime=1) as archive:
        archive.write(data)
    return stream.getvalue()


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize("text", [TEXT, DOCUMENT], ids=["lines", "document"])
def test_the_same_records_whatever_they_are_wrapped_in(tmp_path: Path, wrap: str, text: str) -> None:
    path = tmp_path / "log"
    path.write_bytes(WRAPPED[wrap](text))
    found = read([str(path)])
    assert counts(found) == (300, 0, 200, 0)
    assert found.intake.sources[0].name == path.as_posix() + ("/logs/PT1H.json" if wrap.startswith("zip") else "")


@pytest.mark.parametrize("wrap", ["gzip", "gzip members", "zstd", "zip"])
@pytest.mark.parametrize("text", [TEXT, DOCUMENT], ids=["lines", "document"])
def test_a_truncated_archive_keeps_what_precedes_and_is_one_reject(tmp_path: Path, wrap: str, text: str) -> None:
    whole = WRAPPED["gzip members" if wrap == "gzip members" else wrap](text)
    path = tmp_path / "log"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    if wrap == "zip":  # its table of contents stands at the end
        with pytest.raises(SourceError, match="its table of contents is damaged"):
            read([str(path)])
        return
    found = read([str(path)])
    assert 0 < found.intake.records < 500
    assert found.intake.rejected == 1
    assert "damaged from byte" in found.intake.sources[0].first_rejected[0]


@pytest.mark.parametrize("where", ["gzip checksum", "gzip length", "zstd checksum", "zip checksum"])
def test_a_wrong_checksum_is_one_reject_beside_all_records(tmp_path: Path, where: str) -> None:
    data = bytearray(WRAPPED["gzip"](TEXT))
    if where == "gzip checksum":
        data[-8] ^= 1
    elif where == "gzip length":
        data[-4] ^= 1
    elif where == "zstd checksum":
        data = bytearray(zstd.compress(TEXT.encode(), options={zstd.CompressionParameter.checksum_flag: 1}))
        data[-1] ^= 1
    else:
        data = bytearray(zipped(TEXT.encode()))
        crc = zlib.crc32(TEXT.encode()).to_bytes(4, "little")
        while crc in data:
            data = bytearray(bytes(data).replace(crc, b"\x00\x01\x02\x03"))
    path = tmp_path / "log"
    path.write_bytes(bytes(data))
    found = read([str(path)])
    assert found.intake.rejected == 1
    assert "damaged from byte" in found.intake.sources[0].first_rejected[-1]
    if where.startswith("gzip"):
        assert found.intake.records == 500  # the checksum stands behind all of them


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), wrap=st.sampled_from(["gzip", "gzip members", "zstd", "zip", "UTF-16 as PowerShell writes it"]))
def test_no_damage_raises_or_invents_records(tmp_path: Path, data: st.DataObject, wrap: str) -> None:
    whole = bytearray(WRAPPED[wrap](TEXT))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "log"
    path.write_bytes(bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))]))
    try:
        found = read([str(path)])
    except SourceError:
        return
    assert found.intake.records <= 500 * 2
    assert found.intake.failures + found.intake.lookalikes + found.intake.others == found.intake.records


def test_members_of_a_zip_are_files_each(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.json", json.dumps(failed()))
        archive.writestr("folder/b.csv", "TimeGenerated,BackendUrl\n2026-03-04T09:15:27Z,https://a.example/\n")
        archive.writestr("notes.md", "for people")
        archive.writestr("empty.json", "")
    found = read([str(path)])
    assert {s.name.removeprefix(path.as_posix()): (s.records, s.shape) for s in found.intake.sources} == {
        "/a.json": (1, "storage account lines"),
        "/folder/b.csv": (1, "CSV"),
        "/notes.md": (0, "not a gateway log: it is a text for people"),
        "/empty.json": (0, "empty file"),
    }


def test_archives_within_archives_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(gzip.compress(TEXT.encode())))
    with pytest.raises(SourceError, match="gzip within another archive"):
        read([str(path)])


def test_a_bomb_is_left_where_it_becomes_absurd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_BOMB_SIZE", 1 << 22)
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(TEXT.encode() + b"\n" * (1 << 26)))
    found = read([str(path)])
    assert counts(found) == (300, 0, 200, 1)
    assert "unpacks to over 250 times its size" in found.intake.sources[0].first_rejected[0]


def test_lines_too_long_cost_themselves_wherever_chunks_end(tmp_path: Path) -> None:
    long = b'"' + b"x" * (LONGEST + 5) + b'"'
    parts = [LINES[0].encode(), long, LINES[1].encode(), b"y" * (LONGEST - 10), LINES[2].encode(), long]
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"\n".join(parts), 1))
    found = read([str(path)])
    assert counts(found) == (3, 0, 0, 3)
    assert [r.split(":")[-3] for r in found.intake.sources[0].first_rejected[:1]]
    assert {int(r.removeprefix(path.as_posix()).split(":")[1]) for r in found.intake.sources[0].first_rejected} == {
        2,
        4,
        6,
    }


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_slices_lose_nothing_whatever_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(slices, "SLICE", size)
    monkeypatch.setattr(slices, "_CHUNK", 997)
    several = []
    for i in range(3):
        lines = [*LINES[i : i + 40], "broken", "", *LINES[300 : 300 + i]]
        several.append(tmp_path / f"{i}.gz")
        several[-1].write_bytes(gzip.compress("\n".join(lines).encode()))
    found = read([str(p) for p in several])
    assert counts(found) == (120, 0, 3, 3)
    assert [s.first_rejected[0].split(": ")[0] for s in found.intake.sources] == [f"{p.as_posix()}:41" for p in several]


def test_copies_count_once_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "PT1H.json").write_text(TEXT)
    (tmp_path / "PT1H (1).json").write_text(TEXT)
    (tmp_path / "PT1H.json.gz").write_bytes(gzip.compress(b"{}"))
    found = read([str(tmp_path)])
    assert counts(found) == (300, 0, 200, 0)
    assert [s.shape.split(":")[0] for s in found.intake.sources if not s.records][:1] == ["copy"]
    assert "holds the same as" in found.caveats[-1]
