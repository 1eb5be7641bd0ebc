"""Which question to ask a server next: the handshakes so far in, the name of the next offer out."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Tuple

from analyzer.probing.handshake import Entry, Outcome

MOST_CONNECTIONS = 4  # to one backend

GATEWAY = "gateway"  # the profile's own hello
TLS12, TLS13, TLS10 = "tls1.2-any", "tls1.3-any", "tls1.0-any"  # the diagnostic hellos
TLS13_FULL = "tls1.3-full"  # a whole handshake and a request, through `ssl`
TCP = "tcp"  # no hello: only whether TCP connects

# What an answer comes to.
CLEAR = "clear"  # a flight of TLS ≤ 1.2, read to its end
ASKS = "asks"  # the same, and it asks for a client certificate
HIDDEN = "hidden"  # TLS 1.3 was agreed on: what follows is encrypted
BAD_VERSION = "bad version"  # the alert protocol_version
REFUSED = "refused"  # another alert, or it hung up: servers do so over any part of a hello they dislike
WRONG = "wrong"  # it chose what was not offered
SETTLED = "settled"  # TCP failed, silence, another protocol, nonsense: no other hello tells more

_NEXT: Dict[Tuple[str, str], str] = {
    # the offer answered, the answer → the next offer, and what that tells; a pair that is absent ends the questions
    (GATEWAY, HIDDEN): TLS12,  # the chain, in clear
    (GATEWAY, BAD_VERSION): TLS13,  # the server's version
    (GATEWAY, REFUSED): TLS12,  # suite, group or signature algorithm: what it chooses when offered all of them
    (TLS12, BAD_VERSION): TLS13,  # the server's version
    (TLS12, REFUSED): TLS13,
    (TLS13, HIDDEN): TLS13_FULL,  # the chain, and whether a client certificate is required
    (TLS13, BAD_VERSION): TLS10,  # the server's version
    (TLS13, REFUSED): TLS10,
}

_NEXT_WHERE_HIDDEN: Dict[Tuple[str, str], str] = {
    # the gateway's own hello agreed on TLS 1.3, so what TLS 1.2 does not show must come from TLS 1.3
    (GATEWAY, HIDDEN): TLS12,
    (TLS12, ASKS): TLS13_FULL,  # TLS 1.3 refuses a missing client certificate in its own way
    (TLS12, BAD_VERSION): TLS13_FULL,
    (TLS12, REFUSED): TLS13_FULL,
    (TLS12, WRONG): TLS13_FULL,
}


def answer(entry: Entry) -> str:
    """What one handshake comes to, as one of the words above."""
    outcome = entry["outcome"]
    if outcome == Outcome.COMPLETED:
        if entry["version"] == "TLS 1.3":
            return HIDDEN
        return ASKS if entry["client_cert_requested"] else CLEAR
    if outcome == Outcome.ALERT:
        return BAD_VERSION if entry["alert"] == "protocol_version" else REFUSED
    if outcome in (Outcome.CLOSED, Outcome.RESET):
        return REFUSED
    if outcome in (Outcome.WRONG_VERSION, Outcome.WRONG_SUITE):
        return WRONG
    return SETTLED


def next_offer(done: Sequence[Entry]) -> Optional[str]:
    """The offer to make after these; None: enough is known, or four connections were made."""
    if not done:
        return GATEWAY
    if len(done) >= MOST_CONNECTIONS:
        return None
    rows = _NEXT_WHERE_HIDDEN if answer(done[0]) == HIDDEN else _NEXT
    return rows.get((done[-1]["offer"], answer(done[-1])))
