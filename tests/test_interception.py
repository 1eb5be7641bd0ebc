"""A CA between the probe and the backends is known by signing what only public CAs sign; what it shows is nobody's fault."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from analyzer.aim import Aim, target_for, target_of
from analyzer.attribution import Anchors
from analyzer.checking import attribute_all, check, probe_backends
from analyzer.interception import interceptions
from analyzer.model import CauseName, Evidence, Finding, Outcome, Tier, Verdict
from analyzer.public_hosts import CUSTOMERS, SERVICES, SITES, is_public
from tests import build, make
from tests.build import NOW, TRUST, handshake
from tests.probing.peers import LOOPBACK
from tests.probing.servers import openssl

BEFORE, LATER = NOW - timedelta(days=30), NOW + timedelta(days=90)
PUBLIC = make.ca("Public Root", not_before=BEFORE, not_after=LATER)
PROXY = make.ca("Corp Proxy CA", not_before=BEFORE, not_after=LATER)
BACKEND, CONTROL, OTHERS = "api.contoso.example", "www.microsoft.com", "pay.fabrikam.example"


def seen(host: str, issuer: make.Issued, *, names: list[str] | None = None, **changes: object) -> Evidence:
    leaf = make.leaf(host, issuer, names=names, not_before=BEFORE, not_after=LATER)
    return build.evidence(handshake(chain=leaf.chain), host=host, server_name=host, **changes)  # type: ignore[arg-type]


def judge(*evidence: Evidence, given: tuple[bytes, ...] = (), tier: Tier = Tier.CLASSIC) -> Finding:
    cluster, gateway = build.cluster(TRUST), build.gateway(tier)
    anchors = Anchors(roots=(PUBLIC.der, *given), given=given)
    return attribute_all(
        [cluster],
        {cluster.gateway: gateway},
        {cluster.id: target_of(cluster, gateway, Aim())},
        evidence,
        anchors=anchors,
        not_probed="",
    )[0]


def why(finding: Finding) -> str:
    return " ".join(r.text for r in finding.lead.reasons)


def verdict(finding: Finding, cause: CauseName) -> Verdict:
    return next(a.verdict for a in finding.attributions if a.cause is cause)


CHAIN_CAUSES = [
    CauseName.UNTRUSTED_ROOT,
    CauseName.SELF_SIGNED,
    CauseName.INCOMPLETE_CHAIN,
    CauseName.NAME_MISMATCH,
    CauseName.EXPIRED,
]


def test_without_a_public_host_an_unknown_root_is_2a() -> None:
    assert judge(seen(BACKEND, PROXY)).lead.cause in (CauseName.UNTRUSTED_ROOT, CauseName.INCOMPLETE_CHAIN)


def test_a_root_that_also_signs_a_public_host_gives_unknown_and_says_why() -> None:
    finding = judge(seen(BACKEND, PROXY), seen(CONTROL, PROXY))
    assert finding.lead.cause is CauseName.UNKNOWN
    assert {verdict(finding, c) for c in CHAIN_CAUSES} == {Verdict.UNKNOWN}
    assert "“Corp Proxy CA” signs api.contoso.example and also www.microsoft.com, a public host" in why(finding)
    assert "TLS is intercepted between probe-vm and the backends" in why(finding)
    assert "run the probe inside the gateway's network" in why(finding)


def test_the_interceptors_handshake_rules_nothing_of_the_backend_out() -> None:
    finding = judge(seen(BACKEND, PROXY), seen(CONTROL, PROXY))
    assert verdict(finding, CauseName.NOT_REPRODUCED) is Verdict.UNKNOWN
    assert finding.chain == ()
    assert finding.evidence


def test_a_public_host_with_a_public_chain_shows_no_interception() -> None:
    assert interceptions([seen(BACKEND, PROXY), seen(CONTROL, PUBLIC)], [PUBLIC.der]) == {}


def test_an_intermediate_and_a_sent_root_do_not_hide_the_same_ca() -> None:
    below = make.intermediate("Corp Proxy Issuing 1", PROXY, not_before=BEFORE, not_after=LATER)
    one, two = seen(BACKEND, below), seen(CONTROL, PROXY)
    two = replace(two, handshakes=(replace(two.handshakes[0], chain=(*two.chain, PROXY.der)),))
    assert set(interceptions([one, two], [PUBLIC.der])) == {one, two}


def test_another_ca_of_the_same_name_is_told_by_its_key() -> None:
    namesake = make.Issued(certificate=PROXY.certificate, key=PROXY.key)
    stranger = make.ca("Corp Proxy CA", kind="p384", not_before=BEFORE, not_after=LATER)
    one, two = (
        replace(e, handshakes=(replace(e.handshakes[0], chain=(*e.chain, root.der)),))
        for e, root in ((seen(BACKEND, namesake), namesake), (seen(CONTROL, stranger), stranger))
    )
    assert set(interceptions([one, two], [PUBLIC.der])) == {two}


def test_a_private_certificate_for_another_name_on_a_public_hosts_address_proves_nothing() -> None:
    misrouted = seen(CONTROL, PROXY, names=["default.contoso.example"])
    assert interceptions([seen(BACKEND, PROXY), misrouted], [PUBLIC.der]) == {}


def test_a_public_host_whose_certificate_looks_publicly_issued_is_no_proof_against_its_root() -> None:
    leaf = make.leaf(CONTROL, PROXY, policies=["2.23.140.1.2.2"], not_before=BEFORE, not_after=LATER)
    control = build.evidence(handshake(chain=leaf.chain), host=CONTROL, server_name=CONTROL)
    assert interceptions([seen(BACKEND, PROXY), control], [PUBLIC.der]) == {}


def test_an_inspecting_root_that_the_gateway_was_given_hides_the_backend_all_the_same() -> None:
    finding = judge(seen(BACKEND, PROXY), seen(CONTROL, PROXY), given=(PROXY.der,))
    assert finding.lead.cause is CauseName.UNKNOWN
    assert judge(seen(BACKEND, PROXY), given=(PROXY.der,)).lead.cause is CauseName.NOT_REPRODUCED


@pytest.mark.parametrize("others", [True, False])
def test_a_ca_of_several_owners_that_another_observer_does_not_meet_is_between(others: bool) -> None:
    here, elsewhere = seen(BACKEND, PROXY), seen(BACKEND, PUBLIC, at=NOW - timedelta(hours=2), vantage="outside")
    evidence = [here, elsewhere, *([seen(OTHERS, PROXY)] if others else [])]
    assert (here in interceptions(evidence, [PUBLIC.der])) is others


def test_what_is_inspected_in_the_gateways_own_network_is_2a_with_the_inspection_named() -> None:
    inside = {"vantage": "gateway"}
    finding = judge(seen(BACKEND, PROXY, **inside), seen(CONTROL, PROXY, **inside))
    assert finding.lead.cause is CauseName.UNTRUSTED_ROOT
    assert "TLS is inspected in the gateway's own network" in why(finding)
    assert "Exempt this backend from the TLS inspection by “Corp Proxy CA”" in finding.remedies[0].text


def test_evidence_from_the_gateways_network_flips_what_was_intercepted_elsewhere() -> None:
    inside = seen(BACKEND, PUBLIC, vantage="gateway", at=NOW - timedelta(hours=1))
    finding = judge(seen(BACKEND, PROXY), seen(CONTROL, PROXY), inside)
    assert finding.lead.cause is CauseName.NOT_REPRODUCED
    assert finding.evidence[0] == inside
    assert "TLS is intercepted: “Corp Proxy CA” signs" in why(finding)
    assert "Application Gateway" not in why(finding)


@pytest.mark.parametrize("name", ["Zscaler Root CA", "FortiGate CA", "mitmproxy", "Azure Firewall Manager CA"])
def test_a_ca_named_like_an_inspecting_product_is_at_most_likely(name: str) -> None:
    chain = [make.ca(name, not_before=BEFORE, not_after=LATER)]
    leaf = make.leaf(BACKEND, chain[0], not_before=BEFORE, not_after=LATER)
    shown = build.evidence(handshake(chain=(leaf.der, chain[0].der)))
    finding = judge(shown)
    assert (finding.lead.cause, finding.lead.verdict) == (CauseName.UNTRUSTED_ROOT, Verdict.LIKELY)
    assert f"“{name}” is named like the CA of a product that inspects TLS" in why(finding)


def test_a_private_root_seen_through_a_proxy_is_at_most_likely_and_directly_confirmed() -> None:
    leaf = make.leaf(BACKEND, PROXY, not_before=BEFORE, not_after=LATER)
    direct = build.evidence(handshake(chain=(leaf.der, PROXY.der)))
    through = replace(direct, proxy="proxy.contoso.example:3128")
    assert (judge(direct).lead.verdict, judge(through).lead.verdict) == (Verdict.CONFIRMED, Verdict.LIKELY)
    assert "went through the proxy proxy.contoso.example:3128" in why(judge(through))


def test_the_whole_way_real_servers_of_one_ca_that_also_signs_a_public_host_are_unknown(tmp_path: Path) -> None:
    between = make.intermediate("Corp Issuing", make.ca("Corp Root"))
    with ExitStack() as stack:
        ports = {h: stack.enter_context(openssl(make.leaf(h, between), tmp_path)) for h in (BACKEND, CONTROL)}
        aim = Aim(connect_to={(host, 443): ("127.0.0.1", port) for host, port in ports.items()})
        ask = partial(probe_backends, policy=LOOPBACK, deadline=10.0)
        alone = check([target_for(BACKEND, 443, Tier.CLASSIC, aim)], probe=ask)
        both = check([target_for(host, 443, Tier.CLASSIC, aim) for host in ports], probe=ask)
    assert [f.lead.cause for f in alone] == [CauseName.UNTRUSTED_ROOT]
    assert [f.lead.cause for f in both] == [CauseName.UNKNOWN, CauseName.UNKNOWN]
    assert "“Corp Issuing” signs api.contoso.example and also www.microsoft.com" in why(both[0])
    assert "“Corp Issuing”, which is no public CA, signs www.microsoft.com" in why(both[1])


def test_a_thousand_backends_under_one_inspecting_ca_take_no_time_to_speak_of() -> None:
    inside = [seen(f"api.contoso{n}.example", PROXY) for n in range(1000)]
    outside = [
        replace(seen(e.host, PUBLIC), collected=replace(e.collected, host="laptop", vantage="outside"))
        for e in inside[:500]
    ]
    began = time.process_time()
    found = interceptions([*inside, *outside], [PUBLIC.der])
    assert set(found) == set(inside)
    assert time.process_time() - began < 20


def test_evidence_without_certificates_is_no_interception() -> None:
    assert interceptions([build.evidence(handshake(Outcome.REFUSED)), build.evidence()], [PUBLIC.der]) == {}


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("www.microsoft.com", True),
        ("WWW.Microsoft.com.", True),
        ("shop.azurewebsites.net", True),
        ("contoso.blob.core.windows.net", True),
        ("app.happyhill-1.westeurope.azurecontainerapps.io", True),
        ("api.corp.microsoft.com", False),
        ("vm.westeurope.cloudapp.azure.com", False),
        ("app.ase.appserviceenvironment.net", False),
        ("app.ase.p.azurewebsites.net", False),
        ("lb-1.eu-west-1.elb.amazonaws.com", False),
        ("notazurewebsites.net", False),
        ("api.contoso.com", False),
        ("", False),
    ],
)
def test_only_hosts_whose_operator_ends_tls_are_public_beyond_doubt(host: str, public: bool) -> None:
    assert is_public(host) is public


def test_the_table_is_written_as_it_is_compared() -> None:
    assert all(name == name.lower().strip(".") and "." in name for name in SERVICES | SITES | CUSTOMERS)
