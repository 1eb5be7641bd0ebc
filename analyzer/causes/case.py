"""What a cause may read: one cluster, its gateway, the evidence that was believed and what `trust` made of the chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyzer.model import (
    EXPORTED,
    OTHER_VOICES,
    Certificate,
    Cluster,
    Evidence,
    Gateway,
    Handshake,
    Judgement,
    Kind,
    Neighbours,
    Outcome,
    Reason,
    State,
)
from analyzer.probing import profiles
from analyzer.probing.target import is_address
from analyzer.settings import Route
from analyzer.settings.names import common_name, same_name, thumbprint
from analyzer.trust import ChainShape

FRESH = timedelta(hours=24)
"""A probe this soon after the last failure speaks for it even where the certificate's age is not known."""

BACKDATED = timedelta(hours=1)
"""How far CAs put notBefore before the moment of issue, so that clocks that are slow accept it."""

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


NAME = "RemoteCertificateNameMismatch"
"""The one status that is not the chain's (`trust.judge`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """A backend entity's two switches (`properties.tls`); None: not known, so taken as on."""

    chain: bool | None  # validateCertificateChain
    name: bool | None  # validateCertificateName


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
    route: Route | None = None  # what the gateway's settings say of this backend; None: they were not given
    unseen_cas: tuple[
        str, ...
    ] = ()  # CA certificates that the gateway was given and that are not at hand: subject or "(thumbprint)"
    neighbours: Neighbours = Neighbours()  # what the log shows beside the cluster  # noqa: RUF009  frozen
    doubts: tuple[str, ...] = ()  # what else keeps the evidence from confirming anything

    @property
    def first(self) -> Handshake | None:
        """The handshake in the gateway's own voice, or in the one other voice of the evidence; None: no connection was observed."""
        first = self.evidence.first if self.evidence else None
        return None if first is None or first.offer == EXPORTED else first

    @property
    def foreign(self) -> str:
        """Who spoke where it was not the gateway's own hello, or nobody where certificates were exported; "" where it was."""
        first = self.evidence.first if self.evidence else None
        return OTHER_VOICES.get(first.offer, "") if first else ""

    @property
    def common(self) -> Handshake | None:
        """A handshake that stood in a version and with a suite of the gateway's; None: none is known to."""
        if not self.foreign:
            return self.first if self.first and self.first.outcome is Outcome.COMPLETED else None
        shakes = self.evidence.handshakes if self.evidence else ()
        return next((h for h in shakes if h.version in self.offered_versions and self._takes(h)), None)

    def _takes(self, shake: Handshake) -> bool:
        return not {*shake.accepts, shake.suite}.isdisjoint(self.offered_suites)

    @property
    def listed(self) -> bool:
        """Whether the server's versions and suites are known to the last one."""
        return self.first is not None and bool(self.first.accepts)

    @property
    def _refused(self) -> bool:
        """Whether every version of the gateway's was refused as such, each asked for by itself."""
        shakes = self.evidence.handshakes if self.evidence else ()
        refused = {v for h in shakes if h.alert == "protocol_version" for v in h.versions}
        return refused.issuperset(self.offered_versions)

    @property
    def seen(self) -> Handshake | None:
        """The handshake, or the export, that the chain is of."""
        return next((h for h in self.evidence.handshakes if h.chain), None) if self.evidence else None

    @property
    def chain_whole(self) -> bool:
        """Whether the chain is all that the server sent; False: it may have sent more."""
        return self.seen is None or self.seen.chain_whole

    @property
    def switches(self) -> Switches:
        """What the gateway checks of a certificate, as far as its settings tell."""
        if self.route is None:
            return Switches(chain=None, name=None)
        return Switches(chain=self.route.validate_chain, name=self.route.validate_name)

    @property
    def accepted(self) -> bool | None:
        """Whether the gateway would accept the certificate, with what its settings make it check; None: not known.

        A switch that is not known stands at its default, on.
        """
        if self.judgement is None:
            return None
        found = self.judgement.statuses
        if self.switches.name is False:
            found -= {NAME}
        if self.switches.chain is False:
            found &= {NAME, "Unreadable"}
        if found and (self.maybe_given or self.pinned):
            return None
        return not found and self.pinned is not False

    @property
    def pinned(self) -> bool | None:
        """Whether the leaf is among the thumbprints or names that the backend entity pins; None: it pins none, or no leaf was seen."""
        route = self.route
        if route is None or self.leaf is None or not (route.pins or route.pinned_names):
            return None
        if thumbprint(self.leaf.der) in route.pins:
            return True
        above = (*self.shape.path[1:], self.shape.issuer) if self.shape else ()
        issuer = next(iter(above), None)
        by_name = [by for name, by in route.pinned_names if common_name(name) == self.leaf.common_name.casefold()]
        if any(not by or (issuer is not None and by == thumbprint(issuer.der)) for by in by_name):
            return True
        return None if by_name and issuer is None else False

    @property
    def maybe_given(self) -> str:
        """The CA certificate that the gateway was given, by its name the issuer that is missing, and that is not at hand; or ""."""
        if self.shape is None or not self.judgement or not self.judgement.statuses & {"UntrustedRoot", "PartialChain"}:
            return ""
        last = (*self.shape.path, *self.shape.above)[-1]
        wanted = same_name(last.issuer)
        # one without a subject, "(thumbprint)", may be any
        return next((name for name in self.unseen_cas if name.startswith("(") or same_name(name) == wanted), "")

    @property
    def probed_at(self) -> datetime | None:
        """When the evidence was collected."""
        return self.evidence.collected.at if self.evidence else None

    @property
    def leaf(self) -> Certificate | None:
        """The certificate the backend sent first."""
        return self.chain[0] if self.chain else None

    @property
    def replaced(self) -> bool:
        """Whether the failures stopped once the leaf that was seen had been issued: another one failed, and is gone.

        CAs date certificates back by up to an hour; a leaf that was issued among the failures may have been installed later.
        """
        c, leaf = self.cluster, self.leaf
        if leaf is None or c.state is not State.STOPPED or self.recovered_at is None:
            return False
        return c.first_seen < leaf.not_before + BACKDATED and leaf.not_before <= self.recovered_at + BACKDATED

    @property
    def recovered_at(self) -> datetime | None:
        """The latest moment by which calls succeeded again; None: none is known to have.

        An hour in which more was asked than failed, and that begins after the last failure, tells of one in it.
        """
        c = self.cluster
        after = (h for h in c.timeline if h.requests is not None and h.requests > h.failures and h.start > c.last_seen)
        first = next((h.start + timedelta(hours=1) for h in after), None)
        later = c.last_success if c.last_success is not None and c.last_success > c.last_seen else None
        return min((t for t in (first, later) if t is not None), default=None)

    @property
    def worked_before(self) -> datetime | None:
        """The end of the last hour before the first failure in which calls succeeded; None: the log shows none."""
        c = self.cluster
        hours = [
            h for h in c.timeline if h.requests is not None and h.requests > h.failures and h.start <= c.first_seen
        ]
        return min(hours[-1].start + timedelta(hours=1), c.first_seen) if hours else None

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
        """Whether the gateway's own handshake gets the server's whole flight; None: no TLS was spoken, or only by others."""
        if self.first is None or self.first.outcome in BEFORE_TLS:
            return None
        if self.foreign:
            return True if self.common else False if self.listed or self._refused else None
        return self.first.outcome is Outcome.COMPLETED

    @property
    def diagnostic(self) -> tuple[Handshake, ...]:
        """The further handshakes, asked because the first one failed or hid the chain; all of them where another tool asked."""
        if self.evidence is None:
            return ()
        if self.foreign:
            return self.evidence.handshakes
        tries = self.evidence.tries
        return tuple(h for h in self.evidence.handshakes if h not in tries)

    @property
    def fell_short(self) -> tuple[Handshake, ...]:
        """Tries in the gateway's own voice that failed although another one stood: the failure comes and goes."""
        if self.evidence is None or self.first is None or self.first.outcome is not Outcome.COMPLETED or self.foreign:
            return ()  # runs of another tool differ in what they offer
        says_nothing = (Outcome.COMPLETED, Outcome.RESOLVER_FAILED)  # the latter is about the probe's own resolver
        return tuple(h for h in self.evidence.tries if h.outcome not in says_nothing)

    @property
    def profile(self) -> str:
        """Of the hello that the evidence calls the gateway's; the gateway's own where there is no such hello."""
        return self.evidence.profile if self.evidence and not self.foreign else self.gateway.profile

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

    def reservations(self, *, of_the_hello: bool = False) -> tuple[Reason, ...]:
        """What keeps the evidence from confirming anything: it may not speak for the gateway, then and there (empty: nothing).

        `of_the_hello`: what is to be confirmed depends on the hello that the server answered.
        """
        if self.evidence is None:
            return ()
        found = [*self.doubts, *self._foreign_reservations(of_the_hello)]
        collected = self.evidence.collected
        if not speaks_for_gateway(self.evidence):
            found.append(
                (
                    f"the probe ran on {collected.host}, which is not known to stand in the gateway's network, and "
                    f"{self.evidence.address} is not a public address: the gateway may meet another server there "
                    "(run it inside that network with --vantage gateway to confirm)"
                )
                if not self.foreign
                else "it is not known to have been collected in the gateway's network, and the address is not known to be a public "
                "one: the gateway may meet another server there (collect it inside that network and say --evidence-vantage gateway)"
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
        settings = self.route.doubts if self.route is not None and not of_the_hello else ()
        return (
            *(Reason(origin="probe", text=text) for text in found),
            *(Reason(origin="settings", text=text) for text in (*settings, *self._proxied())),
        )

    def _proxied(self) -> Iterator[str]:
        """The gateway goes through a proxy that the probe did not go through."""
        for place in self.route.proxies if self.route else ():
            if self.evidence is None or self.evidence.proxy != place:
                yield (
                    f"the gateway connects to this backend through the proxy {place}, and the probe did not: what answers there "
                    "may differ (--proxy)"
                )

    def _foreign_reservations(self, of_the_hello: bool) -> Iterator[str]:
        """A server chooses its certificate by the name in SNI, not by the suites: so a chain seen with it counts in any voice."""
        if not self.foreign:
            return
        if self.first is None:
            yield "the certificates come from a file: that the server sends them was not observed"
        elif self.first.outcome in BEFORE_TLS:
            return
        elif of_the_hello:
            yield f"the hello was {self.foreign}'s, not the gateway's: a server may answer the two differently"
        elif self.seen is not None and self.seen.named is not True and not is_address(self.server_name):
            sent = "no SNI was sent" if self.seen.named is False else "whether SNI was sent is not known"
            yield f"{sent}: without it a server may send the certificate of another site"

    def where(self) -> str:
        """Where and when the evidence was collected, in words; by which tool where that is not this one."""
        if self.evidence is None:
            return ""
        e, by = self.evidence, self.evidence.collected
        place = "a place not stated" if by.host == "unstated" else by.host
        tool = f", {by.tool}" if self.foreign else ""
        return f"{e.address or 'no address'} from {place} at {by.at:%Y-%m-%d %H:%M} UTC{tool}"


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
