"""What the diagnostic hellos found out where the gateway's own failed: shared by the causes of scenario 3 and the broken handshakes."""

from __future__ import annotations

from analyzer.causes.case import BEFORE_TLS, Case
from analyzer.causes.observed import no_chain, sentence
from analyzer.model import Handshake, Outcome, Reason, Tier
from analyzer.probing import iana, plan, profiles
from analyzer.probing.questions import DIAGNOSTIC
from analyzer.probing.settings import CREATED_OLD

_TLS13_UNSURE = (Tier.V2, Tier.CONSUMPTION)
_LEGACY = ("Tls11", "Tls10", "Ssl30")
NAME_DIFFERS = "The server accepts the gateway's hello without the server's name: what it dislikes is the name."


def answered(case: Case) -> tuple[Handshake, ...]:
    """Handshakes in which the server chose a version, whoever's hello it was."""
    return tuple(
        h
        for h in (case.evidence.handshakes if case.evidence else ())
        if h.version and h.outcome in (Outcome.COMPLETED, Outcome.WRONG_VERSION)
    )


def without_name(case: Case) -> bool:
    """Whether the gateway's hello is accepted once the server's name is left out: then nothing else of it is at fault."""
    return any(h.offer == plan.NO_SNI and h.outcome is Outcome.COMPLETED for h in case.diagnostic)


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
    if case.foreign and case.first is not None and case.first.outcome not in BEFORE_TLS:
        return f"what the gateway's own hello would meet was not seen. {sentence(case)}"
    return no_chain(case) if case.evidence is None or case.first is None else f"TLS was not reached: {sentence(case)}"


def hello_versions(case: Case, handshake: Handshake) -> tuple[str, ...]:
    """Versions that a handshake's hello offered, newest first; empty for a hello that is not one of ours."""
    if handshake.offer in (plan.GATEWAY, plan.NO_SNI):
        return case.offered_versions
    hello = DIAGNOSTIC.get(handshake.offer)
    return tuple(map(iana.version_name, hello.versions)) if hello else ()


def taken(case: Case, name: str) -> str:
    """The assumption, in brackets, where a verdict hangs on the switch of this version or suite and no setting spoke of it."""
    word = profiles.switch_of(name)
    if word not in profiles.switches(case.gateway.tier.value) or word in case.gateway.told or other_voice(case):
        return ""
    what = f"{name} towards backends" if profiles.is_protocol(word) else name
    own = case.gateway.profile
    is_on = name in (*profiles.version_names(own), *profiles.suite_names(own))
    dated = case.gateway.tier is Tier.CLASSIC and word in (*_LEGACY, "TripleDes168")
    created = case.gateway.created
    since = (
        f" of services created {'up to' if created and created <= CREATED_OLD else 'after'} {CREATED_OLD}"
        if dated
        else ""
    )
    return f" ({what} is taken as {'on' if is_on else 'off'}, the default{since})"


def other_voice(case: Case) -> tuple[Reason, ...]:
    """What the server makes of another gateway's hello does not confirm what it makes of this one's."""
    if profiles.offer(case.profile) == profiles.offer(case.gateway.profile):
        return ()
    text = (
        f"the evidence was collected with the hello of {case.profile}, and this gateway's is {case.gateway.profile}: "
        "give `probe` and `analyze` the same --gateway and --setting"
    )
    return (Reason(origin="settings", text=text),)


def not_asked(case: Case, *chosen: str | None) -> str:
    """Why a hello that lacked a version or suite decides nothing: the gateway's own has it, and that one was not sent."""
    own = (*profiles.version_names(case.gateway.profile), *profiles.suite_names(case.gateway.profile))
    found = [name for name in chosen if name in own]
    voice = other_voice(case)
    return f"The server accepts {found[0]}, which this gateway offers; {voice[0].text}." if found and voice else ""


def unsure_version(case: Case, spoken: tuple[str, ...]) -> tuple[Reason, ...]:
    """Whether v2 and Consumption offer TLS 1.3 to backends is where Microsoft's own pages disagree."""
    tier = case.gateway.tier
    if "TLS 1.3" not in spoken or tier not in _TLS13_UNSURE or "Tls13" in case.gateway.told:
        return ()
    text = (
        f"Microsoft's pages disagree on whether the {tier.value} tier offers TLS 1.3 to backends: taken as not offered"
    )
    return (Reason(origin="settings", text=text),)


def unsure_switch(case: Case, version: str | None) -> tuple[Reason, ...]:
    """A version that is switched on here, where the switch may have no effect."""
    tier = case.gateway.tier
    if version == "TLS 1.3" and tier in _TLS13_UNSURE:
        text = f"it is not certain that the {tier.value} tier offers TLS 1.3 to backends, though it is switched on"
    elif version is not None and profiles.switch_of(version) in _LEGACY:
        text = f"{version} is retired for API Management since 2025: it is switched on, and the switch may be without effect"
    else:
        return ()
    return (Reason(origin="settings", text=text),)


def unsure_list(case: Case, suite: str | None = None, version: str | None = None) -> tuple[Reason, ...]:
    """Where the facts leave open what this tier offers, a verdict that hangs on it is at most likely."""
    tier, texts = case.gateway.tier, list[str]()
    if tier is Tier.CLASSIC and suite is not None and suite.startswith("TLS_DHE_"):
        texts.append(
            "DHE suites are in none of API Management's published lists, though Windows Server enables two: taken as not offered"
        )
    if tier is Tier.CLASSIC and "TLS 1.3" in case.offered_versions:
        texts.append("the shape of this tier's hello with TLS 1.3 is inferred: no capture of one is known")
    if tier in (Tier.V2, Tier.CONSUMPTION):
        texts.append(
            f"the list of suites that the {tier.value} tier offers is not documented: the suites that classic and self-hosted share were offered"
        )
    if tier is Tier.SELF_HOSTED:
        texts.append(
            "the self-hosted gateway's documented list was offered; its container's OpenSSL settings may allow fewer suites"
        )
    found = tuple(Reason(origin="settings", text=text) for text in texts)
    return (*found, *unsure_switch(case, version), *other_voice(case))
