"""Policies as the service exports them, with expressions that are no XML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.settings.policies import Policy, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<set-backend-service base-url="https://a.example/x" />', Policy(base_urls=("https://a.example/x",))),
        ("<set-backend-service backend-id='b1'/>", Policy(backend_ids=("b1",))),
        ('<set-backend-service base-url="@(context.Variables["u"] + (1 > 0 ? ")" : ""))" />', Policy(base_urls=(None,))),
        ('<set-backend-service base-url="@(context.Variables[&quot;u&quot;])" />', Policy(base_urls=(None,))),
        ('<set-backend-service base-url="{{backend-url}}" />', Policy(base_urls=(None,))),
        (
            '<set-header name="Host" exists-action="override"><value>API.Internal</value></set-header>',
            Policy(host="api.internal"),
        ),
        ('<set-header name="host"><value>@(context.Request.Url.Host)</value></set-header>', Policy(host_expression=True)),
        ('<set-header name="Host" exists-action="delete" />', Policy()),
        ('<set-header name="X-Host"><value>a</value></set-header>', Policy()),
        (
            '<authentication-certificate thumbprint="AA" /><authentication-certificate certificate-id="c1" />',
            Policy(client_certificates=("AA", "c1")),
        ),
        ('<proxy url="http://10.0.0.9:3128" username="{{u}}" />', Policy(proxy="http://10.0.0.9:3128")),
        ('<!-- <set-backend-service base-url="https://old" /> -->', Policy()),
        (
            '<when condition="@(context.Request.Headers.GetValueOrDefault("x","") == "<y>")">'
            '<set-backend-service backend-id="b2" /></when>',
            Policy(backend_ids=("b2",)),
        ),
        ("", Policy()),
        ("<set-backend-service base-url=\"@(unclosed", Policy(base_urls=(None,))),
    ],
)  # fmt: skip
def test_what_bears_on_the_connection_is_read(text: str, expected: Policy) -> None:
    assert read(f"<policies><inbound>{text}</inbound></policies>") == expected or read(text) == expected


@given(st.text(alphabet=st.sampled_from("<>/\"'@(){}= abset-header name Host value")))
def test_no_text_breaks_the_scanner(text: str) -> None:
    assert isinstance(read(text), Policy)
