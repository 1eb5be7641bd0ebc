"""Microsoft's root program: which rows of a report made here count as roots that Windows trusts for servers."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from analyzer.errors import CertificateFileError
from analyzer.trust import ccadb, load_anchors, load_store
from tests.trust import make_chain as m

HEADINGS = (
    "Microsoft Status",
    "CA Owner",
    "CA Common Name or Certificate Name",
    "SHA-256 Fingerprint",
    "Microsoft EKUs",
)
BOTH = "Secure Email;Server Authentication"
ROOT, OTHER = m.root(), m.root("Other Root")


def pem(der: bytes) -> str:
    return f"'-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE-----'"


def fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def report(*rows: Sequence[str], headings: Sequence[str] = HEADINGS) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([headings, *rows])
    return text.getvalue().encode()


def row(der: bytes, status: str = "Included", usages: str = BOTH) -> tuple[str, ...]:
    return (status, "Contoso, Ltd.", "A “root”", fingerprint(der).upper(), usages)


def test_roots_come_with_their_certificates_where_the_report_has_them() -> None:
    data = report((*row(ROOT.der), pem(ROOT.der)), row(OTHER.der), headings=(*HEADINGS, "PEM Info"))
    found = ccadb.read(data)
    assert found.roots == (ROOT.der,)
    assert found.fingerprints == {fingerprint(ROOT.der), fingerprint(OTHER.der)}


@pytest.mark.parametrize(
    ("status", "usages", "counts"),
    [
        ("Included", BOTH, True),
        ("NotBefore", BOTH, True),
        ("Not Before", BOTH, True),
        ("Disabled", BOTH, False),
        ("Removed", BOTH, False),
        ("Pending", BOTH, False),
        ("", BOTH, False),
        ("Included", "Code Signing;Time Stamping", False),
        ("Included", "", False),
    ],
)
def test_only_what_is_trusted_for_servers_counts(status: str, usages: str, counts: bool) -> None:
    assert bool(ccadb.read(report(row(ROOT.der, status, usages))).fingerprints) is counts


def test_the_order_of_columns_a_byte_order_mark_and_colons_do_not_matter() -> None:
    spaced = ":".join(f"{byte:02X}" for byte in hashlib.sha256(ROOT.der).digest())
    headings = ("SHA-256 Fingerprint", "Microsoft EKUs", "Microsoft Status", "PEM")
    data = b"\xef\xbb\xbf" + report((spaced, "Server Authentication", "Included", pem(ROOT.der)), headings=headings)
    assert ccadb.is_report(data)
    assert ccadb.read(data).roots == (ROOT.der,)


@pytest.mark.parametrize("cell", ["", "junk", pem(b"junk" * 200), pem(ROOT.der)[:-200], "A" * 401])
def test_a_broken_certificate_leaves_the_fingerprint(cell: str) -> None:
    found = ccadb.read(report((*row(ROOT.der), cell), headings=(*HEADINGS, "PEM")))
    assert (found.roots, found.fingerprints) == ((), {fingerprint(ROOT.der)})


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\x00\xff" * 100, b"Microsoft Status,x\n"])
def test_other_files_are_no_report(data: bytes) -> None:
    assert not ccadb.is_report(data)
    assert ccadb.read(data).fingerprints == frozenset()


def test_a_report_without_certificates_takes_them_from_the_stores_at_hand(tmp_path: Path) -> None:
    held = load_anchors("certifi")[0]
    path = tmp_path / "included.csv"
    path.write_bytes(report(row(held), row(ROOT.der)))
    store = load_store(str(path))
    assert store.roots == (held,)
    assert store.fingerprints == {fingerprint(ROOT.der)}
    assert store.microsofts
    assert "2 roots of Microsoft's program" in store.words


def test_a_report_of_nothing_for_servers_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "included.csv"
    path.write_bytes(report(row(ROOT.der, "Disabled")))
    with pytest.raises(CertificateFileError, match="names no root"):
        load_store(str(path))


def test_a_file_of_certificates_is_no_list_of_microsofts(tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    path.write_text(pem(ROOT.der).strip("'"))
    assert (load_store(str(path)).roots, load_store(str(path)).microsofts) == ((ROOT.der,), False)
    assert not load_store().microsofts


def test_no_damage_to_a_report_is_more_than_a_report_that_names_less() -> None:
    import random

    whole = report(*((*row(root.der), pem(root.der)) for root in (ROOT, OTHER)), headings=(*HEADINGS, "PEM"))
    known = {fingerprint(ROOT.der), fingerprint(OTHER.der)}
    dice = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            place = dice.randrange(len(data))
            data[place : place + dice.randint(0, 3)] = bytes(dice.choices(b'",\n\r\x00\xffA:0', k=dice.randint(0, 3)))
        found = ccadb.read(bytes(data))
        assert len(found.fingerprints) <= 2
        assert {fingerprint(der) for der in found.roots} <= known
        ccadb.is_whole(bytes(data))


@pytest.fixture
def long_cells_elsewhere() -> Iterator[None]:
    """Another reader of the same process lets cells be longer."""
    before = csv.field_size_limit(1 << 26)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("long_cells_elsewhere")
def test_a_cell_too_long_ends_the_reading_and_is_not_whole() -> None:
    data = report(row(ROOT.der), (*row(OTHER.der)[:4], "A" * 200_000))
    assert ccadb.read(data).fingerprints == {fingerprint(ROOT.der)}
    assert not ccadb.is_whole(data)
    assert ccadb.is_whole(report(row(ROOT.der), row(OTHER.der)))


def test_a_certificate_beside_another_ones_fingerprint_is_not_taken() -> None:
    found = ccadb.read(report((*row(ROOT.der), pem(OTHER.der)), headings=(*HEADINGS, "PEM")))
    assert (found.roots, found.fingerprints) == ((), {fingerprint(ROOT.der)})
