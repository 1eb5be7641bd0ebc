"""An incident's title is one sentence with the number of backends, the reason and what mends it."""

from __future__ import annotations

import pytest

from analyzer.incidents import incidents_of
from analyzer.incidents.titles import _MENDED, _WHY
from analyzer.model import CauseName, Finding, Gateway, State, Tier, TierFrom, Verdict
from tests.incidents.make import ISSUING, PRIVATE, TRUSTED, gateway, judged, leaf, told

HOSTS = [f"h{n:02}.contoso.example" for n in range(42)]


def title(findings: list[Finding], *gateways: Gateway) -> str:
    (one,) = incidents_of(findings, gateways)
    return one.title


def below_root(count: int, *of: Gateway) -> list[Finding]:
    return [judged(h, (*leaf(h, ISSUING).chain, PRIVATE.der), of=of[n % len(of)]) for n, h in enumerate(HOSTS[:count])]


def test_the_article_of_a_day_is_told_in_one_sentence() -> None:
    one, two = gateway("one"), gateway("two")
    assert title(below_root(42, one, two), one, two) == (
        "42 backends behind 2 gateways fail because their certificates lead to the CA “Contoso Root”, which the gateways do not "
        "trust; one upload of that CA's certificate to each gateway mends them."
    )


def test_one_backend_reads_as_one() -> None:
    one = gateway("one")
    assert title(below_root(1, one), one) == (
        "h00.contoso.example:443 fails because its certificate leads to the CA “Contoso Root”, which the gateway does not "
        "trust; one upload of that CA's certificate mends it."
    )


@pytest.mark.parametrize(
    ("tiers", "way"),
    [
        ((Tier.V2,), "details on each backend's entity"),
        ((Tier.CONSUMPTION,), "only a certificate of a public CA"),
        ((Tier.SELF_HOSTED,), "to the gateway mends them"),
        ((Tier.CLASSIC, Tier.V2), "each in the way of its tier"),
    ],
)
def test_only_classic_gateways_are_told_of_an_upload(tiers: tuple[Tier, ...], way: str) -> None:
    gateways = [gateway(t.value, t) for t in tiers]
    told_ = title(below_root(4, *gateways), *gateways)
    assert way in told_
    assert "upload" not in told_


def test_an_assumed_tier_is_promised_no_upload() -> None:
    one = gateway("one", tier_from=TierFrom.ASSUMED)
    assert "upload" not in title(below_root(2, one), one)


def test_likely_is_said_as_probably_and_stopped_as_nothing_to_mend() -> None:
    assert ", probably because" in title([told(CauseName.DNS, verdict=Verdict.LIKELY)])
    over = title([told(CauseName.DNS, state=State.STOPPED)])
    assert over.startswith("api.contoso.example:443 failed because")
    assert "stopped on 2026-11-23 11:00 UTC" in over
    assert "mend" not in over


def test_what_is_not_known_is_said_to_be_so() -> None:
    told_ = title([told(CauseName.UNKNOWN, verdict=Verdict.UNKNOWN)])
    assert "not known yet" in told_
    assert "because" not in told_


@pytest.mark.parametrize("cause", [c for c in CauseName if c not in (CauseName.UNKNOWN, CauseName.NOT_REPRODUCED)])
@pytest.mark.parametrize("count", [1, 3])
def test_every_cause_has_its_words(cause: CauseName, count: int) -> None:
    assert cause.value in _WHY
    mends = {CauseName.UNTRUSTED_ROOT.value, CauseName.INCOMPLETE_CHAIN.value} | set(_MENDED)
    assert cause.value in mends
    for one in incidents_of([told(cause, h) for h in HOSTS[:count]]):
        assert one.title.endswith(".")
        assert "{" not in one.title
        assert one.title.count(" because ") == 1


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "moc‮evil", "\x1b[31mred\x07", "x" * 64, "a\nb\r\n# c", "{them}", "%s {0}"]
)
def test_a_hostile_certificate_name_is_text_of_one_short_line(name: str) -> None:
    made = leaf("old.example", TRUSTED, common_name=name)
    told_ = title([judged("a.example", made.chain), judged("b.example", made.chain)])
    assert told_.isprintable()
    assert len(told_) < 300
    assert "2 backends" in told_
