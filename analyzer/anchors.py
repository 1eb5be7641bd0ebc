"""Which roots each gateway is taken to have: a store by name or file and what was given to the gateway in, trust anchors with their origin out.

Which roots a gateway has is not what this machine has (rule 11): classic tiers run on Windows and have Microsoft's root program; what v2
and self-hosted gateways have is not documented, or their container image's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from analyzer import trust
from analyzer.errors import CertificateFileError
from analyzer.model import Tier, TrustStore

ON_WINDOWS = frozenset({Tier.CLASSIC, Tier.CONSUMPTION})
"""Tiers whose roots are Windows' (facts: the managed gateway's own words and stores are Windows'; for Consumption likewise)."""

OLD = timedelta(days=90)
"""Microsoft changes its program about monthly: a list older than this may lack a root, and that is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """What a gateway is taken to trust, as DER."""

    roots: tuple[bytes, ...]  # the store and the roots that were given to the gateway
    intermediates: tuple[bytes, ...] = ()  # CA certificates that were given to the gateway and are no roots
    given: tuple[bytes, ...] = ()  # those of the roots that were given to it and need be no public CA's
    unseen: tuple[str, ...] = ()  # subjects of CA certificates that its settings name, and that are not at hand
    words: str = "the roots of a list"  # where the store comes from
    microsofts: bool = False  # the store is Microsoft's own list
    fingerprints: frozenset[str] = frozenset()  # SHA-256 of roots trusted too whose certificate is not at hand
    stored: datetime | None = None  # when `trust update` stored the list; None: it did not
    elsewhere: Anchors | None = None  # of gateways that do not run on Windows; None: the same

    @property
    def public(self) -> tuple[bytes, ...]:
        """The roots without those that were given."""
        given = frozenset(self.given)
        return tuple(root for root in self.roots if root not in given)

    def of(self, tier: Tier) -> Anchors:
        """The anchors of a gateway of that tier."""
        return self if tier in ON_WINDOWS or self.elsewhere is None else self.elsewhere

    def holding(self, certificates: Iterable[bytes]) -> Anchors:
        """The same, with the roots of `fingerprints` whose certificate was met among these."""
        met = {hashlib.sha256(der).hexdigest(): der for der in certificates} if self.fingerprints else {}
        found = {name: met[name] for name in met.keys() & self.fingerprints}
        if not found:
            return self
        roots = tuple(dict.fromkeys((*self.roots, *(found[name] for name in sorted(found)))))
        return replace(self, roots=roots, fingerprints=self.fingerprints - found.keys())

    def doubt(self, tier: Tier, *, root_seen: bool) -> str:
        """Why a root that looks public and is not among these may be the gateway's all the same; "": it is not (rule 11)."""
        if not self.microsofts:
            return "Microsoft's root program may hold a root that the list used here lacks (apim-triage trust update fetches Microsoft's)"
        if tier not in ON_WINDOWS:
            return "the list used here is Windows' own, and a gateway of this tier may have other roots"
        if self.fingerprints and not root_seen:
            return (
                f"the root itself was not seen, and of {len(self.fingerprints)} roots Microsoft's list names the "
                "fingerprint only: it may be one of them"
            )
        return ""

    def store(self) -> TrustStore:
        """What is said of them in the report."""
        return TrustStore(
            words=self.words,
            roots=len(self.public) + len(self.fingerprints),
            given=len(self.given) + len(self.intermediates),
            microsofts=self.microsofts,
            stored=self.stored,
            elsewhere=self.elsewhere.words if self.elsewhere else None,
        )


def anchors_of(ca_files: Sequence[str | Path], trust_store: str = "default") -> Anchors:
    """The roots of the store joined with what was given to the gateway; CertificateFileError where a file holds none.

    `trust_store`: "default" (Microsoft's list where `trust update` stored it, else certifi joined with the system's), "system",
    "certifi", "microsoft" (the stored list), or a file: certificates, or the CCADB's report of Microsoft's program. With Microsoft's
    stored list by default, gateways that do not run on Windows are taken to have certifi's and the system's roots.
    """
    given = [der for path in ca_files for der in trust.read_certificates(Path(path))]
    stored = trust.stored_list() if trust_store in ("default", "microsoft") else None
    if trust_store == "microsoft" or (stored is not None and stored.exists()):
        store = trust.load_stored()
        found = _joined(store, given, trust.stored_at())
        return replace(found, elsewhere=_joined(trust.load_store(), given)) if trust_store == "default" else found
    try:
        return _joined(trust.load_store(trust_store), given)
    except CertificateFileError as error:
        hint = (
            ""
            if Path(trust_store).exists() or trust_store == "system"
            else "; or default, system, certifi or microsoft"
        )
        raise CertificateFileError(f"--trust-store {error}{hint}") from error


def _joined(store: trust.Store, given: Sequence[bytes], stored: datetime | None = None) -> Anchors:
    roots, intermediates = trust.split_given(given)
    held = set(store.roots)
    only_given = tuple(root for root in roots if root not in held)
    return Anchors(
        roots=(*store.roots, *only_given),
        intermediates=tuple(intermediates),
        given=only_given,
        words=store.words,
        microsofts=store.microsofts,
        fingerprints=store.fingerprints,
        stored=stored,
    )


def told(store: TrustStore, now: datetime) -> str:
    """Which roots were taken for the gateway's, in sentences; how old the list is where `trust update` stored it."""
    age = f", stored {_days(now - store.stored)}" if store.stored else ""
    given = f", and {store.given} that --ca-file gives" if store.given else ""
    text = f"Which roots the gateway has was not read from it: {store.roots} were taken as its own, {store.words}{age}{given}."
    if store.elsewhere:
        text += (
            f" Gateways of v2 tiers and self-hosted ones do not run on Windows, or may not: for them {store.elsewhere}."
        )
    if store.stored and now - store.stored > OLD:
        text += " That list is old: `apim-triage trust update` fetches it anew."
    if not store.microsofts:
        text += " It is not Microsoft's list, so a public root that it lacks is at most likely the cause (`apim-triage trust update` fetches that list)."
    return text


def _days(age: timedelta) -> str:
    days = max(age.days, 0)
    return "today" if days == 0 else "a day ago" if days == 1 else f"{days} days ago"
