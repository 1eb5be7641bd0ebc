"""What the probe reads of certificates: the names that link them, where an issuer is to be had, and what a downloaded file holds."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from analyzer import trust
from analyzer.probing import x509
from tests import make
from tests.trust import make_chain

ROOT = make.ca()
UPPER = make.intermediate("Upper", ROOT)
LOWER = make.intermediate("Lower", UPPER)
URLS = ("http://ca.example/lower.cer", "ldap:///CN=Lower", "https://ca.example/lower.cer")
LEAF = make.leaf("a.example", LOWER, aia=URLS)
CERTIFICATES = [LOWER.certificate, UPPER.certificate, ROOT.certificate]


def test_names_link_a_certificate_to_its_issuer_and_the_addresses_come_in_order() -> None:
    chain = [x509.read(one.der) for one in (LEAF, LOWER, UPPER, ROOT)]
    assert all(below and above and below.issuer == above.subject for below, above in pairwise(chain))
    assert [bool(one and one.self_issued) for one in chain] == [False, False, False, True]
    assert chain[0] is not None
    assert chain[0].urls == URLS
    assert chain[3] is not None
    assert chain[3].urls == ()


def test_a_certificate_of_version_1_is_read() -> None:
    found = x509.read(make_chain.make("old", version=1).der)
    assert found is not None
    assert found.self_issued


def test_the_public_roots_are_read_as_the_judging_side_reads_them() -> None:
    roots = trust.load_anchors("certifi")
    assert len(roots) > 50
    for der in roots:
        mine, theirs = x509.read(der), trust.describe(der)
        assert mine is not None
        assert theirs is not None
        assert mine.self_issued == theirs.self_issued


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x02\x30\x00",
        b"\x30\x06\x30\x04\x06\x00\x86\x00",
        b"\x04\x01a",
        b"\xff" * 9,
    ],
)
def test_addresses_that_cannot_be_read_count_as_absent(value: bytes) -> None:
    made = make_chain.make("a", more=[("1.3.6.1.5.5.7.1.1", False, value)])
    found = x509.read(made.der)
    assert found is not None
    assert found.urls == ()


def test_an_address_beyond_ascii_is_escaped_as_the_judging_side_escapes_it() -> None:
    place = make_chain.tlv(0x30, make_chain.oid("1.3.6.1.5.5.7.48.2"), make_chain.tlv(0x86, b"http://a/\xfc"))
    made = make_chain.make("a", more=[("1.3.6.1.5.5.7.1.1", False, make_chain.tlv(0x30, place))])
    found, judged = x509.read(made.der), trust.describe(made.der)
    assert found is not None
    assert judged is not None
    assert found.urls == judged.aia == ("http://a/\\xfc",)


def test_the_path_follows_names_whatever_the_order_and_ends_where_none_leads_on() -> None:
    stranger = make.ca("Stranger")
    for sent, top in (
        ((LEAF,), LEAF),
        ((LEAF, LOWER), LOWER),
        ((LEAF, UPPER, stranger, LOWER, LOWER), UPPER),
        ((LEAF, stranger), LEAF),
        ((LEAF, LOWER, UPPER, ROOT), ROOT),
    ):
        assert x509.top_of([one.der for one in sent]) == x509.read(top.der)
    assert x509.top_of([]) is None
    assert x509.top_of([b"nonsense"]) is None


def test_certificates_that_name_each_other_as_issuers_make_no_endless_path() -> None:
    one = make_chain.make("one", issuer=make_chain.name("two"))
    two = make_chain.make("two", issuer=make_chain.name("one"))
    assert x509.top_of([one.der, two.der]) == x509.read(two.der)


@pytest.mark.parametrize(
    ("data", "held"),
    [
        (LOWER.der, [LOWER]),
        (LOWER.pem, [LOWER]),
        (b"Lower\r\n" + LOWER.pem.replace(b"\n", b"\r\n") + b"\nUpper\n" + UPPER.pem + LOWER.pem, [LOWER, UPPER]),
        (pkcs7.serialize_certificates(CERTIFICATES, Encoding.DER), [LOWER, UPPER, ROOT]),
        (pkcs7.serialize_certificates(CERTIFICATES, Encoding.PEM), [LOWER, UPPER, ROOT]),
        (b"", []),
        (b"<html>404</html>", []),
        (LOWER.der + b"\x00", []),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", []),
        (b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n", []),
    ],
)
def test_a_file_gives_its_certificates(data: bytes, held: list[make.Issued]) -> None:
    assert sorted(x509.bundle(data)) == sorted(one.der for one in held)


def test_damaged_bytes_are_read_or_refused_and_never_raise() -> None:
    chance = random.Random(6)
    files = [LEAF.der, pkcs7.serialize_certificates(CERTIFICATES, Encoding.DER)]
    for number in range(4000):
        damaged = bytearray(files[number % 2])
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        del damaged[chance.choice((len(damaged), chance.randrange(len(damaged)))) :]
        assert all(x509.read(der) is not None for der in x509.bundle(bytes(damaged)))
        x509.top_of([bytes(damaged), bytes(damaged)])
