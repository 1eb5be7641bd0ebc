"""Which files are behind what the user named: each once, and each that is not read with its reason."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from analyzer.errors import SourceError
from analyzer.sources import read
from tests.sources.build import answered, counts, failed, write


def names(*sources: str) -> dict[str, str]:
    """Name and shape of each source, in order."""
    return {s.name: s.shape for s in read(list(sources)).intake.sources}


def test_a_folder_is_read_with_all_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("logs/a/b", "logs/c"):
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder, failed())
    monkeypatch.chdir(tmp_path)
    found = read(["logs"])
    assert counts(found) == (2, 0, 0, 0)
    assert [s.name for s in found.intake.sources] == ["logs/a/b/PT1H.json", "logs/c/PT1H.json"]


def test_names_stay_as_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, failed())
    monkeypatch.chdir(tmp_path)
    assert list(names("./PT1H.json")) == ["PT1H.json"]
    assert list(names(str(tmp_path))) == [f"{tmp_path.as_posix()}/PT1H.json"]


def test_a_glob_is_read_and_a_name_with_brackets_is_no_glob(tmp_path: Path) -> None:
    for name in ("a[1].json", "a1.json", "b*.json", "b2.json"):
        write(tmp_path, failed(), name=name)
    assert len(names(str(tmp_path / "a[1].json"))) == 1
    assert next(iter(names(str(tmp_path / "a[1].json")))).endswith("a[1].json")
    assert len(names(str(tmp_path / "b*.json"))) == 1
    assert len(names(str(tmp_path / "?1.json"))) == 1
    assert len(names(str(tmp_path / "**" / "*.json"))) == 4


def test_a_file_is_read_once_however_it_is_reached(tmp_path: Path) -> None:
    path = write(tmp_path, failed())
    (tmp_path / "link.json").symlink_to(path)
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    sources = [str(path), str(tmp_path), str(tmp_path / "*.json"), str(tmp_path / "loop" / "PT1H.json")]
    found = read(sources)
    assert counts(found) == (1, 0, 0, 0)
    assert [s.name for s in found.intake.sources] == [path.as_posix()]


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "logs").mkdir()
    write(tmp_path / "elsewhere", failed())
    (tmp_path / "logs" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert counts(read([str(tmp_path / "logs")])) == (1, 0, 0, 0)


def test_odd_names_are_read_and_shown_without_control_characters(tmp_path: Path) -> None:
    name = "it's 100% \x1b[31m'; DROP.json"
    write(tmp_path, failed(), name=name)
    assert list(names(str(tmp_path))) == [f"{tmp_path.as_posix()}/{name}".replace("\x1b", "\ufffd")]


def test_standard_input_is_read_once(tmp_path: Path) -> None:
    data = write(tmp_path, failed(), answered()).read_bytes()
    for content in (data, gzip.compress(data)):
        found = read(["-", "-"], stdin=io.BytesIO(content))
        assert counts(found) == (1, 0, 1, 0)
        assert [s.name for s in found.intake.sources] == ["-"]


def test_what_a_folder_holds_beside_its_logs_is_listed_and_does_no_harm(tmp_path: Path) -> None:
    write(tmp_path, failed(), name="log.json")
    write(tmp_path, failed(), name="README.md")
    write(tmp_path, "print()", name="make.py")
    write(tmp_path, b"\x89PNG\r\n\x1a\n", name="picture.png")
    write(tmp_path, '{"schema": "apim-triage/report/1"}', name="report.json")
    shapes = names(str(tmp_path))
    assert {Path(name).name: shape for name, shape in shapes.items()} == {
        "README.md": "not a gateway log: it is a text for people",
        "log.json": "storage account lines",
        "make.py": "not a gateway log: it is code or configuration",
        "picture.png": "not a gateway log: it is a picture",
        "report.json": "not a gateway log: its JSON has no field of a gateway log",
    }
    assert counts(read([str(tmp_path)])) == (1, 0, 0, 0)


def test_a_file_that_is_named_itself_is_looked_at_whatever_its_ending(tmp_path: Path) -> None:
    assert counts(read([str(write(tmp_path, failed(), name="log.md"))])) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("missing.json", "no such file or folder; check the path"),
        ("*.nothing", "no file matches"),
        ("empty", "there is no file in it"),
        ("/dev/null", "neither a file nor a folder"),
        ("text.txt", "not a gateway log because its first line is neither JSON nor"),
        ("dangling", "unreadable: no such file"),
        ("pictures", "not a gateway log because it is a picture (and 1 more that cannot be read)"),
    ],
)
def test_nothing_to_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str) -> None:
    for folder in ("empty", "pictures"):
        (tmp_path / folder).mkdir()
    write(tmp_path, "hello", name="text.txt")
    write(tmp_path / "pictures", "", name="a.png")
    write(tmp_path / "pictures", "", name="b.png")
    (tmp_path / "dangling").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as caught:
        read([source])
    assert str(caught.value).startswith(f"{source}")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_source_is_an_error_even_beside_good_ones(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        read([str(write(tmp_path, failed())), str(tmp_path / "missing.json")])


def test_beside_good_sources_a_bad_one_is_listed_with_its_reason(tmp_path: Path) -> None:
    good, bad = write(tmp_path, failed()), write(tmp_path, "hello", name="text.txt")
    assert list(names(str(bad), str(good)).values()) == [
        "not a gateway log: its first line is neither JSON nor a CSV header with the columns of a gateway log",
        "storage account lines",
    ]


@contextmanager
def without_rights() -> Iterator[None]:
    """As a user to whom file modes apply: they do not to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)  # nobody
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file modes as here are a matter of POSIX")
def test_what_may_not_be_read_is_listed_as_unreadable() -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to all but their owner
        folder = Path(name)
        folder.chmod(0o755)
        write(folder, failed(), name="good.json")
        secret, closed = write(folder, failed(), name="secret.json"), folder / "closed"
        secret.chmod(0)
        closed.mkdir(mode=0)
        with without_rights():
            shapes = list(names(name).values())
            with pytest.raises(SourceError, match="unreadable: permission denied"):
                read([str(secret)])
        closed.chmod(0o755)
    assert shapes == ["storage account lines", "unreadable: permission denied", "unreadable: permission denied"]
