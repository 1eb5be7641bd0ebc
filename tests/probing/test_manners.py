"""Every manner a server can have, over real sockets: what the probe calls it, in each voice, and that nothing hangs or breaks.

All rows are asked at once; silence ends at its deadline, everything else long before.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyzer import evidence as evidence_file
from analyzer.model import Collected, Outcome
from analyzer.probing import Target, plan, probe
from tests.probing.manners import BOTH, GARBAGE, LEAF, MANNERS, MANY_NAMES, SIZES, Manner
from tests.probing.peers import HOST, LOOPBACK, peer

DEADLINE = 4.0  # seconds, for what ends by silence; everything else takes milliseconds
LONG_DEADLINE = 60.0  # for megabytes, which end by their size, on a busy machine

Met = dict[tuple[str, str], dict[str, Any]]

ROWS = [pytest.param(m, voice, id=f"{m.name}: {voice}") for m in MANNERS for voice in m.voices]


@pytest.fixture(scope="module")
def met() -> Met:
    """What the probe says of each manner in each voice: one entry of evidence/1."""
    return {**ask_all([m for m in MANNERS if m not in SIZES], DEADLINE), **ask_all(SIZES, LONG_DEADLINE)}


def ask_all(manners: Sequence[Manner], deadline: float) -> Met:
    asked = [(m, voice) for m in manners for voice in m.voices]
    with ExitStack() as servers:
        targets = []
        for number, (manner, voice) in enumerate(asked):
            server = servers.enter_context(peer(manner.script, speaks_first=manner.first))
            host = f"backend-{number}.contoso.example"  # each a host of its own: none waits for another
            targets.append(Target(host, 443, HOST, profile=voice, connect_host="127.0.0.1", connect_port=server.port))
        entries = probe(targets, policy=LOOPBACK, deadline=deadline)
    return {(m.name, voice): entry for (m, voice), entry in zip(asked, entries, strict=True)}


@pytest.mark.parametrize(("manner", "voice"), ROWS)
def test_each_manner_has_one_outcome(met: Met, manner: Manner, voice: str) -> None:
    seen = met[manner.name, voice]["handshakes"][0]
    assert (seen["outcome"], seen["stage"]) == (manner.outcome, manner.stage), seen["detail"]
    if manner.detail is not None:
        assert seen["detail"].startswith(manner.detail)


def test_every_manner_has_a_name_of_its_own() -> None:
    assert len({m.name for m in MANNERS}) == len(MANNERS)


def test_every_outcome_that_bytes_can_have_is_met() -> None:
    before_bytes = {
        Outcome.NAME_NOT_FOUND,
        Outcome.RESOLVER_FAILED,
        Outcome.REFUSED,
        Outcome.UNREACHABLE,
        Outcome.CONNECT_TIMEOUT,
        Outcome.CONNECT_FAILED,
        Outcome.PROXY_FAILED,
        Outcome.FORBIDDEN,
    }
    assert {m.outcome for m in MANNERS} == set(Outcome) - before_bytes


def test_no_manner_costs_more_than_the_deadline_or_the_plans_connections(met: Met) -> None:
    sizes = {m.name for m in SIZES}
    for (name, _), entry in met.items():
        assert sum(h["seconds"] for h in entry["handshakes"]) < (LONG_DEADLINE if name in sizes else DEADLINE + 1)
        assert 1 <= len(entry["handshakes"]) <= plan.MOST_CONNECTIONS + 1  # one more asks about the name


def test_the_evidence_of_every_manner_survives_the_file(met: Met, tmp_path: Path) -> None:
    here = Collected(host="laptop", at=datetime(2026, 11, 23, tzinfo=UTC), tool="apim-triage", version="0.1.0")
    evidence = evidence_file.of(list(met.values()), here)
    path = tmp_path / "evidence.json"
    path.write_bytes(evidence_file.dumps(evidence))
    assert evidence_file.read(path) == evidence


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("a whole flight", list(LEAF.chain)),
        ("records of one byte", list(LEAF.chain)),
        ("a certificate with 10,000 names", [MANY_NAMES.der]),
        ("a chain of 100 certificates", [LEAF.der] * 100),
        ("a chain of 1,000 certificates", [LEAF.der] * 100),
        ("one certificate twice in the list", [LEAF.der] * 2),
        ("a certificate that is none", [GARBAGE]),
        ("TLS 1.1", list(LEAF.chain)),
        ("a suite that was not offered", list(LEAF.chain)),
        ("reset after the certificate", list(LEAF.chain)),
        ("an alert after the certificate", list(LEAF.chain)),
        ("endless stapled statuses", list(LEAF.chain)),
    ],
)
def test_certificates_are_kept_as_sent_also_where_something_else_is_wrong(
    met: Met, name: str, chain: list[bytes]
) -> None:
    for voice in BOTH:
        assert [base64.b64decode(c) for c in met[name, voice]["handshakes"][0]["chain_b64"]] == chain
