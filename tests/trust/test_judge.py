"""Every fault that a chain can have, with the status that .NET gives it, and its twin without the fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.lab.weak_keys import short_rsa_key
from analyzer.model import Judgement
from analyzer.trust import DIFFERENCES, Platform, judge
from tests.trust import make_chain as m

ROOT = m.root()
CA = m.intermediate(ROOT)
LEAF = m.leaf(CA)
PAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


def judged(
    *chain: m.Made, roots: tuple[m.Made, ...] = (ROOT,), at: datetime = m.AT, platform: Platform = "dotnet-linux"
) -> Judgement:
    return judge([c.der for c in chain], host=m.HOST, at=at, anchors=[r.der for r in roots], platform=platform)


def test_a_complete_chain_to_a_known_root_is_accepted_and_its_path_ends_there() -> None:
    found = judged(LEAF, CA)
    assert found.accepted
    assert found.statuses == frozenset()
    assert found.path == (LEAF.der, CA.der, ROOT.der)


def test_a_private_root_reads_untrusted_only_where_it_was_sent() -> None:
    assert judged(LEAF, CA, roots=()).statuses == {"PartialChain"}
    assert judged(LEAF, CA, ROOT, roots=()).statuses == {"UntrustedRoot"}


def test_a_missing_intermediate_is_a_partial_chain_unless_the_gateway_was_given_it() -> None:
    assert judged(LEAF).statuses == {"PartialChain"}
    found = judge([LEAF.der], host=m.HOST, at=m.AT, anchors=[ROOT.der], intermediates=[CA.der])
    assert found.accepted


def test_an_intermediate_among_the_anchors_helps_to_build_and_anchors_nothing() -> None:
    assert judged(LEAF, roots=(CA, ROOT)).accepted
    assert judged(LEAF, roots=(CA,)).statuses == {"PartialChain"}


def test_a_self_signed_leaf_is_accepted_where_it_is_an_anchor() -> None:
    own = m.leaf(None)
    assert judged(own, roots=()).statuses == {"UntrustedRoot"}
    assert judged(own, roots=(own,)).accepted


def test_wrong_order_and_duplicates_and_strangers_do_no_harm() -> None:
    upper = m.intermediate(ROOT, "Upper")
    lower = m.intermediate(upper, "Lower")
    leaf = m.leaf(lower)
    stranger = m.root("Stranger")
    for chain in (
        (leaf, lower, upper),
        (leaf, upper, lower),
        (leaf, lower, lower, leaf, upper),
        (leaf, stranger, upper, ROOT, lower),
    ):
        assert judged(*chain).accepted
    assert judged(lower, upper, leaf).statuses == {"RemoteCertificateNameMismatch"}


@pytest.mark.parametrize("who", ["leaf", "intermediate", "root"])
def test_an_expired_certificate_anywhere_in_the_path_is_not_time_valid(who: str) -> None:
    old: dict[str, Any] = {"start": PAST[0], "end": PAST[1]}
    root = m.root(**(old if who == "root" else {}))
    ca = m.intermediate(root, **(old if who == "intermediate" else {}))
    leaf = m.leaf(ca, **(old if who == "leaf" else {}))
    assert judged(leaf, ca, roots=(root,)).statuses == {"NotTimeValid"}
    twin = m.leaf(CA)
    assert judged(twin, CA).accepted


def test_the_first_second_of_validity_counts_and_the_last_does_not() -> None:
    second = timedelta(seconds=1)
    assert judged(LEAF, CA, at=m.START).accepted
    assert judged(LEAF, CA, at=m.START - second).statuses == {"NotTimeValid"}
    assert judged(LEAF, CA, at=m.END - second).accepted
    assert judged(LEAF, CA, at=m.END - second / 2).accepted
    assert judged(LEAF, CA, at=m.END).statuses == {"NotTimeValid"}


def test_of_an_incomplete_chain_the_last_certificates_dates_are_not_looked_at() -> None:
    old = m.intermediate(ROOT, start=PAST[0], end=PAST[1])
    leaf = m.leaf(old)
    assert judged(leaf, old, roots=()).statuses == {"PartialChain"}
    assert judged(leaf, old).statuses == {"NotTimeValid"}


def test_a_broken_signature_is_not_signature_valid() -> None:
    assert judged(m.leaf(CA, spoilt=True), CA).statuses == {"NotSignatureValid"}
    contradicted = m.leaf(CA, outer_algorithm="ecdsa-sha384")
    assert judged(contradicted, CA).statuses == {"NotSignatureValid"}
    assert judged(m.leaf(CA), CA).accepted


def test_a_trusted_roots_own_signature_does_not_count_and_an_untrusted_ones_does() -> None:
    root = m.root(spoilt=True)
    leaf = m.leaf(root)
    assert judged(leaf, roots=(root,)).accepted
    assert judged(leaf, root, roots=()).statuses == {"UntrustedRoot", "NotSignatureValid"}


@pytest.mark.parametrize(
    ("usages", "statuses"),
    [
        ((m.SERVER_AUTH,), set()),
        ((m.CLIENT_AUTH, m.SERVER_AUTH), set()),
        ((m.ANY_USAGE,), set()),
        (None, set()),
        ((m.CLIENT_AUTH,), {"NotValidForUsage"}),
        ((), {"NotValidForUsage"}),
    ],
)
@pytest.mark.parametrize("who", ["leaf", "intermediate", "root"])
def test_every_certificate_of_the_path_must_allow_server_authentication(
    usages: tuple[str, ...] | None, statuses: set[str], who: str
) -> None:
    def more(one: str) -> list[m.Extension]:
        names = [m.names(m.dns(m.HOST))] if one == "leaf" else []
        return [*names, *([m.usages(*usages)] if one == who and usages is not None else [])]

    root = m.root(more=more("root"))
    ca = m.intermediate(root, more=more("intermediate"))
    leaf = m.leaf(ca, more=more("leaf"))
    assert judged(leaf, ca, roots=(root,)).statuses == statuses


def test_microsofts_application_policies_take_the_place_of_extended_key_usages() -> None:
    policies = ("1.3.6.1.4.1.311.21.10", False, m.tlv(0x30, m.tlv(0x30, m.oid(m.CLIENT_AUTH))))
    leaf = m.leaf(CA, more=[m.names(m.dns(m.HOST)), m.usages(m.SERVER_AUTH), policies])
    assert judged(leaf, CA).statuses == {"NotValidForUsage"}


def test_a_usage_that_cannot_be_read_makes_dotnet_throw() -> None:
    leaf = m.leaf(CA, more=[("2.5.29.37", False, m.tlv(0x30, b"\x05\x00"))])
    assert judged(leaf, CA).statuses == {"Unreadable"}


def test_where_a_ca_demands_explicit_policies_silence_is_no_permission() -> None:
    demand = ("2.5.29.36", True, m.tlv(0x30, m.tlv(0x80, b"\x00")))
    ca = m.intermediate(ROOT, more=[demand])
    silent, open_ = m.leaf(ca, more=[m.names(m.dns(m.HOST))]), m.leaf(ca)
    assert judged(silent, ca).statuses == {"NotValidForUsage"}
    assert judged(open_, ca).accepted


@pytest.mark.parametrize(
    "changes",
    [{"ca": False}, {"ca": None}, {"ca": None, "key_usage": None}, {"key_usage": m.DIGITAL_SIGNATURE}],
    ids=["says it is none", "says nothing", "says nothing at all", "may not sign"],
)
def test_an_intermediate_must_be_a_ca_that_may_sign(changes: dict[str, Any]) -> None:
    ca = m.intermediate(ROOT, **changes)
    assert judged(m.leaf(ca), ca).statuses == {"InvalidBasicConstraints"}


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"ca": None}, set()),
        ({"ca": None, "key_usage": None}, {"InvalidBasicConstraints"}),
        ({"version": 1}, set()),
        ({"ca": False}, {"InvalidBasicConstraints"}),
        ({"key_usage": m.DIGITAL_SIGNATURE}, {"InvalidBasicConstraints"}),
        ({"key_usage": 0}, {"PartialChain"}),
    ],
    ids=["no basic constraints", "no sign of a CA", "version 1", "says it is none", "may not sign", "no usage at all"],
)
def test_a_root_may_be_a_ca_by_looser_signs(changes: dict[str, Any], statuses: set[str]) -> None:
    root = m.root(**changes)
    assert judged(m.leaf(root), roots=(root,)).statuses == statuses


def test_path_lengths_count_the_cas_below_but_not_self_issued_ones() -> None:
    limited = m.root(path_length=0)
    ca = m.intermediate(limited)
    assert judged(m.leaf(ca), ca, roots=(limited,)).statuses == {"InvalidBasicConstraints"}
    wider = m.root(path_length=1)
    ca = m.intermediate(wider)
    assert judged(m.leaf(ca), ca, roots=(wider,)).accepted
    renewed = m.intermediate(limited, "Contoso Root")
    assert judged(m.leaf(renewed), renewed, roots=(limited,)).accepted


@pytest.mark.parametrize("who", ["leaf", "intermediate", "root"])
@pytest.mark.parametrize("oid", ["1.2.3.4", "1.3.6.1.5.5.7.1.1"])
@pytest.mark.parametrize("critical", [True, False])
def test_a_critical_extension_must_be_known(who: str, oid: str, critical: bool) -> None:
    odd: list[m.Extension] = [(oid, critical, m.tlv(0x30))]
    root = m.root(more=odd if who == "root" else [])
    ca = m.intermediate(root, more=odd if who == "intermediate" else [])
    leaf = m.leaf(ca, more=[m.names(m.dns(m.HOST)), m.usages(m.SERVER_AUTH), *(odd if who == "leaf" else [])])
    assert judged(leaf, ca, roots=(root,)).statuses == ({"HasNotSupportedCriticalExtension"} if critical else set())


@pytest.mark.parametrize(
    ("limits", "statuses"),
    [
        (m.constraints(permitted=[m.dns("contoso.example")]), set()),
        (m.constraints(permitted=[m.dns(".contoso.example")]), set()),
        (m.constraints(permitted=[m.dns("other.example")]), {"HasNotPermittedNameConstraint"}),
        (m.constraints(permitted=[m.dns("other.example"), m.dns("CONTOSO.example")]), set()),
        (m.constraints(permitted=[m.dns("toso.example")]), {"HasNotPermittedNameConstraint"}),
        (m.constraints(excluded=[m.dns("contoso.example")]), {"HasExcludedNameConstraint"}),
        (m.constraints(excluded=[m.dns("other.example")]), set()),
        (m.constraints(excluded=[m.dns("")]), {"HasExcludedNameConstraint"}),
        (m.constraints(permitted=[m.ip(bytes([10, 0, 0, 0, 255, 0, 0, 0]))]), set()),
        (m.constraints(permitted=[m.ip(bytes([11, 0, 0, 0, 255, 0, 0, 0]))]), {"HasNotPermittedNameConstraint"}),
        (m.constraints(excluded=[m.ip(bytes([10, 0, 0, 0, 255, 0, 0, 0]))]), {"HasExcludedNameConstraint"}),
        (m.constraints(permitted=[m.ip(bytes(3))]), {"InvalidNameConstraints"}),
        (m.constraints(permitted=[m.directory(m.name(m.HOST))]), set()),
        (m.constraints(permitted=[m.directory(m.name("  API.contoso.EXAMPLE "))]), set()),
        (m.constraints(permitted=[m.directory(m.name("other"))]), {"HasNotPermittedNameConstraint"}),
        (m.constraints(excluded=[m.directory(m.name(None))]), {"HasExcludedNameConstraint"}),
        (
            m.constraints(permitted=[m.dns("contoso.example")], bound=m.tlv(0x80, b"\x01")),
            {"HasNotSupportedNameConstraint"},
        ),
        (m.constraints(permitted=[m.dns("contoso.example")], bound=m.tlv(0x80, b"\x00")), set()),
        (m.constraints(permitted=[m.tlv(0x81, b"contoso.example")]), set()),
        (m.constraints(excluded=[m.tlv(0x88, b"\x2a\x03")]), set()),
        (m.constraints(), set()),
    ],
)
def test_name_constraints_bind_names_of_their_kind(limits: m.Extension, statuses: set[str]) -> None:
    ca = m.intermediate(ROOT, more=[limits])
    leaf = m.leaf(ca, more=[m.usages(m.SERVER_AUTH), m.names(m.dns(m.HOST), m.ip(bytes([10, 1, 2, 3])))])
    assert judged(leaf, ca).statuses == statuses


def test_name_constraints_bind_the_common_name_of_a_leaf_without_dns_names() -> None:
    ca = m.intermediate(ROOT, more=[m.constraints(permitted=[m.dns("other.example")])])
    assert judged(m.leaf(ca, host=None), ca).statuses == {"HasNotPermittedNameConstraint"}
    no_host_name = judge([m.leaf(ca, "Orders backend", host=None).der, ca.der], host=None, at=m.AT, anchors=[ROOT.der])
    assert no_host_name.accepted


def test_a_kind_of_name_without_a_rule_makes_dotnet_throw() -> None:
    registered = m.tlv(0x88, b"\x2a\x03")
    ca = m.intermediate(ROOT, more=[m.constraints(permitted=[registered])])
    leaf = m.leaf(ca, more=[m.usages(m.SERVER_AUTH), m.names(m.dns(m.HOST), registered)])
    assert judged(leaf, ca).statuses == {"Unreadable"}
    assert judged(m.leaf(ca), ca).accepted


@pytest.mark.parametrize(
    ("size", "signed_with", "on_windows"),
    [
        (1024, "rsa-sha256", set()),
        (1024, "rsa-sha1", set()),
        (1024, "rsa-md5", {"HasWeakSignature"}),
        (768, "rsa-sha256", {"HasWeakSignature"}),
    ],
)
def test_weak_keys_and_hashes_are_let_pass_by_linux_and_not_all_of_them_by_windows(
    size: int, signed_with: str, on_windows: set[str]
) -> None:
    weak = m.root(key=m.new_key("rsa1024"))
    leaf = m.leaf(weak, key=short_rsa_key(size), signed_with=signed_with)
    assert judged(leaf, roots=(weak,)).accepted
    found = judge([leaf.der], host=m.HOST, at=m.AT, anchors=[weak.der], platform="windows")
    assert found.statuses == on_windows
    assert found.accepted is not bool(on_windows)


def test_nobody_asks_who_signed_a_root_and_windows_takes_the_way_without_weakness() -> None:
    old = m.root(key=m.new_key("rsa1024"), signed_with="rsa-md5")
    assert judge([m.leaf(old).der], host=m.HOST, at=m.AT, anchors=[old.der], platform="windows").accepted
    weak_way = m.intermediate(old, key=CA.key, signed_with="rsa-md5")
    sent = [LEAF.der, weak_way.der, CA.der]
    both = judge(sent, host=m.HOST, at=m.AT, anchors=[old.der, ROOT.der], platform="windows")
    assert both.accepted
    alone = judge(sent[:2], host=m.HOST, at=m.AT, anchors=[old.der], platform="windows")
    assert alone.statuses == {"HasWeakSignature"}


def test_serial_numbers_and_versions_that_no_profile_allows_are_let_pass() -> None:
    odd: tuple[dict[str, Any], ...] = ({"serial": -5}, {"serial": 0}, {"serial": 1 << 200}, {"version": 1})
    for changes in odd:
        leaf = m.leaf(CA, **changes)
        assert judge([leaf.der, CA.der], host=None, at=m.AT, anchors=[ROOT.der]).accepted


def test_key_identifiers_must_agree_where_both_are_there() -> None:
    assert judged(m.leaf(ROOT, authority_key=m.tlv(0x30, m.tlv(0x80, b"another")))).statuses == {"PartialChain"}
    assert judged(m.leaf(ROOT, with_authority_key=False)).accepted
    quiet = m.root(with_subject_key=False)
    assert judged(m.leaf(quiet, authority_key=m.tlv(0x30, m.tlv(0x80, b"another"))), roots=(quiet,)).accepted


def test_a_root_of_the_same_name_with_a_new_key_is_not_the_root() -> None:
    renewed = m.root()
    assert judged(LEAF, CA, roots=(renewed,)).statuses == {"PartialChain"}
    assert judged(LEAF, CA, ROOT, roots=(renewed,)).statuses == {"UntrustedRoot"}
    assert judged(LEAF, CA, roots=(renewed, ROOT)).accepted
    unsaid = m.intermediate(ROOT, with_authority_key=False)
    assert judged(m.leaf(unsaid), unsaid, roots=(renewed,)).statuses == {"NotSignatureValid"}


def test_a_cross_signed_root_is_accepted_by_either_root() -> None:
    old = m.root("Old Root")
    cross = m.make("Contoso Root", old, key=ROOT.key, ca=True, key_usage=m.CERT_SIGN)
    assert judged(LEAF, CA, cross, roots=(ROOT,)).accepted
    assert judged(LEAF, CA, cross, roots=(old,)).accepted
    assert judged(LEAF, CA, cross, roots=()).statuses == {"PartialChain"}


def test_linux_takes_the_first_issuer_that_fits_and_windows_the_one_that_leads_somewhere() -> None:
    key = m.new_key()
    lost = m.intermediate(m.root("Nobody's"), key=key)
    found = m.intermediate(ROOT, key=key)
    leaf = m.leaf(found)
    assert judged(leaf, lost, found).statuses == {"PartialChain"}
    assert judged(leaf, found, lost).accepted
    assert judged(leaf, lost, found, platform="windows").accepted
    assert judged(leaf, lost, platform="windows").statuses == {"PartialChain"}


@pytest.mark.parametrize("chain", [[], [b""], [b"\x30\x03\x02\x01\x01"], [LEAF.der[:-1]], [LEAF.der + b"\x00"]])
def test_a_leaf_that_cannot_be_read_is_unreadable(chain: list[bytes]) -> None:
    found = judge(chain, host=m.HOST, at=m.AT, anchors=[ROOT.der])
    assert found.statuses == {"Unreadable"}
    assert not found.accepted
    assert found.path == ()


def test_other_certificates_that_cannot_be_read_are_passed_over() -> None:
    found = judge([LEAF.der, b"junk", CA.der], host=m.HOST, at=m.AT, anchors=[b"junk", ROOT.der], intermediates=[b""])
    assert found.accepted


def _same_name() -> list[m.Made]:
    key = m.new_key()
    first = m.make("X", key=key, ca=True, with_subject_key=False)
    return [m.leaf(first), *(m.make("X", first, key=key, ca=True, with_subject_key=False) for _ in range(100))]


def _circle() -> list[m.Made]:
    ones: dict[str, Any] = {"ca": True, "with_subject_key": False}
    a, b = m.make("A", **ones), m.make("B", **ones)
    circle = [
        m.make(name, by, key=key, **ones) for _ in range(60) for name, by, key in (("A", b, a.key), ("B", a, b.key))
    ]
    return [m.leaf(a), *circle]


@pytest.mark.parametrize("make", [_same_name, _circle])
@pytest.mark.parametrize("platform", ["dotnet-linux", "windows"])
def test_certificates_that_lead_nowhere_take_little_time(make: Callable[[], list[m.Made]], platform: Platform) -> None:
    chain = make()
    started = time.perf_counter()
    assert not judged(*chain, platform=platform).accepted
    assert time.perf_counter() - started < 5


def test_more_names_and_constraints_than_openssl_compares_make_dotnet_throw() -> None:
    ca = m.intermediate(ROOT, more=[m.constraints(permitted=[m.dns(f"{i}.example") for i in range(1100)])])
    leaf = m.leaf(ca, more=[m.usages(m.SERVER_AUTH), m.names(*(m.dns(f"{i}.example") for i in range(1000)))])
    assert judge([leaf.der, ca.der], host=None, at=m.AT, anchors=[ROOT.der]).statuses == {"Unreadable"}


def test_hundreds_of_chains_against_hundreds_of_anchors_are_judged_in_moments() -> None:
    anchors = [m.root(f"Root {i}").der for i in range(150)] + [ROOT.der]
    leaves = [m.leaf(CA).der for _ in range(100)]
    started = time.perf_counter()
    assert all(
        judge([leaf, CA.der], host=m.HOST, at=m.AT, anchors=anchors).accepted for leaf in leaves for _ in range(3)
    )
    assert time.perf_counter() - started < 3


@settings(max_examples=300, deadline=None)
@given(where=st.integers(0, len(LEAF.der) - 1), value=st.integers(0, 255))
def test_no_altered_byte_is_more_than_a_status(where: int, value: int) -> None:
    der = LEAF.der[:where] + bytes([value]) + LEAF.der[where + 1 :]
    found = judge([der, CA.der], host=m.HOST, at=m.AT, anchors=[ROOT.der])
    assert found.accepted is (not found.statuses)
    assert not found.accepted or der == LEAF.der


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_unreadable(data: bytes) -> None:
    assert judge([data], host=m.HOST, at=m.AT, anchors=[]).statuses == {"Unreadable"}


def test_every_difference_between_the_platforms_names_its_source() -> None:
    assert len(DIFFERENCES) > 3
    assert all(d.source and d.linux != d.windows for d in DIFFERENCES)
    assert any(d.judged for d in DIFFERENCES)
