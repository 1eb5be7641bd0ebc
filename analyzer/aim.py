"""Whom to ask: clusters and what the user said in, probe targets, or why there is none, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from analyzer import probing
from analyzer.model import Cluster, Family, Gateway
from analyzer.probing import Target

LEFT_OUT = "left out by --max-backends"

Place = tuple[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where the probe goes, and under which name, where that differs from the log's URL."""

    host_headers: Mapping[str, str] | None = None  # host → name sent as SNI and judged
    connect_to: Mapping[Place, Place] | None = None  # (host, port) → (address, port); "" and None: any
    only: tuple[str, ...] = ()  # globs of hosts; empty: all
    most: int | None = None  # backends, those with the most failures; None: all

    def name(self, host: str) -> str:
        """The name to send and to judge for a host of the log."""
        return {_plain(h): name for h, name in (self.host_headers or {}).items()}.get(_plain(host), host)

    def says(self, host: str) -> bool:
        """Whether the user said which name to send for this host."""
        return _plain(host) in {_plain(h) for h in self.host_headers or {}}

    def place(self, host: str, port: int) -> tuple[str | None, int | None]:
        """Where to connect instead; (None, None): where the log says."""
        places = {(_plain(h), p): to for (h, p), to in (self.connect_to or {}).items()}
        for key in ((_plain(host), port), (_plain(host), None), ("", port), ("", None)):
            if key in places:
                to_host, to_port = places[key]
                return to_host or host, to_port or port
        return None, None


def _plain(host: str) -> str:
    """A host as it is compared: lower case, in punycode where it can be, without a trailing dot."""
    try:
        return probing.ascii_name(host).lower().rstrip(".")
    except probing.BadName:
        return host.lower()


def targets_of(
    clusters: Sequence[Cluster],
    gateways: Mapping[str, Gateway],
    aim: Aim,
    names: Mapping[str, str | None] | None = None,
) -> dict[str, Target | str]:
    """For each cluster's id whom to ask, or why nobody is; the clusters come worst first.

    `names` are the Host headers that policies set, by cluster id.
    """
    asked: dict[str, Target | str] = {}
    places: set[Place] = set()
    for cluster in clusters:
        target = target_of(cluster, gateways[cluster.gateway], aim, (names or {}).get(cluster.id))
        if isinstance(target, Target):
            if aim.most is not None and (target.host, target.port) not in places and len(places) >= aim.most:
                target = LEFT_OUT
            else:
                places.add((target.host, target.port))
        asked[cluster.id] = target
    return asked


def target_of(cluster: Cluster, gateway: Gateway, aim: Aim, name: str | None = None) -> Target | str:
    """Whom to ask about a cluster, or why nobody can be asked; `name` is the Host header that its policies set."""
    backend = cluster.backend
    if not backend.host:
        return "the log does not name the backend's host" + (" (a backend entity only)" if backend.backend_ids else "")
    if backend.host.startswith("*."):
        return "it stands for many hosts; `apim-triage check` asks one of them"
    if cluster.family is Family.TRANSFER:
        return "its connections stood, and a handshake shows nothing of a body that broke off"
    if aim.only and not any(fnmatchcase(backend.host, glob.lower()) for glob in aim.only):
        return "left out by --only"
    tls = backend.scheme not in ("http", "ws")
    return target_for(backend.host, backend.port or (443 if tls else 80), gateway.profile, aim, tls=tls, name=name)


def target_for(host: str, port: int, profile: str, aim: Aim, *, tls: bool = True, name: str | None = None) -> Target:
    """Where to connect for a backend, under which name, with which hello; `name` unless the user says another."""
    connect_host, connect_port = aim.place(host, port)
    return Target(
        host=host,
        port=port,
        server_name=aim.name(host) if name is None or aim.says(host) else name,
        connect_host=connect_host,
        connect_port=connect_port,
        profile=profile,
        tls=tls,
    )
