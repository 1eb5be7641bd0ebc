"""What a gateway has and a server does, as observed or as it would be after a change, in; whether the connection would stand out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from analyzer import trust
from analyzer.causes import Case
from analyzer.gateway import PLATFORMS
from analyzer.model import Judgement, Tier
from analyzer.probing import profiles
from analyzer.whatif.terms import Terms, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether a connection would stand, and what stands in its way or is not known."""

    connects: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Both sides of one connection."""

    tier: Tier
    profile: str  # of the gateway's hello
    met: str  # the profile of the hello whose fate is `handshake`
    handshake: bool | None  # what became of that hello, at the server as it was seen; None: not known
    terms: Terms
    key: str | None  # of the leaf; None: no chain was seen
    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    chain: tuple[bytes, ...]  # as sent; empty: not seen
    unseen: str  # what may complete the chain and was not seen; "": nothing
    host: str
    at: datetime
    reissues: Mapping[bytes, trust.Reissue] = field(default_factory=dict)
    checks_name: bool = True
    checks_chain: bool = True
    client_required: bool | None = False  # None: the server asks for a certificate, and may require one
    unsure: str = ""  # what the change itself leaves open; "": nothing

    def connects(self) -> Answer:
        """Whether the handshake, the certificate and the client's certificate would all do; the first that would not is named."""
        parts = (self._handshake(), self._certificate(), self._client())
        for part in parts:
            if part.connects is False:
                return part
        for part in (*parts, Answer(connects=None if self.unsure else True, why=self.unsure)):
            if part.connects is None:
                return part
        return Answer(connects=True)

    def judgements(self) -> list[Judgement]:
        """What each platform that the tier may run on makes of the chain."""
        return [
            trust.judge(
                self.chain,
                host=self.host if self.checks_name else None,
                at=self.at,
                anchors=self.roots,
                intermediates=self.intermediates,
                platform=platform,
                reissues=self.reissues,
            )
            for platform in PLATFORMS[self.tier]
        ]

    def _handshake(self) -> Answer:
        if not self.terms.changed and profiles.offer(self.profile) == profiles.offer(self.met):
            found = self.handshake
        else:
            found = self.terms.stands(profiles.offer(self.profile), self.key)
        if found is False:
            return Answer(connects=False, why="the handshake fails before a certificate is checked")
        return Answer(connects=found, why="" if found else "what the server makes of such a handshake was not observed")

    def _certificate(self) -> Answer:
        if not self.checks_name and not self.checks_chain:
            return Answer(connects=True)
        if not self.chain:
            return Answer(connects=None, why="the server's certificates were not seen")
        if not self.checks_chain:
            named = {trust.matches_host(self.chain[0], self.host, p) for p in PLATFORMS[self.tier]}
            return self._agreed(named, {_NAME})
        found = self.judgements()
        if self.unseen and any(j.statuses and j.statuses <= _OPEN for j in found):
            return Answer(connects=None, why=self.unseen)
        return self._agreed({j.accepted for j in found}, {s for j in found for s in j.statuses})

    def _agreed(self, answers: set[bool], statuses: set[str]) -> Answer:
        if answers == {True}:
            return Answer(connects=True)
        told = ", ".join(sorted(statuses))
        if answers == {False}:
            return Answer(connects=False, why=f"the certificate is refused: {told}")
        return Answer(connects=None, why=f"Windows and .NET on Linux judge this differently ({told})")

    def _client(self) -> Answer:
        if self.client_required:
            return Answer(connects=False, why="the server refuses a client without a certificate")
        if self.client_required is None:
            return Answer(
                connects=None, why="the server asks for a client certificate; whether it requires one was not learnt"
            )
        return Answer(connects=True)


_NAME = "RemoteCertificateNameMismatch"
_OPEN = frozenset({"PartialChain"})


def situation_of(case: Case, roots: tuple[bytes, ...], intermediates: tuple[bytes, ...]) -> Situation:
    """Things as they were observed."""
    shakes = case.evidence.handshakes if case.evidence else ()
    said = {h.client_cert_required for h in shakes if h.client_cert_requested}
    required = True if any(h.client_cert_required for h in shakes) else None if said == {None} else False
    return Situation(
        tier=case.gateway.tier,
        profile=case.gateway.profile,
        met=case.profile,
        handshake=case.handshake_stands,
        terms=terms_of(case),
        key=case.leaf.key if case.leaf else None,
        roots=roots,
        intermediates=intermediates,
        chain=case.evidence.chain if case.evidence else (),
        unseen="" if case.chain_whole else "what else the server sends was not seen, and may complete the chain",
        host=case.server_name,
        at=case.judged_at,
        client_required=required,
    )
