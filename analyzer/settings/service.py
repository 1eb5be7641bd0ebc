"""What one API Management service was told about its connections to backends, as nouns; nothing is read here.

An absent value is None: the default of its tier, which is for the reader of these nouns to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from analyzer.settings.policies import Policy


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
    pinned_thumbprints: tuple[str, ...]  # serverCertificateThumbprints, lower-case hex
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
    operation: str = ""  # "" for wider scopes
    product: str = ""  # "" for other scopes
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
    place: str  # locationData.name, which its logs call the region; "" where not given
    trusted: tuple[str, ...]  # certificate ids with isTrusted
    untrusted: tuple[str, ...]  # intermediates
    listed: bool  # whether its certificate authorities were asked for, or some of them given


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
    cas_listed: bool  # whether `cas` is all of them; False: the files leave it open
    regions: tuple[str, ...]  # where it has gateways of its own, as "westeurope"; () where the files do not say
    hostnames: tuple[str, ...]  # that reach this gateway itself, lower case
    entities: tuple[Entity, ...]
    apis: tuple[Api, ...]
    policies: tuple[Scoped, ...]
    client_certificates: tuple[ClientCertificate, ...]
    self_hosted: tuple[SelfHosted, ...]
    sampling: tuple[tuple[str, float], ...]  # (diagnostic, percent)
    fragments_unread: tuple[str, ...]  # policy fragments that policies include and that were not given
    described: bool  # whether the service resource itself was given, or only what belongs to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that was read."""

    services: tuple[Service, ...] = ()
    containers: tuple[tuple[str, Mapping[str, str]], ...] = ()
    notes: tuple[str, ...] = ()
