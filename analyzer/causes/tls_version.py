"""Scenario 3: the gateway and the server have no TLS version in common."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import sentence
from analyzer.causes.protocol import (
    answered,
    failed,
    hello_versions,
    not_asked,
    not_reached,
    other_voice,
    taken,
    unsure_switch,
    unsure_version,
)
from analyzer.causes.remedies import per_tier
from analyzer.model import Attribution, CauseName, Outcome, Reason, Remedy, Tier
from analyzer.probing import profiles
from analyzer.probing.settings import KEY_PREFIX


def judge(case: Case) -> Attribution:
    """The server chose a version outside the offer, or answers only hellos of other versions."""
    cause = CauseName.TLS_VERSION
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    offered = " and ".join(case.offered_versions)
    spoken = tuple(dict.fromkeys(h.version for h in answered(case) if h.version))
    common = [v for v in spoken if v in case.offered_versions]
    if common:
        return _in_common(case, common)
    if not failed(case):
        return answer(case, cause, probe=Says.NO, reasons=(sentence(case),))
    if spoken and not_asked(case, *spoken):
        return answer(case, cause, probe=Says.OPEN, missing=not_asked(case, *spoken))
    if spoken:
        cap = (*unsure_version(case, spoken), *other_voice(case))
        told = f"{_speaks(case, spoken)} The gateway offers only {offered}{taken(case, spoken[0])}."
        return answer(case, cause, probe=Says.YES, reasons=(told, sentence(case)), cap=cap)
    if case.first and case.first.alert == "protocol_version":
        doubt = Reason(origin="probe", text="none of the hellos tried found a version that the server does speak")
        cap = (doubt, *other_voice(case))
        return answer(case, cause, probe=Says.YES, reasons=(f"The server refuses {offered}.", sentence(case)), cap=cap)
    return answer(case, cause, probe=Says.OPEN, missing=f"no hello was answered in any version. {sentence(case)}")


def _in_common(case: Case, common: list[str]) -> Attribution:
    """Ruled out, unless the only version in common is one that this gateway may not offer."""
    cause = CauseName.TLS_VERSION
    own = profiles.version_names(case.gateway.profile)
    doubts = {v: (*unsure_switch(case, v), *(other_voice(case) if v not in own else ())) for v in common}
    sure = [v for v in common if not doubts[v]]
    if not sure:
        missing = f"The server speaks {common[0]}, but {doubts[common[0]][0].text}."
        return answer(case, cause, probe=Says.OPEN, missing=missing)
    told = f"The server speaks {sure[0]}, as the gateway does{taken(case, sure[0])}."
    return answer(case, cause, probe=Says.NO, reasons=(told,))


def _speaks(case: Case, spoken: tuple[str, ...]) -> str:
    """What the server's answers prove of its versions, and no more."""
    if case.first and case.first.outcome is Outcome.WRONG_VERSION:
        return f"Offered {' and '.join(case.offered_versions)}, the server chooses {spoken[0]}."
    refused = [h for h in (case.evidence.handshakes if case.evidence else ()) if h.alert == "protocol_version"]
    others = tuple(dict.fromkeys(v for h in refused for v in hello_versions(case, h) if v not in spoken))
    if "TLS 1.2" in others and spoken == ("TLS 1.3",):
        return "The server offers only TLS 1.3: it refuses a hello of TLS 1.2 or older with the alert protocol_version."
    if others:
        return f"The server speaks {' and '.join(spoken)} and refuses {' and '.join(others)}."
    return f"The server speaks {' and '.join(spoken)}."


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The server learns TLS 1.2; or the gateway TLS 1.3 where that is what is missing."""
    spoken = {h.version for h in answered(case)}
    if "TLS 1.2" in spoken:
        return (_tls12_back_on(case),)
    found = [Remedy(owner="backend", text="Enable TLS 1.2 on the server, with an ECDHE GCM suite.")]
    if "TLS 1.3" in spoken:
        portal = "Security > Protocols + ciphers > Backend protocol > TLS 1.3 > Enable; Save."
        found += per_tier(
            case,
            {
                Tier.CLASSIC: Remedy(
                    owner="gateway",
                    tier=Tier.CLASSIC,
                    text=portal,
                    caution="Takes 15 to 45 minutes or longer; Developer tier is down meanwhile. Backends that ask for a client certificate by renegotiation stop working.",
                ),
                Tier.V2: Remedy(
                    owner="gateway",
                    tier=Tier.V2,
                    text=portal,
                    caution="Microsoft's pages disagree on whether v2 tiers offer TLS 1.3 to backends: look whether the switch is there.",
                ),
                Tier.CONSUMPTION: Remedy(
                    owner="gateway",
                    tier=Tier.CONSUMPTION,
                    text=portal,
                    caution="Newer documentation says that TLS 1.3 is available in all tiers: look whether the switch is there.",
                ),
                Tier.SELF_HOSTED: Remedy(
                    owner="gateway",
                    tier=Tier.SELF_HOSTED,
                    text="TLS 1.3 is on by default: look for a container setting that turned it off, and redeploy without it.",
                ),
            },
        )
    elif spoken:
        found += per_tier(case, {tier: _older(tier) for tier in Tier})
    return tuple(dict.fromkeys(found))


def _older(tier: Tier) -> Remedy:
    """The version that the server has, switched on at the gateway; a container has no portal page."""
    last = "Last resort where the server cannot be changed: enable the older version"
    if tier is Tier.SELF_HOSTED:
        return Remedy(
            owner="gateway",
            tier=tier,
            text=f"{last} in the container's settings ({KEY_PREFIX}Security.Backend.Protocols.Tls11=true or Tls10=true), and redeploy.",
            caution="TLS 1.0 and 1.1 are not safe, and the OpenSSL settings of the container may forbid them all the same.",
        )
    return Remedy(
        owner="gateway",
        text=f"{last} under Security > Protocols + ciphers > Backend protocol.",
        caution="TLS 1.0 and 1.1 are retired for API Management since 2025: the switch may be without effect. They are not safe.",
    )


def _tls12_back_on(case: Case) -> Remedy:
    """The server has TLS 1.2, so the gateway has not: only a setting does that."""
    text = f"Switch TLS 1.2 towards backends on again: {KEY_PREFIX}Security.Backend.Protocols.Tls12=true"
    if case.gateway.tier is Tier.SELF_HOSTED:
        return Remedy(owner="gateway", text=f"{text} in the container's settings, and redeploy.")
    return Remedy(
        owner="gateway",
        text=f"{text} in the service's customProperties.",
        caution="The portal has no switch for it. Microsoft's texts disagree on whether a PATCH keeps the keys that it leaves out: "
        "read all customProperties, change this one, write all.",
    )


CAUSE = Cause(
    name=CauseName.TLS_VERSION,
    claim="The gateway and the server have no TLS version in common.",
    source="RFC 8446 section 4.2.1 and 6.2 (protocol_version); Microsoft: api-management-howto-manage-protocols-ciphers",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -tls1_2 </dev/null   # fails; then the same with -tls1_3",
)
