"""A chain as sent, a host, a moment and what the gateway has in, what its .NET client makes of it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from analyzer.model import Judgement
from analyzer.trust import chain as chains
from analyzer.trust import names, rules, weakness
from analyzer.trust.decoded import Decoded, decode
from analyzer.trust.links import paths
from analyzer.trust.reissue import Reissue, reissued
from analyzer.trust.status import Status

Platform = Literal["windows", "dotnet-linux"]


def judge(
    chain: Sequence[bytes],
    *,
    host: str | None,
    at: datetime,
    anchors: Sequence[bytes],
    intermediates: Sequence[bytes] = (),
    platform: Platform = "dotnet-linux",
    reissues: Mapping[bytes, Reissue] | None = None,
) -> Judgement:
    """What a .NET client that has `anchors` and `intermediates` says of this chain at this moment.

    `chain` and the others are DER; of `chain` the leaf comes first. `host` is the name or address that the certificate must
    cover; None: the name is not judged. A leaf that cannot be read is "Unreadable", other unreadable certificates are passed
    over, as .NET passes over what OpenSSL did not hand it. Nothing is fetched, and revocation is not judged.
    `platform` "windows": the differences of `differences.DIFFERENCES`, and else the same rules. `reissues`: certificates (DER)
    that are judged as they would be if they were issued again with something put right.
    """
    again = reissues or {}

    def read(data: bytes) -> Decoded | None:
        found = decode(data)
        return reissued(found, again[data]) if found is not None and data in again else found

    leaf = read(chain[0]) if chain else None
    if leaf is None:
        return Judgement(accepted=False, statuses=frozenset({str(Status.UNREADABLE)}))
    moment = at.astimezone(UTC).replace(microsecond=0)  # OpenSSL counts whole seconds
    changed = any(data in again for data in anchors)
    store = (
        chains.sorted_out(d for d in map(read, dict.fromkeys(anchors)) if d is not None)
        if changed
        else chains.anchors_of(tuple(anchors))
    )
    given = [d for d in map(read, intermediates) if d is not None]
    sent = [d for d in map(read, chain[1:]) if d is not None]
    path = chains.build(leaf, store, given, sent, moment)
    found = rules.statuses(path, moment)
    if found:
        path = chains.rebuild(path, store, moment)
        found = rules.statuses(path, moment)
    if platform == "windows":
        found |= weakness.objections(path)
    if found and platform == "windows":
        for other in paths(leaf, (*sent, *given, *store.others), store.roots):
            if not rules.statuses(other, moment) | weakness.objections(other):
                path, found = other, frozenset()
                break
    if Status.UNREADABLE in found:
        return Judgement(accepted=False, statuses=frozenset({str(Status.UNREADABLE)}))
    if host is not None:
        match = names.match(leaf, host, platform)
        if match is False:
            found |= {Status.NAME_MISMATCH}
        elif match is None and not found:
            found = frozenset({Status.UNREADABLE})
    built = tuple(c.der for c in path.certificates)
    return Judgement(accepted=not found, statuses=frozenset(map(str, found)), path=built)
