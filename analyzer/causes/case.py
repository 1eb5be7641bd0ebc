"""What a cause may read: one cluster, its gateway, the evidence that was believed and what `trust` made of the chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from analyzer.model import Certificate, Cluster, Evidence, Gateway, Handshake, Judgement, Kind, Outcome, Reason
from analyzer.probing import profiles
from analyzer.trust import ChainShape

FRESH = timedelta(hours=24)
"""A probe this soon after the last failure speaks for it even where the certificate's age is not known."""

BEFORE_TLS = frozenset(
    {
        Outcome.NAME_NOT_FOUND,
        Outcome.RESOLVER_FAILED,
        Outcome.REFUSED,
        Outcome.UNREACHABLE,
        Outcome.CONNECT_TIMEOUT,
        Outcome.CONNECT_FAILED,
        Outcome.PROXY_FAILED,
        Outcome.FORBIDDEN,
    }
)
"""Outcomes of a connection that never stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything known about one cluster when its causes are judged."""

    cluster: Cluster
    gateway: Gateway
    evidence: Evidence | None  # the one that is believed; None: the backend was not probed
    not_probed: str  # why there is no evidence, in words; "" where there is some
    chain: tuple[Certificate, ...]  # as sent, leaf first; certificates that cannot be read are left out
    judgement: Judgement | None  # of the chain, at `judged_at`; None: no chain was seen
    platforms_agree: bool  # whether every platform that the gateway may run on says the same
    judged_at: datetime  # the last failure; the probe where the leaf was issued in between
    shape: ChainShape | None  # the chain as sent, link by link; None: no chain was seen
    renewed: bool  # the leaf was issued after the last failure: it is not the one that failed
    partial: bool = False  # other addresses of the host are healthy: a fault here fails some calls only
    inspected: bool = (
        False  # the chain is of a CA that inspects TLS in the gateway's own network, and signs servers itself
    )
    fetching: Judgement | None = None  # of the chain with the issuers that the probe fetched; None: it fetched none
    doubts: tuple[str, ...] = ()  # what else keeps the evidence from confirming anything

    @property
    def first(self) -> Handshake | None:
        """The handshake in the gateway's own voice."""
        return self.evidence.first if self.evidence else None

    @property
    def probed_at(self) -> datetime | None:
        """When the evidence was collected."""
        return self.evidence.collected.at if self.evidence else None

    @property
    def leaf(self) -> Certificate | None:
        """The certificate the backend sent first."""
        return self.chain[0] if self.chain else None

    @property
    def logged(self) -> bool:
        """Whether a log speaks of this backend at all; not where it was only checked."""
        return self.cluster.failures > 0

    @property
    def root(self) -> Certificate | None:
        """The root that the chain ends at, sent or seen elsewhere; None: it was not seen."""
        return self.shape.root if self.shape else None

    @property
    def server_name(self) -> str:
        """The name that the certificate must cover."""
        return self.evidence.server_name if self.evidence else self.cluster.backend.host

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the cluster's messages, most frequent first."""
        return tuple(dict.fromkeys(m.kind for m in self.cluster.messages))

    @property
    def handshake_stands(self) -> bool | None:
        """Whether the gateway's own handshake got the server's whole flight; None: no TLS was spoken."""
        if self.first is None or self.first.outcome in BEFORE_TLS:
            return None
        return self.first.outcome is Outcome.COMPLETED

    @property
    def diagnostic(self) -> tuple[Handshake, ...]:
        """The further handshakes, asked because the first one failed or hid the chain."""
        if self.evidence is None:
            return ()
        tries = self.evidence.tries
        return tuple(h for h in self.evidence.handshakes if h not in tries)

    @property
    def fell_short(self) -> tuple[Handshake, ...]:
        """Tries in the gateway's own voice that failed although another one stood: the failure comes and goes."""
        if self.evidence is None or self.first is None or self.first.outcome is not Outcome.COMPLETED:
            return ()
        return tuple(h for h in self.evidence.tries if h.outcome is not Outcome.COMPLETED)

    @property
    def profile(self) -> str:
        """Of the hello that the evidence calls the gateway's; the gateway's own where there is no evidence."""
        return self.evidence.profile if self.evidence else self.gateway.profile

    @property
    def offered_suites(self) -> tuple[str, ...]:
        """IANA names of the suites in the gateway's hello."""
        return profiles.suite_names(self.profile)

    @property
    def offered_versions(self) -> tuple[str, ...]:
        """Versions in the gateway's hello, newest first."""
        return profiles.version_names(self.profile)

    @property
    def offered_groups(self) -> tuple[str, ...]:
        """IANA names of the key-exchange groups in the gateway's hello."""
        return profiles.group_names(self.profile)

    def reservations(self) -> tuple[Reason, ...]:
        """What keeps the evidence from confirming anything: it may not speak for the gateway, then and there (empty: nothing)."""
        if self.evidence is None:
            return ()
        found = list(self.doubts)
        collected = self.evidence.collected
        if not speaks_for_gateway(self.evidence):
            found.append(
                f"the probe ran on {collected.host}, which is not known to stand in the gateway's network, and "
                f"{self.evidence.address} is not a public address: the gateway may meet another server there "
                "(run it inside that network with --vantage gateway to confirm)"
            )
        fresh = collected.at - self.cluster.last_seen < FRESH
        if not fresh and (self.leaf is None or self.leaf.not_before > self.cluster.first_seen):
            found.append(
                f"the last failure was {_ago(collected.at - self.cluster.last_seen)} before the probe, and "
                + (
                    "no certificate was seen that"
                    if self.leaf is None
                    else "the certificate seen was issued after the first failure, so nothing"
                )
                + " ties what was seen to what failed"
            )
        return tuple(Reason(origin="probe", text=text) for text in found)

    def where(self) -> str:
        """Where and when the evidence was collected, in words."""
        if self.evidence is None:
            return ""
        e = self.evidence
        return f"{e.address or 'no address'} from {e.collected.host} at {e.collected.at:%Y-%m-%d %H:%M} UTC"


def speaks_for_gateway(evidence: Evidence) -> bool:
    """Whether what the probe met is what the gateway meets.

    It stands in the gateway's network; or the address is public and its own; or the user named the address
    (--connect-to, --allow-address) and so vouches for it.
    """
    import ipaddress

    if evidence.collected.vantage == "gateway" or evidence.pinned or evidence.allowed:
        return True
    if evidence.collected.vantage == "outside" and evidence.address is None:
        return False
    try:
        return evidence.address is not None and ipaddress.ip_address(evidence.address).is_global
    except ValueError:
        return False


def _ago(span: timedelta) -> str:
    if span < timedelta(hours=48):
        return f"{span.total_seconds() / 3600:.0f} hours"
    return f"{span.days} days"
