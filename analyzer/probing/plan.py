"""Which question to ask a server next: the handshakes so far in, the name of the next offer out."""

from __future__ import annotations

from typing import AbstractSet, Dict, Optional, Sequence, Tuple

from analyzer.probing.handshake import Entry, Outcome

MOST_CONNECTIONS = 4  # to one address, for version, suite and parameters; one more asks about the name

GATEWAY = "gateway"  # the profile's own hello
TLS12, TLS13, TLS10 = "tls1.2-any", "tls1.3-any", "tls1.0-any"  # the diagnostic hellos
TLS13_FULL = "tls1.3-full"  # a whole handshake and a request, through `ssl`
NO_SNI = "gateway-no-sni"  # the profile's own hello without a server name
TCP = "tcp"  # no hello: only whether TCP connects

# What an answer comes to.
CLEAR = "clear"  # a flight of TLS ≤ 1.2, read to its end
ASKS = "asks"  # the same, and it asks for a client certificate
HIDDEN = "hidden"  # TLS 1.3 was agreed on: what follows is encrypted
BAD_VERSION = "bad version"  # the alert protocol_version
BAD_NAME = "bad name"  # the alert unrecognized_name
REFUSED = "refused"  # another alert: servers send one over any part of a hello they dislike
HUNG_UP = "hung up"  # closed or reset without a word: the same, or an accident
WRONG = "wrong"  # it chose what was not offered
GONE = "gone"  # TCP was refused
SETTLED = "settled"  # TCP failed otherwise, silence, another protocol, nonsense: no other hello tells more

_NEXT: Dict[Tuple[str, str], str] = {
    # the offer answered, the answer → the next offer, and what that tells; a pair that is absent ends the questions
    (GATEWAY, HIDDEN): TLS12,  # the chain, in clear
    (GATEWAY, BAD_VERSION): TLS13,  # the server's version
    (GATEWAY, BAD_NAME): NO_SNI,  # whether it is the name alone
    (GATEWAY, REFUSED): TLS12,  # suite, group or signature algorithm: what it chooses when offered all of them
    (GATEWAY, HUNG_UP): TLS12,
    (GATEWAY, GONE): GATEWAY,  # whether it stays so: a server may be starting
    (TLS12, BAD_VERSION): TLS13,  # the server's version
    (TLS12, REFUSED): TLS13,
    (TLS12, HUNG_UP): TLS13,
    (TLS13, HIDDEN): TLS13_FULL,  # the chain, and whether a client certificate is required
    (TLS13, BAD_VERSION): TLS10,  # the server's version
    (TLS13, REFUSED): TLS10,
    (TLS13, HUNG_UP): TLS10,
    (TLS10, REFUSED): NO_SNI,  # nothing with the name in it was answered: whether it is the name
    (TLS10, HUNG_UP): NO_SNI,
    (TLS10, BAD_VERSION): NO_SNI,
    (TCP, GONE): TCP,
}

_NEXT_WHERE_HIDDEN: Dict[Tuple[str, str], str] = {
    # the gateway's own hello agreed on TLS 1.3, so what TLS 1.2 does not show must come from TLS 1.3
    (GATEWAY, HIDDEN): TLS12,
    (TLS12, ASKS): TLS13_FULL,  # TLS 1.3 refuses a missing client certificate in its own way
    (TLS12, BAD_VERSION): TLS13_FULL,
    (TLS12, REFUSED): TLS13_FULL,
    (TLS12, HUNG_UP): TLS13_FULL,
    (TLS12, WRONG): TLS13_FULL,
}

_NEXT_WHERE_HUNG_UP: Dict[Tuple[str, str], str] = {
    # the server hung up on the gateway's own hello, and then chose from another what the gateway offers too
    (TLS12, CLEAR): GATEWAY,  # whether it hangs up every time
    (TLS12, ASKS): GATEWAY,
}

TRANSIENT = frozenset({GONE, HUNG_UP})
"""Answers that may be an accident: what comes next waits a moment."""


def answer(entry: Entry) -> str:
    """What one handshake comes to, as one of the words above."""
    outcome = entry["outcome"]
    if outcome == Outcome.COMPLETED:
        if entry["version"] == "TLS 1.3":
            return HIDDEN
        return ASKS if entry["client_cert_requested"] else CLEAR
    if outcome == Outcome.ALERT:
        return {"protocol_version": BAD_VERSION, "unrecognized_name": BAD_NAME}.get(entry["alert"], REFUSED)
    if outcome in (Outcome.CLOSED, Outcome.RESET):
        return HUNG_UP
    if outcome in (Outcome.WRONG_VERSION, Outcome.WRONG_SUITE):
        return WRONG
    return GONE if outcome == Outcome.REFUSED else SETTLED


def next_offer(done: Sequence[Entry], offered: AbstractSet[str] = frozenset(), named: bool = True) -> Optional[str]:
    """The offer to make after these; None: enough is known, or there were connections enough.

    `offered`: IANA names of the suites in the gateway's hello; `named`: whether that hello carries a server name.
    """
    if not done:
        return GATEWAY
    first, last = answer(done[0]), done[-1]
    said = answer(last)
    step = (last["offer"], said)
    if first == HUNG_UP and step in _NEXT_WHERE_HUNG_UP and last["suite"] in offered:
        return _NEXT_WHERE_HUNG_UP[step]
    following = (_NEXT_WHERE_HIDDEN if first == HIDDEN else _NEXT).get(step)
    if following == NO_SNI:
        return NO_SNI if named else None
    if len(done) >= MOST_CONNECTIONS:
        return None
    asked_before = following in [h["offer"] for h in done[:-1]] or (following == last["offer"] and len(done) > 1)
    return None if asked_before else following
