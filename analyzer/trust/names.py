"""A leaf and the host that was asked for in, whether the gateway takes the one for the other out (facts: apim-tls.md section 3).

.NET on Linux: SslStream's native check (dotnet/runtime, CertificateValidation.Unix.cs). A DNS name in the subject alternative
name makes the common name moot; without one the common name must be the host itself. A `*` stands for exactly the first label.
Since .NET Core 3.0 that check asks OpenSSL's X509_check_host (dotnet/corefx pull request 37346), which also takes a wildcard
in a common name of three labels and no `*.com`; here both are as X509Certificate2.MatchesHostname measures them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Literal

from analyzer.trust import extensions as ext
from analyzer.trust.decoded import Decoded, decode
from analyzer.trust.der import Malformed
from analyzer.trust.distinguished import COMMON_NAME
from analyzer.trust.extensions import GeneralName, Kind


def matches_host(leaf: bytes, host: str, platform: Literal["windows", "dotnet-linux"] = "dotnet-linux") -> bool:
    """Whether the certificate (DER) covers the host: a DNS name, in Unicode or not, or an address without brackets.

    False where the certificate, or what it says of its names, cannot be read. The comparison is exact but for ASCII case: a
    host with a trailing dot is not covered.
    """
    decoded = decode(leaf)
    return decoded is not None and match(decoded, host, platform) is True


def match(leaf: Decoded, host: str, platform: Literal["windows", "dotnet-linux"]) -> bool | None:
    """As `matches_host`; None where .NET cannot read the subject alternative name and throws."""
    try:
        names = _alternative(leaf)
    except Malformed:
        return None
    common = [attribute.text for attribute in leaf.subject.values(COMMON_NAME)]
    address = _address(host)
    if address is not None:
        # the common name is tried whatever the subject alternative name holds (CheckX509IpAddress)
        named = any(n.kind is Kind.IP and n.value == address.packed for n in names)
        return named or any(_equal(text, host) for text in common)
    wanted = to_ascii(host)
    if wanted is None:
        return False
    patterns = [n.value.decode("ascii") for n in names if n.kind is Kind.DNS]
    if patterns:
        return any(_covers(pattern, wanted) for pattern in patterns)
    covers = _covers if platform == "windows" else _equal  # differences.py: a wildcard common name
    return any(covers(text, wanted) for text in common)


def _alternative(leaf: Decoded) -> tuple[GeneralName, ...]:
    """The alternative names; Malformed where one has no address's length, or is no ASCII text (X509SubjectAlternativeNameExtension)."""
    found = [e for e in leaf.extensions if e.oid == ext.SUBJECT_ALTERNATIVE_NAME]
    if len(found) > 1:
        raise Malformed("two subject alternative names")
    names = ext.general_names(found[0].value) if found else ()
    for name in names:
        if name.kind is Kind.IP and len(name.value) not in (4, 16):
            raise Malformed("an address that is neither IPv4 nor IPv6")
        if name.kind in (Kind.DNS, Kind.EMAIL, Kind.URI) and not name.value.isascii():
            raise Malformed("a name that is not ASCII")
    return names


def _covers(pattern: str, host: str) -> bool:
    """Whether a name of the certificate covers the host; a `*` only as the whole first label, for exactly one label."""
    if not pattern.startswith("*."):
        return _equal(pattern, host)
    label, dot, rest = host.partition(".")
    return bool(label and dot and rest) and _equal(pattern[2:], rest)


def _equal(one: str, other: str) -> bool:
    return one.isascii() and one.lower() == other.lower()


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def to_ascii(host: str) -> str | None:
    """The host as it goes over the wire (IDNA); None where it has no such form."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def listed(leaf: Decoded) -> Iterator[tuple[Kind, str]]:
    """The DNS names and addresses that the certificate lists, as text."""
    for name in leaf.names or ():
        if name.kind is Kind.DNS:
            yield Kind.DNS, name.value.decode("ascii", "backslashreplace")
        elif name.kind is Kind.IP and len(name.value) in (4, 16):
            yield Kind.IP, str(ipaddress.ip_address(name.value))
