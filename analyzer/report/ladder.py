"""From one handshake to the rungs of a ladder: what went out, what came back, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from analyzer.model import EXPORTED, Handshake, Outcome, Stage
from analyzer.report.hellos import offered
from analyzer.report.words import OUTCOMES, count


class Way(StrEnum):
    """The direction of a rung."""

    OUT = auto()  # probe → backend
    BACK = auto()  # backend → probe
    END = auto()  # what became of the connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One message, or the end of the connection."""

    way: Way
    text: str
    more: tuple[str, ...] = ()  # particulars for who wants them: the suites offered


_ORDER = tuple(Stage)


def rungs_of(handshake: Handshake, profile: str = "") -> tuple[Rung, ...]:
    """The rungs in order; the last one is the outcome. `profile`: whose hello "gateway" is."""
    rungs = []
    if handshake.offer == EXPORTED:
        known = count(len(handshake.chain), "certificate")
        return (Rung(way=Way.END, text=f"{known} from a file; no connection was observed"),)
    if handshake.outcome is not Outcome.FORBIDDEN and _ORDER.index(handshake.stage) >= _ORDER.index(Stage.HELLO):
        hello = offered(handshake, profile)
        told = f" offers {hello.told}" if hello else ""
        rungs.append(
            Rung(way=Way.OUT, text=f"ClientHello ({handshake.offer}){told}", more=hello.suites if hello else ())
        )
    chosen = [part for part in (handshake.version, handshake.suite, handshake.group) if part]
    if chosen:
        rungs.append(Rung(way=Way.BACK, text=f"ServerHello: {', '.join(chosen)}"))
    if handshake.chain:
        more = "" if handshake.chain_whole else " known, and perhaps more sent"
        rungs.append(Rung(way=Way.BACK, text=count(len(handshake.chain), "certificate") + more))
    if handshake.accepts:
        rungs.append(
            Rung(
                way=Way.BACK,
                text=f"takes {count(len(handshake.accepts), 'cipher suite')} in this version",
                more=handshake.accepts,
            )
        )
    if handshake.client_cert_requested:
        rungs.append(Rung(way=Way.BACK, text="asks for a client certificate"))
    if handshake.client_cert_required is not None:
        answer = "refused" if handshake.client_cert_required else "accepted"
        rungs.append(Rung(way=Way.BACK, text=f"an empty client certificate is {answer}"))
    if handshake.alert:
        rungs.append(Rung(way=Way.BACK, text=f"alert: {handshake.alert}"))
    ended = OUTCOMES[handshake.outcome] + (f": {handshake.detail}" if handshake.detail else "")
    return (*rungs, Rung(way=Way.END, text=ended))
