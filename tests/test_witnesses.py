"""Where evidence about one backend disagrees, the nearer to the gateway is believed and the other is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import analyzer
from analyzer import evidence as evidence_file
from analyzer.attribution import Anchors, attribute
from analyzer.lab.logs import blob_lines, failure
from analyzer.model import CauseName, Evidence, Finding, Outcome, Report, Verdict
from analyzer.report import html, markdown
from analyzer.witnesses import rounds_of
from tests import build, make
from tests.build import NOW, SECURE_CHANNEL, TRUST, handshake

BEFORE, LATER = NOW - timedelta(days=30), NOW + timedelta(days=90)
HOST = "api.contoso.example"
ROOT = make.ca("Contoso Root", not_before=BEFORE, not_after=LATER)
ISSUING = make.intermediate("Contoso Issuing", ROOT, not_before=BEFORE, not_after=LATER)
HOUR = timedelta(hours=1)


def chain(**changes: object) -> tuple[bytes, ...]:
    dates = {"not_before": BEFORE, "not_after": LATER}
    return make.leaf(HOST, ISSUING, **{**dates, **changes}).chain  # type: ignore[arg-type]


NXDOMAIN = build.evidence(handshake(Outcome.NAME_NOT_FOUND), vantage="outside", address=None)
INSIDE = build.evidence(handshake(chain=chain()), vantage="gateway", address="10.0.0.4", at=NOW - HOUR / 2)
INSIDE = replace(INSIDE, collected=replace(INSIDE.collected, host="vnet-vm", resolver="168.63.129.16"))


def judge(*evidence: Evidence, text: str = TRUST, **changes: object) -> Finding:
    return attribute(build.cluster(text, **changes), build.gateway(), evidence, anchors=Anchors(roots=()))


def why(finding: Finding) -> str:
    return " ".join(r.text for r in finding.lead.reasons)


def order(*evidence: Evidence) -> list[Evidence]:
    return [e for r in rounds_of(evidence, "classic") for e in r.entries]


def test_the_gateways_network_comes_before_its_voice_and_its_voice_before_a_later_hour() -> None:
    shake = handshake(chain=chain())
    inside = build.evidence(replace(shake, offer="openssl"), vantage="gateway", at=NOW - 9 * HOUR)
    own = build.evidence(shake, at=NOW - 3 * HOUR)
    older = build.evidence(shake, at=NOW - 4 * HOUR)
    other_tier = build.evidence(shake, profile="v2", at=NOW)
    other_tool = build.evidence(replace(shake, offer="openssl"), at=NOW - HOUR)
    assert order(other_tool, older, own, other_tier, inside) == [inside, own, older, other_tier, other_tool]


def test_what_could_not_ask_does_not_silence_what_did() -> None:
    forbidden = build.evidence(handshake(Outcome.FORBIDDEN), vantage="gateway", address="127.0.0.1")
    outside = build.evidence(handshake(Outcome.NOT_TLS), vantage="outside")
    assert order(forbidden, outside) == [outside, forbidden]


def test_a_name_that_does_not_exist_in_the_gateways_network_is_an_observation() -> None:
    inside = build.evidence(handshake(Outcome.NAME_NOT_FOUND), vantage="gateway", address=None)
    outside = build.evidence(handshake(Outcome.NOT_TLS), vantage="outside")
    assert order(outside, inside) == [inside, outside]


def test_addresses_of_one_round_stay_together_in_their_order() -> None:
    one, two = (replace(INSIDE, address=a) for a in ("10.0.0.4", "10.0.0.5"))
    found = rounds_of([one, NXDOMAIN, two], "classic")
    assert [r.entries for r in found] == [(one, two), (NXDOMAIN,)]


def test_vnet_evidence_flips_an_outside_nxdomain_and_both_are_told() -> None:
    assert judge(NXDOMAIN).lead.cause is CauseName.UNKNOWN
    finding = judge(NXDOMAIN, INSIDE)
    assert finding.lead.cause is CauseName.UNTRUSTED_ROOT
    assert finding.evidence == (INSIDE, NXDOMAIN)
    assert "From outside the gateway's network (probe-vm, 2026-11-23 12:00 UTC)" in why(finding)
    assert "the name does not exist for the resolver asked" in why(finding)
    assert "the evidence nearer to the gateway is believed" in why(finding)


def test_evidence_that_agrees_is_not_called_different() -> None:
    again = replace(INSIDE, collected=replace(INSIDE.collected, vantage="outside", host="laptop"), address="8.8.8.8")
    assert why(judge(INSIDE, again)) == why(judge(INSIDE))


def test_another_certificate_outside_is_told_even_where_the_cause_is_the_same() -> None:
    outside = build.evidence(handshake(chain=chain(kind="p384")), vantage="outside")
    told = why(judge(INSIDE, outside))
    assert "a certificate of the same name, but not the same one" in told
    assert "Application Gateway" in told


def test_a_certificate_renewed_between_two_rounds_is_no_split_horizon() -> None:
    renewed = replace(
        build.evidence(handshake(chain=chain(not_before=NOW - 2 * HOUR)), vantage="gateway"), address="10.0.0.4"
    )
    earlier = replace(INSIDE, collected=replace(INSIDE.collected, at=NOW - 5 * HOUR))
    told = why(judge(earlier, renewed))
    assert "it was renewed in between" in told
    assert "Application Gateway" not in told


def test_two_rounds_of_equal_worth_that_disagree_confirm_nothing() -> None:
    now = build.evidence(handshake(Outcome.NOT_TLS, detail="HTTP"))
    before = build.evidence(handshake(Outcome.CLOSED), at=NOW - HOUR / 2)
    alone, both = judge(now, text=SECURE_CHANNEL), judge(now, before, text=SECURE_CHANNEL)
    assert (alone.lead.cause, alone.lead.verdict) == (CauseName.NOT_TLS, Verdict.CONFIRMED)
    assert (both.lead.cause, both.lead.verdict) == (CauseName.NOT_TLS, Verdict.LIKELY)
    assert "the newer evidence is believed" in why(both)
    assert not [a for a in both.attributions if a.verdict is Verdict.CONFIRMED]


@pytest.mark.parametrize(
    ("age", "verdict", "words"),
    [
        (HOUR / 2, Verdict.CONFIRMED, ""),
        (2 * HOUR, Verdict.CONFIRMED, "before the last failure (2026-11-23 11:00 UTC)"),
        (30 * HOUR, Verdict.LIKELY, "before the first failure (2026-11-22 16:00 UTC)"),
    ],
)
def test_evidence_older_than_the_failures_says_so(age: timedelta, verdict: Verdict, words: str) -> None:
    finding = judge(
        build.evidence(handshake(Outcome.NOT_TLS, detail="HTTP"), vantage="gateway", at=NOW - age), text=SECURE_CHANNEL
    )
    assert finding.lead.verdict is verdict
    assert words in why(finding)
    assert ("what changed since was not seen" in why(finding)) is bool(words)


@pytest.mark.parametrize(("age", "old"), [(HOUR, False), (25 * HOUR, True)])
def test_a_check_by_evidence_that_is_not_of_today_says_so(age: timedelta, old: bool) -> None:
    cluster = build.cluster(None, failures=0, first_seen=NOW, last_seen=NOW)
    one = build.evidence(handshake(Outcome.NOT_TLS, detail="HTTP"), vantage="gateway", at=NOW - age)
    finding = attribute(cluster, build.gateway(), [one], anchors=Anchors(roots=()))
    assert finding.lead.verdict is (Verdict.LIKELY if old else Verdict.CONFIRMED)
    assert ("more than a day ago" in why(finding)) is old


def test_a_backend_that_was_healthy_before_it_failed_is_not_called_healthy() -> None:
    healthy = build.evidence(handshake(chain=chain()), vantage="gateway", at=NOW - 30 * HOUR)
    finding = attribute(build.cluster(TRUST), build.gateway(), [healthy], anchors=Anchors(roots=(ROOT.der,)))
    assert finding.lead.cause is CauseName.UNKNOWN


def _analyzed(folder: Path, *evidence: Evidence) -> Report:
    (folder / "log.json").write_text(blob_lines(failure(HOST, TRUST, NOW - n * HOUR) for n in (1, 2, 3)))
    files = []
    for number, one in enumerate(evidence):
        files.append(folder / f"evidence-{number}.json")
        files[-1].write_bytes(evidence_file.dumps([one]))
    return analyzer.analyze([folder / "log.json"], probe=None, evidence=files, now=NOW)


def test_the_whole_way_a_log_of_trust_with_nxdomain_is_unknown_and_vnet_evidence_flips_it(tmp_path: Path) -> None:
    from analyzer.report import json_file

    alone = _analyzed(tmp_path, NXDOMAIN).findings[0]
    assert (alone.lead.cause, alone.lead.verdict) == (CauseName.UNKNOWN, Verdict.UNKNOWN)
    report = _analyzed(tmp_path, NXDOMAIN, INSIDE)
    finding = report.findings[0]
    assert (finding.lead.cause, finding.lead.verdict) == (CauseName.UNTRUSTED_ROOT, Verdict.LIKELY)
    part = json.loads(json_file.dumps(report))["clusters"][0]
    assert [e["vantage"] for e in part["evidence"]] == ["vnet-vm, gateway", "probe-vm, outside"]
    for text in (html.render(report), markdown.render(report)):
        for shown in ("vnet-vm", "168.63.129.16", "10.0.0.4", "probe-vm", "2026-11-23 11:30 UTC", "looked different"):
            assert shown in text, shown
