"""A gateway's settings, as its customProperties or its container have them, in; the profile of its hello out."""

from __future__ import annotations

import re
from datetime import date
from typing import Dict, List, Mapping, NamedTuple, Optional, Set, Tuple

from analyzer.probing import profiles

KEY_PREFIX = "Microsoft.WindowsAzure.ApiManagement.Gateway."
ALLOWED_SUITES = "net.client.tls.ciphers.allowed-suites"
"""The self-hosted gateway's container setting: the suites that it offers, separated by commas."""

CREATED_OLD = date(2018, 4, 1)
"""Services created up to this day have the older versions and 3DES switched on by default (API of customProperties)."""

_ON_WHERE_OLD = frozenset(("Tls11", "Tls10", "Ssl30", "TripleDes168"))


class Settings(NamedTuple):
    """What a gateway's settings come to."""

    profile: str  # canonical
    told: Tuple[str, ...]  # switches that the settings speak of; all others are taken to stand at their default
    ignored: Tuple[str, ...]  # keys that change nothing in this tier's hello to a backend


def of_settings(tier: str, properties: Mapping[str, str], created: Optional[date] = None) -> Settings:
    """The profile of a gateway of that tier with these customProperties or container settings.

    Keys with or without `KEY_PREFIX`, in any case; values "true" or "false". An absent key means the default: that of a
    service created on `created` (None: after `CREATED_OLD`). Raises ValueError for a tier that does not exist, a value
    that is neither true nor false, and where no version is left.
    """
    switches = profiles.switches(tier)
    on = {word for word, default in switches.items() if default}
    if tier == "classic" and created is not None and created <= CREATED_OLD:
        on |= _ON_WHERE_OLD
    told: Set[str] = set()
    ignored: List[str] = []
    for key, value in properties.items():
        word = _word(key)
        if word is not None and word in switches:
            told.add(word)
            (on.add if _is_true(key, str(value)) else on.discard)(word)
        elif tier == "self-hosted" and _plain(key) == ALLOWED_SUITES:
            suites = {word for word in switches if word.startswith("TLS_")}
            allowed = _names(str(value))
            told |= suites
            on -= suites.difference(allowed)
            ignored += [f"{key}: {name[:60]}" for name in allowed if name not in suites]
        else:
            ignored.append(key)
    return Settings(profiles.profile(tier, frozenset(on)), tuple(w for w in switches if w in told), tuple(ignored))


def has(tier: str, key: str) -> bool:
    """Whether the setting decides that tier's hello to a backend."""
    return (tier == "self-hosted" and _plain(key) == ALLOWED_SUITES) or _word(key) in profiles.switches(tier)


def _word(key: str) -> Optional[str]:
    """The switch that a key sets, on whichever tier has it."""
    return _KEYS.get(_plain(key))


def _plain(key: str) -> str:
    return re.sub(rf"^{re.escape(KEY_PREFIX)}", "", key.strip(), flags=re.IGNORECASE).lower()


def _key(word: str) -> str:
    return ("Security.Backend.Protocols." if profiles.is_protocol(word) else "Security.Ciphers.") + word


_KEYS: Dict[str, str] = {_key(word).lower(): word for tier in profiles.TIERS for word in profiles.switches(tier)}


def _is_true(key: str, value: str) -> bool:
    found = {"true": True, "false": False}.get(value.strip().lower())
    if found is None:
        raise ValueError(f"{key}: {value[:60]!r} is neither true nor false")
    return found


def _names(text: str) -> List[str]:
    return [name for name in re.split(r"[\s,;]+", text) if name]
