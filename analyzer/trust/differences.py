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
        subject="dot of the root at the end of the host",
        linux="not looked at since .NET 7",
        windows="unknown; taken as part of the name, so that no certificate covers the host",
        source="dotnet/runtime pull request 62540 (TargetHostNameHelper.cs); for .NET Framework none was found",
        judged=True,
    ),
    Difference(
        subject="name constraints of a kind that OpenSSL has no rule for, such as user principal names",
        linux="up to .NET 9 the chain cannot be built, later it is refused: HasNotSupportedNameConstraint",
        windows="judged by their own rule, so that names outside them do no harm",
        source="dotnet/runtime issue 87413 and pull request 115308",
        judged=False,  # refused on both
    ),
    Difference(
        subject="certificate policies below a CA that demands them explicitly",
        linux="only usages are looked at",
        windows="the policies' own structure too: NoIssuanceChainPolicy",
        source="dotnet/runtime issue 130268",
        judged=False,
    ),
    Difference(
        subject="which certificate of the chain a wrong usage is laid to",
        linux="every one",
        windows="the one that lacks it",
        source="dotnet/corefx issue 41969",
        judged=False,  # a judgement is of the chain
    ),
    Difference(
        subject="a version 1 root, basic constraints and key usages of roots, critical extensions of key identifiers",
        linux="as OpenSSL has it",
        windows="unknown; judged as on Linux",
        source="none was found",
        judged=False,
    ),
    Difference(
        subject="revocation",
        linux="not looked at unless the gateway is told to (.NET 10: by default)",
        windows="not looked at by default; of the managed gateway not documented",
        source="facts: apim-tls.md, 3, Revocation (dotnet/docs, ssl-certificate-revocation-check-default)",
        judged=False,
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
