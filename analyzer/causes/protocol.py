"""What the diagnostic hellos found out where the gateway's own failed: shared by the causes of scenario 3 and the broken handshakes."""

from __future__ import annotations

from analyzer.causes.case import Case
from analyzer.causes.observed import no_chain, sentence
from analyzer.model import Handshake, Outcome, Reason, Tier


def answered(case: Case) -> tuple[Handshake, ...]:
    """Handshakes in which the server chose a version, whoever's hello it was."""
    return tuple(
        h
        for h in (case.evidence.handshakes if case.evidence else ())
        if h.version and h.outcome in (Outcome.COMPLETED, Outcome.WRONG_VERSION)
    )


def in_offered_version(case: Case) -> Handshake | None:
    """A diagnostic handshake that stood in a version the gateway offers too: so what differs is the suite or a parameter."""
    return next(
        (h for h in case.diagnostic if h.outcome is Outcome.COMPLETED and h.version in case.offered_versions), None
    )


def failed(case: Case) -> bool | None:
    """Whether the gateway's own handshake failed once TCP stood; None: TLS was not reached, or nothing was probed."""
    stands = case.handshake_stands
    return None if stands is None else not stands


def not_reached(case: Case) -> str:
    """Why the handshake could not be judged."""
    return no_chain(case) if case.evidence is None or case.first is None else f"TLS was not reached: {sentence(case)}"


def unsure_version(case: Case, spoken: tuple[str, ...]) -> tuple[Reason, ...]:
    """Whether v2 and Consumption offer TLS 1.3 to backends is where Microsoft's own pages disagree."""
    if "TLS 1.3" not in spoken or case.gateway.tier not in (Tier.V2, Tier.CONSUMPTION):
        return ()
    text = f"Microsoft's pages disagree on whether the {case.gateway.tier.value} tier offers TLS 1.3 to backends: taken as not offered"
    return (Reason(origin="settings", text=text),)


def unsure_list(case: Case, suite: str | None = None) -> tuple[Reason, ...]:
    """Where the facts leave open what this tier offers, a verdict that hangs on it is at most likely."""
    tier = case.gateway.tier
    if tier is Tier.CLASSIC and suite is not None and suite.startswith("TLS_DHE_"):
        text = "DHE suites are in none of API Management's published lists, though Windows Server enables two: taken as not offered"
    elif tier in (Tier.V2, Tier.CONSUMPTION):
        text = f"the list of suites that the {tier.value} tier offers is not documented: the suites that classic and self-hosted share were offered"
    elif tier is Tier.SELF_HOSTED:
        text = "the self-hosted gateway's documented list was offered; its container's OpenSSL settings may allow fewer suites"
    else:
        return ()
    return (Reason(origin="settings", text=text),)
