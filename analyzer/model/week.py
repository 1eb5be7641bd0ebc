"""What a week's summary says: runs of failure, what each backend answered, how it compares, and what will break."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from analyzer.model.concluded import Finding
from analyzer.model.gateways import Gateway
from analyzer.model.log import Backend, Hour, Intake, Share, Window
from analyzer.model.vocabulary import Kind

if TYPE_CHECKING:
    import pandas as pd


class Status(StrEnum):
    """How a run of failure stands against the weeks before."""

    NEW = auto()  # it began in the week, and no earlier known week has the same
    ONGOING = auto()  # it began before the week, and nothing says that it is over
    RECURRING = auto()  # it began in the week; the same had failed, and been over, in an earlier one
    RESOLVED = auto()  # it began before the week and is over at its end, as far as can be seen
    UNKNOWN = auto()  # it began in the week, and no earlier week is known


class Ending(StrEnum):
    """What was seen after a run's last failure, up to the week's end."""

    ANSWERED = auto()  # the backend answered: it is over
    FAILING = auto()  # nothing but failures up to the end, or to the last call
    SPORADIC = auto()  # other calls were answered all along, and the last failure is less than a day from the end
    QUIET = auto()  # the source has no successes to tell by, and no failure came any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """An ISO 8601 week in a time zone; 167 or 169 hours long where the clocks are changed in it."""

    year: int  # the ISO year, which is not always the calendar's
    number: int  # 1 to 53
    zone: str  # its IANA name
    start: datetime  # UTC, Monday 00:00 in the zone
    end: datetime  # UTC, the next Monday 00:00

    @property
    def label(self) -> str:
        """As --week takes it: 2026-W47."""
        return f"{self.year:04d}-W{self.number:02d}"

    @property
    def window(self) -> Window:
        """Its half-open span."""
        return Window(start=self.start, end=self.end)

    @property
    def hours(self) -> int:
        """How long it is."""
        return round((self.end - self.start) / timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of failure: one kind of error at one backend of one gateway, from its first failure to its last."""

    id: str  # 12 hex digits; the same in every run of the program, and in every week that the failures reach into
    gateway: str  # Gateway.id
    backend: Backend
    kind: Kind  # what the log says; of a week's runs, no two with the same gateway, backend and kind overlap
    status: Status
    ending: Ending
    start: datetime  # of the first failure, in an earlier week too
    end: datetime  # of the last failure up to the week's end
    start_known: bool  # False: it may have begun earlier, in a week that is not known
    lost: int  # failures in the week
    lost_in_all: int  # failures since `start`, in known weeks
    peak: int  # failures of its worst hour in the week; 0 where none fell into the week
    peak_at: datetime | None  # that hour; None: no failure in the week
    calls: (
        int | None
    )  # requests to the backend in the run's hours of the week; None: the source has no successes to count
    gateway_calls: int | None  # requests to any backend of the gateway in the week; None likewise
    previous_end: datetime | None = None  # last failure of the run before this one; None: none is known
    finding: Finding | None = None  # what was concluded; None: it is only counted, or has no failure in the week
    alike: int = 1  # runs of the week that share the finding and its consumers
    known_from: str = (
        ""  # "2026-W46: untrusted_root, confirmed": what an earlier report said; "": nothing more than this one
    )

    @property
    def duration(self) -> timedelta:
        """From the first failure to the last."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What one backend of one gateway answered in the week."""

    gateway: str
    backend: Backend
    failures: int
    requests: int | None  # None: the source has no successes to count
    at_least: float | None  # share answered, rounded down, in percent, below 100; None likewise, or without any failure
    failing_hours: int  # hours with a failure
    before: float | None = None  # the same share of the week before; None: not known, or it had no failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One week's sums."""

    week: Week
    known: bool  # False: no record of it was seen, which is not the same as no failure
    partial: bool = False  # its records begin late or end early
    failures: int = 0
    requests: int | None = None  # None: the source has no successes to count
    runs: int = 0  # that failed in it
    kinds: tuple[Share, ...] = ()  # failures by kind, most first
    source: str = ""  # "sources", "history", or why it is not known


class Change(StrEnum):
    """What the outlook foresees."""

    BREAKS = auto()  # the chain is accepted now and will not be
    EXPIRES = auto()  # a certificate of it ends, and the chain may stand without it
    REFUSED = auto()  # the chain is refused already


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One certificate that ends soon, and what that does to the backends that depend on it."""

    change: Change
    at: datetime  # when it ends; of a chain that is refused already, when it was seen
    subject: str  # of the certificate; "" where the chain is refused for another reason
    role: str  # "server certificate", "intermediate", "root"; "" likewise
    sha256: str  # its fingerprint; "" likewise
    lifetime: timedelta | None  # None likewise
    statuses: tuple[str, ...]  # what .NET will say then, or says now
    backends: tuple[str, ...]  # their labels
    failures: int  # of these backends in the week
    seen: datetime  # when the chain was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the chains of the backends in the traffic will do; empty where nobody was asked."""

    asked: int = 0  # backends with evidence
    judged: int = 0  # of these, with a chain that could be judged
    of: int = 0  # backends with TLS in the week's traffic
    forecasts: tuple[Forecast, ...] = ()  # soonest first
    unseen: tuple[str, ...] = ()  # backends without a chain, and why
    why_not: str = ""  # why nobody was asked; "": somebody was


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A week's incidents, availability, trend and outlook."""

    made_at: datetime
    week: Week
    seen_to: datetime  # the week's end, or now where it is not over
    found: Window
    intake: Intake
    gateways: tuple[Gateway, ...]
    runs: tuple[Run, ...]  # most lost first; the resolved ones among them
    counted: int  # runs beyond the worst: they are only in `trend`
    availability: tuple[Availability, ...]  # worst first
    apis: tuple[Share, ...]  # hit most, up to ten; likewise the next two
    products: tuple[Share, ...]
    subscriptions: tuple[Share, ...]
    trend: tuple[Trend, ...]  # oldest first; the last is the week itself
    heat: tuple[tuple[str, tuple[Hour, ...]], ...]  # the worst backends and their hours with failures in the week
    outlook: Outlook
    caveats: tuple[str, ...] = ()

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """The summary as small pandas frames: runs, availability, trend, outlook, heat (see `report.week.frames`)."""
        from analyzer.report.week.frames import frames_of

        return frames_of(self)
