"""Builders of exported services with plausible defaults, for tests that say only what they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from analyzer.settings import Api, ClientCertificate, Entity, Policy, Scoped, SelfHosted, Service, Settings, UploadedCa

ID = "/subscriptions/1/resourcegroups/rg/providers/microsoft.apimanagement/service/contoso-apim"
BACKEND = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols."


def service(**changes: Any) -> Service:
    defaults: dict[str, Any] = {
        "id": ID,
        "name": "contoso-apim",
        "sku": "Premium",
        "platform": "stv2.1",
        "created": None,
        "custom": {},
        "cas": (),
        "cas_listed": True,
        "regions": ("westeurope",),
        "hostnames": ("contoso-apim.azure-api.net",),
        "entities": (),
        "apis": (),
        "policies": (),
        "client_certificates": (),
        "self_hosted": (),
        "sampling": (),
        "fragments_unread": (),
        "described": True,
    }
    return Service(**{**defaults, **changes})


def settings(*services: Service, **changes: Any) -> Settings:
    return Settings(services=services or (service(),), **changes)


def entity(id_: str = "b1", url: str = "https://api.contoso.example", **changes: Any) -> Entity:
    defaults: dict[str, Any] = {
        "validate_chain": None,
        "validate_name": None,
        "client_certificates": (),
        "proxy": None,
        "members": (),
        "pinned_thumbprints": (),
        "pinned_names": (),
    }
    return Entity(id=id_, url=url, **{**defaults, **changes})


def api(id_: str, url: str = "") -> Api:
    return Api(id=id_, name=id_, service_url=url)


def scoped(api_: str = "", product: str = "", operation: str = "", **policy: Any) -> Scoped:
    scope = f"API {api_}" if api_ else f"product {product}" if product else "all APIs"
    return Scoped(scope=scope, api=api_, product=product, operation=operation, policy=Policy(**policy))


def uploaded(thumbprint: str = "aa", store: str = "Root", **changes: Any) -> UploadedCa:
    defaults: dict[str, Any] = {"subject": "CN=Corp Root", "expires": datetime(2030, 1, 1, tzinfo=UTC)}
    return UploadedCa(store=store, thumbprint=thumbprint, **{**defaults, **changes})


def certificate(id_: str = "c1", thumbprint: str = "cc", **changes: Any) -> ClientCertificate:
    defaults: dict[str, Any] = {"subject": f"CN={id_}", "expires": datetime(2030, 1, 1, tzinfo=UTC)}
    return ClientCertificate(id=id_, thumbprint=thumbprint, **{**defaults, **changes})


def hosted(id_: str = "hall-7", place: str = "onprem", **changes: Any) -> SelfHosted:
    defaults: dict[str, Any] = {"trusted": (), "untrusted": (), "listed": True}
    return SelfHosted(id=id_, place=place, **{**defaults, **changes})
