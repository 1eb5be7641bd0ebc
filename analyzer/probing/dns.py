"""Names to addresses through the system's resolver: every answer of it, or why there is none."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any, List, NamedTuple, Optional, Tuple, Union

from analyzer.probing.handshake import NoConnection, Outcome, Stage

MOST_ADDRESSES = 16  # of one name
MOST_LOOKUPS = 64  # threads at once; a resolver that answers nobody must not pile them up

_NO_SUCH_NAME = {
    code
    for code in (getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY"))
    if code is not None
}


class Address(NamedTuple):
    """Where a TCP connection can go."""

    family: int
    sockaddr: Tuple[Any, ...]

    @property
    def text(self) -> str:
        """The IP address."""
        return str(self.sockaddr[0])


def resolver() -> Optional[str]:
    """The name servers of this machine, comma-separated; None where that cannot be read (Windows)."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8", errors="replace") as lines:
            words = [line.split() for line in lines]
    except OSError:
        return None
    return ", ".join(w[1] for w in words if len(w) > 1 and w[0] == "nameserver") or None


class Lookups:
    """Lookups of one run, in threads of their own so that a stuck resolver holds up neither the loop nor the exit."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(MOST_LOOKUPS)

    async def addresses(self, name: str, port: int) -> List[Address]:
        """At most 16 addresses, in the system's order (RFC 6724). Raises NoConnection."""
        with suppress(OSError):  # raised for a name, which is no number
            return _parse(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST), port)
        await self._slots.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Union[List[Address], OSError]] = loop.create_future()

        def settle(found: Union[List[Address], OSError]) -> None:
            self._slots.release()
            if not answer.done():
                answer.set_result(found)

        def ask() -> None:
            found: Union[List[Address], OSError]
            try:
                found = _parse(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM), port)
            except OSError as error:
                found = error
            with suppress(RuntimeError):  # the run is over and nobody waits
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=ask, name="lookup", daemon=True).start()
        found = await answer
        if isinstance(found, OSError):
            outcome = Outcome.NAME_NOT_FOUND if found.errno in _NO_SUCH_NAME else Outcome.RESOLVER_FAILED
            raise NoConnection(outcome, Stage.RESOLVE, found.strerror or str(found))
        return found


def _parse(answers: List[Any], port: int) -> List[Address]:
    found = [Address(family, (sockaddr[0], port, *sockaddr[2:])) for family, _, _, _, sockaddr in answers]
    return list(dict.fromkeys(found))[:MOST_ADDRESSES]
