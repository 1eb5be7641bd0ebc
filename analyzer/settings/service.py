"""Resources in, services out: what each API Management service was told about its connections to backends.

An absent value is None: the default of its tier, which is for the reader of these nouns to say.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from analyzer.settings import policies
from analyzer.settings.policies import Policy
from analyzer.settings.resources import Resource, read

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedCa:
    """A CA certificate of the service (learn.microsoft.com, api-management-howto-ca-certificates)."""

    store: str  # "Root" or "CertificateAuthority", as given
    subject: str
    thumbprint: str  # SHA-1, lower-case hex; "" where not given
    expires: datetime | None
    der: bytes | None = None  # only where the file has the certificate itself: the service gives subject and thumbprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A backend entity."""

    id: str
    url: str  # "" for a pool, and where a template does not tell
    validate_chain: bool | None  # tls.validateCertificateChain; None: not set, so true
    validate_name: bool | None
    client_certificates: tuple[str, ...]  # thumbprints and certificate ids of its credentials
    proxy: str | None  # host and port of its proxy, without credentials
    members: tuple[str, ...]  # of a pool: ids of entities
    pinned_thumbprints: tuple[str, ...]  # Service Fabric: serverCertificateThumbprints, lower-case hex
    pinned_names: tuple[tuple[str, str], ...]  # serverX509Names: (name, issuer's thumbprint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API and where it forwards to without a policy."""

    id: str
    name: str
    service_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped:
    """A policy document and where it applies."""

    scope: str  # "all APIs", "API orders", "operation get-order of API orders", "product gold"
    api: str  # the API's id; "" for wider scopes
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A certificate that the gateway can show to backends."""

    id: str
    subject: str
    thumbprint: str
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfHosted:
    """A self-hosted gateway of the service and the CA certificates that it was given."""

    id: str
    trusted: tuple[str, ...]  # certificate ids with isTrusted
    untrusted: tuple[str, ...]  # intermediates


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One API Management service."""

    id: str  # resource id, lower case; "" where the files do not say
    name: str
    sku: str
    platform: str  # "stv2", …
    created: date | None
    custom: Mapping[str, str]  # customProperties
    cas: tuple[UploadedCa, ...]
    hostnames: tuple[str, ...]  # that reach this gateway itself, lower case
    entities: tuple[Entity, ...]
    apis: tuple[Api, ...]
    policies: tuple[Scoped, ...]
    client_certificates: tuple[ClientCertificate, ...]
    self_hosted: tuple[SelfHosted, ...]
    sampling: tuple[tuple[str, float], ...]  # (diagnostic, percent)
    described: bool  # whether the service resource itself was given, or only what belongs to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that was read."""

    services: tuple[Service, ...] = ()
    containers: tuple[tuple[str, Mapping[str, str]], ...] = ()
    notes: tuple[str, ...] = ()


def load(paths: Sequence[Path]) -> Settings:
    """The services of the files and folders; SettingsError as `resources.read` raises it."""
    found = read(paths)
    groups: dict[str, list[Resource]] = defaultdict(list)
    for resource in found.resources:
        groups[resource.names[0].lower()].append(resource)
    if "" in groups and len(groups) == 2:  # a template that does not know its service's name, beside one that does
        (name,) = (name for name in groups if name)
        groups[name] += groups.pop("")
    return Settings(
        services=tuple(_service(name, group) for name, group in groups.items()),
        containers=found.containers,
        notes=found.notes,
    )


def _service(name: str, group: Sequence[Resource]) -> Service:
    own = next((r for r in group if r.kind == ""), None)
    properties = own.properties if own else {}
    sku = own.whole.get("sku") if own else None
    custom = properties.get("customProperties")
    return Service(
        id=own.id if own else _service_id(group),
        name=(own.names[0] if own else "") or name,
        sku=str(sku.get("name") or "") if isinstance(sku, dict) else "",
        platform=_text(properties, "platformVersion"),
        created=_day(_text(properties, "createdAtUtc")),
        custom={str(k): str(v) for k, v in custom.items() if v is not None} if isinstance(custom, dict) else {},
        cas=tuple(_ca(one) for one in _dicts(properties.get("certificates"))),
        hostnames=_hostnames(properties),
        entities=_of(group, "backends", _entity),
        apis=_of(group, "apis", _api),
        policies=tuple(_scoped(r) for r in group if r.kind.endswith("policies") and _text(r.properties, "value")),
        client_certificates=_of(group, "certificates", _client_certificate),
        self_hosted=_self_hosted(group),
        sampling=tuple(_sampling(group)),
        described=own is not None,
    )


def _of(group: Iterable[Resource], kind: str, make: Callable[[Resource], T]) -> tuple[T, ...]:
    return tuple(make(resource) for resource in group if resource.kind == kind)


def _service_id(group: Sequence[Resource]) -> str:
    """The service's id out of that of one of its parts."""
    whole = next((r for r in group if r.id), None)
    if whole is None:
        return ""
    head, marker, tail = whole.id.partition("/microsoft.apimanagement/service/")
    return head + marker + tail.split("/")[0]


def _ca(one: Mapping[str, Any]) -> UploadedCa:
    shown = one.get("certificate")
    shown = shown if isinstance(shown, dict) else {}
    return UploadedCa(
        store=_text(one, "storeName"),
        subject=_text(shown, "subject"),
        thumbprint=_hex(_text(shown, "thumbprint")),
        expires=_moment(_text(shown, "expiry")),
        der=_certificate(one.get("encodedCertificate")),
    )


def _certificate(encoded: Any) -> bytes | None:
    """The certificate of a template; a .pfx, which holds more than that and is encrypted, is not opened."""
    try:
        der = base64.b64decode(encoded, validate=True) if isinstance(encoded, str) and encoded else None
    except (binascii.Error, ValueError):
        return None
    return der


def _hostnames(properties: Mapping[str, Any]) -> tuple[str, ...]:
    found = [
        _text(one, "hostName")
        for one in _dicts(properties.get("hostnameConfigurations"))
        if _text(one, "type").lower() == "proxy"
    ]
    urls = (_text(properties, "gatewayUrl"), _text(properties, "gatewayRegionalUrl"))
    found += [url.partition("://")[2].split("/")[0].split(":")[0] for url in urls]
    return tuple(dict.fromkeys(name.lower() for name in found if name))


def _entity(resource: Resource) -> Entity:
    properties = resource.properties
    tls, credentials = _dict(properties, "tls"), _dict(properties, "credentials")
    cluster = _dict(_dict(properties, "properties"), "serviceFabricCluster")
    names = _dicts(cluster.get("serverX509Names"))
    return Entity(
        id=resource.names[-1],
        url=_text(properties, "url"),
        validate_chain=_switch(tls, "validateCertificateChain"),
        validate_name=_switch(tls, "validateCertificateName"),
        client_certificates=(*_texts(credentials.get("certificate")), *_texts(credentials.get("certificateIds"))),
        proxy=_proxy(_text(_dict(properties, "proxy"), "url")),
        members=tuple(_text(one, "id").rpartition("/")[2] for one in _dicts(_dict(properties, "pool").get("services"))),
        pinned_thumbprints=tuple(map(_hex, _texts(cluster.get("serverCertificateThumbprints")))),
        pinned_names=tuple((_text(n, "name"), _hex(_text(n, "issuerCertificateThumbprint"))) for n in names),
    )


def _proxy(url: str) -> str | None:
    """Where the proxy is: host and port, never what else its URL holds."""
    return url.partition("://")[2].rpartition("@")[2].split("/")[0] or url or None


def _api(resource: Resource) -> Api:
    id_ = resource.names[-1].partition(";rev=")[0]
    return Api(
        id=id_,
        name=_text(resource.properties, "displayName") or id_,
        service_url=_text(resource.properties, "serviceUrl"),
    )


def _scoped(resource: Resource) -> Scoped:
    steps = resource.kind.split("/")
    names = resource.names[1:]
    api = names[0].partition(";rev=")[0] if steps[0] == "apis" and len(names) > 1 else ""
    scope = "all APIs"
    if steps[0] == "apis":
        scope = f"operation {names[1]} of API {api}" if len(steps) == 3 and len(names) > 2 else f"API {api}"
    elif steps[0] == "products":
        scope = f"product {names[0]}"
    return Scoped(scope=scope, api=api, policy=policies.read(_text(resource.properties, "value")))


def _client_certificate(resource: Resource) -> ClientCertificate:
    return ClientCertificate(
        id=resource.names[-1],
        subject=_text(resource.properties, "subject"),
        thumbprint=_hex(_text(resource.properties, "thumbprint")),
        expires=_moment(_text(resource.properties, "expirationDate")),
    )


def _self_hosted(group: Sequence[Resource]) -> tuple[SelfHosted, ...]:
    given: dict[str, dict[str, bool]] = {r.names[-1]: {} for r in group if r.kind == "gateways"}
    for resource in group:
        if resource.kind == "gateways/certificateauthorities" and len(resource.names) > 2:
            given.setdefault(resource.names[1], {})[resource.names[2]] = bool(_switch(resource.properties, "isTrusted"))
    return tuple(
        SelfHosted(
            id=gateway,
            trusted=tuple(c for c, trusted in cas.items() if trusted),
            untrusted=tuple(c for c, trusted in cas.items() if not trusted),
        )
        for gateway, cas in given.items()
    )


def _sampling(group: Sequence[Resource]) -> Iterable[tuple[str, float]]:
    for resource in group:
        percent = _dict(resource.properties, "sampling").get("percentage")
        if resource.kind.endswith("diagnostics") and isinstance(percent, int | float):
            yield "/".join(resource.names[1:]), float(percent)


def _dict(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = of.get(key)
    return found if isinstance(found, dict) else {}


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(of: Mapping[str, Any], key: str) -> str:
    found = of.get(key)
    return found if isinstance(found, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _switch(of: Mapping[str, Any], key: str) -> bool | None:
    """True, false, or the same in words, as templates have it."""
    found = of.get(key)
    if isinstance(found, str) and found.lower() in ("true", "false"):
        return found.lower() == "true"
    return found if isinstance(found, bool) else None


def _hex(text: str) -> str:
    return "".join(text.split()).replace(":", "").lower()


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _day(text: str) -> date | None:
    found = _moment(text)
    return found.date() if found else None
