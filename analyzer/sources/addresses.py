"""Backend URLs and error texts in, (scheme, host, port) out, as DuckDB expressions; nothing else of either survives."""

from __future__ import annotations

from analyzer.sources.masking import hide_sql, literal

# Any character but ASCII's control and punctuation, save `.`, `-` and `_`: Unicode's own classes make RE2 50 times slower,
# so that `_WORD` is asked afterwards, and only of a host that is not ASCII.
_C = r"[^\x00-,/:-@\[-^`{-\x7f]"
_HOST = rf"\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z]+)?\]|{_C}+"
_WORD = r"[\p{L}\p{N}_][\p{L}\p{N}_.-]*"
_PORT = r"[0-9]{1,5}"

ORIGIN = r"^[^/?#]*//[^/?#]*"
"""What of a URL names its backend; cheap, because it runs on every record. `origins` reads it further."""

_URL = rf"^(?:([A-Za-z][A-Za-z0-9+.-]*):)?//(?:.*@)?({_HOST})(?::({_PORT})?)?$"

PLACEHOLDER = "unused"  # host that an old gateway logs for a pool (self-hosted gateway, issue 274)

NAMED: tuple[str, ...] = (
    # DotNetty: "LogError connecting to 192.0.2.10:3001", "connection timed out: orders.example/192.0.2.10:443"; where
    # the name was not resolved, .NET's DnsEndPoint writes its address family before the slash.
    rf"(?i)connect(?:ing to|ion timed out:) (?:Unspecified|InterNetwork(?:V6)?)/({_HOST}):({_PORT})",
    rf"(?i)connect(?:ing to|ion timed out:) ({_HOST})/[^ /]*:({_PORT})",
    rf"(?i)connect(?:ing to|ion timed out:) ({_HOST}):({_PORT})",
    # .NET Framework: "The remote name could not be resolved: 'orders.example'", and the same in other languages
    rf"(?i)could not be resolved: '({_HOST})(?::({_PORT}))?'",
    rf": '({_C}+\.{_C}+)(?::({_PORT}))?'\.?$",
    # .NET: "No such host is known. (orders.example:443)"
    rf"\(({_HOST}):({_PORT})\)",
    # .NET Framework: "… because connected host has failed to respond 192.0.2.10:443"
    rf" ((?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}|\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z]+)?\]):({_PORT})\.?$",
)
"""How error texts name the host that was not reached, as group 1, with group 2 the port; the first that matches counts."""


def origins(relation: str) -> str:
    """A query of (origin, scheme, host, port) over a relation's `origin`, each once.

    The port is the scheme's default where the origin names none, and NULL where the scheme has none. Where nothing but a
    host was logged the origin is //host:port, and the scheme "". What is neither that nor scheme://host:port is left out: hosts come from hostile texts and end in reports.
    """
    return f"""
        SELECT origin, lower(u.scheme) AS scheme, {_bare("u.host")} AS host,
            CASE WHEN u.port <> '' THEN u.port::INTEGER
                 WHEN lower(u.scheme) IN ('https', 'wss') THEN 443
                 WHEN lower(u.scheme) IN ('http', 'ws') THEN 80 END AS port
        FROM (SELECT origin, regexp_extract(origin, {literal(_URL)}, ['scheme', 'host', 'port']) AS u
              FROM (SELECT DISTINCT origin FROM {relation} WHERE origin IS NOT NULL))
        WHERE {_sound("u")}"""


def named(relation: str) -> str:
    """A query of (message, host, port) over a relation's `message`, each that names a host once; port NULL for none.

    A token in quotes can look like a host: what redaction would hide is none.
    """
    matches = ", ".join(f"regexp_extract(message, {literal(pattern)}, ['host', 'port'])" for pattern in NAMED)
    return f"""
        SELECT message, {_bare("m.host")} AS host, try_cast(nullif(m.port, '') AS INTEGER) AS port
        FROM (SELECT message, list_filter([{matches}], lambda x: x.host <> '')[1] AS m
              FROM (SELECT DISTINCT message FROM {relation} WHERE message IS NOT NULL))
        WHERE {_sound("m")} AND contains({hide_sql("message")}, m.host)"""


def is_ip(host: str) -> str:
    """Whether a host is an IP literal, as an SQL condition."""
    return rf"(contains({host}, ':') OR regexp_full_match({host}, '[0-9.]+'))"


def _bare(host: str) -> str:
    """A host in lower case without brackets, IPv6 zone and the dot of the root."""
    return rf"rtrim(lower(regexp_replace({host}, '^\[|%.*$|\]$', '', 'g')), '.')"


def _sound(found: str) -> str:
    """Whether what was found, STRUCT(host, port) of texts, can be a host and a port (RFC 1035 section 2.3.4: 253 octets)."""
    return rf"""(regexp_full_match({found}.host, '[A-Za-z0-9_][A-Za-z0-9_.-]*|\[.*\]')
            OR regexp_full_match({found}.host, {literal(_WORD)}))
        AND length({found}.host) <= 253 AND coalesce(try_cast(nullif({found}.port, '') AS INTEGER), 1) BETWEEN 1 AND 65535"""
