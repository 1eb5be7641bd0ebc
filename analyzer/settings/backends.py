"""What a gateway's settings say of its way to one backend: entities and their switches, Host, client certificates, proxy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from analyzer.model import Backend, Cluster
from analyzer.settings.gateways import Configured
from analyzer.settings.service import ClientCertificate, Entity, Scoped, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The settings of one gateway's way to one backend."""

    entities: tuple[Entity, ...] = ()  # that calls go through: the log or a policy names them
    beside: tuple[Entity, ...] = ()  # of the same host and port, and nothing shows that calls go through them
    host: str | None = None  # the Host header that policies set for all of its calls; None: none does
    host_doubt: str = ""  # why the name that is asked for is not certain, in words; "": it is
    client_certificates: tuple[ClientCertificate, ...] = ()  # that policies send
    client_certificates_unknown: tuple[str, ...] = ()  # ids and thumbprints that policies name and the settings lack
    proxies: tuple[str, ...] = ()  # host:port that the gateway connects through
    policies_known: bool = (
        False  # whether the settings have the policies of every API that the log ties to this backend
    )

    @property
    def validate_chain(self) -> bool | None:
        """Whether the gateway checks the chain; None: entities differ, or nothing shows which one calls go through."""
        return _alike(e.validate_chain is not False for e in self.entities)

    @property
    def validate_name(self) -> bool | None:
        """Whether the gateway checks the name; None: as for the chain."""
        return _alike(e.validate_name is not False for e in self.entities)

    @property
    def places(self) -> tuple[tuple[str, str, int], ...]:
        """(scheme, host, port) of the URLs of the entities, each once; without those that are no URL of a host."""
        return tuple(dict.fromkeys(p for p in (place_of(e.url) for e in self.entities) if p is not None))

    @property
    def named(self) -> str:
        """The entities that calls go through, as a sentence calls them."""
        ids = ", ".join(e.id for e in self.entities)
        return f"backend entit{'ies' if len(self.entities) > 1 else 'y'} {ids}"

    @property
    def pins(self) -> tuple[str, ...]:
        """SHA-1 thumbprints of the only server certificates that the entities name; () where one of them has none."""
        if not self.entities or not all(e.pinned_thumbprints for e in self.entities):
            return ()
        return tuple(dict.fromkeys(t for e in self.entities for t in e.pinned_thumbprints))

    @property
    def pinned_names(self) -> tuple[tuple[str, str], ...]:
        """(common name, issuer's SHA-1 thumbprint or "") of server certificates that the entities name."""
        return tuple(dict.fromkeys(name for e in self.entities for name in e.pinned_names))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the settings leave open that a verdict on the certificate hangs on, each in words."""
        found = [self.host_doubt] if self.host_doubt else []
        for these, undecided in ((self.entities, True), (self.beside, False)):
            off = [(e, what) for e in these if (what := _unchecked(e))]
            if not off or (undecided and self.validate_chain is not None and self.validate_name is not None):
                continue
            told = ", ".join(f"backend entity {e.id} does not check the certificate's {what}" for e, what in off)
            why = (
                "and others that calls go through do"
                if undecided
                else "it has this host, and whether the gateway goes by it where no policy sends calls through it is not documented"
            )
            found.append(f"{told}: {why}")
        return tuple(found)


def _unchecked(entity: Entity) -> str:
    """What of a certificate the entity's switches leave unchecked, in words; "" where nothing."""
    off = (("chain", entity.validate_chain is False), ("name", entity.validate_name is False))
    return " and ".join(what for what, is_off in off if is_off)


def route_of(configured: Configured, cluster: Cluster) -> Route:
    """What the settings say of the cluster's backend."""
    service = configured.service
    policies = _policies(service, cluster)
    certain, beside = _entities(service, cluster.backend, policies)
    host, doubt = _host(service, cluster, policies)
    named = tuple(dict.fromkeys(c for p in policies for c in p.policy.client_certificates))
    known = {key: c for c in service.client_certificates for key in (c.id.lower(), c.thumbprint)}
    keys = [(name, name.rpartition("/")[2].replace(":", "").lower()) for name in named]
    proxies = [e.proxy for e in certain if e.proxy] + [_place(p.policy.proxy) for p in policies if p.policy.proxy]
    return Route(
        entities=certain,
        beside=beside,
        host=host,
        host_doubt=doubt,
        client_certificates=tuple(dict.fromkeys(known[key] for _, key in keys if key in known)),
        client_certificates_unknown=tuple(name for name, key in keys if key not in known),
        proxies=tuple(dict.fromkeys(proxies)),
        policies_known=_all_known(service, cluster),
    )


def _alike(switches: Iterable[bool]) -> bool | None:
    found = set(switches)
    return found.pop() if len(found) == 1 else None


def _policies(service: Service, cluster: Cluster) -> tuple[Scoped, ...]:
    """The policies that calls to this backend may run: of all APIs, of the products and APIs that the log or a URL ties to it."""
    apis = {share.value.lower() for share in cluster.apis}
    products = {share.value.lower() for share in cluster.products}
    operations = {share.value.lower() for share in cluster.operations}

    def reaches(one: Scoped) -> bool:
        return any(url is not None and _is_at(url, cluster.backend) for url in one.policy.base_urls)

    if not apis:  # the log does not say which: then those that are known to lead there
        apis = {api.id.lower() for api in service.apis if _is_at(api.service_url, cluster.backend)}
        apis |= {one.api.lower() for one in service.policies if one.api and reaches(one)}
    return tuple(
        one
        for one in service.policies
        if (one.api.lower() in apis and (not one.operation or not operations or one.operation.lower() in operations))
        or (one.product and one.product.lower() in products)
        or not (one.api or one.product)
    )


def _all_known(service: Service, cluster: Cluster) -> bool:
    apis = {share.value.lower() for share in cluster.apis}
    return bool(apis and service.policies) and apis <= {api.id.lower() for api in service.apis}


def _entities(
    service: Service, backend: Backend, policies: Sequence[Scoped]
) -> tuple[tuple[Entity, ...], tuple[Entity, ...]]:
    """Those that calls go through, and the others of the same host and port."""
    by_id = {e.id.lower(): e for e in service.entities}
    logged = [by_id[i.lower()] for i in backend.backend_ids if i.lower() in by_id]
    named = [i.lower() for p in policies for i in p.policy.backend_ids if i]
    in_policy = [by_id[i] for i in named if i in by_id]
    certain = [m for e in logged for m in _members(e, by_id) if m.url == "" or _is_at(m.url, backend) or not e.members]
    if not backend.host:  # the log names the entity alone
        certain = [m for e in logged for m in _members(e, by_id)]
    certain += [m for e in in_policy for m in _members(e, by_id) if _is_at(m.url, backend)]
    certain = list(dict.fromkeys(certain))
    beside = [e for e in service.entities if _is_at(e.url, backend) and e not in certain]
    return tuple(certain), tuple(beside)


def _members(entity: Entity, by_id: dict[str, Entity]) -> Sequence[Entity]:
    """A pool's members; pools within pools are not."""
    return [by_id[m.lower()] for m in entity.members if m.lower() in by_id] if entity.members else [entity]


def _host(service: Service, cluster: Cluster, policies: Sequence[Scoped]) -> tuple[str | None, str]:
    """The Host header of all of its calls, or why it is not known: of one API the narrower policy outranks the wider."""
    wide = [p for p in policies if not p.api and not p.product]
    known = {api.id.lower() for api in service.apis}  # of others, nothing says what their policies do
    per_api: dict[str, list[Scoped]] = {s.value.lower(): [] for s in cluster.apis if s.value.lower() in known}
    for one in policies:
        if one.api:
            per_api.setdefault(one.api.lower(), []).append(one)
    products = [p for p in policies if p.product]
    said: dict[str | None, str] = {}
    for api, own in per_api.items() or [("", [])]:
        setting = [p for p in (*own, *products, *wide) if p.policy.host or p.policy.host_expression]
        narrow = [p for p in own if p in setting] or setting
        if not narrow:
            said[None] = f"API {api}" if api else "no policy"
        for one in narrow:
            if one.policy.host_expression:
                return None, (
                    f"the policy of {one.scope} sets the Host header by an expression, so the name that the gateway asks for is "
                    "not known: say it with --host-header HOST=NAME"
                )
            said[one.policy.host] = one.scope
    if len(said) == 1:
        return next(iter(said)), ""
    listed = ", ".join(f"{name or 'the host of the URL'} ({scope})" for name, scope in said.items())
    return None, f"policies set different Host headers, and with them the name that is asked for: {listed}"


def _is_at(url: str, backend: Backend) -> bool:
    """Whether a URL leads to the backend's host and port."""
    place = place_of(url)
    if place is None or place[1] != backend.host.lower().rstrip("."):
        return False
    return backend.port is None or place[2] == backend.port


@lru_cache(maxsize=1 << 14)
def place_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a URL, lower case; None where it names no host, as fabric:/app."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        scheme = parts.scheme.lower() or "https"
        return (scheme, host, parts.port or (80 if scheme in ("http", "ws") else 443)) if host else None
    except ValueError:
        return None


def _place(url: str | None) -> str:
    """host:port of a proxy's URL, without what else it holds."""
    return (url or "").rpartition("://")[2].rpartition("@")[2].split("/")[0]
