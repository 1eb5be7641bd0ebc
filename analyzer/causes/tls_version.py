"""Scenario 3: the gateway and the server have no TLS version in common."""

from analyzer.causes.case import Case
from analyzer.causes.cause import Cause, Says, answer
from analyzer.causes.observed import sentence
from analyzer.causes.protocol import answered, failed, not_reached, unsure_version
from analyzer.causes.remedies import per_tier
from analyzer.model import Attribution, CauseName, Reason, Remedy, Tier


def judge(case: Case) -> Attribution:
    """The server chose a version outside the offer, or answers only hellos of other versions."""
    cause = CauseName.TLS_VERSION
    if failed(case) is None:
        return answer(case, cause, probe=Says.OPEN, missing=not_reached(case))
    offered = " and ".join(case.offered_versions)
    if not failed(case):
        return answer(
            case,
            cause,
            probe=Says.NO,
            reasons=(f"The handshake stands in {case.first.version if case.first else offered}.",),
        )
    spoken = tuple(dict.fromkeys(h.version for h in answered(case) if h.version))
    if spoken and not set(spoken) & set(case.offered_versions):
        told = f"The server speaks {' and '.join(spoken)}; the gateway offers only {offered}."
        return answer(case, cause, probe=Says.YES, reasons=(told, sentence(case)), cap=unsure_version(case, spoken))
    if spoken:
        common = next(v for v in spoken if v in case.offered_versions)
        return answer(case, cause, probe=Says.NO, reasons=(f"The server speaks {common}, as the gateway does.",))
    if case.first and case.first.alert == "protocol_version":
        doubt = Reason(origin="probe", text="none of the hellos tried found a version that the server does speak")
        return answer(
            case, cause, probe=Says.YES, reasons=(f"The server refuses {offered}.", sentence(case)), cap=(doubt,)
        )
    return answer(case, cause, probe=Says.OPEN, missing=f"no hello was answered in any version. {sentence(case)}")


def remedies(case: Case) -> tuple[Remedy, ...]:
    """The server learns TLS 1.2; or the gateway TLS 1.3 where that is what is missing."""
    spoken = {h.version for h in answered(case)}
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
        found.append(
            Remedy(
                owner="gateway",
                text="Last resort where the server cannot be changed: enable the older version under Security > Protocols + ciphers > Backend protocol.",
                caution="TLS 1.0 and 1.1 are retired for API Management since 2025: the switch may be without effect. They are not safe.",
            )
        )
    return tuple(found)


CAUSE = Cause(
    name=CauseName.TLS_VERSION,
    claim="The gateway and the server have no TLS version in common.",
    source="RFC 8446 section 4.2.1 and 6.2 (protocol_version); Microsoft: api-management-howto-manage-protocols-ciphers",
    judge=judge,
    remedies=remedies,
    proof="openssl s_client -connect HOST:PORT -servername HOST -tls1_2 </dev/null   # fails; then the same with -tls1_3",
)
