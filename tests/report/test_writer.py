"""The report's folder appears whole or not at all, and keeps what is not ours."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from analyzer.errors import OutputError
from analyzer.report import load, write
from tests.report import make

FILES = {
    "report.html",
    "report.md",
    "report.json",
    "clusters.csv",
    "evidence.json",
    *(
        f"charts/{name}{theme}.png"
        for name in ("failures-over-time", "backends-by-hour", "causes")
        for theme in ("", "-dark")
    ),
}


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Interrupted(tuple[str, ...]):
    """Caveats during whose reading the user presses Ctrl-C."""

    def __iter__(self):  # type: ignore[no-untyped-def]
        raise KeyboardInterrupt


def test_a_new_folder_holds_every_file_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er" / "report"
    written = write(make.rich(), out)
    assert {path.relative_to(out).as_posix() for path in written} == FILES == set(tree(out))
    assert [path.name for path in out.parent.iterdir()] == ["report"]
    assert load(out / "report.json").findings[0].lead.cause == "untrusted_root"
    assert json.loads((out / "evidence.json").read_text())["schema"] == "apim-triage/evidence/1"
    assert (out / "clusters.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_the_folder_has_the_rights_of_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "like").mkdir()
    write(make.empty(), tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == stat.S_IMODE((tmp_path / "like").stat().st_mode)


def test_an_earlier_report_is_renewed_and_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(make.empty(), out)
    (out / "notes.txt").write_text("mine")
    (out / "charts" / "mine.png").write_bytes(b"mine")
    write(make.rich(), out)
    found = tree(out)
    assert set(found) == {*FILES, "notes.txt", "charts/mine.png"}
    assert found["notes.txt"] == found["charts/mine.png"] == b"mine"
    assert b"orders.contoso.example" in found["report.html"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_users_empty_folder_is_used(tmp_path: Path) -> None:
    write(make.rich(), tmp_path)
    assert set(tree(tmp_path)) == FILES


@pytest.mark.parametrize("in_the_way", ["report.html", "report.json", "evidence.json", "charts/causes.png"])
def test_where_one_file_cannot_be_placed_all_are_as_before(tmp_path: Path, in_the_way: str) -> None:
    out = tmp_path / "out"
    write(make.empty(), out)
    (out / in_the_way).unlink()
    (out / in_the_way).mkdir()
    (out / in_the_way / "mine").write_text("mine")
    before = tree(out)
    with pytest.raises(OutputError) as refused:
        write(make.rich(), out)
    assert tree(out) == before
    assert sorted(path.name for path in out.iterdir()) == sorted({name.split("/")[0] for name in FILES})
    assert str(refused.value).startswith(f"{out}: the report cannot be written")
    assert "\n" not in str(refused.value)


def test_where_the_charts_folder_is_a_file_nothing_appears(tmp_path: Path) -> None:
    (tmp_path / "charts").write_text("mine")
    (tmp_path / "report.md").write_text("mine too")
    with pytest.raises(OutputError):
        write(make.rich(), tmp_path)
    assert tree(tmp_path) == {"charts": b"mine", "report.md": b"mine too"}


def test_a_first_report_that_fails_in_a_users_folder_leaves_only_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").mkdir()
    with pytest.raises(OutputError):
        write(make.rich(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.json"]


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(make.report(make.finding(), caveats=Interrupted(("x",))), tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_the_earlier_report(tmp_path: Path) -> None:
    write(make.empty(), tmp_path)
    before = tree(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write(make.report(make.finding(), caveats=Interrupted(("x",))), tmp_path)
    assert tree(tmp_path) == before


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        write(make.rich(), tmp_path / "out")
    with pytest.raises(OutputError, match="out is a file"):
        write(make.rich(), tmp_path / "out" / "below")
    assert tree(tmp_path) == {"out": b"mine"}


def test_a_link_in_the_folder_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.md").symlink_to(tmp_path / "precious")
    write(make.rich(), out)
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (out / "report.md").is_symlink()


def test_no_certificate_and_no_path_of_this_machine_reaches_what_people_read(tmp_path: Path) -> None:
    canary = "CANARY-SECRET"
    out = tmp_path / canary
    finding = make.finding(
        chain=(make.certificate(der=canary.encode()),),
        evidence=(make.evidence("orders.contoso.example", make.handshake(chain=(canary.encode(),))),),
    )
    write(make.report(finding), out)
    for name, content in tree(out).items():
        assert canary.encode() not in content, name
        assert b"Q0FOQVJZ" not in content or name == "evidence.json", name  # base64 of the beginning
