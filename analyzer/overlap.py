"""From what each source covers to warnings: sources that share a gateway's hours may count the same requests twice."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pandas as pd

MOST = 3  # pairs told one by one


def overlaps(seen: pd.DataFrame) -> tuple[str, ...]:
    """One sentence per pair of sources that share hours of a gateway, most shared hours first; after MOST, one for all others.

    `seen` (source: text, gateway: text, hour: time) says of which gateway's hours a source has records; rows may repeat.
    Hours of different gateways are different hours.
    """
    met = seen[["source", "gateway", "hour"]].astype({"source": object, "gateway": object}).drop_duplicates()
    met = met[met.duplicated(["gateway", "hour"], keep=False)]
    together = Counter(
        (gateway, tuple(sorted(sources))) for (gateway, _), sources in met.groupby(["gateway", "hour"])["source"]
    )
    hours: Counter[tuple[str, str]] = Counter()
    gateways: Counter[tuple[str, str]] = Counter()
    shared = set()
    for (gateway, sources), number in together.items():
        for pair in combinations(sources, 2):
            hours[pair] += number
            shared.add((pair, gateway))
    gateways.update(pair for pair, _ in shared)
    pairs = sorted(hours, key=lambda pair: (-hours[pair], pair))
    told = [
        f"{one} and {other} both have records of {_count(hours[one, other], 'hour')} of "
        f"{_count(gateways[one, other], 'gateway')}: they may count the same requests twice."
        for one, other in pairs[:MOST]
    ]
    if len(pairs) > MOST:
        told.append(f"{_count(len(pairs) - MOST, 'more pair')} of sources overlap likewise.")
    return tuple(told)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
