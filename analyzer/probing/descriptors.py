"""Room for sockets: how many connections are wanted at once in, how many this process may open out, its limit lifted meanwhile."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator

SPARE = 64  # descriptors for everything else that a run opens: the loop, the resolver's sockets, files


@contextmanager
def room(wanted: int) -> Iterator[int]:
    """Lift the soft limit of open files toward the hard one for the time of the block; at least 1, at most what was wanted."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        yield wanted
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + _open() + SPARE
    if soft == resource.RLIM_INFINITY or soft >= need:
        yield wanted
        return
    lifted = need if hard == resource.RLIM_INFINITY else min(need, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lifted, hard))
    except (OSError, ValueError):  # macOS caps it below its own hard limit
        lifted = soft
    try:
        yield max(1, wanted - (need - lifted))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _open() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(folder))
        except OSError:
            pass
    return SPARE
