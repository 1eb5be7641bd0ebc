"""The outlook speaks of a certificate when it is late for its renewal, and of a chain when it will really be refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from analyzer.attribution import Anchors
from analyzer.checking import attribute_all
from analyzer.configuration import configuration_of
from analyzer.model import Backend, Change, Evidence, Finding, Outlook, Tier
from analyzer.probing import Target
from analyzer.settings import Entity
from analyzer.weekly.outlook import outlook_of
from tests import build, make
from tests.make import DAY, NOW, Issued
from tests.settings import nouns

ROOT = make.ca("Outlook Root", not_before=NOW - 3000 * DAY, not_after=NOW + 3000 * DAY)


def days(before: float, after: float) -> dict[str, object]:
    """Validity from `before` days ago to `after` days from now."""
    return {"not_before": NOW - timedelta(days=before), "not_after": NOW + timedelta(days=after)}


def seen(host: str, sent: Sequence[Issued], **changes: object) -> Evidence:
    chain = tuple(one.der for one in sent)
    return build.evidence(build.handshake(chain=chain), at=NOW, host=host, server_name=host, **changes)


def outlook(
    *evidence: Evidence, root: Issued = ROOT, tier: Tier = Tier.CLASSIC, entities: Sequence[Entity] = ()
) -> Outlook:
    gateway = build.gateway(tier=tier)
    configuration = configuration_of(
        (gateway,), nouns.settings(nouns.service(id="", name="gw", entities=tuple(entities)))
    )
    clusters = tuple(
        build.cluster(
            None,
            id=f"{n:012x}",
            backend=Backend(scheme="https", host=one.host, port=443, backend_ids=tuple(e.id for e in entities)),
            first_seen=NOW,
            last_seen=NOW,
            failures=0,
        )
        for n, one in enumerate(evidence)
    )
    anchors = Anchors(roots=(root.der,), given=(root.der,))
    aims = {c.id: Target(c.backend.host, 443, c.backend.host) for c in clusters}
    findings: tuple[Finding, ...] = attribute_all(
        clusters,
        {gateway.id: gateway},
        aims,
        evidence,
        anchors=anchors,
        not_probed="it was not asked",
        configuration=configuration if entities else None,
    )
    return outlook_of(findings, {gateway.id: gateway}, anchors, now=NOW, of=len(clusters), lost={})


def test_a_chain_that_the_settings_leave_unchecked_is_not_called_refused() -> None:
    leaf = make.leaf("a.example", make.ca("Given To Nobody", **days(100, 1000)), **days(10, 300))  # type: ignore[arg-type]
    checked = nouns.entity("b1", "https://a.example")
    unchecked = nouns.entity("b1", "https://a.example", validate_chain=False)
    (refused,) = outlook(seen("a.example", [leaf]), entities=[checked]).forecasts
    assert refused.change is Change.REFUSED
    assert outlook(seen("a.example", [leaf]), entities=[unchecked]).forecasts == ()


@pytest.mark.parametrize(
    ("lifetime", "left", "spoken_of"),
    [
        (90, 14.9, True),  # a sixth is 15 days; Let's Encrypt's renewal was due when 30 were left
        (90, 15.1, False),
        (398, 29.9, True),  # a sixth would be 66 days: 30 at most
        (398, 30.1, False),
        (47, 7.8, True),
        (47, 7.9, False),
        (6, 0.9, True),
        (6, 1.1, False),
    ],
)
def test_a_leaf_is_spoken_of_within_the_lesser_of_30_days_and_a_sixth_of_its_lifetime(
    lifetime: int, left: float, spoken_of: bool
) -> None:
    leaf = make.leaf("a.example", ROOT, **days(lifetime - left, left))  # type: ignore[arg-type]
    found = outlook(seen("a.example", [leaf]))
    assert (found.asked, found.judged, found.of) == (1, 1, 1)
    if not spoken_of:
        assert found.forecasts == ()
        return
    (one,) = found.forecasts
    assert (one.change, one.role, one.subject) == (Change.BREAKS, "server certificate", "a.example")
    assert one.at == NOW + timedelta(days=left)
    assert "NotTimeValid" in one.statuses
    assert one.backends == ("a.example:443",)


def test_an_intermediate_that_two_backends_send_is_one_forecast() -> None:
    above = make.intermediate("Old Intermediate", ROOT, **days(1000, 20))  # type: ignore[arg-type]
    leaves = [make.leaf(host, above, **days(10, 300)) for host in ("a.example", "b.example")]  # type: ignore[arg-type]
    found = outlook(*(seen(leaf.certificate.subject.rfc4514_string()[3:], [leaf, above]) for leaf in leaves))
    (one,) = found.forecasts
    assert (one.change, one.role, one.subject) == (Change.BREAKS, "intermediate", "Old Intermediate")
    assert one.backends == ("a.example:443", "b.example:443")


def test_a_root_that_ends_breaks_what_stands_on_it() -> None:
    root = make.ca("Ending Root", **days(3000, 12))  # type: ignore[arg-type]
    leaf = make.leaf("a.example", root, **days(10, 300))  # type: ignore[arg-type]
    (one,) = outlook(seen("a.example", [leaf, root]), root=root).forecasts
    assert (one.change, one.role) == (Change.BREAKS, "root")


def test_a_certificate_that_is_sent_and_not_used_is_not_spoken_of() -> None:
    stray = make.intermediate("Stray", ROOT, **days(1000, 5))  # type: ignore[arg-type]
    leaf = make.leaf("a.example", ROOT, **days(10, 300))  # type: ignore[arg-type]
    assert outlook(seen("a.example", [leaf, stray])).forecasts == ()


def test_a_chain_with_a_second_way_does_not_break() -> None:
    """Two certificates of one intermediate: when the one that is used ends, the other carries the chain."""
    ending = make.intermediate("Twice", ROOT, **days(1000, 9))  # type: ignore[arg-type]
    lasting = make.intermediate("Twice", ROOT, **days(100, 900))  # type: ignore[arg-type]
    leaf = make.leaf("a.example", ending, **days(10, 300))  # type: ignore[arg-type]
    (one,) = outlook(seen("a.example", [leaf, ending, lasting])).forecasts
    assert one.change is Change.EXPIRES
    assert one.role == "intermediate"
    assert one.statuses == ()


def test_a_chain_that_is_refused_already_is_said_and_comes_last() -> None:
    other = make.ca("Unknown Root")
    refused = make.leaf("a.example", other, **days(10, 300))  # type: ignore[arg-type]
    ending = make.leaf("b.example", ROOT, **days(85, 5))  # type: ignore[arg-type]
    found = outlook(seen("a.example", [refused, other]), seen("b.example", [ending]))
    assert [one.change for one in found.forecasts] == [Change.BREAKS, Change.REFUSED]
    assert found.forecasts[1].backends == ("a.example:443",)
    assert "UntrustedRoot" in found.forecasts[1].statuses


def test_a_backend_without_a_chain_is_named_and_not_called_healthy() -> None:
    silent = build.evidence(
        build.handshake(build.Outcome.CONNECT_TIMEOUT), at=NOW, host="a.example", server_name="a.example"
    )
    found = outlook(silent)
    assert (found.asked, found.judged, found.forecasts) == (1, 0, ())
    assert found.unseen == ("a.example:443: connect timeout",)


@pytest.mark.parametrize("tier", Tier)
def test_every_tier_is_judged_by_its_own_platform(tier: Tier) -> None:
    leaf = make.leaf("a.example", ROOT, **days(80, 10))  # type: ignore[arg-type]
    (one,) = outlook(seen("a.example", [leaf]), tier=tier).forecasts
    assert one.change is Change.BREAKS
