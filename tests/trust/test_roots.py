"""Where anchors come from: bundles and files in every form, and what is said where there is none."""

from __future__ import annotations

import base64
from pathlib import Path

import certifi
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import load_der_x509_certificate

from analyzer.errors import CertificateFileError
from analyzer.trust import load_anchors, read_certificates, split_given
from analyzer.trust import roots as stores
from tests.trust import make_chain as m

ROOT = m.root()
CA = m.intermediate(ROOT)


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


def bag(encoding: Encoding) -> bytes:
    return pkcs7.serialize_certificates([load_der_x509_certificate(c.der) for c in (ROOT, CA)], encoding)


@pytest.mark.parametrize(
    "data",
    [
        pem(ROOT.der) + pem(CA.der),
        (pem(ROOT.der) + pem(CA.der)).replace(b"\n", b"\r\n"),
        b"Bag Attributes\n  friendlyName: x\n" + pem(ROOT.der) + b"subject=CN = x\n" + pem(CA.der) + pem(ROOT.der),
        pem(ROOT.der, "X509 CERTIFICATE") + pem(b"junk") + pem(CA.der),
        bag(Encoding.PEM),
        bag(Encoding.DER),
    ],
    ids=["PEM", "PEM of Windows", "PEM with words and a duplicate", "PEM with junk", "PKCS#7 as PEM", "PKCS#7 as DER"],
)
def test_a_file_gives_every_certificate_once(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "given"
    path.write_bytes(data)
    assert set(read_certificates(path)) == {ROOT.der, CA.der}
    assert len(read_certificates(path)) == 2
    assert load_anchors(str(path)) == read_certificates(path)


def test_a_file_of_one_certificate_in_der_is_read(tmp_path: Path) -> None:
    path = tmp_path / "root.cer"
    path.write_bytes(ROOT.der)
    assert read_certificates(path) == (ROOT.der,)


@pytest.mark.parametrize("data", [b"", b"hello", pem(b"junk"), pem(b"junk", "PKCS7"), pem(ROOT.der, "PRIVATE KEY")])
def test_a_file_without_a_certificate_is_one_line_of_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "given.pem"
    path.write_bytes(data)
    with pytest.raises(CertificateFileError, match=r"given\.pem: no certificate in it") as caught:
        read_certificates(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_a_folder_or_huge_is_one_line_of_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (tmp_path / "missing.pem", tmp_path):
        with pytest.raises(CertificateFileError, match=str(path)):
            read_certificates(path)
    path = tmp_path / "large.pem"
    path.write_bytes(pem(ROOT.der))
    monkeypatch.setattr(stores, "LARGEST_FILE", 10)
    with pytest.raises(CertificateFileError, match="larger than"):
        read_certificates(path)


def test_a_bag_with_a_serial_number_of_zero_is_read(tmp_path: Path) -> None:
    odd = m.root(serial=0)
    signed = m.tlv(
        0x30, m.integer(1), m.tlv(0x31), m.tlv(0x30, m.oid("1.2.840.113549.1.7.1")), m.tlv(0xA0, odd.der), m.tlv(0x31)
    )
    path = tmp_path / "given.p7b"
    path.write_bytes(m.tlv(0x30, m.oid("1.2.840.113549.1.7.2"), m.tlv(0xA0, signed)))
    assert read_certificates(path) == (odd.der,)


def test_given_certificates_are_parted_into_roots_and_intermediates() -> None:
    cross = m.make("Contoso Root", m.root("Old Root"), key=ROOT.key, ca=True)
    assert split_given([CA.der, ROOT.der, b"junk", cross.der]) == ((ROOT.der,), (CA.der, cross.der))


def test_the_default_store_is_certifi_joined_with_the_systems() -> None:
    everything = load_anchors()
    assert set(load_anchors("certifi")) <= set(everything)
    assert len(load_anchors("certifi")) > 100
    assert len(set(everything)) == len(everything)


def test_the_systems_store_is_the_first_bundle_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_bytes(pem(ROOT.der))
    monkeypatch.setattr(stores, "SYSTEM_BUNDLES", (str(tmp_path / "missing"), str(bundle), certifi.where()))
    assert load_anchors("system") == (ROOT.der,)
    monkeypatch.setattr(stores, "SYSTEM_BUNDLES", (str(tmp_path / "missing"),))
    with pytest.raises(CertificateFileError, match="no system roots"):
        load_anchors("system")
