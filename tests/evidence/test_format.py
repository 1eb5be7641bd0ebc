"""evidence.json: what is written is read back equal, what others wrote is accepted, and what is broken is refused in one line."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import evidence as evidence_file
from analyzer.errors import EvidenceError
from analyzer.model import Collected, Evidence, Handshake, Outcome, Stage
from tests import make
from tests.probing import speech
from tests.probing.peers import HOST, ask, peer, says

AT = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
HERE = Collected(host="jump-vm", at=AT, tool="apim-triage", version="0.1.0", resolver="10.0.0.4", vantage="gateway")
ELSEWHERE = Collected(host="laptop", at=AT - timedelta(days=1), tool="apim-triage", version="0.1.0")
LEAF = make.leaf(HOST, make.intermediate("Issuing", make.ca()))
BROKEN = b"\x30\x03\x02\x01\x01"


def handshake(*chain: bytes, **changes: Any) -> Handshake:
    return Handshake(
        **{"offer": "gateway", "outcome": Outcome.COMPLETED, "stage": Stage.CERTIFICATE, "chain": chain, **changes}
    )


def evidence(*handshakes: Handshake, collected: Collected = HERE, **changes: Any) -> Evidence:
    defaults = {
        "host": HOST,
        "port": 443,
        "server_name": HOST,
        "address": "10.1.2.3",
        "handshakes": handshakes,
        "collected": collected,
    }
    return Evidence(**{**defaults, **changes})


FULL = evidence(
    handshake(
        *LEAF.chain,
        version="TLS 1.2",
        suite="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        group="x25519",
        client_cert_requested=True,
        client_cert_required=False,
        detail="warning alert unrecognized_name",
        seconds=0.012,
    ),
    handshake(outcome=Outcome.ALERT, stage=Stage.HELLO, offer="tls1.2-any", alert="handshake_failure"),
    addresses=("10.1.2.3", "10.1.2.4"),
    profile="self-hosted",
    pinned=True,
    allowed=True,
)


def written(folder: Path, document: Any) -> Path:
    path = folder / "evidence.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return path


def document(**changes: Any) -> dict[str, Any]:
    """A document as another program would write it: the contract's fields only."""
    collected = {"host": "vm", "at": "2026-11-23T12:30:00Z", "tool": "kit", "version": "1", "resolver": None}
    backend = {
        "host": HOST,
        "port": 443,
        "sni": HOST,
        "address": "10.1.2.3",
        "profile": "classic",
        "handshakes": [shake()],
        "aia": [],
    }
    return {"schema": "apim-triage/evidence/1", "collected": collected, "backends": [backend], **changes}


def shake(**changes: Any) -> dict[str, Any]:
    known = {
        "offer": "gateway",
        "outcome": "completed",
        "stage": "certificate",
        "version": "TLS 1.2",
        "suite": "TLS_RSA_WITH_AES_128_CBC_SHA",
        "group": None,
        "chain_b64": [base64.b64encode(LEAF.der).decode()],
        "client_cert_requested": False,
        "client_cert_required": None,
        "alert": None,
        "seconds": 0.01,
    }
    return {**known, **changes}


def backend(**changes: Any) -> dict[str, Any]:
    return {**document()["backends"][0], **changes}


@pytest.mark.parametrize(
    "given_",
    [
        (),
        (FULL,),
        (FULL, evidence(host="other.example", server_name="other.example")),
        (FULL, evidence(collected=ELSEWHERE)),
        (
            evidence(
                address=None,
                handshakes=(handshake(outcome=Outcome.NAME_NOT_FOUND, stage=Stage.RESOLVE, detail="NXDOMAIN"),),
            ),
        ),
        (evidence(host="10.1.2.3", server_name="10.1.2.3"),),
        (evidence(handshake(BROKEN, LEAF.der, b"")),),
    ],
)
def test_what_is_written_is_read_back_equal(tmp_path: Path, given_: tuple[Evidence, ...]) -> None:
    assert evidence_file.read(written(tmp_path, evidence_file.dumps(given_))) == given_


def test_the_document_has_the_fields_of_the_contract() -> None:
    written_ = json.loads(evidence_file.dumps([FULL]))
    assert written_["schema"] == "apim-triage/evidence/1"
    assert set(written_["collected"]) >= {"host", "at", "tool", "version", "resolver"}
    assert written_["collected"]["at"] == "2026-11-23T12:30:00Z"
    assert set(written_["backends"][0]) >= {"host", "port", "sni", "address", "profile", "handshakes", "aia"}
    assert set(written_["backends"][0]["handshakes"][0]) >= set(shake())


def test_collected_is_written_once_where_it_is_the_same_and_in_each_backend_where_not() -> None:
    once = json.loads(evidence_file.dumps([FULL, FULL]))
    assert [b["collected"] for b in once["backends"]] == [None, None]
    each = json.loads(evidence_file.dumps([FULL, evidence(collected=ELSEWHERE)]))
    assert [b["collected"]["host"] for b in each["backends"]] == ["jump-vm", "laptop"]
    assert each["collected"]["host"] == "jump-vm"


def test_an_address_is_a_server_name_that_was_not_sent_as_sni() -> None:
    written_ = json.loads(evidence_file.dumps([evidence(host="10.1.2.3", server_name="10.1.2.3")]))
    assert (written_["backends"][0]["sni"], written_["backends"][0]["server_name"]) == (None, "10.1.2.3")


def test_the_probes_entries_become_evidence_and_survive_the_file(tmp_path: Path) -> None:
    with peer(says(speech.flight(LEAF.chain))) as server:
        entry = ask(server.port)
    made = evidence_file.of([entry], HERE)
    assert len(made) == 1
    assert (made[0].host, made[0].server_name, made[0].address) == (HOST, HOST, "127.0.0.1")
    assert (made[0].pinned, made[0].allowed, made[0].collected) == (True, True, HERE)
    assert made[0].chain == LEAF.chain
    assert made[0].first is not None
    assert made[0].first.outcome is Outcome.COMPLETED
    assert evidence_file.read(written(tmp_path, evidence_file.dumps(made))) == made


def test_a_hostile_servers_broken_certificates_are_kept_and_survive_the_file(tmp_path: Path) -> None:
    with peer(says(speech.flight([b"not a certificate", BROKEN, LEAF.der]))) as server:
        made = evidence_file.of([ask(server.port)], HERE)
    assert made[0].chain == (b"not a certificate", BROKEN, LEAF.der)
    assert evidence_file.read(written(tmp_path, evidence_file.dumps(made))) == made


def test_a_file_with_the_contracts_fields_only_is_enough(tmp_path: Path) -> None:
    (found,) = evidence_file.read(written(tmp_path, document()))
    assert (found.host, found.server_name, found.address, found.chain) == (HOST, HOST, "10.1.2.3", (LEAF.der,))
    assert (found.collected.host, found.collected.at, found.collected.vantage) == ("vm", AT, "unstated")


def test_the_server_name_falls_back_to_the_sni_and_then_to_the_host(tmp_path: Path) -> None:
    names = [backend(server_name="a.example"), backend(sni="b.example"), backend(sni=None)]
    found = evidence_file.read(written(tmp_path, document(backends=names)))
    assert [one.server_name for one in found] == ["a.example", "b.example", HOST]


def test_unknown_fields_are_ignored(tmp_path: Path) -> None:
    more = document(
        backends=[
            backend(
                weather="fine",
                handshakes=[shake(mood={"a": [1]})],
                aia=[{"url": "http://a/", "outcome": "not_found", "wind": "west"}],
            )
        ],
        since=2,
    )
    assert len(evidence_file.read(written(tmp_path, more))) == 1


def test_times_are_utc_whatever_zone_the_file_has(tmp_path: Path) -> None:
    collected = {**document()["collected"], "at": "2026-11-23T14:30:00+02:00"}
    (found,) = evidence_file.read(written(tmp_path, document(collected=collected)))
    assert found.collected.at == AT
    assert found.collected.at.tzinfo is UTC
    assert json.loads(evidence_file.dumps([found]))["collected"]["at"] == "2026-11-23T12:30:00Z"
    assert AT.astimezone(timezone(timedelta(hours=2))) == found.collected.at


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_what_a_windows_shell_redirected_into_a_file_is_read(tmp_path: Path, encoding: str) -> None:
    text = json.dumps(document())
    data = ("\ufeff" + text).encode(encoding) if encoding == "utf-16-le" else text.encode(encoding)
    assert len(evidence_file.read(written(tmp_path, data))) == 1


@pytest.mark.parametrize(
    ("data", "says_"),
    [
        (b"", "is empty"),
        (b"\x00\xff\xfe\x80", "binary"),
        (b"\xff\xfe\x00", "text of another kind"),
        (b"not json", "text of another kind"),
        (b"[" * 300_000, "is not"),
        (b'{"schema": "apim-triage/evidence/1", "x": ' + b"[" * 300_000, "is not JSON"),
        (b"[]", "is not apim-triage/evidence/1"),
        (b"{}", "is not apim-triage/evidence/1"),
        (b'{"schema": "apim-triage/report/1"}', "is not an evidence file"),
        (b'{"schema": "apim-triage/evidence/2"}', "use a newer apim-triage"),
        (b'{"schema": "apim-triage/evidence/1", "backends": [{}]}', "`host`"),
        (b'{"schema": "apim-triage/evidence/1", "backends": {"a": 1}}', "backends"),
    ],
)
def test_a_file_that_is_no_evidence_is_refused_in_one_line(tmp_path: Path, data: bytes, says_: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(EvidenceError) as caught:
        evidence_file.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert says_ in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says_"),
    [
        ({"backends": [backend(handshakes=[shake(outcome="tired")])]}, "tired"),
        ({"backends": [backend(handshakes=[shake(chain_b64=["%%%"])])]}, "base64"),
        ({"backends": [backend(handshakes=[shake(chain_b64=[""] * 101)])]}, "100"),
        (
            {"backends": [backend(handshakes=[shake(chain_b64=[base64.b64encode(LEAF.der[:-9]).decode()])])]},
            "certificate 1",
        ),
        (
            {
                "backends": [
                    backend(handshakes=[shake(), shake(chain_b64=[base64.b64encode(LEAF.der).decode(), "MAA="])])
                ]
            },
            "certificate 2",
        ),
        ({"backends": [backend(host="evil\n.example", handshakes=[shake(chain_b64=[""])])]}, "evil\\n.example"),
        ({"backends": [backend(profile="premium")]}, "premium"),
        ({"backends": [backend(port=70_000)]}, "port"),
        ({"backends": [backend(host="a" * 2_000)]}, "host"),
        ({"backends": [backend(addresses=["10.0.0.1"] * 1_001)]}, "addresses"),
        ({"backends": [backend(handshakes=[shake()] * 101)]}, "handshakes"),
        ({"backends": [backend(handshakes=[shake(seconds=-1)])]}, "seconds"),
        ({"collected": None}, "`collected`"),
        ({"collected": {**document()["collected"], "at": "2026-11-23T12:30:00"}}, "time zone"),
        ({"collected": {**document()["collected"], "at": "0001-01-01T00:00:00+10:00"}}, "outside the years 1 to 9999"),
        ({"collected": {**document()["collected"], "at": "yesterday"}}, "$.collected.at"),
    ],
)
def test_a_fault_in_one_backend_is_named_in_one_line(tmp_path: Path, changes: dict[str, Any], says_: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        evidence_file.read(written(tmp_path, document(**changes)))
    assert says_ in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(evidence_file.read(written(tmp_path, document()))) == 1  # the twin


def test_a_broken_certificate_names_its_backend(tmp_path: Path) -> None:
    with pytest.raises(
        EvidenceError, match=f"backend '{HOST}' port 443: certificate 1 of the handshake 'gateway' is broken"
    ):
        evidence_file.read(written(tmp_path, document(backends=[backend(handshakes=[shake(chain_b64=["MAA="])])])))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="No such file"):
        evidence_file.read(tmp_path / "absent.json")
    with pytest.raises(EvidenceError, match="Is a directory"):
        evidence_file.read(tmp_path)


def test_a_file_beyond_the_cap_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(EvidenceError, match="larger than 64 MiB"):
        evidence_file.read(path)


_text = st.text(max_size=20)
_handshakes = st.builds(
    Handshake,
    offer=_text,
    outcome=st.sampled_from(Outcome),
    stage=st.sampled_from(Stage),
    version=st.none() | _text,
    suite=st.none() | _text,
    group=st.none() | _text,
    chain=st.lists(st.binary(max_size=30) | st.just(LEAF.der), max_size=3).map(tuple),
    client_cert_requested=st.none() | st.booleans(),
    client_cert_required=st.none() | st.booleans(),
    alert=st.none() | _text,
    versions=st.lists(_text, max_size=2).map(tuple),
    accepts=st.lists(_text, max_size=3).map(tuple),
    chain_whole=st.booleans(),
    named=st.none() | st.booleans(),
    detail=st.none() | _text,
    seconds=st.floats(0, 1000),
)
_evidence = st.builds(
    evidence,
    collected=st.sampled_from([HERE, ELSEWHERE]),
    handshakes=st.lists(_handshakes, max_size=3).map(tuple),
    host=_text.filter(bool),
    server_name=_text.filter(bool),
    port=st.integers(0, 65535),
)


@given(st.lists(_evidence, max_size=3, unique=True).map(tuple))
def test_any_evidence_survives_the_file(tmp_path_factory: pytest.TempPathFactory, given_: tuple[Evidence, ...]) -> None:
    path = tmp_path_factory.getbasetemp() / "evidence.json"
    path.write_bytes(evidence_file.dumps(given_))
    assert evidence_file.read(path) == given_
