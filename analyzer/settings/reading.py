"""Resources in, services out: what each API Management service was told about its connections to backends."""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from analyzer.settings import policies
from analyzer.settings.resources import Read, Resource, read
from analyzer.settings.service import (
    Api,
    ClientCertificate,
    Entity,
    Scoped,
    SelfHosted,
    Service,
    Settings,
    UploadedCa,
)

T = TypeVar("T")


def load(paths: Sequence[Path]) -> Settings:
    """The services of the files and folders; SettingsError as `resources.read` raises it."""
    return settings_of(read(paths))


def settings_of(found: Read) -> Settings:
    """The services that the resources belong to."""
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
    texts = _PolicyTexts(group)
    documents = [r for r in group if r.kind.endswith("policies") and _text(r.properties, "value")]
    scoped = tuple(_scoped(r, texts) for r in documents)
    return Service(
        id=own.id if own else _service_id(group),
        name=(own.names[0] if own else "") or name,
        sku=str(sku.get("name") or "") if isinstance(sku, dict) else "",
        platform=_text(properties, "platformVersion"),
        created=_day(_text(properties, "createdAtUtc")),
        custom={str(k): str(v) for k, v in custom.items() if v is not None} if isinstance(custom, dict) else {},
        cas=tuple(_ca(one) for one in _dicts(properties.get("certificates"))),
        # what the service itself answers has its list, or null for an empty one; a template need not have it
        cas_listed=own is not None and ("certificates" in properties or own.live),
        regions=_regions(own, properties),
        hostnames=_hostnames(properties),
        entities=_of(group, "backends", _entity),
        apis=_of(group, "apis", _api),
        policies=scoped,
        client_certificates=_of(group, "certificates", _client_certificate),
        self_hosted=_self_hosted(group),
        sampling=tuple(_sampling(group)),
        fragments_unread=tuple(dict.fromkeys(texts.unread)),
        described=own is not None,
    )


def _of(group: Iterable[Resource], kind: str, make: Callable[[Resource], T]) -> tuple[T, ...]:
    """Of the service itself and of its workspaces; what is given twice, in two files, counts once."""
    return tuple(dict.fromkeys(make(r) for r in group if r.kind in (kind, f"workspaces/{kind}")))


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
    # Service Fabric has its pins in one place; where the v2 tiers have theirs is not settled, so each place is looked at
    pins = [_dict(_dict(properties, "properties"), "serviceFabricCluster"), tls, credentials]
    names = [name for one in pins for name in _dicts(one.get("serverX509Names"))]
    return Entity(
        id=resource.names[-1],
        url=_text(properties, "url"),
        validate_chain=_switch(tls, "validateCertificateChain"),
        validate_name=_switch(tls, "validateCertificateName"),
        client_certificates=(*_texts(credentials.get("certificate")), *_texts(credentials.get("certificateIds"))),
        proxy=_proxy(_text(_dict(properties, "proxy"), "url")),
        members=tuple(_text(one, "id").rpartition("/")[2] for one in _dicts(_dict(properties, "pool").get("services"))),
        pinned_thumbprints=tuple(_hex(t) for one in pins for t in _texts(one.get("serverCertificateThumbprints"))),
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


class _PolicyTexts:
    """Policy documents with their named values and fragments put in, as far as these were given and are no secrets."""

    def __init__(self, group: Sequence[Resource]) -> None:
        self.unread: list[str] = []
        self._values: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        for r in group:
            value = _text(r.properties, "value")
            if r.kind.endswith("namedvalues") and value and not _switch(r.properties, "secret"):
                self._values[_text(r.properties, "displayName") or r.names[-1]] = value
            elif r.kind.endswith("policyfragments") and value:
                self._fragments[r.names[-1].lower()] = value

    def whole(self, text: str) -> str:
        """The document, one step deep: a fragment within a fragment stays unread."""
        text = _FRAGMENT.sub(self._fragment, text)
        return _NAMED.sub(lambda found: self._values.get(found[1].strip(), found[0]), text)

    def _fragment(self, found: re.Match[str]) -> str:
        name = found[1].lower()
        if name not in self._fragments:
            self.unread.append(found[1])
        return self._fragments.get(name, "")


_NAMED = re.compile(r"\{\{([^{}]{1,256})\}\}")
_FRAGMENT = re.compile(r"<include-fragment\s+fragment-id\s*=\s*[\"']([^\"']{1,256})[\"']\s*/?>", re.IGNORECASE)


def _scoped(resource: Resource, texts: _PolicyTexts) -> Scoped:
    steps = resource.kind.removeprefix("workspaces/").split("/")
    names = resource.names[2:] if resource.kind.startswith("workspaces/") else resource.names[1:]
    api = names[0].partition(";rev=")[0] if steps[0] == "apis" and len(names) > 1 else ""
    operation = names[1] if steps[0] == "apis" and len(steps) == 3 and len(names) > 2 else ""
    scope, product = "all APIs", ""
    if steps[0] == "apis":
        scope = f"operation {operation} of API {api}" if operation else f"API {api}"
    elif steps[0] == "products":
        scope, product = f"product {names[0]}", names[0]
    policy = policies.read(texts.whole(_text(resource.properties, "value")))
    return Scoped(scope=scope, api=api, operation=operation, product=product, policy=policy)


def _regions(own: Resource | None, properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Every location, as `region_key` has it."""
    if own is None:
        return ()
    more = (_text(one, "location") for one in _dicts(properties.get("additionalLocations")))
    return tuple(dict.fromkeys(filter(None, map(region_key, (_text(own.whole, "location"), *more)))))


def region_key(region: str) -> str:
    """A region as it is compared: "West Europe" and "westeurope" are one."""
    return "".join(region.split()).lower()


def _client_certificate(resource: Resource) -> ClientCertificate:
    return ClientCertificate(
        id=resource.names[-1],
        subject=_text(resource.properties, "subject"),
        thumbprint=_hex(_text(resource.properties, "thumbprint")),
        expires=_moment(_text(resource.properties, "expirationDate")),
    )


def _self_hosted(group: Sequence[Resource]) -> tuple[SelfHosted, ...]:
    own = {r.names[-1]: r for r in group if r.kind == "gateways"}
    given: dict[str, dict[str, bool]] = {name: {} for name in own}
    for resource in group:
        if resource.kind == "gateways/certificateauthorities" and len(resource.names) > 2:
            given.setdefault(resource.names[1], {})[resource.names[2]] = bool(_switch(resource.properties, "isTrusted"))
    return tuple(
        SelfHosted(
            id=gateway,
            place=_text(_dict(own[gateway].properties, "locationData"), "name") if gateway in own else "",
            trusted=tuple(c for c, trusted in cas.items() if trusted),
            untrusted=tuple(c for c, trusted in cas.items() if not trusted),
            listed=bool(cas) or (gateway in own and "certificateauthorities" in own[gateway].asked),
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
