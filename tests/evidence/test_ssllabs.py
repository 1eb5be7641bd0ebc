"""A result of SSL Labs, made after the API's documented fields: what each endpoint takes, and results that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import EvidenceError
from analyzer.evidence import EvidenceFile, read
from analyzer.model import Outcome
from tests import make

HOST = "api.contoso.example"
ISSUING = make.intermediate("Issuing", make.ca())
LEAF = make.leaf(HOST, ISSUING)


def result(**changes: Any) -> dict[str, Any]:
    """What `analyze?host=…&all=done` answers, with the fields that are read."""
    return {
        "host": HOST,
        "port": 443,
        "protocol": "http",
        "status": "READY",
        "testTime": 1795392000000,
        "engineVersion": "2.3.1",
        "criteriaVersion": "2009q",
        "endpoints": [endpoint()],
        "certs": [{"id": "a" * 64, "raw": LEAF.pem.decode()}, {"id": "b" * 64, "raw": ISSUING.pem.decode()}],
        **changes,
    }


def endpoint(**details: Any) -> dict[str, Any]:
    return {
        "ipAddress": "203.0.113.7",
        "statusMessage": "Ready",
        "grade": "A",
        "details": {
            "protocols": [{"id": 771, "name": "TLS", "version": "1.2"}, {"id": 772, "name": "TLS", "version": "1.3"}],
            "suites": [
                {"protocol": 771, "preference": True, "list": [
                    {"id": 49200, "name": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "namedGroupName": "x25519"},
                    {"id": 49172, "name": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"}]},
                {"protocol": 772, "list": [{"id": 4865, "name": "TLS_AES_128_GCM_SHA256", "namedGroupName": "x25519"}]},
            ],
            "certChains": [{"certIds": ["b" * 64], "noSni": True}, {"certIds": ["a" * 64, "b" * 64]}],
            **details,
        },
    }  # fmt: skip


def taken(folder: Path, document: Any, **said: Any) -> Any:
    path = folder / "ssllabs.json"
    path.write_text(json.dumps(document))
    return read(EvidenceFile(path=path, **said))


def test_each_protocol_is_a_handshake_with_every_suite_and_the_chain(tmp_path: Path) -> None:
    (found,) = taken(tmp_path, result())
    assert (found.host, found.port, found.address) == (HOST, 443, "203.0.113.7")
    newest, older = found.handshakes
    assert (newest.version, newest.suite, newest.accepts) == ("TLS 1.3", None, ("TLS_AES_128_GCM_SHA256",))
    assert (older.version, older.suite, older.group) == ("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "x25519")
    assert older.accepts == ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA")
    assert (found.chain, newest.chain_whole, newest.named) == (LEAF.chain, True, True)


def test_it_says_itself_who_asked_where_and_when(tmp_path: Path) -> None:
    (found,) = taken(tmp_path, result(), vantage="gateway")
    by = found.collected
    assert (by.host, by.tool, by.version, by.vantage) == ("SSL Labs", "SSL Labs", "2.3.1", "outside")
    assert by.at == datetime.fromtimestamp(1795392000, UTC)


def test_each_endpoint_and_each_host_of_a_list_is_evidence(tmp_path: Path) -> None:
    two = result(endpoints=[endpoint(), {**endpoint(), "ipAddress": "203.0.113.8"}])
    found = taken(tmp_path, [two, result(host="b.example")])
    assert [(e.host, e.address) for e in found] == [
        (HOST, "203.0.113.7"),
        (HOST, "203.0.113.8"),
        ("b.example", "203.0.113.7"),
    ]
    assert found[0].addresses == ("203.0.113.7", "203.0.113.8")


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("Unable to connect to the server", Outcome.CONNECT_FAILED),
        ("No secure protocols supported", Outcome.CLOSED),
        ("Internal error", Outcome.CONNECT_FAILED),
    ],
)
def test_an_endpoint_without_a_result_says_why(tmp_path: Path, message: str, outcome: Outcome) -> None:
    (found,) = taken(tmp_path, result(endpoints=[{"ipAddress": "203.0.113.7", "statusMessage": message}]))
    (shake,) = found.handshakes
    assert (shake.outcome, shake.chain) == (outcome, ())
    assert message in (shake.detail or "")


def test_a_certificate_that_the_result_lacks_leaves_the_chain_incomplete_as_known(tmp_path: Path) -> None:
    (found,) = taken(tmp_path, result(certs=[{"id": "a" * 64, "raw": LEAF.pem.decode()}]))
    assert (found.chain, found.handshakes[0].chain_whole) == ((LEAF.der,), False)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (result(status="IN_PROGRESS"), "until it is READY"),
        (result(status="ERROR", statusMessage="Unable to resolve domain name"), "Unable to resolve domain name"),
        (result(testTime=None), "testTime"),
        (result(endpoints=[]), "0 endpoints"),
        (result(host=7), "not a result"),
        (result(certs=[{"id": "a" * 64, "raw": LEAF.pem.decode()[:300]}]), "broken"),
        ([], "not apim-triage/evidence/1"),
    ],
)
def test_a_result_that_is_none_is_refused_in_one_line(tmp_path: Path, document: Any, says: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        taken(tmp_path, document)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_names_its_host_itself_and_another_one_is_refused(tmp_path: Path) -> None:
    assert len(taken(tmp_path, result(), host=HOST)) == 1
    with pytest.raises(EvidenceError, match=r"and not about b\.example"):
        taken(tmp_path, result(), host="b.example")
