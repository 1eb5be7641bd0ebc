"""Whom to ask: a backend as the log names it, and the names that go on the wire for it."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple, Optional

_HOST = re.compile(r"[A-Za-z0-9_.-]{1,254}")


class BadName(ValueError):
    """The text cannot be a host name; the message says why."""


class Target(NamedTuple):
    """One backend, and in whose voice to ask it."""

    host: str  # as the log has it: a name or an IP literal without brackets
    port: int
    server_name: str  # SNI sent and name judged
    connect_host: Optional[str] = None  # where TCP goes instead, as with curl's --connect-to; None: host
    connect_port: Optional[int] = None
    profile: str = "classic"  # which hello: see profiles.py
    tls: bool = True  # False: only whether TCP connects


def words(target: Target, *, request: bool, fetch: bool, through: Optional[str] = None) -> str:
    """What would be asked of it, on one line; `request`, `fetch`: as for `probe`; `through`: the proxy."""
    goes = f"{target.connect_host}:{target.connect_port}" if target.connect_host else "its addresses, resolved then"
    name = f"SNI {target.server_name}" if target.tls else "TCP only"
    proxy = f", through the proxy {through}" if through else ""
    asks = f", hello of {target.profile}, 1 to 5 connections to each address" if target.tls else ""
    head = "" if not target.tls else ", HEAD / where TLS 1.3 hides what is asked" if request else ", no request"
    aia = ", a missing issuer fetched" if fetch and target.tls else ""
    return f"{target.host}:{target.port}\t{name}, to {goes}{proxy}{asks}{head}{aia}"


def is_address(text: str) -> bool:
    """Whether the text is an IP literal, with or without a zone (RFC 4007 section 11)."""
    if ":" not in text and not text[-1:].isdigit():
        return False  # a name; to let `ipaddress` find that out takes longer
    try:
        ipaddress.ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return False
    return True


def ascii_name(host: str) -> str:
    """The host as DNS and SNI want it: labels beyond ASCII in punycode (RFC 3490), an IP literal as it is. Raises BadName."""
    if is_address(host):
        return host
    try:
        name = host[:1000].encode("idna").decode("ascii")  # bounded, because the codec is slow on long text
    except UnicodeError as error:
        raise BadName(f"not a host name: {error}") from None
    if not _HOST.fullmatch(name):
        raise BadName("not a host name: it has characters that no host name has, or too many")
    return name


def is_local(name: str) -> bool:
    """Whether the name can only mean this machine or an address in an odd spelling, so that no other resolver may be left to read it.

    RFC 6761 section 6.3 (localhost); a last label that is a number makes an address of it (0x7f.1, 2130706433; WHATWG URL,
    "ends in a number").
    """
    last = name.lower().rstrip(".").rpartition(".")[2]
    return is_address(name) or last == "localhost" or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None


def sni_of(server_name: str) -> Optional[str]:
    """What the SNI extension carries: no trailing dot; None for an IP literal (RFC 6066 section 3). Raises BadName."""
    return None if is_address(server_name) else ascii_name(server_name).rstrip(".")
