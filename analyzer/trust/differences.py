"""Where a gateway on Windows is known to judge otherwise than .NET on Linux: a table, each line with its source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One point in which the two platforms differ."""

    subject: str
    linux: str
    windows: str
    source: str
    judged: bool  # whether `judge(platform="windows")` follows it


DIFFERENCES = (
    Difference(
        subject="alternative paths",
        linux="takes the first issuer that fits by name, key identifier and date, and never goes back",
        windows="builds the possible paths and reports the best",
        source="learn.microsoft.com, CertGetCertificateChain, CERT_CHAIN_RETURN_LOWER_QUALITY_CONTEXTS; facts: dotnet-verdicts.md, 7",
        judged=True,
    ),
    Difference(
        subject="wildcard in the common name of a certificate without DNS names",
        linux="does not cover the host",
        windows="covers the host as a wildcard DNS name would",
        source="facts: apim-tls.md, 3, Names (from memory); dotnet/corefx issue 34061 has it that Windows refuses it too",
        judged=True,
    ),
    Difference(
        subject="missing issuer",
        linux="fetched by HTTP from the address in the certificate",
        windows="taken from the machine's stores, else fetched by HTTP or LDAP",
        source="facts: apim-tls.md, 3, AIA",
        judged=False,  # nothing is fetched here; certificates that were fetched are handed in as intermediates
    ),
    Difference(
        subject="extended key usage on .NET Framework",
        linux="serverAuth is required of every certificate in the path",
        windows="not required by the published source; required by later updates",
        source="referencesource, _SecureChannel.cs; facts: apim-tls.md, 3 (the later updates from memory)",
        judged=False,
    ),
    Difference(
        subject="weak keys and hashes",
        linux="none is refused",
        windows="RSA keys below 1024 bits are refused, and MD5 (under private roots: not certain)",
        source="Microsoft knowledge base 2661254, security advisory 2862973; facts: apim-tls.md, 3, Weak keys",
        judged=True,
    ),
)
