"""OpenSSL's words in, the registry's names out: cipher suites, groups, versions, alerts, error numbers of several systems."""

from __future__ import annotations

import re

from analyzer.model import Outcome, Stage
from analyzer.probing import iana

VERSIONS = {"TLSv1.3": "TLS 1.3", "TLSv1.2": "TLS 1.2", "TLSv1.1": "TLS 1.1", "TLSv1": "TLS 1.0", "SSLv3": "SSL 3.0"}

OPTIONS = {"-tls1_3": "TLS 1.3", "-tls1_2": "TLS 1.2", "-tls1_1": "TLS 1.1", "-tls1": "TLS 1.0", "-ssl3": "SSL 3.0"}
"""Options of s_client that hold its hello to one version."""

_GROUPS = {"p-256": "secp256r1", "prime256v1": "secp256r1", "p-384": "secp384r1", "p-521": "secp521r1"}

ERRNO = {
    **dict.fromkeys((111, 61, 10061), Outcome.REFUSED),  # Linux, macOS and BSD, Windows
    **dict.fromkeys((110, 60, 10060), Outcome.CONNECT_TIMEOUT),
    **dict.fromkeys((113, 101, 65, 51, 10065, 10051), Outcome.UNREACHABLE),
    **dict.fromkeys((104, 54, 10054), Outcome.RESET),
}

UNCONNECTED = (
    (r"temporary failure in name resolution|try again later", Outcome.RESOLVER_FAILED, Stage.RESOLVE),
    (
        r"name or service not known|nodename nor servname|no such host is known|no address associated|gethostbyname failure|getaddrinfo",
        Outcome.NAME_NOT_FOUND,
        Stage.RESOLVE,
    ),
    (r"connection refused", Outcome.REFUSED, Stage.CONNECT),
    (r"(?:connection|operation) timed out", Outcome.CONNECT_TIMEOUT, Stage.CONNECT),
    (r"no route to host|(?:network|host) is (?:unreachable|down)", Outcome.UNREACHABLE, Stage.CONNECT),
)
"""Words for a connection that never stood, the earlier stages first."""

BROKEN = (
    (r"wrong version number|packet length too long|unknown protocol|http request|unexpected message", Outcome.NOT_TLS),
    (r"unsupported protocol|wrong ssl version|unsupported ssl version", Outcome.WRONG_VERSION),
    (r"wrong cipher returned|unknown cipher returned", Outcome.WRONG_SUITE),
    (r"connection reset by peer|forcibly closed", Outcome.RESET),
    (r"unexpected eof|ssl handshake failure", Outcome.CLOSED),
)
"""Words for a handshake that broke without an alert."""


def _openssl(name: str) -> str:
    """`ECDHE-RSA-AES128-SHA` for `TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA`; TLS 1.3 suites keep their names."""
    exchange, _, cipher = name.removeprefix("TLS_").partition("_WITH_")
    if not cipher:
        return name
    if cipher.startswith("ARIA"):  # the one family whose ECDHE suites leave the RSA out
        exchange = exchange.replace("ECDHE_RSA", "ECDHE")
    prefix = "" if exchange == "RSA" else exchange.replace("_", "-") + "-"
    cipher = cipher.replace("3DES_EDE_CBC", "DES-CBC3").replace("RC4_128", "RC4").replace("POLY1305_SHA256", "POLY1305")
    cipher = re.sub(r"(AES|CAMELLIA|ARIA)_(128|256)(?:_CBC)?", r"\1\2", cipher).replace("SEED_CBC", "SEED")
    return prefix + cipher.replace("CCM_8", "CCM8").replace("_", "-")


_SUITES = {_openssl(name): name for name in iana.SUITES.values()}


def suite(name: str) -> str | None:
    """The IANA name of a suite as OpenSSL calls it, in any of its versions; None where it is not one of `iana.SUITES`."""
    name = name.replace("EDH-", "DHE-") if name.startswith("EDH-") else name
    return _SUITES.get(name)


def group(words: str) -> str | None:
    """The IANA name of the group in what follows `Server Temp Key:`; None where it names none (`DH, 2048 bits`)."""
    parts = [part.strip() for part in words.split(",")]
    if parts[0] == "DH":
        return None
    name = parts[1] if parts[0] == "ECDH" and len(parts) > 2 else parts[0]
    return _GROUPS.get(name.lower()) or next(
        (g for g in iana.GROUPS.values() if g.lower() == name.lower()), name[:50] or None
    )


def alert(line: str) -> str | None:
    """The name of the server's alert in a line of OpenSSL's error queue; None where it has none."""
    number = re.search(r"SSL alert number (\d{1,3})\b", line)
    if number:
        return iana.alert_name(int(number[1]))
    words = re.search(r"(?:sslv3|tlsv1|tlsv13) (?:alert )?([a-z ]{3,40})", line)
    named = words[1].strip().replace(" ", "_") if words else ""
    return named if named in iana.ALERTS.values() else None
