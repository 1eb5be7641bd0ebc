"""One gateway's settings and its findings in, what in these settings makes connections fail out: read from the settings, not from a probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from analyzer.model import CauseName, Certificate, Finding, Gateway, Outcome, Remedy, SettingsFinding, Tier
from analyzer.probing import profiles
from analyzer.settings.backends import Route
from analyzer.settings.gateways import Configured, GivenCa
from analyzer.settings.names import same_name, thumbprint

_OF_THE_ROOT = frozenset({CauseName.UNTRUSTED_ROOT, CauseName.SELF_SIGNED, CauseName.INCOMPLETE_CHAIN})
_PROTOCOLS = "Security > Protocols + ciphers"
_COST = "Takes 15 to 45 minutes or longer; the Developer tier is down meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the settings show, and the causes that it is a reason of."""

    finding: SettingsFinding
    causes: frozenset[CauseName]


def shown_by(
    configured: Configured,
    gateway: Gateway,
    findings: Sequence[Finding],
    routes: Mapping[str, Route],
) -> tuple[Shown, ...]:
    """Everything that this gateway's settings show; `findings` are its own, `routes` by cluster id what leads to each."""
    return (
        *_versions(configured, gateway, findings),
        *_suites(configured, gateway, findings),
        *_cas(configured, gateway, findings),
        *_pins(gateway, findings, routes),
        *_client_certificates(configured, gateway, findings, routes),
    )


def _shown(
    gateway: Gateway, text: str, clusters: Sequence[Finding], causes: frozenset[CauseName], *remedies: Remedy
) -> Shown:
    explains = tuple(f.cluster.id for f in clusters)
    return Shown(
        finding=SettingsFinding(gateway=gateway.id, text=text, explains=explains, remedies=remedies), causes=causes
    )


def _versions(configured: Configured, gateway: Gateway, findings: Sequence[Finding]) -> Iterator[Shown]:
    if "TLS 1.2" in profiles.version_names(gateway.profile) or "Tls12" not in gateway.told:
        return
    hit = [f for f in findings if f.lead.cause in (CauseName.TLS_VERSION, CauseName.CIPHER_SUITE)]
    text = f"TLS 1.2 towards backends is switched off in the settings of {configured.name}: backends that speak nothing newer refuse it."
    key = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.Tls12"
    how = (
        f"In the container's settings of the self-hosted gateway, set {key} to true, and deploy it again."
        if gateway.tier is Tier.SELF_HOSTED
        else f"Set {key} to true in the service's customProperties, with all its other properties as they are (infrastructure as code): the portal has no switch for it."
    )
    remedy = Remedy(
        owner="gateway", tier=gateway.tier, text=how, caution=_COST if gateway.tier is Tier.CLASSIC else None
    )
    yield _shown(gateway, text, hit, frozenset({CauseName.TLS_VERSION, CauseName.CIPHER_SUITE}), remedy)


def _suites(configured: Configured, gateway: Gateway, findings: Sequence[Finding]) -> Iterator[Shown]:
    """Suites that the settings switch off and that a backend was seen to choose: those are needed."""
    switches = profiles.switches(gateway.tier.value)
    offered = frozenset(profiles.suite_names(gateway.profile))
    off = {w for w in gateway.told if not profiles.is_protocol(w) and switches.get(w)} - {
        profiles.switch_of(suite) for suite in offered
    }
    needed: dict[str, list[Finding]] = {}
    for one in findings:
        shakes = [h for e in one.evidence[:1] for h in e.handshakes if h.outcome is Outcome.COMPLETED]
        taken = {s for h in shakes for s in (h.suite, *h.accepts) if s}
        if taken and taken.isdisjoint(offered):
            for suite in sorted(s for s in taken if profiles.switch_of(s) in off):
                needed.setdefault(suite, []).append(one)
    for suite, hit in needed.items():
        text = f"{suite} is switched off in the settings of {configured.name}, and the backend takes it."
        where = "the container's allowed suites" if gateway.tier is Tier.SELF_HOSTED else _PROTOCOLS
        remedy = Remedy(owner="gateway", tier=gateway.tier, text=f"Switch {suite} on again: {where}.", caution=_COST)
        yield _shown(gateway, text, hit, frozenset({CauseName.CIPHER_SUITE}), remedy)
    quiet = sorted(off - {profiles.switch_of(s) for s in needed})
    if quiet:
        more = f" and {len(quiet) - 6} more" if len(quiet) > 6 else ""
        text = f"Switched off in the settings of {configured.name}, on by default: {', '.join(quiet[:6])}{more}. No backend here was seen to need one."
        yield _shown(gateway, text, (), frozenset())


def _cas(configured: Configured, gateway: Gateway, findings: Sequence[Finding]) -> Iterator[Shown]:
    for ca in configured.cas:
        hit = [f for f in findings if _leads_to(f, ca)]
        failing = [f for f in hit if f.lead.cause in (*_OF_THE_ROOT, CauseName.EXPIRED)]
        name = f"“{ca.subject or ca.thumbprint}”"
        if not ca.counts:
            # the service's list is not meant for its self-hosted gateways: worth a word only where somebody counts on it
            if gateway.tier is not Tier.SELF_HOSTED or failing:
                yield _shown(
                    gateway,
                    f"The CA certificate {name} is among {ca.where}, and that has no effect here: {_WHY[gateway.tier]}.",
                    failing,
                    _OF_THE_ROOT,
                )
            continue
        last = max((f.cluster.last_seen for f in findings), default=None)
        if ca.expires is not None and last is not None and ca.expires < last:
            text = f"The CA certificate {name} among {ca.where} expired on {ca.expires:%Y-%m-%d}."
            remedy = Remedy(
                owner="gateway", text=f"Replace it by the CA's present certificate, or take it out of {ca.where}."
            )
            yield _shown(gateway, text, failing, frozenset({*_OF_THE_ROOT, CauseName.EXPIRED}), remedy)
        wrong = [f for f in failing if not ca.root and f.root is not None and thumbprint(f.root.der) == ca.thumbprint]
        if wrong:
            text = f"The root {name} was given as an intermediate, among {ca.where}: a root is trusted only in the root store."
            remedy = Remedy(
                owner="gateway", text="Add the same certificate with the store Root (self-hosted: isTrusted true)."
            )
            yield _shown(gateway, text, wrong, _OF_THE_ROOT, remedy)


_WHY = {
    Tier.V2: "the v2 tiers ignore the service's list; they take CA details on the backend entity (authorization credentials)",
    Tier.CONSUMPTION: "the Consumption tier takes no CA certificates",
    Tier.SELF_HOSTED: "a self-hosted gateway does not get the service's list; it has certificate authorities of its own",
    Tier.CLASSIC: "the gateway does not use that list",
}


def _leads_to(finding: Finding, ca: GivenCa) -> bool:
    """Whether the chain that the backend sends ends at that certificate, or was issued under its name."""
    if not finding.chain:
        return False
    met: tuple[Certificate, ...] = (*finding.chain, *((finding.root,) if finding.root else ()))
    if ca.thumbprint and any(thumbprint(c.der) == ca.thumbprint for c in met):
        return True
    return bool(ca.subject) and finding.root is None and same_name(finding.chain[-1].issuer) == same_name(ca.subject)


def _pins(gateway: Gateway, findings: Sequence[Finding], routes: Mapping[str, Route]) -> Iterator[Shown]:
    for one in findings:
        route = routes[one.cluster.id]
        if one.chain and route.pins and not route.pinned_names and thumbprint(one.chain[0].der) not in route.pins:
            text = (
                f"The {route.named} pins the server certificate {', '.join(route.pins)} (SHA-1), and the server of "
                f"{one.cluster.backend.label} sends {thumbprint(one.chain[0].der)}."
            )
            yield _shown(gateway, text, [one], frozenset({CauseName.CHAIN_CONSTRAINT}))


def _client_certificates(
    configured: Configured, gateway: Gateway, findings: Sequence[Finding], routes: Mapping[str, Route]
) -> Iterator[Shown]:
    causes = frozenset({CauseName.CLIENT_CERTIFICATE})
    for one in findings:
        route, label = routes[one.cluster.id], one.cluster.backend.label
        hit = [one] if one.lead.cause is CauseName.CLIENT_CERTIFICATE else []
        for certificate in route.client_certificates:
            if certificate.expires is not None and certificate.expires < one.cluster.last_seen:
                text = (
                    f"The client certificate {certificate.id} (“{certificate.subject}”), which a policy sends to {label}, expired on "
                    f"{certificate.expires:%Y-%m-%d}."
                )
                remedy = Remedy(
                    owner="gateway", text=f"Upload its successor as {certificate.id} (Security > Certificates)."
                )
                yield _shown(gateway, text, hit, causes, remedy)
        only_entity = [e.id for e in route.entities if e.client_certificates]
        if hit and only_entity and not route.client_certificates and not route.client_certificates_unknown:
            text = (
                f"Backend entity {', '.join(only_entity)} names a client certificate, and no policy sends one: on the entity alone it has "
                "no effect for HTTP backends."
            )
            yield _shown(gateway, text, hit, causes)
        elif hit and route.policies_known and not route.client_certificates and not route.client_certificates_unknown:
            yield _shown(gateway, f"No policy of the settings sends a client certificate to {label}.", hit, causes)
    yield from _unused(configured, gateway, findings)


def _unused(configured: Configured, gateway: Gateway, findings: Sequence[Finding]) -> Iterator[Shown]:
    """Expired certificates of the service that no policy is known to send; of the service, so said once for all its gateways."""
    service = configured.service
    sent = {
        name.rpartition("/")[2].replace(":", "").lower()
        for p in service.policies
        for name in p.policy.client_certificates
    }
    last = max((f.cluster.last_seen for f in findings), default=None)
    expired = [
        c
        for c in service.client_certificates
        if last is not None
        and c.expires is not None
        and c.expires < last
        and not {c.id.lower(), c.thumbprint} & sent
        and not _is_ca(configured, c.id)
    ]
    if expired and gateway.tier is not Tier.SELF_HOSTED:
        named = ", ".join(f"{c.id} ({c.expires:%Y-%m-%d})" for c in expired[:5] if c.expires)
        more = f" and {len(expired) - 5} more" if len(expired) > 5 else ""
        text = f"Certificates of {service.name} that have expired, and that no policy given here sends: {named}{more}."
        yield _shown(gateway, text, (), frozenset())


def _is_ca(configured: Configured, id_: str) -> bool:
    hosted = configured.service.self_hosted
    return any(id_.lower() in map(str.lower, (*h.trusted, *h.untrusted)) for h in hosted)
