"""Clusters that one change would mend are one incident, by certificate and address; the worst come first."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.incidents import incidents_of
from analyzer.interception import interceptions
from analyzer.model import CauseName, Finding, Incident, Outcome, State, Verdict
from tests import build, make
from tests.build import NOW
from tests.incidents.make import (
    BEFORE,
    ISSUING,
    LATER,
    PRIVATE,
    TRUSTED,
    cluster,
    evidence,
    gateway,
    judged,
    leaf,
    told,
)

START = NOW - timedelta(days=3)


def sizes(findings: list[Finding], **more: object) -> list[int]:
    return [len(i.clusters) for i in incidents_of(findings, **more)]  # type: ignore[arg-type]


def test_many_backends_below_one_missing_root_are_one_incident() -> None:
    findings = [
        judged(h, leaf(h, ISSUING).chain) for h in ("a.contoso.example", "b.contoso.example", "c.contoso.example")
    ]
    assert {f.lead.cause for f in findings} == {CauseName.UNTRUSTED_ROOT}
    (one,) = incidents_of(findings)
    assert set(one.clusters) == {f.cluster.id for f in findings}


def test_a_root_that_one_backend_sends_is_the_one_that_others_only_name() -> None:
    whole = leaf("a.contoso.example", ISSUING)
    findings = [
        judged("a.contoso.example", (*whole.chain, PRIVATE.der)),
        judged("b.contoso.example", leaf("b.contoso.example", ISSUING).chain),
    ]
    assert [f.root is None for f in findings] == [False, True]
    (one,) = incidents_of(findings)
    assert findings[0].root is not None
    assert findings[0].root.sha256[:16] in one.shared


def test_two_roots_of_the_same_name_stay_two_incidents() -> None:
    """Names are not keys: only the key's identifier, or the certificate itself, tells."""
    findings = []
    for number in range(2):
        root = make.ca("Contoso Root", kind=("p256", "p384")[number], not_before=BEFORE, not_after=LATER)
        sub = make.intermediate(f"Issuing {number}", root, not_before=BEFORE, not_after=LATER)
        host = f"h{number}.contoso.example"
        findings.append(judged(host, (*leaf(host, sub).chain, root.der)))
    assert sizes(findings) == [1, 1]


@pytest.mark.parametrize("seen_elsewhere", [False, True])
def test_backends_that_leave_out_the_same_intermediate_are_one_incident(seen_elsewhere: bool) -> None:
    sub = make.intermediate("Public Issuing CA", TRUSTED, not_before=BEFORE, not_after=LATER)
    known = (sub.der,) if seen_elsewhere else ()
    findings = [judged(h, (leaf(h, sub).der,), known=known) for h in ("a.example", "b.example")]
    assert {f.lead.cause for f in findings} == {CauseName.INCOMPLETE_CHAIN}
    (one,) = incidents_of(findings)
    assert len(one.clusters) == 2
    assert ("SHA-256" in one.shared) is seen_elsewhere
    assert "Public Issuing CA" in one.title


def test_hosts_that_show_one_leaf_are_one_incident_and_another_leaf_is_another() -> None:
    shared, own = leaf("old.example", TRUSTED), leaf("older.example", TRUSTED)
    findings = [judged("a.example", shared.chain), judged("b.example", shared.chain), judged("c.example", own.chain)]
    assert {f.lead.cause for f in findings} == {CauseName.NAME_MISMATCH}
    assert sizes(findings) == [2, 1]


def test_an_expired_issuer_is_one_incident_and_an_expired_leaf_below_it_is_its_own() -> None:
    old = make.intermediate("Old CA", TRUSTED, not_before=BEFORE, not_after=NOW - timedelta(days=2))
    findings = [judged(h, leaf(h, old).chain) for h in ("a.example", "b.example")]
    late = leaf("c.example", TRUSTED, not_after=NOW - timedelta(days=2))
    findings.append(judged("c.example", late.chain))
    assert {f.lead.cause for f in findings} == {CauseName.EXPIRED}
    first, second = incidents_of(findings)
    assert (len(first.clusters), len(second.clusters)) == (2, 1)
    assert "the CA certificate “Old CA”" in first.shared
    assert "CA" not in second.shared


def test_a_certificate_that_was_renewed_since_is_not_called_the_one_that_expired() -> None:
    renewed = leaf("a.example", TRUSTED, not_before=NOW - timedelta(minutes=30))
    found = judged("a.example", renewed.chain)
    expired = replace(found.attributions[0], cause=CauseName.EXPIRED, verdict=Verdict.LIKELY)
    stopped = replace(found.cluster, state=State.STOPPED)
    (one,) = incidents_of([replace(found, cluster=stopped, attributions=(expired,))])
    assert one.title.startswith("a.example failed, probably because the certificate expired; the failures stopped on")
    assert "SHA-256" not in one.shared


def test_the_shortest_key_and_the_broken_signature_of_a_chain_are_what_is_shared() -> None:
    short = make.intermediate("Short CA", TRUSTED, kind="rsa1024", not_before=BEFORE, not_after=LATER)
    for cause in (CauseName.WEAK_KEY, CauseName.WEAK_SIGNATURE):
        findings = []
        for host in ("a.example", "b.example"):
            found = judged(host, leaf(host, short).chain)
            path = tuple(
                replace(c, signature="sha1WithRSAEncryption") if c.is_ca and not c.self_signed else c
                for c in found.path
            )
            findings.append(
                replace(
                    found,
                    path=path,
                    attributions=(replace(found.attributions[0], cause=cause, verdict=Verdict.LIKELY),),
                )
            )
        (one,) = incidents_of(findings)
        assert "the CA certificate “Short CA”" in one.shared


def test_one_server_behind_many_names_is_one_incident_by_its_address() -> None:
    def at(host: str, address: str, **more: object) -> Finding:
        return told(CauseName.TLS_VERSION, host, seen=evidence(host, (), address=address, **more))

    assert sizes([at("a.example", "10.0.0.4"), at("b.example", "10.0.0.4"), at("c.example", "10.0.0.5")]) == [2, 1]
    pinned = [at("a.example", "10.0.0.4", pinned=True), at("b.example", "10.0.0.4", pinned=True)]
    assert sizes(pinned) == [1, 1], "where --connect-to chose the place, one address says nothing of one server"


def test_another_port_of_the_same_address_is_another_server() -> None:
    findings = [
        told(CauseName.NOT_TLS, "a.example", port=port, seen=evidence("a.example", (), address="10.0.0.4"))
        for port in (443, 8443)
    ]
    assert sizes(findings) == [1, 1]


def test_a_fault_of_the_gateway_itself_is_one_incident_of_that_gateway() -> None:
    from analyzer.model import Remedy

    switch = (Remedy(owner="gateway", text="Switch TLS 1.2 on again."),)
    findings = [
        told(CauseName.TLS_VERSION, host, of=gateway(name), remedies=switch)
        for name, host in (("one", "a.example"), ("one", "b.example"), ("two", "c.example"))
    ]
    first, _ = incidents_of(findings)
    assert len(first.clusters) == 2
    assert "a setting of the gateway" in first.title


def test_backends_that_one_proxy_hides_are_one_incident() -> None:
    failed = build.handshake(Outcome.PROXY_FAILED, stage=build.Stage.CONNECT)

    def hidden(host: str, proxy: str) -> Finding:
        seen = build.evidence(failed, host=host, server_name=host, address=None, proxy=proxy)
        return told(CauseName.UNKNOWN, host, verdict=Verdict.UNKNOWN, seen=seen)

    findings = [hidden("a.example", "p1:3128"), hidden("b.example", "p1:3128"), hidden("c.example", "p2:3128")]
    found = incidents_of(findings)
    assert [len(i.clusters) for i in found] == [2, 1]
    assert "p1:3128" in found[0].title


def test_backends_that_gateways_reach_through_one_proxy_are_one_incident_where_the_proxy_may_be_at_fault() -> None:
    hosts = ("a.example", "b.example", "c.example")
    findings = [told(CauseName.TIMEOUT, h, seen=evidence(h, (), address=f"10.0.0.{n}")) for n, h in enumerate(hosts)]
    through = {f.cluster.id: "proxy.contoso.example:8080" for f in findings[:2]}
    found = incidents_of(findings, proxies=through)
    assert [len(i.clusters) for i in found] == [2, 1]
    assert "proxy.contoso.example:8080" in found[0].title
    expired = [told(CauseName.EXPIRED, h, seen=evidence(h, (), address=f"10.0.0.{n}")) for n, h in enumerate(hosts)]
    assert sizes(expired, proxies={f.cluster.id: "p:1" for f in expired}) == [1, 1, 1], "a certificate is no proxy's"


def test_backends_whose_tls_is_inspected_on_the_way_are_one_incident() -> None:
    inspector = make.ca("Zscaler Root CA", not_before=BEFORE, not_after=LATER)
    hosts = ("a.example", "b.example", "www.microsoft.com")
    seen = [
        build.evidence(build.handshake(chain=(leaf(h, inspector).der, inspector.der)), host=h, server_name=h)
        for h in hosts
    ]
    between = interceptions(seen, (TRUSTED.der,))
    anchors = Anchors(roots=(TRUSTED.der,))
    findings = [
        attribute(cluster(e.host, gateway()), gateway(), [e], anchors=anchors, intercepted=between) for e in seen[:2]
    ]
    assert {f.lead.verdict for f in findings} == {Verdict.UNKNOWN}
    (one,) = incidents_of(findings)
    assert "Zscaler Root CA" in one.title


def test_network_failures_that_began_in_one_hour_on_one_gateway_are_one_incident() -> None:
    hour = NOW.replace(hour=7, minute=0)
    times = {"a.example": 5, "b.example": 50, "c.example": 65}
    findings = [told(CauseName.DNS, h, began=hour + timedelta(minutes=m)) for h, m in times.items()]
    findings.append(told(CauseName.DNS, "d.example", of=gateway("other"), began=hour))
    found = incidents_of(findings, since=START)
    assert [len(i.clusters) for i in found] == [2, 1, 1]
    assert "07:00" in found[0].shared
    assert "one change in the network" in found[0].title


def test_what_failed_from_the_logs_first_hour_on_has_no_onset_to_share() -> None:
    findings = [told(CauseName.DNS, h, began=START + timedelta(minutes=5)) for h in ("a.example", "b.example")]
    assert sizes(findings, since=START) == [1, 1]
    assert sizes(findings) == [1, 1], "without a known start the earliest failure is taken for it"


def test_an_onset_joins_only_what_shares_nothing_finer() -> None:
    hour = NOW.replace(hour=7)
    findings = [
        told(CauseName.REFUSED, h, began=hour, seen=evidence(h, (), address=a))
        for h, a in (("a.example", "10.0.0.1"), ("b.example", "10.0.0.1"), ("c.example", "10.0.0.2"))
    ]
    assert sizes(findings, since=START) == [2, 1]


def test_a_certificate_fault_is_never_joined_by_its_hour() -> None:
    hour = NOW.replace(hour=7)
    findings = [told(CauseName.EXPIRED, h, began=hour) for h in ("a.example", "b.example")]
    assert sizes(findings, since=START) == [1, 1]


def test_what_is_not_known_stands_alone() -> None:
    findings = [told(CauseName.UNKNOWN, h, verdict=Verdict.UNKNOWN) for h in ("a.example", "b.example")]
    assert sizes(findings) == [1, 1]


def test_what_goes_on_comes_before_what_stopped_and_then_the_most_failures() -> None:
    findings = [
        told(CauseName.DNS, "stopped.example", state=State.STOPPED, failures=1000),
        told(CauseName.DNS, "small.example", failures=10),
        told(CauseName.DNS, "large.example", failures=100),
    ]
    by_id = {f.cluster.id: f.cluster.backend.host for f in findings}
    assert [by_id[i.clusters[0]] for i in incidents_of(findings)] == [
        "large.example",
        "small.example",
        "stopped.example",
    ]


def test_every_cluster_is_in_exactly_one_incident() -> None:
    findings = [told(c, f"{c.value}{n}.example") for c in CauseName for n in range(3)]
    named = [i for incident in incidents_of(findings) for i in incident.clusters]
    assert sorted(named) == sorted(f.cluster.id for f in findings)


def test_five_hundred_clusters_take_no_time() -> None:
    certificates = leaf("a.example", ISSUING).chain
    one = judged("a.example", certificates)
    findings = [replace(one, cluster=cluster(f"h{n}.example", gateway(f"gw{n % 7}"), failures=n)) for n in range(500)]
    begun = time.process_time()
    found: tuple[Incident, ...] = incidents_of(findings)
    assert time.process_time() - begun < 2
    assert [len(i.clusters) for i in found] == [500]
    assert len(found[0].remedies) <= 4
