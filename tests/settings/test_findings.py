"""What the settings show by themselves: each finding with the clusters it explains, and silence where all is well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.configuration import Configuration, configuration_of, settings_caveats, with_settings_findings
from analyzer.model import CauseName, Evidence, Finding, Gateway, Outcome, SettingsFinding, Tier, TierFrom
from analyzer.settings import Service
from tests import build, make
from tests.build import NOW, handshake
from tests.settings import nouns
from tests.settings.given import sha1
from tests.settings.nouns import BACKEND, ID, entity

SINCE = NOW - timedelta(days=30)
ROOT = make.ca("Corp Root", not_before=SINCE)
LEAF = make.leaf("api.contoso.example", make.intermediate("Corp Issuing", ROOT, not_before=SINCE), not_before=SINCE)
ALERT = handshake(Outcome.ALERT, alert="handshake_failure")
CBC = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
CHAIN = handshake(chain=(*LEAF.chain, ROOT.der))
REFUSING = handshake(Outcome.ALERT, alert="handshake_failure", client_cert_requested=True, client_cert_required=True)


def run(
    service: Service,
    *evidence: Evidence,
    text: str = build.TRUST,
    tier: Tier = Tier.CLASSIC,
    region: str = "west europe",
    **cluster: Any,
) -> tuple[Finding, tuple[SettingsFinding, ...], Configuration]:
    gateway = Gateway(id=f"{ID}@{region}", name="contoso-apim", region=region, tier=tier, tier_from=TierFrom.TEXT)
    configuration = configuration_of((gateway,), nouns.settings(service))
    one = build.cluster(text, gateway=gateway.id, **cluster)
    anchors = configuration.given(Anchors(roots=()), (ROOT.der,))[gateway.id].anchors
    found = attribute(one, configuration.gateways[0], evidence, anchors=anchors, route=configuration.route(one))
    (told,), shown = with_settings_findings([found], configuration)
    return told, shown, configuration


def settings_reasons(finding: Finding) -> str:
    return " ".join(r.text for r in finding.lead.reasons if r.origin == "settings")


def test_tls_1_2_switched_off_explains_a_backend_without_anything_newer() -> None:
    service = nouns.service(custom={f"{BACKEND}Tls12": "false", f"{BACKEND}Tls13": "true"})
    hello = build.evidence(
        handshake(Outcome.ALERT, alert="protocol_version"), handshake(offer="tls1.2-any"), profile="classic+Tls13-Tls12"
    )
    finding, shown, _ = run(service, hello, text=build.SECURE_CHANNEL)
    assert finding.lead.cause is CauseName.TLS_VERSION
    assert "TLS 1.2 towards backends is switched off in the settings of contoso-apim" in settings_reasons(finding)
    (one,) = [s for s in shown if "TLS 1.2" in s.text]
    assert one.explains == (finding.cluster.id,)
    assert "Tls12" in one.remedies[0].text
    assert one.remedies[0].command is None  # no command writes the whole service


def test_a_needed_suite_that_is_off_is_named_and_one_that_nobody_needs_is_only_mentioned() -> None:
    other = "TLS_RSA_WITH_AES_256_CBC_SHA"
    service = nouns.service(custom={f"Security.Ciphers.{CBC}": "false", f"Security.Ciphers.{other}": "false"})
    seen = build.evidence(ALERT, handshake(offer="tls1.2-any", suite=CBC), profile=f"classic-{CBC}-{other}")
    finding, shown, _ = run(service, seen, text=build.SECURE_CHANNEL)
    assert finding.lead.cause is CauseName.CIPHER_SUITE
    assert f"{CBC} is switched off" in settings_reasons(finding)
    assert other not in settings_reasons(finding)
    (quiet,) = [s for s in shown if other in s.text]
    assert quiet.explains == ()


def test_an_uploaded_root_that_has_expired_is_a_finding() -> None:
    ca = nouns.uploaded(sha1(ROOT.certificate), expires=NOW - timedelta(days=5))
    _, shown, _ = run(nouns.service(cas=(ca,)), build.evidence(CHAIN))
    assert [s.text for s in shown if "expired on 2026-11-18" in s.text]


def test_an_uploaded_root_that_is_valid_is_none() -> None:
    _, shown, _ = run(nouns.service(cas=(nouns.uploaded(sha1(ROOT.certificate)),)), build.evidence(CHAIN))
    assert shown == ()


@pytest.mark.parametrize(("sku", "why"), [("StandardV2", "backend entity"), ("Consumption", "takes no CA")])
def test_a_ca_that_has_no_effect_is_a_finding_that_never_says_upload(sku: str, why: str) -> None:
    service = nouns.service(sku=sku, cas=(nouns.uploaded(sha1(ROOT.certificate)),))
    finding, shown, _ = run(service, build.evidence(CHAIN, profile=sku.lower()[-2:] if "V2" in sku else "consumption"))
    assert finding.lead.cause is CauseName.UNTRUSTED_ROOT
    (one,) = shown
    assert why in one.text
    assert one.explains == (finding.cluster.id,)
    assert "no effect" in settings_reasons(finding)
    assert "+ Add" not in " ".join(r.text for r in (*one.remedies, *finding.remedies))


def test_the_services_list_is_no_finding_for_a_self_hosted_gateway_unless_a_backend_hangs_on_it() -> None:
    service = nouns.service(cas=(nouns.uploaded("ff", subject="CN=Other"),), self_hosted=(nouns.hosted(),))
    _, shown, _ = run(service, build.evidence(CHAIN, profile="self-hosted"), tier=Tier.SELF_HOSTED, region="onprem")
    assert shown == ()


def test_a_root_in_the_intermediate_store_is_a_finding() -> None:
    service = nouns.service(cas=(nouns.uploaded(sha1(ROOT.certificate), "CertificateAuthority"),))
    finding, shown, _ = run(service, build.evidence(CHAIN))
    assert finding.lead.cause is CauseName.UNTRUSTED_ROOT
    assert "given as an intermediate" in shown[0].text
    assert "given as an intermediate" in settings_reasons(finding)


def test_a_pin_that_does_not_match_the_leaf_is_a_finding() -> None:
    service = nouns.service(
        cas=(nouns.uploaded(sha1(ROOT.certificate)),), entities=(entity(pinned_thumbprints=("ab" * 20,)),)
    )
    backend = build.cluster().backend
    named = type(backend)(scheme="https", host=backend.host, port=443, backend_ids=("b1",))
    finding, shown, _ = run(service, build.evidence(CHAIN), backend=named)
    assert finding.lead.cause is CauseName.CHAIN_CONSTRAINT
    (one,) = shown
    assert "ab" * 20 in one.text
    assert sha1(LEAF.certificate) in one.text


def test_an_expired_client_certificate_explains_a_server_that_refuses_it() -> None:
    expired = nouns.certificate(expires=NOW - timedelta(days=9))
    service = nouns.service(client_certificates=(expired,), policies=(nouns.scoped(client_certificates=("c1",)),))
    finding, shown, _ = run(service, build.evidence(REFUSING), text=build.SECURE_CHANNEL)
    assert finding.lead.cause is CauseName.CLIENT_CERTIFICATE
    assert "expired on 2026-11-14" in settings_reasons(finding)
    assert shown[0].explains == (finding.cluster.id,)


def test_a_client_certificate_on_the_entity_alone_is_a_finding() -> None:
    service = nouns.service(
        entities=(entity(client_certificates=("DD",)),), policies=(nouns.scoped(backend_ids=("b1",)),)
    )
    finding, _, _ = run(service, build.evidence(REFUSING), text=build.SECURE_CHANNEL)
    assert "no effect for HTTP backends" in settings_reasons(finding)


def test_an_expired_certificate_that_nothing_sends_is_mentioned_without_a_case() -> None:
    service = nouns.service(client_certificates=(nouns.certificate("old", expires=NOW - timedelta(days=400)),))
    _, shown, _ = run(service, build.evidence(CHAIN))
    (one,) = shown
    assert "old (2025-10-19)" in one.text
    assert one.explains == ()


def test_settings_without_a_fault_show_nothing() -> None:
    _, shown, _ = run(nouns.service(entities=(entity(),)), build.evidence(CHAIN))
    assert shown == ()


def test_settings_of_another_service_are_said_to_be_of_no_use() -> None:
    configuration = configuration_of(
        (build.gateway(),), nouns.settings(nouns.service(), nouns.service(id="/x", name="fabrikam"))
    )
    told = " ".join(settings_caveats(configuration, {}, [build.gateway().id]))
    assert "not those of gw" in told
    assert "contoso-apim, fabrikam" in told


def test_defaults_that_were_assumed_name_the_creation_date_they_hang_on() -> None:
    from datetime import date

    *_, old = run(nouns.service(created=date(2017, 6, 1)), build.evidence(CHAIN))
    (text,) = [c for c in settings_caveats(old, {}, [old.gateways[0].id]) if "default" in c]
    assert "up to 2018-04-01 (created 2017-06-01)" in text
    assert "Tls10 on" in text
    *_, unknown = run(nouns.service(), build.evidence(CHAIN))
    (text,) = [c for c in settings_caveats(unknown, {}, [unknown.gateways[0].id]) if "default" in c]
    assert "creation date is not given" in text
    assert "Tls10 off" in text
