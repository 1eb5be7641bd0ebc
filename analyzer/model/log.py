"""What the logs said: the tally read as clusters, and what was taken in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from analyzer.model.vocabulary import Family, Kind, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where the gateway wanted to connect."""

    scheme: str  # "https", "http", …; "" where the log does not say
    host: str  # lower case, no brackets around IPv6; "" where the log names only a backend entity, or nothing
    port: int | None  # None where the log does not say
    backend_ids: tuple[str, ...] = ()  # backend entities seen with it

    @property
    def label(self) -> str:
        """`host:port`, else the backend entity, else words that say that the log does not name it."""
        if self.host:
            host = f"[{self.host}]" if ":" in self.host else self.host
            return f"{host}:{self.port}" if self.port else host
        if self.backend_ids:
            return f"backend entity {', '.join(self.backend_ids)}"
        return "(backend not named in the log)"


def cluster_id(gateway: str, backend: Backend, family: Family) -> str:
    """First 12 hex digits of SHA-256 over gateway, backend and family: the same in every run."""
    name = backend.host or ",".join(backend.backend_ids)
    parts = (gateway, backend.scheme, name, str(backend.port or ""), family.value)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One masked error text of a cluster."""

    text: str
    kind: Kind
    also: tuple[Kind, ...] = ()  # other kinds that the same text is known to cover
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One value of an affected dimension and its failures."""

    value: str
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of a timeline."""

    start: datetime  # UTC, on the hour
    failures: int
    requests: int | None  # None: the source has no successes to count


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Gateway × backend × family of failure: its rows of the tally, read as one incident."""

    id: str  # 12 hex digits of SHA-256 over gateway, backend and family
    gateway: str  # Gateway.id
    backend: Backend
    family: Family
    failures: int
    requests: int | None  # None: the source has no successes to count
    state: State
    first_seen: datetime
    last_seen: datetime
    last_success: datetime | None  # None: none in the window, or the source has no successes
    messages: tuple[Message, ...]  # most frequent first
    apis: tuple[Share, ...] = ()
    operations: tuple[Share, ...] = ()
    products: tuple[Share, ...] = ()
    subscriptions: tuple[Share, ...] = ()
    callers: tuple[Share, ...] = ()  # client addresses; empty unless they were asked for
    correlation_ids: tuple[str, ...] = ()
    timeline: tuple[Hour, ...] = ()
    own_host_calls: int = 0  # failures whose request had come in under the backend's host: the gateway called itself
    elapsed: tuple[tuple[int, int], ...] = ()  # (upper edge of the bucket in ms, failures); -1: not logged


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIntake:
    """One source and what was read of it; read = records + rejected."""

    name: str
    shape: str
    records: int
    failures: int
    rejected: int
    lookalikes: int = 0
    first_rejected: tuple[str, ...] = ()  # "file:line: why", then ": " and a redacted excerpt where the line is at hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What was read: records = failures + lookalikes + others."""

    sources: tuple[SourceIntake, ...] = ()
    lookalike_reasons: tuple[Share, ...] = ()  # what the look-alikes were, and how many of each
    send_request: tuple[Share, ...] = ()  # hosts that send-request policies failed to reach

    @property
    def records(self) -> int:
        """Records read, of all sources."""
        return sum(s.records for s in self.sources)

    @property
    def failures(self) -> int:
        """Records of a failed backend connection."""
        return sum(s.failures for s in self.sources)

    @property
    def lookalikes(self) -> int:
        """Records of failures that only look like one."""
        return sum(s.lookalikes for s in self.sources)

    @property
    def others(self) -> int:
        """All other records."""
        return self.records - self.failures - self.lookalikes

    @property
    def rejected(self) -> int:
        """Lines or elements that are not one record."""
        return sum(s.rejected for s in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open span of time, UTC; None: open on that side, or nothing was found."""

    start: datetime | None = None
    end: datetime | None = None
