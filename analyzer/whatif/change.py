"""One change that somebody could make to a gateway or a server: a situation in, the situation after it out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from analyzer import trust
from analyzer.model import Certificate
from analyzer.probing import profiles
from analyzer.whatif.situation import Situation
from analyzer.whatif.terms import Taken


class Act(Enum):
    """What is done."""

    SKIP_NAME = auto()
    SKIP_CHAIN = auto()
    SKIP_BOTH = auto()
    REISSUE = auto()  # a certificate that the server sends is issued again with something put right
    FULL_CHAIN = auto()  # the server sends what it omits
    TIDY_CHAIN = auto()  # the server sends its chain in order, and nothing else
    GIVE_ROOT = auto()
    GIVE_ISSUERS = auto()  # the issuers that the server omits
    GIVE_BOTH = auto()
    FETCH = auto()
    HOST = auto()
    REPLACE = auto()  # the server presents another CA's certificate
    VERSION = auto()  # a TLS version is enabled at the gateway
    SUITE = auto()
    SERVER_VERSION = auto()
    SERVER_SUITE = auto()
    SERVER_GROUP = auto()
    CLIENT_CERTIFICATE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, in words and as what it does."""

    act: Act
    text: str
    apply: Callable[[Situation], Situation]
    cost: int = 1  # how many things somebody has to do
    weakens: bool = False  # the gateway checks or demands less than before: for a test, never to stay
    certificates: tuple[Certificate, ...] = ()  # that are given, sent, fetched or issued again
    reissue: trust.Reissue | None = None  # what is put right in the one certificate; None: another act
    name: str = ""  # the host, version or suite that it is about
    doubt: str = ""  # what is not certain of the change being possible at all
    part: bool = False  # another change to the same certificate does this and more: shown, and in no set
    last: bool = False  # it mends nothing but takes another thing's place: where nothing smaller does


def skip(*, name: bool, chain: bool) -> Change:
    """The backend entity's switches, off."""
    flags = [f for f, off in (("validateCertificateName", name), ("validateCertificateChain", chain)) if off]
    return Change(
        act=Act.SKIP_BOTH if name and chain else Act.SKIP_NAME if name else Act.SKIP_CHAIN,
        text=" and ".join(f"{flag}=false" for flag in flags),
        weakens=True,
        apply=lambda s: replace(s, checks_name=s.checks_name and not name, checks_chain=s.checks_chain and not chain),
    )


def reissue(certificate: Certificate, how: trust.Reissue, text: str, *, part: bool = False) -> Change:
    """One certificate of the chain is issued again, by the same CA and with the same key."""
    return Change(
        act=Act.REISSUE,
        text=text,
        certificates=(certificate,),
        reissue=how,
        part=part,
        apply=lambda s: replace(s, reissues={**s.reissues, certificate.der: how}),
    )


def send(chain: tuple[bytes, ...], text: str, omitted: tuple[Certificate, ...] = ()) -> Change:
    """The server sends this chain; `omitted` are those of it that it does not send now."""
    return Change(
        act=Act.FULL_CHAIN if omitted else Act.TIDY_CHAIN,
        text=text,
        certificates=omitted,
        apply=lambda s: replace(s, chain=chain, unseen=""),
    )


def give(
    text: str,
    *,
    root: Certificate | None = None,
    issuers: tuple[Certificate, ...] = (),
    fetched: bool = False,
    unsure: str = "",
) -> Change:
    """The gateway gets certificates: by its tier's own mechanism, or by fetching them."""
    act = Act.FETCH if fetched else Act.GIVE_ISSUERS if root is None else Act.GIVE_BOTH if issuers else Act.GIVE_ROOT
    given = (*(() if root is None else (root,)), *issuers)
    roots, others = (() if root is None else (root.der,)), tuple(c.der for c in issuers)
    return Change(
        act=act,
        text=text,
        certificates=given,
        cost=len(given) if act is Act.GIVE_BOTH else 1,
        apply=lambda s: replace(
            s,
            roots=(*s.roots, *roots),
            intermediates=(*s.intermediates, *others),
            unsure=s.unsure or unsure,
        ),
    )


def give_unseen(text: str, why: str) -> Change:
    """The gateway gets certificates that nobody saw: whether they complete the chain is not known; what else is wrong stays wrong."""
    return Change(act=Act.GIVE_ROOT, text=text, apply=lambda s: replace(s, unseen=why))


def ask_for(host: str) -> Change:
    """The Host header is overridden: another SNI, and another name to be covered (rule 3)."""
    elsewhere = "what the server makes of a hello with that name was not observed"

    def apply(s: Situation) -> Situation:
        return replace(s, host=host, unsure=s.unsure or ("" if s.handshake else elsewhere))

    text = f"the Host header is overridden to {host}"
    return Change(act=Act.HOST, text=text, name=host, apply=apply)


def replace_leaf(host: str) -> Change:
    """The server presents a certificate of a CA that the gateway already trusts; one is made for the purpose and judged."""

    def apply(s: Situation) -> Situation:
        made = trust.surrogate(s.host, s.at)
        if made is None:
            return replace(s, unsure=s.unsure or "no CA could write that host into a certificate")
        return replace(s, chain=(made.leaf,), unseen="", roots=(*s.roots, made.root), reissues={})

    text = f"the server presents a certificate for {host} of a CA that the gateway trusts, with its full chain"
    return Change(act=Act.REPLACE, text=text, name=host, apply=apply, last=True)


def enable(name: str, text: str, *, weakens: bool, doubt: str = "") -> Change:
    """A version or suite of the tier's is switched on at the gateway."""
    word = profiles.switch_of(name)
    return Change(
        act=Act.VERSION if profiles.is_protocol(word) else Act.SUITE,
        text=text,
        name=name,
        weakens=weakens,
        doubt=doubt,
        apply=lambda s: replace(s, profile=switched_on(s.profile, word)),
    )


def server_takes(act: Act, taken: Taken, text: str) -> Change:
    """The server's own settings change: it takes one combination more."""
    return Change(
        act=act,
        text=text,
        name=taken.suite,
        apply=lambda s: replace(s, terms=s.terms.taking(taken), key=_fitting(s, taken)),
    )


def client_certificate() -> Change:
    """The gateway sends one that satisfies the server."""
    return Change(
        act=Act.CLIENT_CERTIFICATE,
        text="the gateway sends a client certificate that the server accepts",
        apply=lambda s: replace(s, client_required=False),
    )


def switched_on(profile: str, word: str) -> str:
    """The profile with one switch on, in canonical spelling."""
    tier, *others = re.split(r"(?=[+-][A-Z])", profile)
    kept = [o for o in others if o[1:].lower() != word.lower()]
    bare = "".join((tier, *kept))
    return profiles.offer(bare if profiles.switches(tier)[word] else f"{bare}+{word}").name


def _fitting(s: Situation, taken: Taken) -> str | None:
    """The leaf's key: where its curve is one that the gateway cannot take, the server gets a certificate on another with that change."""
    from analyzer.whatif.terms import signable

    fits = s.key is None or signable(s.key, taken.version, profiles.offer(s.profile))
    return s.key if fits else "EC secp256r1"
