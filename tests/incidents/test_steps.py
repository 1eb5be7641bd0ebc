"""What mends an incident is said once per owner and tier, not once per backend."""

from __future__ import annotations

import pytest

from analyzer.incidents import incidents_of
from analyzer.model import CauseName, Remedy, Tier, TierFrom
from tests import make
from tests.incidents.make import BEFORE, ISSUING, LATER, TRUSTED, gateway, judged, leaf, told

HOSTS = [f"h{n:02}.contoso.example" for n in range(42)]


def test_forty_two_backends_below_one_root_get_one_upload_and_not_forty_two() -> None:
    (one,) = incidents_of([judged(h, leaf(h, ISSUING).chain) for h in HOSTS])
    uploads = [r for r in one.remedies if "CA certificates > + Add" in r.text]
    commands = [r.command for r in one.remedies if r.command]
    assert (len(one.clusters), len(uploads), len(commands)) == (42, 1, 1)
    assert one.remedies[0] == uploads[0], "one upload mends them all: it comes before forty-two new certificates"
    proof = next(r for r in one.remedies if r.command)
    assert "likewise for" in proof.text
    assert "and 38 more" in proof.text


def test_each_tier_keeps_its_own_step() -> None:
    tiers = (Tier.CLASSIC, Tier.V2, Tier.SELF_HOSTED, Tier.CONSUMPTION)
    findings = [judged(h, leaf(h, ISSUING).chain, of=gateway(tier.value, tier)) for tier in tiers for h in HOSTS[:3]]
    (one,) = incidents_of(findings)
    assert sorted(r.tier for r in one.remedies if r.tier) == sorted(tiers)
    assert [bool(r.tier) for r in one.remedies[:4]] == [True] * 4, (
        "what mends all of a tier before what each backend needs"
    )
    assert [bool(r.tier) for r in one.remedies[4:]] == [False] * len(one.remedies[4:])
    v2 = next(r for r in one.remedies if r.tier is Tier.V2)
    assert "+ Add" not in v2.text


def test_servers_that_leave_out_an_intermediate_are_told_to_send_it_before_any_gateway_is_given_it() -> None:
    """Rule 4: the backend's full chain comes first, however many backends there are."""
    sub = make.intermediate("Public Issuing CA", TRUSTED, not_before=BEFORE, not_after=LATER)
    (one,) = incidents_of([judged(h, (leaf(h, sub).der,), known=(sub.der,)) for h in HOSTS[:5]])
    assert one.cause is CauseName.INCOMPLETE_CHAIN
    assert one.remedies[0].owner == "backend"
    assert "full chain" in one.remedies[0].text


def test_an_assumed_tier_keeps_every_way() -> None:
    unsure = gateway(tier_from=TierFrom.ASSUMED)
    (one,) = incidents_of([judged(h, leaf(h, ISSUING).chain, of=unsure) for h in HOSTS[:2]])
    assert len([r for r in one.remedies if r.tier]) == 4


def test_steps_that_say_different_things_stay_apart() -> None:
    def told_(host: str, text: str) -> tuple[Remedy, ...]:
        return (Remedy(owner="network", text=text.format(host=host)),)

    findings = [
        told(CauseName.DNS, "api.example", of=gateway(name), remedies=told_("api.example", text))
        for name, text in (("a", "Make {host} resolvable."), ("b", "Make {host} resolvable."), ("c", "Check {host}."))
    ]
    (one,) = incidents_of(findings)
    assert [r.text for r in one.remedies] == ["Make api.example resolvable.", "Check api.example."]


@pytest.mark.parametrize(
    "host", ["a" * 5000 + ".example", "x‮moc.live\x1b[2J.example", "(.*)+[.example", "\\1\\g<0>.example"]
)
def test_hostile_names_break_no_step(host: str) -> None:
    remedy = Remedy(owner="backend", text=f"Mend {host}.")
    seen = (("a", host), ("a", "plain.example"))
    findings = [
        told(
            CauseName.RESET,
            name,
            of=gateway(gw),
            remedies=(remedy if name == host else Remedy(owner="backend", text=f"Mend {name}."),),
        )
        for gw, name in seen
    ]
    for one in incidents_of(findings):
        assert len(one.title) < 500
        assert one.title.isprintable()
        assert len(one.remedies) == 1
