"""Signatures: secrets never pass, what varies is masked, what carries meaning stays, and SQL agrees with Python."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import messages
from analyzer.sources.masking import MASKS, SIGNATURE_LENGTH, mask, mask_sql

SHARED = Path(__file__).parents[2].parent / "shared" / "facts" / "error-messages.jsonl"
TABLE = tomllib.loads(resources.files("analyzer").joinpath("messages.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "Bearer CANARY",
        "Authorization: Bearer CANARY",
        '"authorization":"Basic CANARY"',
        "Proxy-Authorization=Digest CANARY",
        "Basic dXNlcjpDQU5BUlk",
        "SharedAccessSignature CANARY",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.CANARY-_sig",
        "Ocp-Apim-Subscription-Key: CANARY",
        "subscription-key=CANARY&x=1",
        "AccountKey=CANARY+/abc==;EndpointSuffix=x",
        "x-functions-key: CANARY",
        "?code=CANARY",
        "code=CANARYabcdef and more",
        "sig=CANARY%2Babc%3D",
        "password=CANARY",
        '{"password": "CANARY with CANARY in it"}',
        "pwd='CANARY too'",
        "client_secret=CANARY",
        "access_token: CANARY",
        "https://user:CANARY@orders.example/path",
        "https://user:CAN@ARY-CANARY@orders.example/",
        "user:CANARY@orders.example",
        "https://orders.example/CANARY?name=CANARY#CANARY",
        "/orders?name=CANARY&x=CANARY",
        "key CANARY0123456789abcdefABCDEF0123456789",
        "CANARYabcdefghijklmnopqrstuvwxyz+/0123456789==",
        "x" * 250 + " password=" + "CANARY" * 50,
    ],
)
def test_a_secret_never_passes(text: str) -> None:
    for around in (text, f"before {text} after", f"({text})", f"'{text}'"):
        assert "CANARY" not in mask(around)
        assert "dXNlcjpD" not in mask(around)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("LogError connecting to 192.0.2.10:3001", "LogError connecting to <ip>:<n>"),
        ("connection timed out: [2001:db8::1]:443", "connection timed out: <ip>:<n>"),
        ("fe80::1, ::1 and ::ffff:192.0.2.1", "<ip>, <ip> and <ip>"),
        ("refused (orders.example:443)", "refused (orders.example:<n>)"),
        ("id 5b0f0000-0000-4000-8000-000000000001 gone", "id <guid> gone"),
        ("thumbprint 0123456789ABCDEF0123456789abcdef01234567", "thumbprint <hex>"),
        ("see https://aka.ms/x?y=1 for more", "see <url> for more"),
        ("see 'https://aka.ms/x(1)/y', or (https://aka.ms/x)", "see '<url>', or (<url>)"),
        ("write to bob.smith@contoso.example now", "write to <email> now"),
        ("GET /x?sig%3Dabc%26y", "GET /x?sig%3D<secret>"),
        ("after 21042 ms, 17.5 s", "after <n> ms, <n> s"),
        ("two\r\n\tlines\x00\x01", "two lines"),
    ],
)
def test_what_varies_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "HTTP 502",
        "HTTP/1.1 and HTTP/2 error code 'PROTOCOL_ERROR' (0x1)",
        "The remote server returned an error: (502) Bad Gateway.",
        "TLS 1.2, TLSv1.3, tlsv13, SSLv3, tlsv1 alert protocol version",
        "System.ComponentModel.Win32Exception (0x80090326): unexpected",
        "error:0A00042E:SSL routines::tlsv1 alert protocol version",
        "error:14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:SSL alert number 40",
        "SHA-1 and SHA256 with RSA 1024, AES-128",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "rejected by the provided RemoteCertificateValidationCallback: HasNotSupportedCriticalExtension",
        "Socket error 10061, [10054], errno 111",
        "transportErrorCode -131073",
        "an unexpected EOF or 0 bytes from the transport stream",
        "Basic Constraints of the certificate",
        "basic authentication",
        "could not be resolved: 'auth.example'",
        "System.Security.Authentication.AuthenticationException",
        "https proxy bypass was not used",
        "dh key too small",
        "The token supplied to the function is invalid",
    ],
)
def test_what_says_what_happened_stays(text: str) -> None:
    assert mask(text) == text


def test_a_signature_is_at_most_300_characters() -> None:
    assert len(mask("Grüße " * 1_000)) == SIGNATURE_LENGTH


def _samples() -> list[str]:
    """Every sample of the table of messages, in every language."""
    entries = [entry for section in messages.SECTIONS for entry in TABLE[section]]
    parts = [part for entry in entries for part in (entry, *entry.get("local", {}).values())]
    return [sample for part in parts for sample in part["samples"]]


def test_masking_changes_the_kind_of_no_known_message() -> None:
    samples = _samples()
    assert len(samples) > 100
    assert {s: messages.classify(mask(s)) for s in samples} == {s: messages.classify(s) for s in samples}


@pytest.mark.skipif(not SHARED.exists(), reason="the collection of real messages is not beside this checkout")
def test_masking_changes_the_kind_of_no_real_message() -> None:
    texts = [json.loads(line)["message"] for line in SHARED.read_text(encoding="utf-8").splitlines()]
    assert texts
    assert {t: messages.classify(mask(t)) for t in texts} == {t: messages.classify(t) for t in texts}


_PIECES = st.sampled_from(
    [
        "Bearer ",
        "key=",
        "sig=",
        "https://",
        "user:pw@",
        "h.example",
        ":443",
        "192.0.2.1",
        "::1",
        "[fe80::1]",
        "TLS 1.2",
        "502",
        "(",
        ")",
        " ",
        '"',
        "'",
        "\x00",
        "\n",
        "error:14094410",
        "a1b2c3d4e5f6a7b8",
        "?x=1",
        "ü",
        "证书",
        "😀",
        "eyJhbGciOiJ",
        '\\"',
        '\\\\\\"',
        '""',
        "\\u0022",
        "&quot;",
        "%22",
        "%3D",
        "%26",
        "Set-Cookie: ",
        "Authorization: ",
        "Basic ",
        "token",
        "code=",
        ";",
        ", ",
        "&a=",
        "a@b.example",
        "aB1-" * 9,
        "aB1/" * 11 + "==",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_sql_and_python_mask_alike(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    with duckdb.connect() as db:
        assert db.execute(f"SELECT {mask_sql('$1')}", [text]).fetchone() == (mask(text),)


def test_no_pattern_needs_more_than_re2_has() -> None:
    assert MASKS
    for pattern, replacement in MASKS:
        assert not re.search(r"\(\?[=!<]|\\[1-9]|\\[dwsDWS]", pattern), pattern
        assert "\\g" not in replacement
