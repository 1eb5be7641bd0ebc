"""Exported certificates: every file type, whose they are, what they cannot say, and that a private key stays where it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs7, pkcs12

from analyzer.errors import EvidenceError
from analyzer.evidence import EvidenceFile, read
from analyzer.model import Evidence
from tests import make

HOST = "backend.lab.example"
ROOT = make.ca()
ISSUING = make.intermediate("Issuing", ROOT)
LEAF = make.leaf(HOST, ISSUING)
ALL = [ROOT.certificate, LEAF.certificate, ISSUING.certificate]  # a .p7b is in no order
P7B = pkcs7.serialize_certificates(ALL, Encoding.PEM)
SECRET = LEAF.key_pem.decode().splitlines()[2]


def exported(folder: Path, data: bytes, host: str | None = HOST, **said: object) -> Evidence:
    path = folder / "export.cer"
    path.write_bytes(data)
    (found,) = read(EvidenceFile(path=path, host=host, **said))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("data", "chain"),
    [
        (LEAF.der, (LEAF.der,)),
        (LEAF.pem, (LEAF.der,)),
        (LEAF.pem.replace(b"\n", b"\r\n"), (LEAF.der,)),
        (LEAF.pem.decode().encode("utf-16"), (LEAF.der,)),
        (b"Bag Attributes\n subject=CN=x\n" + ISSUING.pem + LEAF.pem, (LEAF.der, ISSUING.der)),
        (pkcs7.serialize_certificates(ALL, Encoding.DER), (LEAF.der, ISSUING.der, ROOT.der)),
        (P7B, (LEAF.der, ISSUING.der, ROOT.der)),
        (P7B.replace(b"PKCS7", b"CERTIFICATE"), (LEAF.der, ISSUING.der, ROOT.der)),
        (LEAF.key_pem + LEAF.pem, (LEAF.der,)),
    ],
    ids=["der", "pem", "crlf", "utf-16", "two", "p7b der", "p7b", "p7b called certificate", "with a key"],
)
def test_every_way_to_export_a_certificate_is_read_leaf_first(
    tmp_path: Path, data: bytes, chain: tuple[bytes, ...]
) -> None:
    found = exported(tmp_path, data)
    (shake,) = found.handshakes
    assert (found.host, found.port, found.server_name, found.address) == (HOST, 443, HOST, None)
    assert (shake.offer, shake.chain, shake.version, shake.suite) == ("exported", chain, None, None)
    assert not shake.chain_whole  # an export holds what its machine knew, not what the server sends
    assert "time of the file" in found.collected.tool
    assert SECRET not in repr(found)


def test_the_port_and_the_place_are_as_the_user_says(tmp_path: Path) -> None:
    found = exported(tmp_path, LEAF.pem, port=8443, vantage="gateway")
    assert (found.port, found.collected.vantage, found.collected.host) == (8443, "gateway", "unstated")


def test_of_several_leaves_the_one_for_the_host_is_taken(tmp_path: Path) -> None:
    other = make.leaf("other.example", ISSUING)
    assert exported(tmp_path, other.pem + LEAF.pem).chain[0] == LEAF.der
    with pytest.raises(EvidenceError, match="cannot be told"):
        exported(tmp_path, other.pem + LEAF.pem, host="third.example")


def test_a_self_signed_certificate_may_be_the_servers_and_a_cas_may_not(tmp_path: Path) -> None:
    own = make.leaf(HOST, None)
    assert exported(tmp_path, own.pem).chain == (own.der,)
    with pytest.raises(EvidenceError, match="--ca-file"):
        exported(tmp_path, ROOT.pem)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (pkcs12.serialize_key_and_certificates(b"x", LEAF.key, LEAF.certificate, None, BestAvailableEncryption(b"pw")), "PKCS#12"),  # type: ignore[arg-type]
        (LEAF.key_pem, "private key"),
        (LEAF.pem.replace(LEAF.pem.split()[3], b"", 1), "broken"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n", "request"),
        (b"\x30\x82\x01\x00 and nothing more", "holds no certificate"),
    ],
    ids=["pfx", "key alone", "broken", "request", "der"],
)  # fmt: skip
def test_what_holds_no_certificate_is_refused_in_one_line_without_its_content(
    tmp_path: Path, data: bytes, says: str
) -> None:
    with pytest.raises(EvidenceError) as caught:
        exported(tmp_path, data)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not re.search(r"[A-Za-z0-9+/]{40}", str(caught.value).replace(str(tmp_path), ""))


def test_a_certificate_without_a_host_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"--evidence HOST\[:PORT\]="):
        exported(tmp_path, LEAF.pem, host=None)
