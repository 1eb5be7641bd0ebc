"""A certificate's DER in, what a report and a cause need to know of it out."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from analyzer.model import Certificate
from analyzer.trust import extensions as ext
from analyzer.trust import names, signatures, usage
from analyzer.trust.decoded import Decoded, decode
from analyzer.trust.der import Malformed
from analyzer.trust.distinguished import COMMON_NAME
from analyzer.trust.extensions import Kind
from analyzer.trust.links import proves_itself

CA_ISSUERS = "1.3.6.1.5.5.7.48.2"  # RFC 5280 section 4.2.2.1
EMBEDDED_SCTS = "1.3.6.1.4.1.11129.2.4.2"  # RFC 6962 section 3.3
CA_BROWSER_FORUM = "2.23.140.1."  # the arc of its policies, Baseline Requirements section 7.1.6.1


@lru_cache(maxsize=4096)
def describe(der: bytes) -> Certificate | None:
    """The certificate in words and dates; None where OpenSSL could not read it, or its dates are none."""
    decoded = decode(der)
    if decoded is None or decoded.not_before is None or decoded.not_after is None:
        return None
    listed = tuple(names.listed(decoded))
    common = [attribute.text for attribute in decoded.subject.values(COMMON_NAME)]
    return Certificate(
        der=der,
        subject=str(decoded.subject),
        issuer=str(decoded.issuer),
        common_name=common[-1] if common else "",
        dns_names=tuple(text for kind, text in listed if kind is Kind.DNS),
        ip_addresses=tuple(text for kind, text in listed if kind is Kind.IP),
        not_before=decoded.not_before,
        not_after=decoded.not_after,
        is_ca=bool(decoded.ca),
        self_issued=decoded.self_issued,
        self_signed=proves_itself(decoded),
        usages=_usages(decoded),
        aia=_aia(decoded),
        key=signatures.describe_key(decoded.public_key),
        signature=decoded.algorithm.name if decoded.algorithm else "unknown",
        sha256=hashlib.sha256(der).hexdigest(),
        public_looking=_public_looking(decoded),
    )


def _usages(decoded: Decoded) -> tuple[str, ...] | None:
    try:
        return usage.usages(decoded)
    except Malformed:
        return ()


def _aia(decoded: Decoded) -> tuple[str, ...]:
    found = decoded.extension(ext.AUTHORITY_INFORMATION)
    try:
        return ext.addresses(found.value, CA_ISSUERS) if found else ()
    except Malformed:
        return ()


def _public_looking(decoded: Decoded) -> bool:
    if decoded.extension(EMBEDDED_SCTS) is not None:
        return True
    found = decoded.extension(ext.POLICIES)
    try:
        return found is not None and any(policy.startswith(CA_BROWSER_FORUM) for policy in ext.policies(found.value))
    except Malformed:
        return False
