"""A host with several addresses gets one finding; a member that differs is named, and its fault is judged as a partial one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.evidence import of as evidence_of
from analyzer.incidents import incidents_of
from analyzer.model import CauseName, Cluster, Collected, Evidence, Finding, Outcome, Stage, Verdict
from analyzer.probing import Target, probe
from tests import build, make
from tests.build import NOW, SECURE_CHANNEL, TRUST, handshake
from tests.probing.peers import HOST, LOOPBACK
from tests.probing.servers import openssl

BEFORE, LATER = NOW - timedelta(days=30), NOW + timedelta(days=90)
ROOT = make.ca("Contoso Root", not_before=BEFORE, not_after=LATER)
OTHER_ROOT = make.ca("Forgotten Root", not_before=BEFORE, not_after=LATER)
CONNECT = "Unable to connect to the remote server"


def leaf(issuer: make.Issued, host: str = HOST) -> make.Issued:
    return make.leaf(HOST, issuer, names=[host], not_before=BEFORE, not_after=LATER)


def below(root: make.Issued) -> make.Issued:
    """An issuing CA, so that a server sends two certificates and leaves out only its root."""
    return make.intermediate("Issuing CA", root, not_before=BEFORE, not_after=LATER)


GOOD, UNTRUSTED, MISNAMED = leaf(ROOT), leaf(below(OTHER_ROOT)), leaf(ROOT, "old.contoso.example")


def at(address: str, shown: make.Issued | Outcome, *, detail: str | None = None) -> Evidence:
    met = handshake(shown, detail=detail) if isinstance(shown, Outcome) else handshake(chain=shown.chain)
    return build.evidence(met, address=address, vantage="gateway")


def judge(cluster: Cluster, *evidence: Evidence) -> Finding:
    return attribute(cluster, build.gateway(), evidence, anchors=Anchors(roots=(ROOT.der,)))


def why(finding: Finding) -> str:
    return " ".join(r.text for r in finding.lead.reasons)


def verdict(finding: Finding, cause: CauseName) -> Verdict:
    return next(a.verdict for a in finding.attributions if a.cause is cause)


SOME_SUCCEED = build.cluster(TRUST, last_success=NOW - timedelta(hours=5))


def test_one_bad_member_leads_and_is_named() -> None:
    finding = judge(SOME_SUCCEED, at("10.0.0.1", GOOD), at("10.0.0.2", GOOD), at("10.0.0.3", UNTRUSTED))
    assert finding.lead.cause is CauseName.UNTRUSTED_ROOT
    assert why(finding).startswith("1 of 3 addresses (10.0.0.3) shows this; 10.0.0.1 and 10.0.0.2 are healthy.")
    assert "10.0.0.3" in finding.remedies[0].text
    assert finding.evidence[0].address == "10.0.0.3"
    assert finding.chain[0].der == UNTRUSTED.der
    assert "10.0.0.3" in incidents_of([finding])[0].remedies[0].text


def test_a_success_among_the_failures_fits_a_bad_member_and_contradicts_a_fault_of_all() -> None:
    some = judge(SOME_SUCCEED, at("10.0.0.1", GOOD), at("10.0.0.2", MISNAMED))
    every = judge(SOME_SUCCEED, at("10.0.0.1", MISNAMED), at("10.0.0.2", MISNAMED))
    assert (some.lead.cause, some.lead.verdict) == (CauseName.NAME_MISMATCH, Verdict.CONFIRMED)
    assert (every.lead.cause, every.lead.verdict) == (CauseName.NAME_MISMATCH, Verdict.LIKELY)


def test_without_a_success_in_the_log_a_bad_member_is_at_most_likely() -> None:
    finding = judge(build.cluster(TRUST), at("10.0.0.1", GOOD), at("10.0.0.2", MISNAMED))
    assert finding.lead.verdict is Verdict.LIKELY
    assert "the log shows no success" in why(finding)


def test_addresses_that_agree_are_one_finding_as_before() -> None:
    one = judge(build.cluster(TRUST), at("10.0.0.1", MISNAMED))
    three = judge(build.cluster(TRUST), *(at(f"10.0.0.{n}", MISNAMED) for n in (1, 2, 3)))
    assert three.attributions == one.attributions
    assert three.remedies == one.remedies
    assert len(three.evidence) == 3


def test_two_bad_members_with_two_faults_are_both_told_and_neither_is_ruled_out() -> None:
    finding = judge(build.cluster(TRUST), at("10.0.0.1", MISNAMED), at("10.0.0.2", UNTRUSTED))
    assert verdict(finding, CauseName.NAME_MISMATCH) is Verdict.CONFIRMED
    assert verdict(finding, CauseName.UNTRUSTED_ROOT) in (Verdict.CONFIRMED, Verdict.LIKELY)
    assert "10.0.0.2: untrusted_root" in why(finding)


def test_members_under_two_unknown_roots_need_both_of_them() -> None:
    third = make.ca("Third Root", not_before=BEFORE, not_after=LATER)
    finding = judge(build.cluster(TRUST), at("10.0.0.1", UNTRUSTED), at("10.0.0.2", leaf(below(third))))
    told = " ".join(r.text for r in finding.remedies)
    assert "Forgotten Root" in told
    assert "Third Root" in told


def test_an_address_that_this_machine_has_no_route_to_is_no_bad_member() -> None:
    no_route = at("2001:db8::1", Outcome.UNREACHABLE, detail="no route from this machine")
    healthy = judge(build.cluster(TRUST), no_route, at("10.0.0.1", GOOD))
    assert healthy.lead.cause is CauseName.NOT_REPRODUCED
    assert "2001:db8::1 could not be asked from here" in why(healthy)
    faulty = judge(build.cluster(TRUST), no_route, at("10.0.0.1", MISNAMED))
    assert (faulty.lead.cause, faulty.lead.verdict) == (CauseName.NAME_MISMATCH, Verdict.CONFIRMED)
    assert "of 2 addresses" not in why(faulty)


@pytest.mark.parametrize(
    ("text", "outcome", "cause"),
    [
        (CONNECT, Outcome.REFUSED, CauseName.REFUSED),
        (CONNECT, Outcome.CONNECT_TIMEOUT, CauseName.TIMEOUT),
        (TRUST, Outcome.REFUSED, CauseName.NOT_REPRODUCED),
        (SECURE_CHANNEL, Outcome.CONNECT_TIMEOUT, CauseName.NOT_REPRODUCED),
    ],
)
def test_an_address_that_does_not_connect_is_a_finding_only_where_the_log_speaks_of_connecting(
    text: str, outcome: Outcome, cause: CauseName
) -> None:
    finding = judge(build.cluster(text), at("10.0.0.1", GOOD), at("10.0.0.2", outcome))
    assert (finding.lead.cause, finding.lead.verdict) == (cause, Verdict.LIKELY)
    assert "10.0.0.2" in why(finding)


def test_a_member_whose_certificate_was_not_seen_keeps_the_backend_from_being_called_healthy() -> None:
    unseen = build.evidence(handshake(version="TLS 1.3"), address="10.0.0.2", vantage="gateway")
    finding = judge(build.cluster(TRUST), at("10.0.0.1", GOOD), unseen)
    assert finding.lead.cause is CauseName.UNKNOWN
    assert "10.0.0.1 is healthy" in why(finding)


def test_a_pool_of_real_servers_with_one_bad_member(tmp_path: Path) -> None:
    root = make.ca("Pool Root")
    stranger = make.intermediate("Stranger Issuing", make.ca("Stranger Root"))
    entries = []
    with ExitStack() as stack:
        for number, issuer in enumerate((root, root, stranger), start=1):
            address = f"127.0.0.{number}"
            port = stack.enter_context(openssl(make.leaf(HOST, issuer), tmp_path, "-accept", f"{address}:0"))
            target = Target(host=HOST, port=443, server_name=HOST, connect_host=address, connect_port=port)
            entries += probe([target], policy=LOOPBACK, deadline=10.0)
    collected = Collected(host="vm", at=make.NOW, tool="apim-triage", version="0", vantage="gateway")
    pool = evidence_of(entries, collected)
    times = {"first_seen": make.NOW - timedelta(hours=3), "last_seen": make.NOW - timedelta(hours=1)}
    cluster = build.cluster(TRUST, last_success=make.NOW - timedelta(hours=2), **times)
    finding = attribute(cluster, build.gateway(), pool, anchors=Anchors(roots=(root.der,)))
    assert finding.lead.cause is CauseName.UNTRUSTED_ROOT
    assert "1 of 3 addresses (127.0.0.3) shows this; 127.0.0.1 and 127.0.0.2 are healthy." in why(finding)


def test_a_backend_without_tls_has_a_pool_too() -> None:
    up = build.evidence(
        handshake(offer="tcp", stage=Stage.CONNECT, version=None, suite=None), address="10.0.0.1", vantage="gateway"
    )
    down = replace(up, address="10.0.0.2", handshakes=(handshake(Outcome.REFUSED, offer="tcp"),))
    finding = judge(build.cluster(CONNECT), up, down)
    assert finding.lead.cause is CauseName.REFUSED
    assert "1 of 2 addresses (10.0.0.2)" in why(finding)
