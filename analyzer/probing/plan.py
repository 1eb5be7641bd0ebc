"""Which question to ask a server next: the handshakes so far in, the name of the next offer out."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Tuple

from analyzer.probing import iana
from analyzer.probing.handshake import Entry, Outcome
from analyzer.probing.hello import Offer

MOST_CONNECTIONS = 4  # to one address, for version, suite and parameters
ONE_MORE = 1  # without the name, or with the gateway's hello again

GATEWAY = "gateway"  # the profile's own hello
TLS12, TLS13, TLS10 = "tls1.2-any", "tls1.3-any", "tls1.0-any"  # the diagnostic hellos
TLS13_FULL = "tls1.3-full"  # a whole handshake and a request, through `ssl`
NO_SNI = "gateway, no SNI"  # the profile's own hello without a server name
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
    (GATEWAY, BAD_NAME): NO_SNI,  # whether it is the name alone
    (GATEWAY, BAD_VERSION): TLS13,  # the server's version
    (GATEWAY, REFUSED): TLS12,  # suite, group or signature algorithm: what it chooses when offered all of them
    (GATEWAY, HUNG_UP): TLS12,
    (NO_SNI, BAD_VERSION): TLS13,
    (NO_SNI, REFUSED): TLS12,
    (NO_SNI, HUNG_UP): TLS12,
    (TLS12, BAD_VERSION): TLS13,  # the server's version
    (TLS12, REFUSED): TLS13,
    (TLS12, HUNG_UP): TLS13,
    (TLS13, HIDDEN): TLS13_FULL,  # the chain, and whether a client certificate is required
    (TLS13, BAD_VERSION): TLS10,  # the server's version
    (TLS13, REFUSED): TLS10,
    (TLS13, HUNG_UP): TLS10,
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

TRANSIENT = frozenset({GONE, HUNG_UP})
"""Answers that may be an accident: what comes next waits a moment. Silence, a timeout and an alert are none."""

_DISLIKE = frozenset({BAD_NAME, REFUSED, HUNG_UP})
"""Answers that leave open which part of the hello they are about."""


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


def next_offer(done: Sequence[Entry], hello: Offer, *, named: bool = True) -> Optional[str]:
    """The offer to make after these, to the same address; None: enough is known, or there were connections enough.

    `hello`: the gateway's own; `named`: whether it carries a server name.
    """
    if not done:
        return GATEWAY
    if answer(done[0]) == GONE:
        if len(done) == 1:
            return str(done[0]["offer"])  # whether it stays so: a server may be starting
        done = done[1:]
    offers = [h["offer"] for h in done]
    answers = [answer(h) for h in done]
    said = answers[-1]
    if said == BAD_NAME and (offers[-1] != GATEWAY or not named):
        said = REFUSED
    following = (_NEXT_WHERE_HIDDEN if answers[0] == HIDDEN else _NEXT).get((offers[-1], said))
    if following not in (None, *offers) and len(done) - offers.count(NO_SNI) < MOST_CONNECTIONS:
        return following
    if len(done) >= MOST_CONNECTIONS + ONE_MORE:
        return None
    if answers[0] == HUNG_UP and offers.count(GATEWAY) == 1 and any(_shared(h, hello) for h in done):
        return GATEWAY  # whether it hangs up every time
    if named and NO_SNI not in offers and set(answers) <= _DISLIKE:
        return NO_SNI  # whether it is the name
    return None


def _shared(entry: Entry, hello: Offer) -> bool:
    """Whether the server chose, from whatever hello, what the gateway's own offers too."""
    return (
        entry["outcome"] == Outcome.COMPLETED
        and entry["offer"] != NO_SNI
        and entry["version"] in map(iana.version_name, hello.versions)
        and entry["suite"] in map(iana.suite_name, hello.suites)
        and (entry["group"] is None or entry["group"] in map(iana.group_name, hello.groups))
    )
