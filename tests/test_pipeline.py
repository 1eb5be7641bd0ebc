"""Whom the pipeline asks, and under which name."""

from __future__ import annotations

import pytest

from analyzer.aim import Aim, target_for, target_of
from analyzer.model import Backend, Tier
from analyzer.probing import Target
from tests import build


@pytest.mark.parametrize(
    "written", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example", "xn--bcher-kva.example."]
)
def test_a_host_is_the_same_in_unicode_and_in_punycode(written: str) -> None:
    aim = Aim(connect_to={(written, 443): ("127.0.0.1", 8443)}, host_headers={written: "shop.example"})
    for host in ("bücher.example", "xn--bcher-kva.example"):
        target = target_for(host, 443, Tier.CLASSIC, aim)
        assert (target.connect_host, target.connect_port, target.server_name) == ("127.0.0.1", 8443, "shop.example")


def test_connect_to_prefers_the_narrower_rule() -> None:
    aim = Aim(
        connect_to={
            ("", None): ("10.0.0.9", None),
            ("a.example", None): ("10.0.0.8", None),
            ("a.example", 443): ("10.0.0.7", 1),
        }
    )
    assert [
        target_for(h, p, Tier.CLASSIC, aim)[3:5]
        for h, p in (("a.example", 443), ("a.example", 444), ("b.example", 443))
    ] == [
        ("10.0.0.7", 1),
        ("10.0.0.8", 444),
        ("10.0.0.9", 443),
    ]


def test_a_backend_without_tls_is_only_connected_to() -> None:
    plain = build.cluster(backend=Backend(scheme="http", host="a.example", port=80))
    target = target_of(plain, build.gateway(), Aim())
    assert isinstance(target, Target)
    assert (target.tls, target.port) == (False, 80)


@pytest.mark.parametrize(
    ("backend", "aim", "why"),
    [
        (Backend(scheme="", host="", port=None), Aim(), "does not name"),
        (Backend(scheme="", host="", port=None, backend_ids=("pool",)), Aim(), "backend entity only"),
        (Backend(scheme="https", host="a.example", port=443), Aim(only=("b.*",)), "--only"),
    ],
)
def test_a_backend_that_is_not_asked_has_a_reason(backend: Backend, aim: Aim, why: str) -> None:
    assert why in str(target_of(build.cluster(backend=backend), build.gateway(), aim))


def test_the_hello_is_of_the_gateways_tier() -> None:
    for tier in Tier:
        target = target_of(build.cluster(), build.gateway(tier), Aim())
        assert isinstance(target, Target)
        assert target.profile == tier.value
