"""Whose certificate covers which host."""

from __future__ import annotations

import pytest

from analyzer.trust import judge, matches_host
from tests.trust import make_chain as m

ROOT = m.root()


@pytest.mark.parametrize(
    ("listed", "host", "covered"),
    [
        ("api.contoso.example", "api.contoso.example", True),
        ("API.Contoso.Example", "api.contoso.example", True),
        ("api.contoso.example", "API.CONTOSO.EXAMPLE", True),
        ("api.contoso.example", "www.contoso.example", False),
        ("contoso.example", "api.contoso.example", False),
        ("*.contoso.example", "api.contoso.example", True),
        ("*.contoso.example", "contoso.example", False),
        ("*.contoso.example", "v1.api.contoso.example", False),
        ("*.contoso.example", ".contoso.example", False),
        ("a*.contoso.example", "api.contoso.example", False),
        ("*i.contoso.example", "api.contoso.example", False),
        ("api.*.example", "api.contoso.example", False),
        ("*", "localhost", False),
        ("api.contoso.example", "api.contoso.example..example", False),
        ("xn--bcher-kva.example", "bücher.example", True),
        ("xn--bcher-kva.example", "BÜCHER.example", True),
        ("*.bücher.example", "api.bücher.example", False),
        ("backend_1.contoso.example", "backend_1.contoso.example", True),
        ("10.0.0.5", "10.0.0.5", False),
    ],
)
def test_a_listed_dns_name_covers_exactly_itself_or_one_label(listed: str, host: str, covered: bool) -> None:
    leaf = m.leaf(ROOT, "someone else", host=listed)
    assert matches_host(leaf.der, host) is covered
    assert matches_host(leaf.der, host, "windows") is covered


@pytest.mark.parametrize("listed", ["api.contoso.example", "*.contoso.example"])
def test_the_dot_of_the_root_is_not_looked_at_on_linux_and_taken_as_part_of_the_name_on_windows(listed: str) -> None:
    leaf = m.leaf(ROOT, "someone else", host=listed)
    dotted = m.leaf(ROOT, "someone else", host=f"{listed}.")
    assert matches_host(leaf.der, "api.contoso.example.")
    assert matches_host(dotted.der, "api.contoso.example")
    assert not matches_host(leaf.der, "api.contoso.example.", "windows")
    assert not matches_host(dotted.der, "api.contoso.example", "windows")
    assert not matches_host(leaf.der, ".")
    assert not matches_host(leaf.der, "www.contoso.example.api.")


def test_without_dns_names_the_common_name_counts_and_with_them_it_does_not() -> None:
    assert matches_host(m.leaf(ROOT, m.HOST, host=None).der, m.HOST)
    assert matches_host(m.leaf(ROOT, m.HOST.upper(), host=None).der, m.HOST)
    assert not matches_host(m.leaf(ROOT, m.HOST, host="other.example").der, m.HOST)
    only_an_address = m.leaf(ROOT, m.HOST, more=[m.names(m.ip(bytes([10, 0, 0, 5])))])
    assert matches_host(only_an_address.der, m.HOST)


def test_a_wildcard_common_name_counts_on_windows_only() -> None:
    leaf = m.leaf(ROOT, "*.contoso.example", host=None)
    assert not matches_host(leaf.der, m.HOST, "dotnet-linux")
    assert matches_host(leaf.der, m.HOST, "windows")
    assert not matches_host(leaf.der, "contoso.example", "windows")


@pytest.mark.parametrize(
    ("listed", "common_name", "host", "covered"),
    [
        ([m.ip(bytes([10, 0, 0, 5]))], "x", "10.0.0.5", True),
        ([m.ip(bytes([10, 0, 0, 5]))], "x", "10.0.0.6", False),
        ([m.ip(bytes([10, 0, 0, 5])), m.dns("x")], "10.0.0.6", "10.0.0.6", True),
        ([m.ip(bytes(15) + b"\x01")], "x", "::1", True),
        ([m.ip(bytes(15) + b"\x01")], "x", "0:0:0:0:0:0:0:1", True),
        ([m.ip(bytes(15) + b"\x01")], "x", "::2", False),
        ([m.ip(bytes(10) + b"\xff\xff\x0a\x00\x00\x05")], "x", "10.0.0.5", False),
    ],
)
def test_an_address_needs_an_address_or_itself_as_common_name(
    listed: list[bytes], common_name: str, host: str, covered: bool
) -> None:
    leaf = m.leaf(ROOT, common_name, more=[m.names(*listed)])
    assert matches_host(leaf.der, host) is covered


def test_a_mismatch_is_a_status_beside_those_of_the_chain() -> None:
    leaf = m.leaf(ROOT)
    good = judge([leaf.der], host=m.HOST, at=m.AT, anchors=[ROOT.der])
    wrong = judge([leaf.der], host="www.contoso.example", at=m.AT, anchors=[ROOT.der])
    both = judge([leaf.der], host="www.contoso.example", at=m.AT, anchors=[])
    unasked = judge([leaf.der], host=None, at=m.AT, anchors=[ROOT.der])
    assert good.accepted
    assert wrong.statuses == {"RemoteCertificateNameMismatch"}
    assert not wrong.accepted
    assert both.statuses == {"PartialChain", "RemoteCertificateNameMismatch"}
    assert unasked.accepted


def test_names_that_cannot_be_read_are_no_match_and_make_dotnet_throw() -> None:
    leaf = m.leaf(ROOT, more=[m.names(m.dns(m.HOST), m.ip(bytes(3)))])
    twin = m.leaf(ROOT, more=[m.names(m.dns(m.HOST), m.ip(bytes(4)))])
    assert not matches_host(leaf.der, m.HOST)
    assert judge([leaf.der], host=m.HOST, at=m.AT, anchors=[ROOT.der]).statuses == {"Unreadable"}
    assert judge([leaf.der], host=m.HOST, at=m.AT, anchors=[]).statuses == {"PartialChain"}
    assert judge([twin.der], host=m.HOST, at=m.AT, anchors=[ROOT.der]).accepted


def test_a_host_without_a_form_for_the_wire_is_no_match() -> None:
    leaf = m.leaf(ROOT)
    assert not matches_host(leaf.der, "ü" * 80)
    assert not matches_host(leaf.der, "")
    assert not matches_host(b"no certificate", m.HOST)
