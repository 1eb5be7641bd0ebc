"""The shape that every cause has, and the one rule by which what the log and the probe say becomes a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from analyzer.causes.case import Case
from analyzer.model import Attribution, CauseName, Kind, Reason, Remedy, State, Verdict


class Says(Enum):
    """What one side, log or probe, says of one cause."""

    YES = "shows it"
    NO = "speaks against it"
    OPEN = "leaves it open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One possible explanation: what it claims, how it is judged, what mends it, how a person proves it by hand."""

    name: CauseName
    claim: str  # one sentence
    source: str  # where the rule comes from
    judge: Callable[[Case], Attribution]
    remedies: Callable[[Case], tuple[Remedy, ...]]
    proof: str  # a command or an action that shows it, with HOST and PORT as placeholders


CERTIFICATE_CAUSES = frozenset(
    {
        CauseName.NAME_MISMATCH,
        CauseName.UNTRUSTED_ROOT,
        CauseName.SELF_SIGNED,
        CauseName.INCOMPLETE_CHAIN,
        CauseName.EXPIRED,
        CauseName.NOT_YET_VALID,
        CauseName.WEAK_SIGNATURE,
        CauseName.WEAK_KEY,
        CauseName.WRONG_USAGE,
        CauseName.CHAIN_CONSTRAINT,
    }
)
"""The gateway had received a certificate and refused it: scenarios 1 and 2."""

HANDSHAKE_CAUSES = frozenset(
    {
        CauseName.TLS_VERSION,
        CauseName.CIPHER_SUITE,
        CauseName.TLS_PARAMETERS,
        CauseName.CLIENT_CERTIFICATE,
        CauseName.SERVER_NAME,
        CauseName.NOT_TLS,
        CauseName.HANDSHAKE_ABORTED,
        CauseName.RESET,
    }
)
"""TCP stood and TLS did not."""

NAMED: dict[Kind, frozenset[CauseName]] = {
    Kind.NAME_MISMATCH: frozenset({CauseName.NAME_MISMATCH}),
    Kind.UNTRUSTED_ROOT: frozenset({CauseName.UNTRUSTED_ROOT, CauseName.SELF_SIGNED}),
    Kind.INCOMPLETE_CHAIN: frozenset({CauseName.UNTRUSTED_ROOT, CauseName.INCOMPLETE_CHAIN}),
    Kind.EXPIRED: frozenset({CauseName.EXPIRED, CauseName.NOT_YET_VALID}),
    Kind.CHAIN_OTHER: frozenset(
        {CauseName.WEAK_SIGNATURE, CauseName.WEAK_KEY, CauseName.WRONG_USAGE, CauseName.CHAIN_CONSTRAINT}
    ),
    Kind.TLS_VERSION: frozenset({CauseName.TLS_VERSION}),
    Kind.CIPHER: frozenset({CauseName.CIPHER_SUITE, CauseName.TLS_PARAMETERS}),
    Kind.CLIENT_CERTIFICATE: frozenset({CauseName.CLIENT_CERTIFICATE}),
    Kind.DNS: frozenset({CauseName.DNS}),
    Kind.REFUSED: frozenset({CauseName.REFUSED}),
    Kind.UNREACHABLE: frozenset({CauseName.UNREACHABLE}),
    Kind.TIMEOUT: frozenset({CauseName.TIMEOUT}),
    Kind.RESET: frozenset({CauseName.RESET}),
    Kind.SNAT: frozenset({CauseName.SNAT_EXHAUSTION}),
    Kind.TRANSFER: frozenset({CauseName.BODY_TRANSFER}),
}
"""Causes that a kind of message names. Where it names one alone, the log by itself shows that cause;
.NET says UntrustedRoot to a self-signed leaf too, PartialChain to 2a and 2b alike, NotTimeValid to expired and not yet valid."""

_TLS_KINDS = frozenset({Kind.TLS_VERSION, Kind.CIPHER, Kind.TLS_OTHER, Kind.CLIENT_CERTIFICATE, Kind.RESET, Kind.HTTP2})
_ANY_TRUST = frozenset({Kind.TRUST_UNSPECIFIED})
_CUT = frozenset({Kind.RESET, Kind.TIMEOUT, Kind.TLS_OTHER, Kind.HTTP2, Kind.TRANSFER})


def fits(kind: Kind, also: tuple[Kind, ...], cause: CauseName) -> bool:
    """Whether a text of this kind can stand for this cause at all."""
    for one in (kind, *also):
        if cause in NAMED.get(one, ()) or one is Kind.OTHER:
            return True
        if one in _ANY_TRUST and cause in CERTIFICATE_CAUSES:
            return True
        # the same alert, the same dropped connection stand for several handshake faults (facts measured on .NET 9)
        if one in _TLS_KINDS and cause in HANDSHAKE_CAUSES:
            return True
        # a connection that is cut while nothing moves ends in as many words as there are stacks
        if one in _CUT and cause is CauseName.IDLE_TIMEOUT:
            return True
        # a server that accepts and stays silent times out like one that never answers
        if one is Kind.TIMEOUT and cause in (CauseName.UNREACHABLE, CauseName.HANDSHAKE_ABORTED):
            return True
    return False


def log_says(case: Case, cause: CauseName) -> Says:
    """YES: the commonest message names this cause and no other; NO: no message can stand for it; else OPEN."""
    found = case.cluster.messages
    if not found:
        return Says.OPEN
    if NAMED.get(found[0].kind) == frozenset({cause}) and not found[0].also:
        return Says.YES
    return Says.OPEN if any(fits(m.kind, m.also, cause) for m in found) else Says.NO


def quote_log(case: Case) -> Reason:
    """The commonest message, as a reason."""
    top = case.cluster.messages[0]
    return Reason(origin="log", text=f"{top.failures} of {case.cluster.failures} failures say: “{top.text}”")


def answer(
    case: Case,
    cause: CauseName,
    *,
    probe: Says,
    reasons: tuple[str, ...] = (),
    missing: str = "",
    cap: tuple[Reason, ...] = (),
    all_or_nothing: bool = False,
    settings: tuple[str, ...] = (),
    pattern: Says | None = None,
    seen: tuple[str, ...] = (),
) -> Attribution:
    """One cause's attribution from what the probe says of it, the log's kinds and the case's reservations.

    `reasons` are the probe's observations; `missing` says what would have to be observed where the probe leaves it open;
    `cap` are reasons why even a probe that shows it does not confirm it. `all_or_nothing`: such a fault fails every call,
    so a success among the failures speaks against it, unless other addresses of the host are healthy. `settings` are what the
    gateway's settings add to the probe's observations. `pattern` is what the log's times and counts say, which outranks the
    kind of its words (None: the kind speaks); `seen` are they, in words.
    """
    log = log_says(case, cause) if pattern is None else pattern
    logged = tuple(Reason(origin="log", text=text) for text in seen)
    told = (
        *(Reason(origin="probe", text=text) for text in reasons),
        *(Reason(origin="settings", text=text) for text in settings),
    )
    quoted = (quote_log(case),) if case.cluster.messages else ()
    against = _success_after_onset(case) if all_or_nothing and not case.partial else ()

    def result(verdict: Verdict, *more: Reason) -> Attribution:
        return Attribution(cause=cause, verdict=verdict, reasons=more)

    if probe is Says.YES:
        conflict = _conflict(case, cause) if log is Says.NO else None
        if conflict is not None and not _probe_outranks(case, cause):
            return result(Verdict.UNKNOWN, *told, *quoted, *logged, conflict)
        of_the_hello = cause in HANDSHAKE_CAUSES or cause is CauseName.TIMEOUT
        held_back = (*cap, *case.reservations(of_the_hello=of_the_hello), *against, *((conflict,) if conflict else ()))
        if not held_back and {m.kind for m in case.cluster.messages} == {Kind.OTHER}:
            held_back = (
                Reason(origin="log", text="the log's words are not known to stand for this cause or any other"),
            )
        return result(Verdict.LIKELY if held_back else Verdict.CONFIRMED, *told, *quoted, *logged, *held_back)
    if probe is Says.NO:
        if log is Says.YES:
            disagree = Reason(
                origin="probe",
                text="The gateway's message names this cause, and the probe does not see it: the two disagree.",
            )
            return result(Verdict.UNKNOWN, *quoted, *logged, *told, disagree)
        return result(Verdict.RULED_OUT, *told)
    if log is Says.YES:
        lacking = (Reason(origin="probe", text=missing),) if missing else ()
        return result(Verdict.LIKELY, *quoted, *logged, *told, *lacking, *cap)
    if log is Says.NO:
        return result(
            Verdict.RULED_OUT, *quoted, Reason(origin="log", text="The gateway's message cannot stand for this cause.")
        )
    return result(Verdict.UNKNOWN, Reason(origin="probe", text=missing or "nothing was observed that decides it"))


def _success_after_onset(case: Case) -> tuple[Reason, ...]:
    c = case.cluster
    if c.last_success is not None and c.first_seen < c.last_success < c.last_seen:
        text = f"a call to this backend succeeded at {c.last_success:%Y-%m-%d %H:%M} UTC, between the first and the last failure"
    elif c.state is State.INTERMITTENT:
        text = "calls to this backend succeeded between the first and the last failure"
    else:
        return ()
    return (
        Reason(
            origin="log", text=text + ": a fault like this fails every call, unless several servers answer for the name"
        ),
    )


def _probe_outranks(case: Case, cause: CauseName) -> bool:
    """Whether a probe that shows the cause outranks a message that does not fit it.

    A message of a later stage than the fault (the gateway spoke of trust, the probe finds no common suite) may be worded
    for all of them alike, as the article's one sentence is. A message of an earlier stage cannot: what failed to resolve
    or connect never got as far.
    """
    kinds = set(case.kinds)
    if cause in HANDSHAKE_CAUSES:
        # a server that speaks first, or another protocol, can let the gateway wait until its time is up
        waited = {Kind.TIMEOUT} if cause is CauseName.NOT_TLS else set()
        return bool(kinds & (_ANY_TRUST | _TLS_KINDS | waited))
    if cause in CERTIFICATE_CAUSES:
        return bool(kinds & _TLS_KINDS)
    return False


def _conflict(case: Case, cause: CauseName) -> Reason:
    text = (
        f"the gateway's words ({', '.join(k.value for k in case.kinds)}) do not fit {cause.value}: log and probe differ"
    )
    return Reason(origin="log", text=text)
