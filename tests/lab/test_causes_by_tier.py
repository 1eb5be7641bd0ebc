"""The page of every cause at every kind of gateway is what the lab shows, and what it shows keeps the rules of the trade."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzer.lab.causes_by_tier import GATEWAYS, SHOWN_BY, Row, page, rows
from analyzer.model import CauseName, Tier, Verdict

PAGE = Path(__file__).parents[2] / "docs" / "causes-by-tier.md"
STRONG = (Verdict.CONFIRMED, Verdict.LIKELY)

CONNECTS = {
    # facts: .NET on Linux refuses neither weak keys nor weak hashes, and offers P-521; v2's platform is not documented
    (CauseName.WEAK_SIGNATURE, Tier.SELF_HOSTED): CauseName.NOT_REPRODUCED,
    (CauseName.WEAK_SIGNATURE, Tier.V2): CauseName.UNKNOWN,
    (CauseName.WEAK_KEY, Tier.SELF_HOSTED): CauseName.NOT_REPRODUCED,
    (CauseName.WEAK_KEY, Tier.V2): CauseName.UNKNOWN,
    (CauseName.TLS_PARAMETERS, Tier.SELF_HOSTED): CauseName.NOT_REPRODUCED,
    # a hairpin is a classic gateway's, behind the internal load balancer of its own network
    (CauseName.HAIRPIN, Tier.V2): CauseName.NOT_REPRODUCED,
    (CauseName.HAIRPIN, Tier.SELF_HOSTED): CauseName.NOT_REPRODUCED,
}
"""Where another kind of gateway makes something else of the same backend."""


@pytest.fixture(scope="module")
def found() -> tuple[Row, ...]:
    return rows(datetime.now(UTC))


def test_the_committed_page_is_up_to_date(found: tuple[Row, ...]) -> None:
    """Else: python -m analyzer.lab.causes_by_tier docs/causes-by-tier.md"""
    assert PAGE.read_text(encoding="utf-8") == page(found)


def test_every_cause_is_shown_at_every_tier(found: tuple[Row, ...]) -> None:
    assert list(SHOWN_BY) == list(CauseName)
    assert [(r.cause, r.tier) for r in found] == [(c, t) for c in CauseName for t in GATEWAYS]


def test_each_cause_leads_but_where_a_tier_is_known_to_differ(found: tuple[Row, ...]) -> None:
    assert {(r.cause, r.tier): r.finding.lead.cause for r in found} == {
        (r.cause, r.tier): CONNECTS.get((r.cause, r.tier), r.cause) for r in found
    }
    for row in found:
        expected = (Verdict.UNKNOWN,) if row.finding.lead.cause is CauseName.UNKNOWN else STRONG
        assert row.finding.lead.verdict in expected, (row.cause, row.tier)


def test_each_has_a_remedy_for_its_own_tier_and_for_no_other(found: tuple[Row, ...]) -> None:
    for row in found:
        assert row.finding.remedies, (row.cause, row.tier)
        assert {r.tier for r in row.finding.remedies} <= {None, row.tier}, (row.cause, row.tier)


def test_no_remedy_writes_the_service_and_only_classic_is_told_to_upload_to_it(found: tuple[Row, ...]) -> None:
    for row in found:
        for remedy in row.finding.remedies:
            assert remedy.command is None or "/backends/" in remedy.command, remedy
            if row.tier is not Tier.CLASSIC:
                assert "CA certificates > + Add" not in remedy.text, (row.cause, row.tier)
            if row.tier is Tier.SELF_HOSTED:
                assert "Protocols + ciphers" not in remedy.text, (row.cause, row.tier)
