"""The proof by hand is a line that can be pasted, whatever a log calls its hosts."""

from __future__ import annotations

import shlex

import pytest

from analyzer.causes import CAUSES
from analyzer.model import Backend, CauseName
from analyzer.proof import by_hand


def backend(host: str, port: int | None = 8443, scheme: str = "https") -> Backend:
    return Backend(scheme=scheme, host=host, port=port)


@pytest.mark.parametrize("cause", CauseName)
def test_every_cause_is_proved_with_the_backends_own_name(cause: CauseName) -> None:
    line = by_hand(cause, backend("api.contoso.example"), "api.contoso.example")
    assert "api.contoso.example" in line
    assert "HOST" not in line
    assert "PORT" not in line


def test_the_connection_goes_to_the_host_and_the_name_is_the_one_that_the_policy_sets() -> None:
    line = by_hand(CauseName.NAME_MISMATCH, backend("10.0.0.4"), "api.contoso.example")
    assert line.startswith(
        "openssl s_client -connect 10.0.0.4:8443 -servername api.contoso.example -verify_hostname api.contoso.example"
    )


@pytest.mark.parametrize(("scheme", "port"), [("https", "443"), ("http", "80"), ("", "443")])
def test_without_a_port_it_is_the_schemes_own(scheme: str, port: str) -> None:
    assert f"a.example:{port}" in by_hand(CauseName.REFUSED, backend("a.example", None, scheme), "a.example")


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert "-connect [fd00::42]:8443 -servername fd00::42" in by_hand(CauseName.EXPIRED, backend("fd00::42"), "")


@pytest.mark.parametrize(
    "host",
    [
        "$(reboot)",
        "a;b",
        "a b",
        "`id`",
        "-oProxyCommand=x",
        "a.-b",
        "a|b",
        "a\nb",
        "日本.example",
        "a'b",
        'a"b',
        "a" * 300,
        "",
        "a..b",
        "[",
        "x:y",
    ],
)
def test_a_name_that_is_none_never_reaches_the_line(host: str) -> None:
    for cause in CauseName:
        for shown in (by_hand(cause, backend(host), "a.example"), by_hand(cause, backend("a.example"), host or "$x")):
            assert shown == next(c.proof for c in CAUSES if c.name is cause)
            shlex.split(shown, comments=True)
