"""The hellos on the wire: digests of the documented Schannel hellos, what each profile offers, what the diagnostic ones offer."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass

import pytest

from analyzer.probing import iana, profiles
from analyzer.probing.hello import Offer, encode
from analyzer.probing.profiles import CLASSIC, TIERS
from analyzer.probing.questions import DIAGNOSTIC

HOST = "api.contoso.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A ClientHello read back from the bytes sent."""

    record_version: int
    version: int
    session_id: bytes
    suites: list[int]
    extensions: dict[int, bytes]  # in their order
    length: int  # of the handshake message

    def numbers(self, extension: int, *, prefix: int = 2, size: int = 2) -> list[int]:
        body = self.extensions.get(extension, b"")[prefix:]
        return [int.from_bytes(body[i : i + size], "big") for i in range(0, len(body), size)]


def read(sent: bytes) -> Hello:
    """Written apart from the encoder, so that an error of one is not repeated by the other."""
    assert sent[0] == 22
    assert int.from_bytes(sent[3:5], "big") == len(sent) - 5
    message = sent[5:]
    assert message[0] == 1
    assert int.from_bytes(message[1:4], "big") == len(message) - 4
    at = 4 + 2 + 32
    session_id = message[at + 1 : at + 1 + message[at]]
    at += 1 + message[at]
    length = int.from_bytes(message[at : at + 2], "big")
    suites = [int.from_bytes(message[i : i + 2], "big") for i in range(at + 2, at + 2 + length, 2)]
    at += 2 + length
    assert message[at : at + 2] == b"\x01\x00"
    at += 2
    assert int.from_bytes(message[at : at + 2], "big") == len(message) - at - 2
    at += 2
    extensions = {}
    while at < len(message):
        code, size = int.from_bytes(message[at : at + 2], "big"), int.from_bytes(message[at + 2 : at + 4], "big")
        assert code not in extensions
        extensions[code] = message[at + 4 : at + 4 + size]
        at += 4 + size
    return Hello(
        record_version=int.from_bytes(sent[1:3], "big"),
        version=int.from_bytes(message[4:6], "big"),
        session_id=session_id,
        suites=suites,
        extensions=extensions,
        length=len(message),
    )


def ja3(sent: bytes) -> str:
    """MD5 of version, suites, extensions, groups and point formats, as they stand in the bytes."""
    seen = read(sent)
    groups, formats = seen.numbers(10), seen.numbers(11, prefix=1, size=1)
    fields = (seen.suites, list(seen.extensions), groups, formats)
    text = ",".join([str(seen.version), *("-".join(map(str, field)) for field in fields)])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# fmt: off
SERVER_2019 = (
    49196, 49195, 49200, 49199, 159, 158, 49188, 49187, 49192, 49191,
    49162, 49161, 49172, 49171, 157, 156, 61, 60, 53, 47, 10,
)
# fmt: on
WITHOUT_DHE = tuple(s for s in SERVER_2019 if s not in (159, 158))


@pytest.mark.parametrize(
    ("digest", "suites", "extensions", "name"),
    [
        ("3b5074b1b5d032e5620f69f9f700ff0e", SERVER_2019, (0, 10, 11, 13, 35, 23, 65281), HOST),
        ("ce5f3254611a8c095a3d821d44539877", SERVER_2019, (0, 5, 10, 11, 13, 35, 23, 65281), HOST),
        ("bd0bf25947d4a37404f0424edf4db9ad", SERVER_2019, (0, 5, 10, 11, 13, 35, 16, 23, 65281), HOST),
        ("c12f54a3f91dc7bafd92cb59fe009a35", SERVER_2019, (0, 10, 11, 13, 35, 23, 65281), None),
        ("a0e9f5d64349fb13191bc781f81f42e1", WITHOUT_DHE, (0, 5, 10, 11, 13, 35, 23, 65281), HOST),
        ("28a2c9bd18a11de089ef85a160da29e4", WITHOUT_DHE, (0, 5, 10, 11, 13, 35, 16, 23, 65281), HOST),
    ],
)
def test_the_encoder_reproduces_the_documented_digests_of_schannel(
    digest: str, suites: tuple[int, ...], extensions: tuple[int, ...], name: str | None
) -> None:
    offer = Offer("schannel", (0x0303,), suites, (29, 23, 24), CLASSIC.signatures, extensions)
    assert ja3(encode(offer, name)) == digest


def test_the_classic_hello_has_its_digest_and_signature_algorithms_in_schannels_order() -> None:
    sent = encode(CLASSIC, HOST)
    assert ja3(sent) == "6a5d235ee78c6aede6a61448b4e9ff1e"
    expected = "0804 0805 0806 0401 0501 0201 0403 0503 0203 0202 0601 0603"
    assert " ".join(f"{code:04x}" for code in read(sent).numbers(13)) == expected
    assert read(sent).session_id == b""
    assert read(sent).record_version == 0x0303


def test_the_name_is_sent_as_sni_and_an_ip_literal_gets_none() -> None:
    assert read(encode(CLASSIC, HOST)).extensions[0] == b"\x00\x16\x00\x00\x13" + HOST.encode()
    assert 0 not in read(encode(CLASSIC, None)).extensions


@pytest.mark.parametrize("offer", [*map(profiles.offer, TIERS), *DIAGNOSTIC.values()], ids=lambda offer: offer.name)
def test_every_code_that_is_offered_has_a_name_and_none_is_offered_twice(offer: Offer) -> None:
    for codes, names in ((offer.suites, iana.SUITES), (offer.groups, iana.GROUPS), (offer.signatures, iana.SIGNATURES)):
        assert set(codes) <= set(names)
        assert len(codes) == len(set(codes))
    assert set(offer.versions) <= set(iana.VERSIONS)
    assert list(read(encode(offer, HOST)).suites) == list(offer.suites)


@pytest.mark.parametrize("offer", DIAGNOSTIC.values(), ids=lambda offer: offer.name)
@pytest.mark.parametrize("name", [None, "a.example", "x" * 60 + "." + "y" * 60 + ".example"])
def test_a_diagnostic_hello_avoids_the_lengths_and_lists_that_old_load_balancers_hang_on(
    offer: Offer, name: str | None
) -> None:
    seen = read(encode(offer, name))
    assert not 256 <= seen.length <= 511  # RFC 7685
    assert len(seen.suites) < 128


def test_the_broad_tls_1_2_hello_asks_for_what_no_gateway_offers() -> None:
    names = {iana.suite_name(code) for code in DIAGNOSTIC["tls1.2-any"].suites}
    for part in (
        "_DHE_RSA_",
        "_DSS_",
        "TLS_RSA_",
        "_ECDH_RSA_",
        "_CCM_8",
        "CHACHA20",
        "ARIA",
        "CAMELLIA",
        "3DES",
        "RC4",
    ):
        assert any(part in name for name in names), part
    assert not any("PSK" in name or "anon" in name or "NULL" in name for name in names)
    assert DIAGNOSTIC["tls1.2-any"].suites[: len(CLASSIC.suites)] == CLASSIC.suites


def test_the_oldest_hello_offers_nothing_that_exists_only_from_tls_1_2_on() -> None:
    seen = read(encode(DIAGNOSTIC["tls1.0-any"], HOST))
    assert seen.version == 0x0302
    assert 13 not in seen.extensions
    assert not any(
        "GCM" in iana.suite_name(s) or iana.suite_name(s).endswith(("SHA256", "SHA384")) for s in seen.suites
    )


def test_two_hellos_of_one_offer_differ_in_their_random_bytes() -> None:
    assert encode(CLASSIC, HOST)[11:43] != encode(CLASSIC, HOST)[11:43]


@pytest.mark.tool("openssl")
def test_the_names_of_suites_are_those_that_openssl_knows() -> None:
    command = ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    known = {}
    for line in listed.splitlines():
        code, _, name = line.split()[:3]
        known[int(code.replace("0x", "").replace(",", ""), 16)] = name
    shared = set(known) & set(iana.SUITES)
    assert len(shared) > 60
    assert {code: known[code] for code in shared} == {code: iana.SUITES[code] for code in shared}
