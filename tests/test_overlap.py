"""Sources that may count the same requests twice are named, a few of them, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from analyzer.overlap import MOST, overlaps

START = datetime(2026, 3, 4, 9, tzinfo=UTC)


def seen(*rows: tuple[str, str, int]) -> pd.DataFrame:
    table = [(source, gateway, START + timedelta(hours=hour)) for source, gateway, hour in rows]
    return pd.DataFrame(table, columns=["source", "gateway", "hour"])


def test_a_pair_that_shares_a_gateways_hours_is_told_with_how_many() -> None:
    both = [(source, gateway, hour) for source in ("a", "b") for gateway in ("g", "h") for hour in (0, 1, 2)]
    assert overlaps(seen(*both, ("a", "g", 7), ("b", "g", 8))) == (
        "a and b both have records of 6 hours of 2 gateways: they may count the same requests twice.",
    )


def test_rows_that_repeat_count_once() -> None:
    assert overlaps(seen(("a", "g", 0), ("a", "g", 0), ("b", "g", 0), ("b", "g", 0))) == (
        "a and b both have records of 1 hour of 1 gateway: they may count the same requests twice.",
    )


def test_other_hours_other_gateways_and_one_source_alone_are_no_overlap() -> None:
    assert overlaps(seen(("a", "g", 0), ("b", "g", 1), ("b", "h", 0), ("a", "g", 0))) == ()
    assert overlaps(seen()) == ()


def test_the_worst_pairs_are_told_and_the_others_counted() -> None:
    rows = [(f"s{source}", "g", hour) for source in range(5) for hour in range(source + 1)]
    found = overlaps(seen(*rows))
    assert len(found) == MOST + 1
    assert found[0].startswith("s3 and s4 both have records of 4 hours of 1 gateway:")
    assert found[-1] == "7 more pairs of sources overlap likewise."
    assert overlaps(seen(*reversed(rows))) == found


def test_texts_held_as_categories_are_texts_too() -> None:
    frame = seen(("a", "g", 0), ("b", "g", 0)).astype({"source": "category", "gateway": "category"})
    assert len(overlaps(frame)) == 1
