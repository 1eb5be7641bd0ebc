"""A cause's proof by hand for one backend: the command with the host's name in it, where that name is safe in a shell."""

from __future__ import annotations

import re

from analyzer.causes import cause
from analyzer.model import Backend, CauseName

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*\.?")  # RFC 1123 section 2.1, and the underscore
_ADDRESS = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")  # IPv6


def by_hand(name: CauseName, backend: Backend, server_name: str) -> str:
    """One line for a shell, or for a person to do; HOST and PORT stay where the log's own text is no host's name.

    `server_name` is what SNI carries and the certificate is held against; the connection goes to the backend's host.
    """
    line = cause(name).proof
    host, asked = _word(backend.host), _word(server_name or backend.host)
    if not host or not asked:
        return line
    port = str(backend.port or (80 if backend.scheme == "http" else 443))
    for option in ("-servername HOST", "-verify_hostname HOST"):
        line = line.replace(option, option.replace("HOST", asked.strip("[]")))
    line = line.replace("nslookup HOST", f"nslookup {host.strip('[]')}")
    return line.replace("HOST", host).replace("PORT", port)


def _word(host: str) -> str:
    """The host as a word that no shell reads anything into, IPv6 in brackets; "" where it could not be one."""
    if _NAME.fullmatch(host) and len(host) <= 253:
        return host
    return f"[{host}]" if _ADDRESS.fullmatch(host) and len(host) <= 45 else ""
