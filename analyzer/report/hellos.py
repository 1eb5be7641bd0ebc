"""From the name of a hello to what it offered, in words: the tables of the probe, read as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzer.model import OTHER_VOICES, Handshake
from analyzer.report.words import count

if TYPE_CHECKING:
    from analyzer.probing.hello import Offer

_OWN = ("gateway", "gateway, no SNI")  # in the profile's own words, with and without a server name


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What one ClientHello offered."""

    versions: tuple[str, ...]  # newest first
    suites: tuple[str, ...]  # IANA names, in order

    @property
    def told(self) -> str:
        """Both on one line."""
        newest, oldest = self.versions[0], self.versions[-1]
        span = newest if len(self.versions) == 1 else f"{oldest} to {newest}"
        return f"{span}, {count(len(self.suites), 'cipher suite')}" if self.suites else span


def offered(handshake: Handshake, profile: str) -> Offered | None:
    """None: the hello's name is not one of ours, or another tool spoke and does not say what it offered."""
    if handshake.offer in OTHER_VOICES:
        return Offered(versions=handshake.versions, suites=()) if handshake.versions else None
    from analyzer.probing import iana  # the only thing of the probe that a report reads

    hello = _hello(handshake.offer, profile)
    if hello is None:
        return None
    return Offered(
        versions=tuple(map(iana.version_name, hello.versions)), suites=tuple(map(iana.suite_name, hello.suites))
    )


def _hello(name: str, profile: str) -> Offer | None:
    from analyzer.probing import profiles, questions

    if name not in _OWN:
        return questions.DIAGNOSTIC.get(name)
    try:
        return profiles.offer(profile)
    except ValueError:  # the profile of another version, or of nobody
        return None
