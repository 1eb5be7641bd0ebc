"""What is said of one certificate, and of the names and encodings in it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from analyzer.trust import der, describe, load_anchors
from analyzer.trust.decoded import decode
from tests.trust import make_chain as m

ROOT = m.root()


def test_a_server_certificate_is_described_in_full() -> None:
    info = m.tlv(
        0x30,
        m.tlv(0x30, m.oid("1.3.6.1.5.5.7.48.1"), m.tlv(0x86, b"http://ocsp.contoso.example")),
        m.tlv(0x30, m.oid("1.3.6.1.5.5.7.48.2"), m.tlv(0x86, b"http://ca.contoso.example/ca.cer")),
        m.tlv(0x30, m.oid("1.3.6.1.5.5.7.48.2"), m.tlv(0x86, b"ldap:///CN=x")),
    )
    more = [
        m.names(m.dns(m.HOST), m.dns("*.contoso.example"), m.ip(bytes([10, 0, 0, 5])), m.ip(bytes(15) + b"\x01")),
        m.usages(m.SERVER_AUTH, m.CLIENT_AUTH),
        ("1.3.6.1.5.5.7.1.1", False, info),
    ]
    made = m.leaf(ROOT, more=more)
    found = describe(made.der)
    assert found is not None
    assert found.der == made.der
    assert found.subject == f"CN={m.HOST}"
    assert found.issuer == "CN=Contoso Root"
    assert found.common_name == m.HOST
    assert found.dns_names == (m.HOST, "*.contoso.example")
    assert found.ip_addresses == ("10.0.0.5", "::1")
    assert (found.not_before, found.not_after) == (m.START, m.END)
    assert (found.is_ca, found.self_issued, found.self_signed, found.public_looking) == (False,) * 4
    assert found.usages == (m.SERVER_AUTH, m.CLIENT_AUTH)
    assert found.aia == ("http://ca.contoso.example/ca.cer", "ldap:///CN=x")
    assert found.key == "EC secp256r1"
    assert found.signature == "ecdsa-with-SHA256"
    assert found.sha256 == hashlib.sha256(made.der).hexdigest()
    assert describe(made.der) is found


@pytest.mark.parametrize(
    ("kind", "key", "signature"),
    [
        ("rsa", "RSA 2048", "sha256WithRSAEncryption"),
        ("ec", "EC secp256r1", "ecdsa-with-SHA256"),
        ("ed25519", "Ed25519", "ED25519"),
    ],
)
def test_keys_and_signatures_are_named_as_openssl_names_them(kind: str, key: str, signature: str) -> None:
    found = describe(m.root(key=m.new_key(kind)).der)
    assert found is not None
    assert (found.key, found.signature) == (key, signature)
    assert found.is_ca
    assert found.self_signed


def test_self_issued_is_not_yet_self_signed() -> None:
    found = describe(m.make("Contoso Root", ROOT, ca=True).der)
    assert found is not None
    assert found.self_issued
    assert not found.self_signed
    spoilt = describe(m.root(spoilt=True).der)
    assert spoilt is not None
    assert not spoilt.self_signed


@pytest.mark.parametrize(
    ("extension", "public"),
    [
        (("1.3.6.1.4.1.11129.2.4.2", False, b"\x04\x00"), True),
        (("2.5.29.32", False, m.tlv(0x30, m.tlv(0x30, m.oid("2.23.140.1.2.1")))), True),
        (("2.5.29.32", False, m.tlv(0x30, m.tlv(0x30, m.oid("2.23.140.11.2")))), False),
        (("2.5.29.32", False, b"junk"), False),
        (("1.2.3.4", False, b""), False),
    ],
)
def test_a_certificate_looks_public_by_its_timestamps_or_policies(extension: m.Extension, public: bool) -> None:
    found = describe(m.leaf(ROOT, more=[extension]).der)
    assert found is not None
    assert found.public_looking is public


def test_what_cannot_be_read_of_an_extension_is_left_out() -> None:
    found = describe(
        m.leaf(
            ROOT, more=[("2.5.29.17", False, b"x"), ("2.5.29.37", False, b"x"), ("1.3.6.1.5.5.7.1.1", False, b"x")]
        ).der
    )
    assert found is not None
    assert (found.dns_names, found.usages, found.aia) == ((), (), ())
    unrestricted = describe(m.leaf(ROOT, more=[]).der)
    assert unrestricted is not None
    assert unrestricted.usages is None


@pytest.mark.parametrize(
    ("common_name", "written"),
    [
        ("a,b", r"CN=a\,b"),
        (" x ", r"CN=\ x\ "),
        ("#x", r"CN=\#x"),
        ('"+;<>\\', r"CN=\"\+\;\<\>\\"),
        ("a\x1b[31m\nb", r"CN=a\1B[31m\0Ab"),
        ("ü", "CN=ü"),
        ("", "CN="),
    ],
)
def test_names_are_written_so_that_they_steer_nothing(common_name: str, written: str) -> None:
    found = describe(m.root(common_name).der)
    assert found is not None
    assert found.subject == written


def test_bytes_that_are_no_certificate_are_none() -> None:
    for data in (b"", b"junk", ROOT.der[:-1], ROOT.der + b"x"):
        assert describe(data) is None


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_public_roots_read_as_the_library_reads_them() -> None:
    compared = 0
    for data in load_anchors("certifi"):
        theirs, ours = x509.load_der_x509_certificate(data), describe(data)
        assert ours is not None
        assert ours.self_signed
        assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
        assert ours.subject == theirs.subject.rfc4514_string()
        decoded = decode(data)
        assert decoded is not None
        assert decoded.serial == theirs.serial_number
        assert not decoded.malformed
        assert decoded.ca is theirs.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS).value.ca  # type: ignore[attr-defined]
        compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"4912312359Z", None),
        (b"491231235959+0100", None),
        (b"491331235959Z", None),
    ],
)
def test_dates_in_a_form_that_the_profile_forbids_are_none(text: bytes, moment: datetime | None) -> None:
    der_ = ROOT.der.replace(m.START.strftime("%y%m%d%H%M%SZ").encode(), text)
    if len(text) == 13:
        found = decode(der_)
        assert found is not None
        assert found.not_before == moment
    else:
        assert decode(der_) is None  # the lengths around it no longer fit


@pytest.mark.parametrize(
    "data",
    [
        b"\x02\x00",
        b"\x02\x02\x00\x01",
        b"\x02\x02\xff\xff",
        b"\x02\x80\x00\x00",
        b"\x02",
        b"\x1f\x01\x00",
        b"\x02\x02\x01",
    ],
)
def test_integers_that_are_empty_padded_or_cut_off_are_malformed(data: bytes) -> None:
    with pytest.raises(der.Malformed):
        der.integer(der.element(data).content)


@pytest.mark.parametrize(
    ("content", "dotted"),
    [
        (b"\x55\x1d\x11", "2.5.29.17"),
        (b"\x88\x37\x03", "2.999.3"),
        (b"\x2a", "1.2"),
        (b"", None),
        (b"\x2a\x80\x01", None),
        (b"\x2a\x86", None),
        (b"\x2a" + b"\x81" * 200 + b"\x00", None),
    ],
)
def test_object_identifiers_are_read_or_malformed(content: bytes, dotted: str | None) -> None:
    if dotted is None:
        with pytest.raises(der.Malformed):
            der.oid(content)
    else:
        assert der.oid(content) == dotted


@pytest.mark.parametrize(
    ("content", "octets"),
    [(b"\x00\xff", b"\xff"), (b"\x03\xff", b"\xf8"), (b"\x00", b""), (b"", None), (b"\x08\xff", None), (b"\x01", None)],
)
def test_bit_strings_are_read_without_their_unused_bits_or_malformed(content: bytes, octets: bytes | None) -> None:
    if octets is None:
        with pytest.raises(der.Malformed):
            der.bits(content)
    else:
        assert der.bits(content) == octets
