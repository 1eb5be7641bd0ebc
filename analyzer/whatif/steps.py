"""A set of changes that was proved in, what each owner does for it out: the words of the cause that the change belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from analyzer.causes import Case, cause
from analyzer.causes.observed import name
from analyzer.causes.remedies import give_ca, renew, send_chain, serve_trusted
from analyzer.model import CauseName, Certificate, Remedy, Tier
from analyzer.whatif.change import Act, Change


def steps(case: Case, changes: Sequence[Change]) -> tuple[Remedy, ...]:
    """The remedies that carry the changes out; where there are several changes, each says that it is one part of the whole."""
    found = []
    for place, change in enumerate(changes, start=1):
        part = f"Part {place} of {len(changes)}: " if len(changes) > 1 else ""
        found += [replace(r, text=part + r.text) for r in _step(case, change)]
    return tuple(found)


def foremost(case: Case, lead: CauseName, cure: Sequence[Change], remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """A case's remedies with the proved ones in front of those of its leading cause.

    What the cause says of one part of a cure is left out where the cure says it; a word on which address to mend stays first.
    """
    proved = steps(case, cure)
    if not proved:
        return tuple(remedies)
    said = {r.text for change in cure for r in (*_step(case, change), *_parts(case, change))}
    of_cause = {r.text for r in cause(lead).remedies(case)}
    front = [r for r in remedies[:1] if r.text not in of_cause]
    rest = [r for r in remedies if r.text not in said and r not in front]
    return (*front, *proved, *rest)


def _step(case: Case, change: Change) -> tuple[Remedy, ...]:
    if change.act is Act.REISSUE:
        return _reissue(case, change)
    if change.act in (Act.GIVE_ROOT, Act.GIVE_ISSUERS, Act.GIVE_BOTH):
        return _give(case, change.certificates)
    if change.act is Act.FULL_CHAIN:
        return (send_chain(", ".join(map(name, change.certificates))),)
    if change.act is Act.REPLACE:
        only = case.gateway.tier is Tier.CONSUMPTION and give_ca(case, "", "Root")
        return only or (serve_trusted(change.name),)
    found = _BORROWED.get(change.act)
    if found is not None:
        owner, whose = found
        return tuple(r for r in _of(case, whose) if r.owner == owner)[: None if change.act is Act.VERSION else 1]
    return (_OWN[change.act](change),)


def _give(case: Case, certificates: Sequence[Certificate]) -> tuple[Remedy, ...]:
    found: list[Remedy] = []
    for one in certificates:
        if case.leaf is not None and one.der == case.leaf.der:
            found += give_ca(case, "the self-signed certificate itself", "Root")
        elif one.self_signed:
            found += give_ca(case, f"the root “{one.subject}”", "Root")
        else:
            found += give_ca(case, f"the intermediate {name(one)}", "Intermediate")
    return tuple(dict.fromkeys(found))


def _reissue(case: Case, change: Change) -> tuple[Remedy, ...]:
    """One fault: the words of its cause. Several: one order for all of them."""
    parts = _parts(case, change)
    if len(parts) == 1:
        return parts
    return (renew(f"{change.text[:1].upper()}{change.text[1:]}."),)


def _parts(case: Case, change: Change) -> tuple[Remedy, ...]:
    """What the cause of each fault says of it, for a certificate that is issued again."""
    one, how = change.certificates[:1], change.reissue
    if not one or how is None:
        return ()
    late = CauseName.NOT_YET_VALID if one[0].not_before > case.judged_at else CauseName.EXPIRED
    whose = {
        late: how.dates,
        CauseName.NAME_MISMATCH: bool(how.host),
        CauseName.WRONG_USAGE: how.serves,
        CauseName.CHAIN_CONSTRAINT: how.authority or how.unconstrained or how.understood,
    }
    return tuple(r for cause_, is_so in whose.items() if is_so for r in _of(case, cause_)[:1])


def _of(case: Case, whose: CauseName) -> tuple[Remedy, ...]:
    return tuple(r for r in cause(whose).remedies(case) if r.command is None)


_BORROWED = {
    Act.HOST: ("gateway", CauseName.NAME_MISMATCH),
    Act.FETCH: ("network", CauseName.INCOMPLETE_CHAIN),
    Act.VERSION: ("gateway", CauseName.TLS_VERSION),
    Act.SUITE: ("gateway", CauseName.CIPHER_SUITE),
    Act.SERVER_VERSION: ("backend", CauseName.TLS_VERSION),
    Act.SERVER_SUITE: ("backend", CauseName.CIPHER_SUITE),
    Act.SERVER_GROUP: ("backend", CauseName.TLS_PARAMETERS),
    Act.CLIENT_CERTIFICATE: ("gateway", CauseName.CLIENT_CERTIFICATE),
}
"""Whose words, and which owner's, carry out an act."""

_OWN: dict[Act, Callable[[Change], Remedy]] = {
    Act.TIDY_CHAIN: lambda _: Remedy(
        owner="backend",
        text="Put the certificates into the file that the server presents in order, leaf first, each signed by the next, and take "
        "out those that do not belong: .NET on Linux follows the first issuer that fits and never goes back.",
    ),
}
