"""Which addresses may be probed: an address in, nothing or the reason against it out."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Iterable, Optional, Tuple, Union

IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
IPNetwork = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_DENIED: Tuple[Tuple[IPNetwork, str], ...] = tuple(
    (ipaddress.ip_network(network), why)
    for network, why in (
        ("169.254.169.254/32", "a cloud's metadata service"),
        ("fd00:ec2::254/128", "a cloud's metadata service"),
        ("168.63.129.16/32", "Azure's platform address"),
        ("127.0.0.0/8", "loopback"),
        ("::1/128", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("fe80::/10", "link-local"),
        ("224.0.0.0/4", "multicast"),
        ("ff00::/8", "multicast"),
        ("0.0.0.0/8", "unspecified"),
        ("::/128", "unspecified"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)
"""Denied unless allowed, because a log must not steer the probe there: RFC 6890, and the clouds' own addresses."""

_NAT64 = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
)  # RFC 6052 section 2.1, RFC 8215
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291 section 2.5.5.1


class Policy:
    """What may be probed besides public and private addresses (`allow`), and what may not (`deny`, which wins).

    Each is a network such as 10.0.0.0/8 or one address. Raises ValueError for text that is neither.
    """

    def __init__(self, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        self._allow = tuple(map(_network, allow))
        self._deny = tuple(map(_network, deny))

    def refusal(self, address: str) -> Optional[str]:
        """Why the address must not be connected to; None: it may be."""
        denied = self.denial(address)
        if denied is not None:
            return denied
        forms = _forms(address)
        if _within(forms, self._allow) is not None:
            return None
        why = next((why for network, why in _DENIED if _within(forms, (network,))), None)
        return why and f"{address} is not probed unless allowed: {why}"

    def denial(self, address: str) -> Optional[str]:
        """Why the user does not want the address connected to; None: nothing was said against it."""
        denied = _within(_forms(address), self._deny)
        return None if denied is None else f"{address} is denied ({denied})"

    def vouches_for(self, address: str) -> bool:
        """Whether the address is none of the public internet's and an `allow` entry names it: the user knows what is there."""
        forms = _forms(address)
        return not forms[-1].is_global and _within(forms, self._allow) is not None


def _network(text: str) -> IPNetwork:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network such as 10.0.0.0/8") from None


def _within(forms: Iterable[IPAddress], networks: Iterable[IPNetwork]) -> Optional[IPNetwork]:
    forms = tuple(forms)
    return next((network for network in networks if any(ip in network for ip in forms)), None)


@lru_cache(maxsize=1024)
def _forms(address: str) -> Tuple[IPAddress, ...]:
    """The address without its zone and, last, the IPv4 address that an IPv6 one only wraps (Teredo: before it, its server's)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return (ip,)
    if ip.teredo is not None:  # RFC 4380 section 4
        return (ip, *ip.teredo)
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and (any(ip in one for one in _NAT64) or (ip in _COMPATIBLE and int(ip) > 1)):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return (ip,) if inner is None else (ip, inner)
