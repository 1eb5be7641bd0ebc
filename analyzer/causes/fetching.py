"""Which of the issuers that a server omits a gateway can fetch by itself: from case to words, and to whether the omission explains anything.

Windows and .NET look for a missing issuer at the caIssuers addresses of the certificate below it, over plain HTTP (rule 4; RFC 5280
section 4.2.2.1; dotnet/runtime, OpenSslX509ChainProcessor.cs).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from analyzer.causes.case import Case
from analyzer.causes.observed import name
from analyzer.model import Aia, Certificate, Collected, Fetched, Kind

_NAME = "RemoteCertificateNameMismatch"

_IN_WORDS = {
    Fetched.FETCHED: "another certificate than its issuer's",
    Fetched.NOT_HTTP: "not over plain HTTP",
    Fetched.FORBIDDEN: "not asked, its address may not be probed",
    Fetched.NO_ANSWER: "no answer",
    Fetched.NOT_FOUND: "not found",
    Fetched.NOT_A_CERTIFICATE: "no certificate",
    Fetched.TOO_LARGE: "too large an answer",
    Fetched.NOT_ASKED: "not asked",
}
_OURS = frozenset({Fetched.FORBIDDEN, Fetched.NOT_ASKED})
"""Outcomes that say nothing of what the gateway would meet."""

_ANSWERED = frozenset(
    {Fetched.FETCHED, Fetched.NOT_HTTP, Fetched.NOT_FOUND, Fetched.NOT_A_CERTIFICATE, Fetched.TOO_LARGE}
)
"""Outcomes that a server's own answer led to: from a public address they are the same wherever one stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What is known of fetching the issuers that the server omits."""

    told: str = ""  # a sentence; "" where nothing is omitted or nothing was seen
    got: tuple[Certificate, ...] = ()  # the issuers that the probe fetched, from the one above the last sent upwards
    asks: tuple[str, ...] = ()  # addresses that the gateway must reach; empty: none could help
    doubts: tuple[str, ...] = ()  # what keeps "the gateway cannot fetch it" from being certain
    explains_nothing: str = ""  # why the omission alone does not explain a failure; "": it may


def omitted(case: Case) -> tuple[Certificate, ...]:
    """The issuers without a root above the last certificate sent, as far as they were seen anywhere, nearest first."""
    shape = case.shape
    if shape is None or shape.reaches_anchor:
        return ()
    return shape.completes_with or tuple(c for c in shape.above if not c.self_signed)


def source(case: Case, certificate: Certificate) -> str | None:
    """The address that the probe of this backend fetched a certificate from; None: it did not."""
    found = case.evidence.aia if case.evidence else ()
    return next((a.url for a in found if a.der == certificate.der), None)


def fetching(case: Case) -> Fetching:
    """What the probe's own fetching, and where it stood, say of what the gateway can fetch."""
    shape, evidence = case.shape, case.evidence
    if shape is None or evidence is None or shape.top.self_signed or shape.reaches_anchor:
        return Fetching()
    missing = omitted(case)
    count = next((n for n, c in enumerate(missing) if source(case, c) is None), len(missing))
    got = missing[:count]
    asks = tuple(url for url in (source(case, c) for c in got) if url)
    if got and count == len(missing):
        return _fetched(case, evidence.collected, got, asks)
    lacking = got[-1] if got else shape.top
    http = [url for url in lacking.aia if url.lower().startswith("http://")]
    told = f"{_names(got)} can be fetched from {', '.join(asks)}, but not what stands above. " if got else ""
    if not http:
        where = (
            f"only {', '.join(lacking.aia)}, and they fetch over plain HTTP only"
            if lacking.aia
            else "no address to fetch it from"
        )
        return Fetching(
            told=f"{told}Windows and .NET cannot fetch its issuer: the certificate {name(lacking)} gives {where}.",
            got=got,
        )
    tried = {url: [a for a in evidence.aia if a.url == url] for url in http}
    unsettled = [url for url, found in tried.items() if not _settled(case, found)]
    if not unsettled:
        answers = "; ".join(f"{url}: {_words(tried[url])}" for url in http)
        where = "in the gateway's network " if evidence.collected.vantage == "gateway" else ""
        told += (
            f"Windows and .NET cannot fetch its issuer: the probe on {evidence.collected.host} {where}met {answers}."
        )
        lasting = all(_answered(found) for found in tried.values())
        return Fetching(told=told, got=got, asks=() if lasting else (*asks, *http))
    met = "; ".join(f"{url}: {_words(found)}" for url, found in tried.items() if found)
    doubt = (
        f"the gateway may fetch the missing issuer from {unsettled[0]}: whether it can reach that address decides "
        "(outbound port 80, firewall, proxy), and was not observed"
        + (f" (the probe on {evidence.collected.host}: {met})" if met else "")
    )
    return Fetching(told=told.strip(), got=got, asks=(*asks, *http), doubts=(doubt,))


def _fetched(case: Case, collected: Collected, got: tuple[Certificate, ...], asks: tuple[str, ...]) -> Fetching:
    """Everything that is missing was fetched by the probe."""
    near = collected.vantage == "gateway"
    told = f"Windows and .NET can fetch {'it' if len(got) == 1 else 'them'} from {' and '.join(asks)}, as the probe on {collected.host} did"
    refused = sorted(case.fetching.statuses - {_NAME}) if case.fetching else []
    if refused:
        doubt = f"with what was fetched the chain is refused all the same ({', '.join(refused)})"
        return Fetching(told=f"{told}.", got=got, asks=asks, doubts=(doubt,))
    if not near:
        doubt = (
            f"whether the gateway's network lets it reach {' and '.join(asks)} (outbound port 80, firewall, proxy) decides, and was "
            f"not observed: the probe ran on {collected.host}"
        )
        return Fetching(told=f"{told}.", got=got, asks=asks, doubts=(doubt,))
    told += " in the gateway's network"
    if Kind.INCOMPLETE_CHAIN in case.kinds:
        doubt = (
            "the probe could fetch it, and the gateway's own words are that it found no issuer: whether the gateway's own "
            "outbound port 80 and proxy are those of the probe decides"
        )
        return Fetching(told=f"{told}.", got=got, asks=asks, doubts=(doubt,))
    why = (
        "so the omission alone does not explain a failure. What decides: whether the gateway itself got an answer from there at "
        "that time (its own outbound port 80 and proxy may differ, and instances differ in what they have cached)"
    )
    return Fetching(told=f"{told}.", got=got, asks=asks, explains_nothing=why)


def _settled(case: Case, found: list[Aia]) -> bool:
    """Whether what the probe met at one address is what the gateway meets."""
    if not found or any(a.outcome in _OURS for a in found) or case.evidence is None:
        return False
    if case.evidence.collected.vantage == "gateway":
        return True
    return _answered(found) and all(a.address is not None and _is_public(a.address) for a in found)


def _answered(found: list[Aia]) -> bool:
    return bool(found) and all(a.outcome in _ANSWERED for a in found)


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _words(found: list[Aia]) -> str:
    one = found[0] if found else None
    if one is None:
        return "not asked"
    return _IN_WORDS[one.outcome] + (f" ({one.detail})" if one.detail else "")


def _names(certificates: tuple[Certificate, ...]) -> str:
    return ", ".join(map(name, certificates))
