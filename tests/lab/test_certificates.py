"""The lab's certificates carry the faults that the catalogue says, and only those."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from analyzer.lab.catalogue import CATALOGUE, INTERMEDIATE_EXPIRY, LEAF_EXPIRY, RENEWAL, Fault
from analyzer.lab.certificates import Pki, make_pki
from analyzer.lab.manners import WITHOUT_TLS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
A_YEAR_ON = NOW + timedelta(days=365)
ODD_DATES = {Fault.EXPIRED_LEAF, Fault.EXPIRED_INTERMEDIATE, Fault.RENEWED, Fault.NOT_YET_VALID, Fault.THREE_AT_ONCE}
ODD_NAMES = {Fault.NAME_MISMATCH, Fault.THREE_AT_ONCE, Fault.NAME_ONLY_IN_CN}
ODD_CHAINS = {
    Fault.INCOMPLETE_CHAIN: 1,
    Fault.SELF_SIGNED: 1,
    Fault.UNTRUSTED_ROOT_SENT: 3,
    Fault.PATH_LENGTH: 3,
}
WITH_CERTIFICATE = sorted({*Fault} - {*WITHOUT_TLS} - {Fault.REFUSED, Fault.NAME_UNKNOWN, Fault.UNREACHABLE})


@pytest.fixture(scope="module")
def pki() -> Pki:
    return make_pki(NOW)


def names(leaf: x509.Certificate) -> list[str]:
    try:
        san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return san.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("fault", WITH_CERTIFICATE)
def test_a_chain_is_as_it_should_be_but_for_its_fault(pki: Pki, fault: Fault) -> None:
    identity = pki.identities[fault]
    leaf = identity.chain[0]
    assert leaf.public_key() == identity.key.public_key()
    if fault not in ODD_DATES:
        assert {c.not_valid_before_utc for c in identity.chain} == {datetime(2026, 1, 1, tzinfo=UTC)}
        assert {c.not_valid_after_utc for c in identity.chain} == {A_YEAR_ON}
    if fault not in ODD_NAMES:
        assert names(leaf) == [CATALOGUE[fault].host]
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    wanted = ExtendedKeyUsageOID.CLIENT_AUTH if fault is Fault.WRONG_USAGE else ExtendedKeyUsageOID.SERVER_AUTH
    assert list(usages) == [wanted]
    assert len(identity.chain) == ODD_CHAINS.get(fault, 2)
    for lower, upper in zip(identity.chain, identity.chain[1:], strict=False):
        if fault is Fault.MD5_SIGNATURE:  # the library verifies no such signature, so its key does
            key = upper.public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(lower.signature, lower.tbs_certificate_bytes, padding.PKCS1v15(), hashes.MD5())  # noqa: S303
        else:
            lower.verify_directly_issued_by(upper)


def test_every_server_that_speaks_tls_has_a_chain(pki: Pki) -> None:
    assert sorted(pki.identities) == WITH_CERTIFICATE


def test_no_certificate_says_where_to_fetch_its_issuer(pki: Pki) -> None:
    for identity in pki.identities.values():
        for certificate in identity.chain:
            oids = {extension.oid for extension in certificate.extensions}
            assert ExtensionOID.AUTHORITY_INFORMATION_ACCESS not in oids


def test_two_backends_share_the_root_that_nobody_was_given(pki: Pki) -> None:
    for fault in (Fault.UNTRUSTED_ROOT, Fault.UNTRUSTED_ROOT_SECOND, Fault.CLIENT_CERTIFICATE_ASKED):
        pki.identities[fault].chain[-1].verify_directly_issued_by(pki.root_b.certificate)
    assert pki.identities[Fault.UNTRUSTED_ROOT_SENT].chain[-1] == pki.root_b.certificate
    assert pki.root_a.certificate.subject != pki.root_b.certificate.subject


def test_expiries_fall_into_the_week_of_the_sample_logs(pki: Pki) -> None:
    leaf, issuing = pki.identities[Fault.EXPIRED_LEAF].chain
    assert (leaf.not_valid_after_utc, issuing.not_valid_after_utc) == (LEAF_EXPIRY, A_YEAR_ON)
    leaf, issuing = pki.identities[Fault.EXPIRED_INTERMEDIATE].chain
    assert (leaf.not_valid_after_utc, issuing.not_valid_after_utc) == (A_YEAR_ON, INTERMEDIATE_EXPIRY)


def test_the_renewed_leaf_was_issued_within_that_week(pki: Pki) -> None:
    assert pki.identities[Fault.RENEWED].chain[0].not_valid_before_utc == RENEWAL


def test_validity_follows_the_moment_passed_in(pki: Pki) -> None:
    leaf = pki.identities[Fault.NOT_YET_VALID].chain[0]
    assert leaf.not_valid_before_utc == NOW + timedelta(days=30)


def test_names_are_wrong_where_they_should_be(pki: Pki) -> None:
    assert names(pki.identities[Fault.NAME_MISMATCH].chain[0]) == ["orders.internal.contoso.example"]
    in_cn = pki.identities[Fault.NAME_ONLY_IN_CN].chain[0]
    assert names(in_cn) == []
    assert CATALOGUE[Fault.NAME_ONLY_IN_CN].host in in_cn.subject.rfc4514_string()


def test_keys_are_elliptic_unless_the_fault_needs_rsa(pki: Pki) -> None:
    sizes = {
        fault: identity.key.key_size
        for fault, identity in pki.identities.items()
        if isinstance(identity.key, rsa.RSAPrivateKey)
    }
    assert sizes == {Fault.RSA_1024: 1024, Fault.RSA_768: 768, Fault.DHE_ONLY: 2048}
    others = [i.key for f, i in pki.identities.items() if f not in sizes]
    assert all(isinstance(key, ec.EllipticCurvePrivateKey) for key in others)
