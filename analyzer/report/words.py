"""How the report calls things: from enums, times and numbers to plain English, the same in every output."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from analyzer.model import (
    EXPORTED,
    OTHER_VOICES,
    Attribution,
    Backend,
    CauseName,
    Collected,
    Evidence,
    Gateway,
    Outcome,
    Report,
    State,
    Tier,
    TierFrom,
    Verdict,
    Window,
)
from analyzer.report.plain import elided

CAUSES = {
    CauseName.NAME_MISMATCH: "certificate is for another name",
    CauseName.UNTRUSTED_ROOT: "root not given to the gateway",
    CauseName.SELF_SIGNED: "self-signed certificate not given to the gateway",
    CauseName.INCOMPLETE_CHAIN: "intermediate certificate not sent",
    CauseName.EXPIRED: "certificate expired",
    CauseName.NOT_YET_VALID: "certificate not yet valid",
    CauseName.WEAK_SIGNATURE: "certificate signed over a broken hash",
    CauseName.WEAK_KEY: "key of a certificate too short",
    CauseName.WRONG_USAGE: "certificate not issued for servers",
    CauseName.CHAIN_CONSTRAINT: "chain breaks a rule of one of its CAs",
    CauseName.TLS_VERSION: "no TLS version in common",
    CauseName.CIPHER_SUITE: "no cipher suite in common",
    CauseName.TLS_PARAMETERS: "no key exchange or signature algorithm in common",
    CauseName.CLIENT_CERTIFICATE: "client certificate required",
    CauseName.SERVER_NAME: "server refuses the name sent (SNI)",
    CauseName.NOT_TLS: "port does not speak TLS",
    CauseName.HANDSHAKE_ABORTED: "server breaks off the handshake",
    CauseName.DNS: "name does not resolve",
    CauseName.REFUSED: "connection refused",
    CauseName.UNREACHABLE: "address unreachable",
    CauseName.HAIRPIN: "gateway calls itself through its load balancer",
    CauseName.SNAT_EXHAUSTION: "source ports exhausted (SNAT)",
    CauseName.IDLE_TIMEOUT: "idle connection cut after four minutes",
    CauseName.BODY_TRANSFER: "answer broke off after its headers",
    CauseName.TIMEOUT: "no answer in time",
    CauseName.RESET: "connection reset",
    CauseName.NOT_REPRODUCED: "healthy when probed",
    CauseName.UNKNOWN: "cause not known",
}

VERDICTS = {
    Verdict.CONFIRMED: "confirmed",
    Verdict.LIKELY: "likely",
    Verdict.UNKNOWN: "unknown",
    Verdict.RULED_OUT: "ruled out",
}

STATES = {
    State.ONGOING: "still failing",
    State.STOPPED: "stopped",
    State.INTERMITTENT: "comes and goes",
    State.UNKNOWN: "not known whether it goes on",
}

TIERS = {
    Tier.CLASSIC: "classic tier",
    Tier.V2: "v2 tier",
    Tier.CONSUMPTION: "Consumption tier",
    Tier.SELF_HOSTED: "self-hosted",
}

TIERS_FROM = {
    TierFrom.SETTINGS: "from its settings",
    TierFrom.SKU: "from the log",
    TierFrom.TEXT: "from the wording of its errors",
    TierFrom.OPTION: "as told",
    TierFrom.ASSUMED: "assumed",
}

OUTCOMES = {
    Outcome.COMPLETED: "server's answer complete",
    Outcome.WRONG_VERSION: "chose a version that was not offered",
    Outcome.WRONG_SUITE: "chose a cipher suite that was not offered",
    Outcome.ALERT: "refused with an alert",
    Outcome.CLOSED: "closed without an alert",
    Outcome.RESET: "connection reset",
    Outcome.SILENT: "no answer before the deadline",
    Outcome.NOT_TLS: "answered in another protocol",
    Outcome.MALFORMED: "broke the TLS protocol",
    Outcome.TOO_LARGE: "sent more than any handshake has",
    Outcome.NAME_NOT_FOUND: "the name does not exist",
    Outcome.RESOLVER_FAILED: "the resolver gave no answer",
    Outcome.REFUSED: "connection refused",
    Outcome.UNREACHABLE: "address unreachable",
    Outcome.CONNECT_TIMEOUT: "no connection before the deadline",
    Outcome.CONNECT_FAILED: "this machine could not connect",
    Outcome.PROXY_FAILED: "the proxy gave no connection",
    Outcome.FORBIDDEN: "address not allowed: nothing was sent",
}

OWNERS = {"backend": "Backend team", "gateway": "API Management team", "network": "Network team"}

ORIGINS = {"log": "The gateway's log", "probe": "The probe", "settings": "Settings and tier"}

VANTAGES = {
    "gateway": "in the gateway's network",
    "outside": "outside the gateway's network",
    "unstated": "not stated whether in the gateway's network",
}

CONNECTS = {True: "yes", False: "no", None: "not known"}


def cause(attribution: Attribution) -> str:
    """The cause with its scenario, as one phrase."""
    scenario = f" (scenario {attribution.scenario})" if attribution.scenario else ""
    return f"{CAUSES[attribution.cause]}{scenario}"


def label(backend: Backend) -> str:
    """What a backend is called, no longer than a reader can take in."""
    return elided(backend.label, 120)


def gateway(one: Gateway) -> str:
    """A gateway's name and region."""
    return elided(", ".join(part for part in (one.name or one.id, one.region) if part), 120)


def place(collected: Collected) -> str:
    """Where evidence was collected."""
    host = "a machine that is not named" if collected.host == "unstated" else collected.host
    return f"{host}, {VANTAGES.get(collected.vantage, VANTAGES['unstated'])}"


def voice(evidence: Evidence) -> str:
    """In whose voice the backend was asked, as the end of a sentence; that it was not, where a certificate was exported."""
    first = evidence.first
    if first is None or first.offer not in OTHER_VOICES:
        return f"in the voice of a {evidence.profile} gateway"
    if first.offer == EXPORTED:
        return "read from a file: no connection was observed"
    return f"in {OTHER_VOICES[first.offer]}'s voice, not a gateway's"


def has_switches(profile: str) -> bool:
    """Whether a hello differs from its tier's own: only then is it worth a word."""
    return profile not in set(Tier)


def asked_of(evidence: Evidence) -> str:
    """One evidence as a phrase: the address, by whom and when it was asked, by what resolver and proxy, and what it met."""
    by, first = evidence.collected, evidence.first
    resolver = f", resolver {by.resolver}" if by.resolver else ""
    proxy = f", through the proxy {evidence.proxy}" if evidence.proxy else ""
    hello = f", hello: {evidence.profile}" if has_switches(evidence.profile) else ""
    met = OUTCOMES[first.outcome] if first else "nothing was tried"
    if first is not None and first.offer in OTHER_VOICES:
        met = voice(evidence) if first.offer == EXPORTED else f"{met} ({by.tool})"
    return f"{evidence.address or 'no address'} from {place(by)}, {when(by.at)}{resolver}{proxy}{hello}: {met}"


def capital(text: str) -> str:
    """With its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def when(moment: datetime) -> str:
    """To the minute, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def asked(window: Window) -> str:
    """The window that was asked for: half-open, or all there is."""
    if window.start and window.end:
        return f"{when(window.start)} to before {when(window.end)}"
    if window.start:
        return f"from {when(window.start)} on"
    return f"before {when(window.end)}" if window.end else "all times"


def iso(moment: datetime) -> str:
    """ISO 8601, UTC, with Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 failure`, `1,234 failures`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def rest(report: Report) -> str:
    """The clusters that were only counted, as one sentence; "" where every cluster was judged."""
    left = report.rest
    if not left.clusters:
        return ""
    return f"{count(left.clusters, 'more cluster')} with {count(left.failures, 'failure')}, counted, not judged: see clusters.csv."


def listed(items: Iterable[str], most: int = 3) -> str:
    """The first few of the distinct items, and how many more there are."""
    unique = list(dict.fromkeys(items))
    if len(unique) > most:
        return f"{', '.join(unique[:most])} and {len(unique) - most} more"
    return " and ".join(filter(None, (", ".join(unique[:-1]), *unique[-1:])))
