"""What the gateway's settings make it check, or not, changes what each cause says; their own reasons are marked as theirs."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.attribution import Anchors, attribute
from analyzer.model import Attribution, CauseName, Finding, Gateway, Tier, Verdict
from analyzer.settings import Route
from analyzer.settings.names import common_name, same_name, thumbprint
from tests import build, make
from tests.settings import nouns

HOST = "api.contoso.example"
SINCE = build.NOW - 30 * make.DAY
ROOT = make.ca("Corp Root", not_before=SINCE)
ISSUING = make.intermediate("Corp Issuing", ROOT, not_before=SINCE)
LEAF = make.leaf(HOST, ISSUING, not_before=SINCE)
OTHER = make.leaf("other.example", ISSUING, not_before=SINCE)
HAS_ROOT = Anchors(roots=(ROOT.der,), given=(ROOT.der,))
HAS_NONE = Anchors(roots=())
BAD = (CauseName.UNTRUSTED_ROOT, CauseName.NAME_MISMATCH)


def judged(
    leaf: make.Issued,
    anchors: Anchors,
    route: Route | None,
    text: str | None = build.TRUST,
    known: tuple[bytes, ...] = (),
    **changes: Any,
) -> Finding:
    evidence = build.evidence(build.handshake(chain=leaf.chain), **changes)
    gateway: Gateway = build.gateway(Tier.CLASSIC)
    return attribute(build.cluster(text), gateway, [evidence], anchors=anchors, route=route, known=known)


def of(finding: Finding, cause: CauseName) -> Attribution:
    return next(a for a in finding.attributions if a.cause is cause)


def said(attribution: Attribution, origin: str = "settings") -> str:
    return " ".join(r.text for r in attribution.reasons if r.origin == origin)


def through(**changes: Any) -> Route:
    return Route(entities=(nouns.entity(**changes),))


@pytest.mark.parametrize(
    ("leaf", "anchors", "off", "rules_out"),
    [
        (LEAF, HAS_NONE, "validate_chain", CauseName.UNTRUSTED_ROOT),
        (OTHER, HAS_ROOT, "validate_name", CauseName.NAME_MISMATCH),
        (make.leaf(HOST, None, not_before=SINCE), HAS_NONE, "validate_chain", CauseName.SELF_SIGNED),
        (
            make.leaf(HOST, ISSUING, not_after=build.NOW - 1 * make.DAY, not_before=SINCE),
            HAS_ROOT,
            "validate_chain",
            CauseName.EXPIRED,
        ),
    ],
)
def test_a_switch_that_is_off_rules_its_cause_out_and_the_backend_is_healthy(
    leaf: make.Issued, anchors: Anchors, off: str, rules_out: CauseName
) -> None:
    before = judged(leaf, anchors, through())
    assert before.lead.cause is rules_out
    after = judged(leaf, anchors, through(**{off: False}))
    assert of(after, rules_out).verdict is Verdict.RULED_OUT
    assert "does not check" in said(of(after, rules_out))
    assert after.lead.cause is CauseName.NOT_REPRODUCED


def test_each_switch_is_about_its_own_half() -> None:
    both = judged(OTHER, HAS_NONE, through())
    shown = [a.cause for a in both.attributions if a.verdict in (Verdict.CONFIRMED, Verdict.LIKELY)]
    assert set(shown) == set(BAD)
    chain_off = judged(OTHER, HAS_NONE, through(validate_chain=False))
    assert chain_off.lead.cause is CauseName.NAME_MISMATCH
    assert of(chain_off, CauseName.UNTRUSTED_ROOT).verdict is Verdict.RULED_OUT
    name_off = judged(OTHER, HAS_NONE, through(validate_name=False))
    assert name_off.lead.cause is CauseName.UNTRUSTED_ROOT


def test_a_log_that_names_the_cause_and_a_switch_that_is_off_disagree() -> None:
    named = "The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch"
    found = of(judged(OTHER, HAS_ROOT, through(validate_name=False), named), CauseName.NAME_MISMATCH)
    assert found.verdict is Verdict.UNKNOWN


def test_an_entity_that_only_shares_the_url_caps_at_likely() -> None:
    found = judged(LEAF, HAS_NONE, Route(beside=(nouns.entity(validate_chain=False),)), known=(ROOT.der,))
    assert (found.lead.cause, found.lead.verdict) == (CauseName.UNTRUSTED_ROOT, Verdict.LIKELY)
    assert "not documented" in said(found.lead)
    assert judged(LEAF, HAS_NONE, Route(), known=(ROOT.der,)).lead.verdict is Verdict.CONFIRMED


def test_a_proxy_that_the_probe_did_not_go_through_caps_at_likely() -> None:
    route = Route(proxies=("10.0.0.9:3128",))
    assert judged(OTHER, HAS_ROOT, route).lead.verdict is Verdict.LIKELY
    assert judged(OTHER, HAS_ROOT, route, proxy="10.0.0.9:3128").lead.verdict is Verdict.CONFIRMED


@pytest.mark.parametrize("subject", ["CN=Corp Root", "cn=corp root", "(aabb)"])
def test_a_root_that_was_uploaded_and_is_not_at_hand_leaves_it_open(subject: str) -> None:
    found = judged(LEAF, Anchors(roots=(), unseen=(subject,)), Route())
    assert found.lead.verdict is Verdict.UNKNOWN
    root = of(found, CauseName.UNTRUSTED_ROOT)
    assert root.verdict is Verdict.UNKNOWN
    assert "--ca-file" in said(root, "probe")
    assert of(found, CauseName.NOT_REPRODUCED).verdict is Verdict.UNKNOWN


def test_a_root_of_another_name_that_was_uploaded_changes_nothing() -> None:
    found = judged(LEAF, Anchors(roots=(), unseen=("CN=Other Root",)), Route(), known=(ROOT.der,))
    assert found.lead.cause is CauseName.UNTRUSTED_ROOT


def test_a_pin_that_the_leaf_does_not_have_is_a_reason_of_the_settings() -> None:
    found = judged(LEAF, HAS_ROOT, through(pinned_thumbprints=("00" * 20,)))
    assert (found.lead.cause, found.lead.verdict) == (CauseName.CHAIN_CONSTRAINT, Verdict.LIKELY)
    assert thumbprint(LEAF.der) in said(found.lead, "probe")
    assert "00" * 20 in said(found.lead)
    assert "Set the pins" in found.remedies[0].text


@pytest.mark.parametrize(
    "pins",
    [
        {"pinned_thumbprints": (thumbprint(LEAF.der),)},
        {"pinned_names": ((HOST, thumbprint(ISSUING.der)),)},
        {"pinned_names": ((f"CN={HOST}", ""),)},
    ],
)
def test_a_pin_that_the_leaf_has_leaves_the_root_open(pins: dict[str, Any]) -> None:
    found = judged(LEAF, HAS_NONE, through(**pins))
    assert of(found, CauseName.UNTRUSTED_ROOT).verdict is Verdict.UNKNOWN
    assert of(found, CauseName.CHAIN_CONSTRAINT).verdict is Verdict.RULED_OUT
    assert judged(LEAF, HAS_ROOT, through(**pins)).lead.cause is CauseName.NOT_REPRODUCED


def test_names_of_certificates_are_compared_as_names() -> None:
    assert same_name("CN=Corp Root, O=Contoso") == same_name("O=contoso,CN=Corp  Root")
    assert same_name("CN=a\\, b,O=c") != same_name("CN=a,O=c")
    assert common_name(" CN=Api.Example ") == "api.example"


def test_a_certificate_has_the_thumbprint_that_windows_shows() -> None:
    from cryptography.hazmat.primitives.hashes import SHA1

    assert thumbprint(LEAF.der) == LEAF.certificate.fingerprint(SHA1()).hex()  # noqa: S303  the name of a certificate
