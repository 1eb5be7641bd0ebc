"""What the log shows beside one cluster: the same backend at other gateways, and the gateway's other backends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What happened beside a cluster between its first and its last failure; empty where nothing was logged of it."""

    answered_at: tuple[str, ...] = ()  # other gateways that got an answer from the same backend meanwhile, in words
    failing_at: tuple[str, ...] = ()  # other gateways at which the same backend failed likewise meanwhile
    failing_beside: int = 0  # other backends of the same gateway that failed likewise in the same hours
