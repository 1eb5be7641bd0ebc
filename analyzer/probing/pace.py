"""How fast connections are made: a host's name in, when it is its turn out; and room for as many at once as there are targets."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import Dict, Iterator

APART = 0.005  # seconds between the beginnings of connections to one host
AT_ONCE = 16  # of them before that
PAUSE = 0.05  # seconds before a question that follows what may be an accident
SPARE = 64  # descriptors for everything else


class Pace:
    """Keeps the connections to one host apart, also those of several targets."""

    def __init__(self) -> None:
        self._due: Dict[str, float] = {}

    async def turn(self, host: str, *, again: bool = False) -> None:
        """Wait until a connection to the host may begin; `again`: the last one failed as by accident."""
        now = asyncio.get_running_loop().time()
        due = max(self._due.get(host, 0.0), now - AT_ONCE * APART) + APART
        self._due[host] = due
        wait = max(due - now, PAUSE if again else 0.0)
        if wait > 0:
            await asyncio.sleep(wait)


@contextmanager
def enough_descriptors(connections: int) -> Iterator[None]:
    """Lift this process's soft limit of open files for the time of a run, as far as its hard limit lets it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
