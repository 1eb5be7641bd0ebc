"""The one sentence of an incident that somebody who reads nothing else understands: how many fail, why, and what mends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from analyzer.incidents.shared import Share, Shared, shown_name
from analyzer.model import CauseName, Finding, Gateway, State, Tier, TierFrom, Verdict

_WHY = {
    "name_mismatch": "the certificate{of} does not name {them}",
    "untrusted_root": "{their} certificate{s} lead{ss} to the CA{of}, which the gateway{gs} do{es} not trust",
    "self_signed": "{their} certificate{of} is signed by itself and the gateway{gs} w{ere} not given it",
    "incomplete_chain": "{their} server{s} leave{ss} out the intermediate certificate{of}",
    "expired": "the {ca}certificate{of} expired{expiry}",
    "not_yet_valid": "the {ca}certificate{of} is not valid {start}",
    "wrong_usage": "the {ca}certificate{of} is not issued for servers",
    "chain_constraint": "the certificate{of} breaks a rule of certificate validation",
    "weak_signature": "the {ca}certificate{of} carries a signature that is no longer accepted",
    "weak_key": "the {ca}certificate{of} has a key that is too short to be accepted",
    "tls_version": "{their} server{s} and the gateway{gs} have no TLS version in common",
    "cipher_suite": "{their} server{s} and the gateway{gs} have no cipher suite in common",
    "tls_parameters": "{their} server{s} and the gateway{gs} have no key-exchange group or signature algorithm in common",
    "client_certificate": "{their} server{s} demand{ss} a client certificate that the gateway{gs} do{es} not present",
    "server_name": "{their} server{s} answer{ss} rightly only to another name than the gateway{gs} ask{ess} for",
    "not_tls": "{their} server{s} do{sss} not speak TLS on that port",
    "handshake_aborted": "{their} server{s} end{ss} the TLS handshake without saying why",
    "dns": "{their} name{s} do{sss} not resolve",
    "refused": "{their} server{s} refuse{ss} the connection",
    "unreachable": "the network finds no way to {them}",
    "timeout": "{their} server{s} do{sss} not answer in time",
    "reset": "the connection is reset as soon as TLS begins",
    "snat_exhaustion": "the gateway{gs} run{ess} out of outbound ports",
    "hairpin": "the gateway{gs} call{ess} {itself}, which {its} load balancer does not carry",
    "body_transfer": "the answer breaks off on its way",
}
"""Cause → why, after "because"; the braces are filled by number."""

_MENDED = {
    "name_mismatch": "one certificate that names {them} mends {them}",
    "self_signed": "a certificate of a CA that the gateway{gs} trust{ess} mends {them}",
    "expired": "one renewal mends {them}",
    "not_yet_valid": "one certificate that is valid now mends {them}",
    "wrong_usage": "one certificate issued for servers mends {them}",
    "chain_constraint": "one rightly issued certificate mends {them}",
    "weak_signature": "one certificate signed with SHA-256 mends {them}",
    "weak_key": "one certificate with a key of 2,048 bits or more mends {them}",
    "tls_version": "TLS 1.2 on {the_server} mends {them}",
    "cipher_suite": "a common cipher suite on {the_server} mends {them}",
    "tls_parameters": "a common curve on {the_server} mends {them}",
    "client_certificate": "one client certificate, presented by a policy, mends {them}",
    "server_name": "the right Host header mends {them}",
    "not_tls": "the right port, or http instead of https, in the backend URL mends {them}",
    "handshake_aborted": "the TLS log of {the_server} tells what to mend",
    "dns": "records that the gateway's own resolver sees mend {them}",
    "refused": "starting {the_server}, or the firewall's rule before it, mends {them}",
    "unreachable": "a route from the gateway's network mends {them}",
    "timeout": "a way through firewalls and routes to {the_server} mends {them}",
    "reset": "what stands before {the_server} and cuts it must let the gateway's TLS pass",
    "snat_exhaustion": "more outbound ports for the gateway{gs} (a NAT gateway, more units) mend {them}",
    "hairpin": "another way to the same API mends {them}",
    "body_transfer": "the log of {the_server} tells what to mend",
}
"""Cause → the one change; `untrusted_root` and `incomplete_chain` depend on the tiers."""


def title_of(cause: CauseName, shared: Shared, members: Sequence[Finding], gateways: Mapping[str, Gateway]) -> str:
    """The sentence; `members` are the incident's findings, worst first, `gateways` those that are known, by id."""
    labels = dict.fromkeys(f.cluster.backend.label for f in members)
    ids = dict.fromkeys(f.cluster.gateway for f in members)
    many, who = len(labels) > 1, f"{len(labels)} backends" if len(labels) > 1 else shown_name(next(iter(labels)))
    behind = f" behind {len(ids)} gateways" if len(ids) > 1 else " behind one gateway" if many else ""
    if cause is CauseName.NOT_REPRODUCED:
        return f"{who}{behind} failed, and {'answer' if many else 'answers'} as {'they' if many else 'it'} should when asked now."
    if all(f.lead.verdict not in (Verdict.CONFIRMED, Verdict.LIKELY) for f in members):
        return _open(shared, f"{who}{behind}", many=many)
    over = all(f.cluster.state is State.STOPPED for f in members)
    words = _words(shared, members, many=many, gateways=len(ids))
    likely = "" if any(f.lead.verdict is Verdict.CONFIRMED for f in members) else ", probably"
    verb = "failed" if over else "fail" if many else "fails"
    why = _WHY.get(cause.value, "of " + cause.value.replace("_", " ")).format_map(words)
    if shared.kind is Share.GATEWAY and cause.value in ("tls_version", "cipher_suite"):
        why = "a setting of the gateway leaves it no TLS version or cipher suite in common with {their} server{s}".format_map(
            words
        )
    together = f", all beginning in the hour of {shared.name} UTC" if shared.kind is Share.ONSET else ""
    said = f"{who}{behind} {verb}{likely} because {why}{together}"
    if over:
        last = max(f.cluster.last_seen for f in members)
        return f"{said}; the failures stopped on {_day(last)}: verify, and watch."
    mended = _mended(cause, shared, [gateways[i] for i in ids if i in gateways], words, many=many)
    return f"{said}; {mended}." if mended else f"{said}."


def _open(shared: Shared, who: str, *, many: bool) -> str:
    them = "them" if many else "it"
    if shared.kind is Share.PROXY and shared.key.startswith("proxy"):
        return f"Why {who} {'fail' if many else 'fails'} is not known, because the proxy {shared.name} gave the probe no connection to {them}."
    if shared.kind is Share.PROXY:
        return (
            f"Why {who} {'fail' if many else 'fails'} is not known, because TLS is inspected on the probe's way and “{shared.name}” "
            f"answers in {'their' if many else 'its'} place; one probe inside the gateway's network decides."
        )
    return f"{who} {'fail' if many else 'fails'}, and why is not known yet."


def _words(shared: Shared, members: Sequence[Finding], *, many: bool, gateways: int) -> dict[str, str]:
    """What fills the braces: the numbers of backends and gateways, the certificate's name and dates."""
    several, certificate = gateways > 1, shared.certificate
    named = bool(shared.name) and shared.kind in (Share.CA, Share.CERTIFICATE)
    is_ca = certificate is not None and certificate.is_ca
    one_server = shared.kind is Share.ADDRESS
    return {
        "them": "them" if many else "it",
        "their": "their" if many else "its",
        "s": "s" if many and not one_server else "",
        "ss": "" if many and not one_server else "s",
        "sss": "" if many and not one_server else "es",
        "gs": "s" if several else "",
        "es": "" if several else "es",
        "ess": "" if several else "s",
        "ere": "ere" if several else "as",
        "itself": "themselves" if several else "itself",
        "its": "their" if several else "its",
        "of": f" “{shared.name}”" if named else "",
        "ca": "CA " if is_ca else "",
        "expiry": f" on {_day(certificate.not_after)}" if certificate else "",
        "start": f"before {_day(certificate.not_before)}" if certificate else "yet",
        "the_server": _server(shared, members, many=many),
    }


def _server(shared: Shared, members: Sequence[Finding], *, many: bool) -> str:
    if shared.kind is Share.ADDRESS and many:
        return f"the one server at {shared.name}"
    return "each server" if many and len(members) > 1 else "the server"


def _mended(
    cause: CauseName, shared: Shared, gateways: Sequence[Gateway], words: Mapping[str, str], *, many: bool
) -> str:
    if shared.kind is Share.ONSET:
        return "look for one change in the network at that time"
    if shared.kind is Share.GATEWAY and cause.value in ("tls_version", "cipher_suite"):
        return "switching it back mends {them}".format_map(words)
    if cause is CauseName.UNTRUSTED_ROOT:
        return _given(gateways, many=many)
    if cause is CauseName.INCOMPLETE_CHAIN:
        servers = "sending it along from {the_server} mends {them}".format_map(words)
        one_upload = many and all(_is(g, Tier.CLASSIC) for g in gateways) and len(gateways) == 1
        return f"{servers}, or one upload of it to the gateway" if one_upload else servers
    return _MENDED.get(cause.value, "").format_map(words)


def _given(gateways: Sequence[Gateway], *, many: bool) -> str:
    """How a root gets to the gateways: one upload on classic tiers, elsewhere otherwise."""
    them, several = "them" if many else "it", len(gateways) > 1
    if gateways and all(_is(g, Tier.CLASSIC) for g in gateways):
        return f"one upload of that CA's certificate{' to each gateway' if several else ''} mends {them}"
    if gateways and all(_is(g, Tier.V2) for g in gateways):
        return f"that CA's details on {'each' if many else 'the'} backend's entity mend {them}"
    if gateways and all(_is(g, Tier.CONSUMPTION) for g in gateways):
        return f"only a certificate of a public CA mends {them}"
    way = ", each in the way of its tier," if several else ""
    return f"giving that CA's certificate to {'each' if several else 'the'} gateway{way} mends {them}"


def _is(gateway: Gateway, tier: Tier) -> bool:
    return gateway.tier is tier and gateway.tier_from is not TierFrom.ASSUMED


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
