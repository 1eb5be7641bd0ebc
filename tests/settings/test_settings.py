"""Exported settings in every form that people have, and what is said of those that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from analyzer.errors import SettingsError
from analyzer.settings import Route, Service, Settings, configure, load, route_of, settings_of
from analyzer.settings.resources import Read, in_document
from tests import build

PREFIX = "Microsoft.WindowsAzure.ApiManagement.Gateway."
ID = "/subscriptions/0000/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim-contoso"
TYPE = "Microsoft.ApiManagement/service"

SERVICE: dict[str, Any] = {
    "id": ID,
    "type": TYPE,
    "name": "apim-contoso",
    "location": "West Europe",
    "sku": {"name": "Premium", "capacity": 2},
    "properties": {
        "platformVersion": "stv2.1",
        "createdAtUtc": "2017-06-01T08:00:00.0000000Z",
        "gatewayUrl": "https://apim-contoso.azure-api.net",
        "hostnameConfigurations": [
            {"type": "Proxy", "hostName": "API.contoso.com"},
            {"type": "DeveloperPortal", "hostName": "dev.contoso.com"},
        ],
        "customProperties": {f"{PREFIX}Security.Backend.Protocols.Tls13": "true"},
        "certificates": [
            {
                "storeName": "Root",
                "encodedCertificate": None,
                "certificate": {
                    "subject": "CN=Corp Root",
                    "thumbprint": "AB CD",
                    "expiry": "2027-01-01T00:00:00+00:00",
                },
            }
        ],
    },
}


def entity(name: str, **properties: Any) -> dict[str, Any]:
    return {"id": f"{ID}/backends/{name}", "type": f"{TYPE}/backends", "name": name, "properties": properties}


def given(folder: Path, *documents: Any) -> Settings:
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_text(json.dumps(document), encoding="utf-8")
    return load([folder])


def only(settings: Settings) -> Service:
    (service,) = settings.services
    return service


def test_what_az_rest_gives_for_the_service_is_read(tmp_path: Path) -> None:
    service = only(given(tmp_path, SERVICE))
    assert (service.id, service.name, service.sku) == (ID.lower(), "apim-contoso", "Premium")
    assert (service.platform, service.created, service.described) == ("stv2.1", date(2017, 6, 1), True)
    assert service.custom == {f"{PREFIX}Security.Backend.Protocols.Tls13": "true"}
    assert service.hostnames == ("api.contoso.com", "apim-contoso.azure-api.net")
    (ca,) = service.cas
    assert (ca.store, ca.subject, ca.thumbprint) == ("Root", "CN=Corp Root", "abcd")
    assert ca.expires == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_list_of_backends_finds_its_service_and_keeps_every_switch(tmp_path: Path) -> None:
    fabric = {
        "serverCertificateThumbprints": ["AA:BB"],
        "serverX509Names": [{"name": "sf.contoso", "issuerCertificateThumbprint": "CC"}],
    }
    listed = {
        "value": [
            entity("plain", url="https://a.example/", tls={"validateCertificateChain": False}),
            entity("fabric", url="fabric:/app", properties={"serviceFabricCluster": fabric}),
            entity("pool", type="Pool", pool={"services": [{"id": f"{ID}/backends/plain", "priority": 1}]}),
            entity(
                "client",
                url="https://b.example:8443",
                credentials={"certificate": ["DD"], "certificateIds": ["/certificates/c1"]},
                proxy={"url": "http://user:secret@10.0.0.9:3128", "password": "secret"},
            ),
        ],
        "nextLink": "https://management/next",
    }
    settings = given(tmp_path, listed)
    plain, fabric_, pool, client = only(settings).entities
    assert only(settings).id == ID.lower()
    assert not only(settings).described
    assert (plain.validate_chain, plain.validate_name) == (False, None)
    assert (fabric_.pinned_thumbprints, fabric_.pinned_names) == (("aabb",), (("sf.contoso", "cc"),))
    assert pool.members == ("plain",)
    assert client.client_certificates == ("DD", "/certificates/c1")
    assert client.proxy == "10.0.0.9:3128"
    assert "secret" not in repr(settings)
    assert any("nextLink" in note for note in settings.notes)


def test_apis_policies_certificates_gateways_and_diagnostics_belong_together(tmp_path: Path) -> None:
    policy = '<policies><inbound><set-backend-service backend-id="plain" /></inbound></policies>'
    documents = [
        {"id": f"{ID}/apis/orders;rev=2", "type": f"{TYPE}/apis", "name": "orders;rev=2",
         "properties": {"displayName": "Orders", "serviceUrl": "https://orders.example/v1"}},
        {"id": f"{ID}/apis/orders/policies/policy", "properties": {"format": "rawxml", "value": policy}},
        {"id": f"{ID}/apis/orders/operations/get/policies/policy", "properties": {"value": policy}},
        {"id": f"{ID}/policies/policy", "properties": {"value": policy}},
        {"id": f"{ID}/products/gold/policies/policy", "properties": {"value": policy}},
        {"id": f"{ID}/certificates/c1",
         "properties": {"subject": "CN=client", "thumbprint": "EE", "expirationDate": "2026-12-01T00:00:00Z"}},
        {"id": f"{ID}/gateways/onprem", "properties": {"locationData": {"name": "hall"}}},
        {"id": f"{ID}/gateways/onprem/certificateAuthorities/corp", "properties": {"isTrusted": True}},
        {"id": f"{ID}/gateways/onprem/certificateAuthorities/issuing", "properties": {"isTrusted": False}},
        {"id": f"{ID}/diagnostics/azuremonitor", "properties": {"sampling": {"percentage": 25.0}}},
    ]  # fmt: skip
    service = only(given(tmp_path, {"value": documents}))
    assert [(a.id, a.name, a.service_url) for a in service.apis] == [("orders", "Orders", "https://orders.example/v1")]
    assert [(p.scope, p.api) for p in service.policies] == [
        ("API orders", "orders"),
        ("operation get of API orders", "orders"),
        ("all APIs", ""),
        ("product gold", ""),
    ]
    assert service.policies[0].policy.backend_ids == ("plain",)
    assert service.client_certificates[0].expires == datetime(2026, 12, 1, tzinfo=UTC)
    assert (service.self_hosted[0].trusted, service.self_hosted[0].untrusted) == (("corp",), ("issuing",))
    assert service.sampling == (("azuremonitor", 25.0),)


TEMPLATE = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"}


def test_a_template_is_read_as_far_as_its_defaults_tell(tmp_path: Path) -> None:
    template = TEMPLATE | {
        "contentVersion": "1.0.0.0",
        "parameters": {"apimName": {"type": "string", "defaultValue": "apim-contoso"}, "key": {"type": "securestring"}},
        "variables": {"url": "[concat('https://', 'a.example')]"},
        "resources": [
            {
                "type": TYPE,
                "name": "[parameters('apimName')]",
                "sku": {"name": "StandardV2"},
                "properties": {"customProperties": {f"{PREFIX}Security.Ciphers.TripleDes168": "false"}},
                "resources": [{"type": "backends", "name": "nested", "properties": {"url": "https://n.example"}}],
            },
            {
                "type": f"{TYPE}/backends",
                "name": "[format('{0}/{1}', parameters('apimName'), 'b1')]",
                "properties": {
                    "url": "[variables('url')]",
                    "tls": {"validateCertificateName": "[false()]", "validateCertificateChain": "[parameters('key')]"},
                },
            },
        ],
    }
    service = only(given(tmp_path, template))
    assert (service.name, service.sku) == ("apim-contoso", "StandardV2")
    assert {(e.id, e.url, e.validate_name, e.validate_chain) for e in service.entities} == {
        ("nested", "https://n.example", None, None),
        ("b1", "https://a.example", False, None),
    }


def test_what_bicep_makes_of_modules_and_symbolic_names_is_read(tmp_path: Path) -> None:
    inner = TEMPLATE | {
        "languageVersion": "2.0",
        "contentVersion": "1.0.0.0",
        "parameters": {"name": {"type": "string"}, "host": {"type": "string"}},
        "resources": {
            "apim": {"existing": True, "type": TYPE, "name": "[parameters('name')]"},
            "b": {
                "type": f"{TYPE}/backends",
                "name": "[format('{0}/{1}', parameters('name'), 'b2')]",
                "properties": {"url": "[format('https://{0}', parameters('host'))]"},
            },
        },
    }
    handed = {"name": {"value": "apim-contoso"}, "host": {"value": "[toLower('B.Example')]"}}
    outer = TEMPLATE | {
        "contentVersion": "1.0.0.0",
        "resources": [
            {"type": "Microsoft.Resources/deployments", "name": "m", "properties": {"template": inner, "parameters": handed}}
        ],
    }  # fmt: skip
    service = only(given(tmp_path, outer))
    assert (service.name, service.entities[0].id, service.entities[0].url) == (
        "apim-contoso",
        "b2",
        "https://b.example",
    )


def test_a_template_without_its_services_name_joins_the_one_service_beside_it(tmp_path: Path) -> None:
    nameless = TEMPLATE | {
        "contentVersion": "1.0.0.0",
        "resources": [
            {"type": f"{TYPE}/backends", "name": "[concat(parameters('n'), '/b3')]", "properties": {"url": "https://c"}}
        ],
    }
    service = only(given(tmp_path, SERVICE, nameless))
    assert (service.described, len(service.entities)) == (True, 1)


def test_a_container_of_a_self_hosted_gateway_is_known_by_its_settings(tmp_path: Path) -> None:
    data = {"config.service.endpoint": "x.configuration.azure-api.net", "net.client.tls.ciphers.allowed-suites": "A"}
    settings = given(tmp_path, {"kind": "List", "items": [{"kind": "ConfigMap", "data": data}]})
    assert [one for _, one in settings.containers] == [data]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_powershell_writes_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "service.json"
    path.write_text(json.dumps(SERVICE), encoding=encoding)
    assert only(load([path])).name == "apim-contoso"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "", "is not JSON"),
        ("a.bicep", "param x string", "az bicep build"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.json", '{"schema": "apim-triage/evidence/1"}', "holds no resource of API Management"),
        ("a.json", '[1, "x", null, {"type": 5, "properties": 7, "name": []}]', "holds no resource of API Management"),
    ],
)
def test_what_is_no_export_is_one_line_that_says_what_to_do(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        load([path])


def test_a_missing_file_and_an_empty_folder_are_called_that(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load([tmp_path / "absent.json"])
    with pytest.raises(SettingsError, match=r"holds no \.json file"):
        load([tmp_path])


def test_a_file_of_something_else_in_the_folder_is_named_and_passed_over(tmp_path: Path) -> None:
    settings = given(tmp_path, SERVICE, {"hello": "world"})
    assert [note for note in settings.notes if "1.json" in note and "passed over" in note]


def test_of_a_resource_that_is_given_twice_the_first_counts(tmp_path: Path) -> None:
    settings = given(tmp_path, SERVICE, entity("b1", url="https://a"), entity("B1", url="https://b"))
    assert [(e.id, e.url) for e in only(settings).entities] == [("b1", "https://a")]


def test_named_values_and_fragments_stand_in_policies_and_secrets_do_not(tmp_path: Path) -> None:
    host = '<set-header name="Host"><value>{{host-name}}</value></set-header>'
    policy = '<policies><inbound><include-fragment fragment-id="Route" /><include-fragment fragment-id="gone" /></inbound></policies>'
    service = only(
        given(
            tmp_path,
            {"id": f"{ID}/namedValues/1", "properties": {"displayName": "host-name", "value": "www.example"}},
            {"id": f"{ID}/namedValues/2", "properties": {"displayName": "key", "value": "hunter2", "secret": True}},
            {"id": f"{ID}/policyFragments/route", "properties": {"value": f"<fragment>{host}</fragment>"}},
            {"id": f"{ID}/apis/a/policies/policy", "properties": {"value": policy}},
            {"id": f"{ID}/apis/b/policies/policy", "properties": {"value": host.replace("host-name", "key")}},
        )
    )
    assert [(p.policy.host, p.policy.host_expression) for p in service.policies] == [
        ("www.example", False),
        (None, True),
    ]
    assert service.fragments_unread == ("gone",)
    assert "hunter2" not in repr(service)


def test_workspaces_of_a_service_belong_to_it(tmp_path: Path) -> None:
    one = {"id": f"{ID}/workspaces/w1/backends/b9", "properties": {"url": "https://w.example"}}
    policy = {"id": f"{ID}/workspaces/w1/apis/a/policies/policy", "properties": {"value": "<x/>"}}
    service = only(given(tmp_path, SERVICE, one, policy))
    assert [e.id for e in service.entities] == ["b9"]
    assert (service.policies[0].scope, service.policies[0].api) == ("API a", "a")


KEYS = [
    "id", "name", "type", "sku", "properties", "tls", "credentials", "proxy", "url", "pool", "services", "certificates",
    "certificate", "expiry", "customProperties", "hostnameConfigurations", "additionalLocations", "locationData", "value",
    "serverX509Names", "sampling", "percentage", "displayName", "createdAtUtc", "validateCertificateChain", "resources",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)
KINDS = ["", "/backends/b", "/apis/a", "/apis/a/policies/policy", "/certificates/c", "/gateways/g", "/diagnostics/d"]


@hypothesis.given(
    properties=JSON,
    whole=JSON,
    kind=st.sampled_from([*KINDS, "/gateways/g/certificateAuthorities/c", "/namedValues/n"]),
)
def test_properties_of_any_shape_are_read_or_passed_over(properties: Any, whole: Any, kind: str) -> None:
    document = {**(whole if isinstance(whole, dict) else {}), "id": ID + kind, "properties": properties}
    settings = settings_of(Read(resources=in_document(document, "x")))
    assert len(settings.services) <= 2
    gateway = replace(build.gateway(), id=f"{ID.lower()}@")
    for service in settings.services:
        _, configured = configure(gateway, Settings(services=(service,)))
        if configured is not None:
            assert isinstance(route_of(configured, build.cluster()), Route)


def test_every_region_of_a_service_is_known_however_it_is_written(tmp_path: Path) -> None:
    more = {"additionalLocations": [{"location": "northeurope", "sku": {"name": "Premium", "capacity": 1}}]}
    service = only(given(tmp_path, {**SERVICE, "properties": {**SERVICE["properties"], **more}}))
    assert service.regions == ("westeurope", "northeurope")
