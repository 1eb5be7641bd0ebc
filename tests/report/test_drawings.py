"""Timeline, chain and ladder: what is drawn is what was observed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.model import CauseName, Certificate, Finding, Handshake, Hour, Outcome, Stage, Verdict
from analyzer.report.chain import links_of
from analyzer.report.ladder import rungs_of
from analyzer.report.timeline import DAY, HOUR, WEEK, bucketed, step_of, timeline_of
from tests.report import make

C = CauseName


def hours(*starts: tuple[datetime, int]) -> tuple[Hour, ...]:
    return tuple(Hour(start=start, failures=failures, requests=None) for start, failures in starts)


@pytest.mark.parametrize(
    ("span", "step"), [(HOUR, HOUR), (4 * DAY, HOUR), (5 * DAY, DAY), (184 * DAY, DAY), (200 * DAY, WEEK)]
)
def test_a_bar_lasts_as_long_as_the_span_asks(span: timedelta, step: timedelta) -> None:
    assert step_of(span) == step


def test_buckets_add_up_and_weeks_begin_on_monday() -> None:
    friday, monday = datetime(2025, 11, 14, 23, tzinfo=UTC), datetime(2025, 11, 17, 5, tzinfo=UTC)
    counted = hours((friday, 2), (friday - 2 * DAY, 3), (monday, 7), (monday + HOUR, 0))
    assert bucketed(counted, WEEK) == {datetime(2025, 11, 10, tzinfo=UTC): 5, datetime(2025, 11, 17, tzinfo=UTC): 7}
    assert sum(bucketed(counted, DAY).values()) == sum(bucketed(counted, HOUR).values()) == 12


def test_a_timeline_spans_the_report_and_says_its_peak() -> None:
    drawn = timeline_of(make.hours({2: 5, 3: 40, 4: 0}), make.START, make.END)
    assert drawn is not None
    assert (drawn.start, drawn.end) == (make.START, make.END)
    assert drawn.path.count("M") == 2
    assert drawn.told == "Failures per hour: in 2 of 48 hours, most in the hour from 2025-11-17 09:00 UTC (40)."


def test_a_timeline_without_failures_is_not_drawn() -> None:
    assert timeline_of((), make.START, make.END) is None
    assert timeline_of(make.hours({1: 0}), make.START, make.END) is None


def test_failures_outside_the_reports_span_are_drawn_too() -> None:
    drawn = timeline_of(make.hours({-5: 1, 60: 1}), make.START, make.END)
    assert drawn is not None
    assert drawn.path.count("M") == 2
    assert drawn.start == make.START - 5 * HOUR
    assert timeline_of(make.hours({1: 1}), None, None) is not None


LEAF, SELF = make.certificate(), make.certificate(issuer="orders.contoso.example", self_issued=True, self_signed=True)
OLD = make.certificate(not_after=make.START - DAY)
NEW = make.certificate(not_before=make.END + DAY)


@pytest.mark.parametrize(
    ("lead", "chain", "broken"),
    [
        (C.NAME_MISMATCH, (LEAF, make.ISSUING), {0: "does not cover orders.contoso.example"}),
        (C.SELF_SIGNED, (SELF,), {0: "signed by itself, and not given to the gateway"}),
        (C.UNTRUSTED_ROOT, (LEAF, make.ISSUING), {2: "not among the roots that the gateway is taken to have"}),
        (
            C.UNTRUSTED_ROOT,
            (LEAF, make.ISSUING, make.ROOT),
            {2: "not among the roots that the gateway is taken to have"},
        ),
        (C.INCOMPLETE_CHAIN, (LEAF,), {1: "missing: the server does not send it"}),
        (C.EXPIRED, (OLD, make.ISSUING), {0: "expired on 2025-11-16 06:00 UTC"}),
        (C.NOT_YET_VALID, (NEW, make.ISSUING), {0: "not valid before 2025-11-20 06:00 UTC"}),
        (C.WRONG_USAGE, (LEAF, make.ISSUING), {0: "not issued for server authentication"}),
        (C.TLS_VERSION, (LEAF, make.ISSUING), {}),
    ],
)
def test_the_link_that_breaks_is_marked_and_no_other(
    lead: CauseName, chain: tuple[Certificate, ...], broken: dict[int, str]
) -> None:
    links = links_of(make.finding(lead=lead, chain=chain))
    assert {place: link.fault for place, link in enumerate(links) if link.fault} == broken
    twin = links_of(make.finding(lead=lead, chain=chain, verdict=Verdict.UNKNOWN))
    assert not any(link.fault for link in twin)


def test_facts_beside_the_cause_are_notes() -> None:
    def notes(finding: Finding) -> list[str | None]:
        return [link.note for link in links_of(finding)]

    assert notes(make.finding(chain=(OLD, make.ISSUING), lead=C.TLS_VERSION))[0] == "expired on 2025-11-16 06:00 UTC"
    assert (
        notes(make.finding(chain=(NEW, make.ISSUING)))[0] == "issued after the last failure: another certificate failed"
    )
    assert notes(make.finding(chain=(LEAF, make.ROOT)))[0] == "the next certificate sent is not its issuer"
    assert notes(make.finding(chain=(LEAF, make.ISSUING), lead=C.TLS_VERSION)) == [
        None,
        None,
        "a server need not send its root",
    ]
    assert links_of(make.finding()) == ()


@pytest.mark.parametrize(
    ("handshake", "rungs"),
    [
        (
            make.handshake(chain=(b"a", b"b"), client_cert_requested=True, client_cert_required=False),
            [
                "out ClientHello (gateway)",
                f"back ServerHello: TLS 1.2, {make.SUITE}, secp256r1",
                "back 2 certificates",
                "back asks for a client certificate",
                "back an empty client certificate is accepted",
                "end server's answer complete",
            ],
        ),
        (
            Handshake(offer="gateway", outcome=Outcome.ALERT, stage=Stage.HELLO, alert="handshake_failure"),
            ["out ClientHello (gateway)", "back alert: handshake_failure", "end refused with an alert"],
        ),
        (Handshake(offer="gateway", outcome=Outcome.REFUSED, stage=Stage.CONNECT), ["end connection refused"]),
        (
            Handshake(offer="gateway", outcome=Outcome.NAME_NOT_FOUND, stage=Stage.RESOLVE),
            ["end the name does not exist"],
        ),
        (
            Handshake(offer="gateway", outcome=Outcome.FORBIDDEN, stage=Stage.HELLO, detail="link-local"),
            ["end address not allowed: nothing was sent: link-local"],
        ),
    ],
)
def test_a_ladder_has_a_rung_for_each_message_that_was_seen(handshake: Handshake, rungs: list[str]) -> None:
    assert [f"{rung.way} {rung.text}" for rung in rungs_of(handshake)] == rungs


def test_every_outcome_at_every_stage_can_be_drawn() -> None:
    for outcome in Outcome:
        for stage in Stage:
            assert rungs_of(replace(make.handshake(), outcome=outcome, stage=stage))[-1].way == "end"
