"""A cluster's backend finds its entities, its Host header, its client certificates and its proxy in the settings."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.model import Backend, Gateway, Share, Tier, TierFrom
from analyzer.settings import Route, Service, configure, route_of
from tests import build
from tests.settings import nouns
from tests.settings.nouns import ID, entity, scoped


def route(service: Service, *ids: str, apis: tuple[str, ...] = (), **changes: Any) -> Route:
    gateway = Gateway(id=f"{ID}@west europe", name="x", region="", tier=Tier.CLASSIC, tier_from=TierFrom.SKU)
    _, configured = configure(gateway, nouns.settings(service))
    assert configured is not None
    backend = Backend(scheme="https", host="api.contoso.example", port=443, backend_ids=ids)
    shares = tuple(Share(value=a, failures=1) for a in apis)
    return route_of(configured, build.cluster(backend=backend, apis=shares, **changes))


def test_an_entity_that_the_log_names_decides_and_its_absent_switches_are_on() -> None:
    found = route(nouns.service(entities=(entity("B1", validate_chain=False),)), "b1")
    assert [e.id for e in found.entities] == ["B1"]
    assert (found.validate_chain, found.validate_name, found.doubts) == (False, True, ())


def test_an_entity_that_a_policy_names_decides_too() -> None:
    service = nouns.service(
        entities=(entity(validate_name=False),),
        apis=(nouns.api("orders"),),
        policies=(scoped("orders", backend_ids=("b1",)),),
    )
    assert route(service, apis=("orders",)).validate_name is False
    assert route(service, apis=("other",)).validate_name is None


def test_an_entity_of_the_same_url_alone_decides_nothing_and_is_a_doubt() -> None:
    found = route(nouns.service(entities=(entity(validate_chain=False, validate_name=False),)))
    assert (found.entities, found.validate_chain, found.validate_name) == ((), None, None)
    (doubt,) = found.doubts
    assert "chain and name" in doubt
    assert "not documented" in doubt
    assert route(nouns.service(entities=(entity(),))).doubts == ()


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://api.contoso.example", True),
        ("HTTPS://API.contoso.example:443/v2?x=1", True),
        ("https://api.contoso.example:8443", False),
        ("http://api.contoso.example", False),
        ("https://api.contoso.example.evil", False),
        ("https://user@api.contoso.example./", True),
        ("fabric:/app", False),
        ("https://[::1", False),
        ("https://api.contoso.example:99999", False),
        ("", False),
    ],
)
def test_urls_are_matched_by_host_and_port(url: str, same: bool) -> None:
    found = route(nouns.service(entities=(entity(url=url, validate_chain=False),)))
    assert bool(found.beside) is same


def test_entities_that_differ_leave_the_switch_open() -> None:
    both = (entity("b1", validate_chain=False), entity("b2"))
    found = route(nouns.service(entities=both), "b1", "b2")
    assert found.validate_chain is None
    assert "b1 does not check the certificate's chain" in found.doubts[0]


def test_a_pool_leads_to_its_member_of_that_host() -> None:
    members = (entity("m1", validate_chain=False), entity("m2", url="https://other.example"))
    found = route(nouns.service(entities=(entity("pool", url="", members=("m1", "m2", "gone")), *members)), "pool")
    assert [e.id for e in found.entities] == ["m1"]
    assert found.validate_chain is False


def test_the_host_of_the_apis_policy_is_the_name_that_is_asked_for() -> None:
    service = nouns.service(apis=(nouns.api("orders"),), policies=(scoped("orders", host="www.contoso.example"),))
    assert route(service, apis=("orders",)).host == "www.contoso.example"


def test_the_narrower_policy_outranks_the_wider() -> None:
    wide = scoped(host="wide.example")
    service = nouns.service(apis=(nouns.api("orders"),), policies=(wide, scoped("orders", host="narrow.example")))
    assert route(service, apis=("orders",)).host == "narrow.example"
    assert route(nouns.service(policies=(wide,))).host == "wide.example"


def test_an_api_is_found_by_its_url_where_the_log_does_not_name_it() -> None:
    service = nouns.service(
        apis=(nouns.api("orders", "https://api.contoso.example/v1"), nouns.api("other", "https://other.example")),
        policies=(scoped("orders", host="www.contoso.example"), scoped("other", host="no.example")),
    )
    assert route(service).host == "www.contoso.example"


def test_apis_that_set_different_hosts_leave_the_name_open() -> None:
    service = nouns.service(
        apis=(nouns.api("a"), nouns.api("b")), policies=(scoped("a", host="www.contoso.example"), scoped("b"))
    )
    found = route(service, apis=("a", "b"))
    assert found.host is None
    assert "www.contoso.example (API a)" in found.host_doubt
    assert "the host of the URL (API b)" in found.host_doubt


def test_a_host_by_expression_is_a_doubt_that_says_what_to_do() -> None:
    service = nouns.service(apis=(nouns.api("a"),), policies=(scoped("a", host_expression=True),))
    assert "--host-header" in route(service, apis=("a",)).doubts[0]


def test_an_operations_policy_counts_for_that_operation_alone() -> None:
    service = nouns.service(apis=(nouns.api("a"),), policies=(scoped("a", operation="get", host="x.example"),))
    shares = (Share(value="put", failures=1),)
    assert route(service, apis=("a",), operations=shares).host is None
    assert route(service, apis=("a",)).host == "x.example"


@pytest.mark.parametrize("name", ["c1", "/certificates/C1", "CC", "C:C"])
def test_the_client_certificate_that_a_policy_sends_is_found_by_id_and_by_thumbprint(name: str) -> None:
    service = nouns.service(
        client_certificates=(nouns.certificate(),), policies=(scoped(client_certificates=(name, "gone")),)
    )
    found = route(service)
    assert [c.id for c in found.client_certificates] == ["c1"]
    assert found.client_certificates_unknown == ("gone",)


def test_a_proxy_is_known_without_its_password() -> None:
    service = nouns.service(
        entities=(entity(proxy="10.0.0.9:3128"),), policies=(scoped(proxy="http://user:secret@10.0.0.8:3128/"),)
    )
    assert route(service, "b1").proxies == ("10.0.0.9:3128", "10.0.0.8:3128")


def test_pins_count_only_where_every_entity_has_some() -> None:
    pinned = entity("b1", pinned_thumbprints=("aa",))
    assert route(nouns.service(entities=(pinned,)), "b1").pins == ("aa",)
    assert route(nouns.service(entities=(pinned, entity("b2"))), "b1", "b2").pins == ()
