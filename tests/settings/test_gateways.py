"""A gateway of the logs finds its settings, and with them its tier, its hello and its CA certificates."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analyzer.errors import SettingsError
from analyzer.model import Gateway, Tier, TierFrom
from analyzer.settings import Configured, configure
from tests.settings import nouns
from tests.settings.nouns import BACKEND, ID


def gateway(id_: str = f"{ID}@west europe", region: str = "West Europe", **changes: Any) -> Gateway:
    defaults: dict[str, Any] = {"tier": Tier.CLASSIC, "tier_from": TierFrom.ASSUMED}
    return Gateway(id=id_, name="contoso-apim", region=region, **{**defaults, **changes})


def configured(one: Gateway, *services: Any, **changes: Any) -> tuple[Gateway, Configured]:
    made, found = configure(one, nouns.settings(*services, **changes))
    assert found is not None
    return made, found


@pytest.mark.parametrize(
    ("id_", "matches"),
    [
        (f"{ID}@west europe", True),
        ("contoso-apim@", True),
        ("contoso-apim@west europe", True),
        ("fabrikam@west europe", False),
        (ID.replace("subscriptions/1", "subscriptions/2") + "@west europe", False),  # the same name elsewhere
        ("unknown@", True),  # the only service
        ("self-hosted@onprem", True),
        ("", True),  # check: no logs
    ],
)
def test_a_gateway_is_matched_by_id_then_by_name_then_as_the_only_one(id_: str, matches: bool) -> None:
    _, found = configure(gateway(id_), nouns.settings())
    assert (found is not None) is matches
    if found and id_ in ("unknown@", "self-hosted@onprem"):
        assert "the log does not name its service" in found.guessed


def test_of_two_services_none_is_guessed() -> None:
    two = nouns.settings(nouns.service(), nouns.service(id="/x", name="fabrikam"))
    assert configure(gateway("unknown@"), two)[1] is None
    assert configure(gateway("contoso-apim@"), two)[1] is not None


def test_a_nameless_self_hosted_gateway_is_found_by_its_region() -> None:
    two = nouns.settings(nouns.service(self_hosted=(nouns.hosted(),)), nouns.service(id="/x", name="fabrikam"))
    one = gateway("self-hosted@onprem", "onprem", tier=Tier.SELF_HOSTED, tier_from=TierFrom.TEXT)
    _, found = configure(one, two)
    assert found is not None
    assert found.self_hosted is not None
    assert "region" in found.guessed


@pytest.mark.parametrize(
    ("sku", "tier"),
    [
        ("Developer", Tier.CLASSIC),
        ("Premium", Tier.CLASSIC),
        ("Consumption", Tier.CONSUMPTION),
        ("StandardV2", Tier.V2),
        ("BasicV2", Tier.V2),
    ],
)
def test_the_sku_decides_the_tier(sku: str, tier: Tier) -> None:
    made, _ = configured(gateway(), nouns.service(sku=sku))
    assert (made.tier, made.tier_from) == (tier, TierFrom.SETTINGS)


def test_the_users_tier_and_what_only_a_self_hosted_log_says_outrank_the_sku() -> None:
    by_option, _ = configured(gateway(tier=Tier.V2, tier_from=TierFrom.OPTION))
    assert (by_option.tier, by_option.tier_from) == (Tier.V2, TierFrom.OPTION)
    by_text, _ = configured(gateway(tier=Tier.SELF_HOSTED, tier_from=TierFrom.TEXT))
    assert by_text.tier is Tier.SELF_HOSTED


def test_a_region_that_is_a_self_hosted_gateways_location_makes_it_one() -> None:
    service = nouns.service(self_hosted=(nouns.hosted(),))
    made, found = configured(gateway(f"{ID}@onprem", "onprem"), service)
    assert (made.tier, made.tier_from, found.self_hosted) == (
        Tier.SELF_HOSTED,
        TierFrom.SETTINGS,
        service.self_hosted[0],
    )
    managed, _ = configured(gateway(), service)
    assert managed.tier is Tier.CLASSIC


def test_its_switches_make_its_hello_and_the_command_line_wins() -> None:
    service = nouns.service(custom={f"{BACKEND}Tls13": "True", "Security.Protocols.Tls10": "false"})
    made, _ = configured(gateway(), service)
    assert (made.profile, made.told) == ("classic+Tls13", ("Tls13",))
    other, _ = configure(gateway(), nouns.settings(service), {f"{BACKEND}Tls13": "false"})
    assert other.profile == "classic"


def test_an_absent_key_is_the_default_of_its_creation_date() -> None:
    old, _ = configured(gateway(), nouns.service(created=date(2017, 1, 1)))
    assert old.profile == "classic+Tls11+Tls10+Ssl30+TripleDes168"
    assert old.created == date(2017, 1, 1)
    new, _ = configured(gateway(), nouns.service(created=date(2024, 1, 1)))
    assert new.profile == "classic"


@pytest.mark.parametrize(
    "custom", [{f"{BACKEND}Tls12": "perhaps"}, {f"{BACKEND}Tls12": "false"}], ids=["no switch", "no version left"]
)
def test_settings_that_make_no_hello_are_one_line_that_names_the_service(custom: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="contoso-apim"):
        configured(gateway(), nouns.service(custom=custom))


def test_a_self_hosted_gateway_goes_by_its_container_and_not_by_customproperties() -> None:
    one = gateway(f"{ID}@onprem", "onprem", tier=Tier.SELF_HOSTED, tier_from=TierFrom.TEXT)
    service = nouns.service(custom={f"{BACKEND}Tls12": "false"}, self_hosted=(nouns.hosted(),))
    container = {
        "config.service.endpoint": "https://contoso-apim.configuration.azure-api.net",
        f"{BACKEND}Tls13": "false",
    }
    other = {"config.service.endpoint": "fabrikam.configuration.azure-api.net", f"{BACKEND}Tls11": "true"}
    made, _ = configured(one, service, containers=(("a.json", other), ("b.json", container)))
    assert made.profile == "self-hosted-Tls13"
    assert configured(one, service)[0].profile == "self-hosted"


@pytest.mark.parametrize(
    ("sku", "counts", "complete"),
    [("Premium", True, True), ("StandardV2", False, False), ("Consumption", False, True)],
)
def test_the_services_list_counts_on_classic_alone(sku: str, counts: bool, complete: bool) -> None:
    _, found = configured(gateway(), nouns.service(sku=sku, cas=(nouns.uploaded(),)))
    assert [(ca.counts, ca.root, ca.thumbprint) for ca in found.cas] == [(counts, True, "aa")]
    assert found.cas_complete is complete


def test_a_self_hosted_gateway_has_its_own_certificate_authorities() -> None:
    one = gateway(f"{ID}@onprem", "onprem", tier=Tier.SELF_HOSTED, tier_from=TierFrom.TEXT)
    service = nouns.service(
        cas=(nouns.uploaded("aa"),),
        client_certificates=(nouns.certificate("root", "bb"), nouns.certificate("issuing", "cc")),
        self_hosted=(nouns.hosted(trusted=("root",), untrusted=("issuing", "gone")),),
    )
    _, found = configured(one, service)
    assert [(ca.thumbprint, ca.counts, ca.root) for ca in found.cas] == [
        ("aa", False, True),
        ("bb", True, True),
        ("cc", True, False),
        ("", True, False),
    ]


@pytest.mark.parametrize(
    ("container", "listed", "complete"),
    [
        (None, True, False),  # certificates may be mounted
        ({}, True, True),
        ({"certificates.local.ca.enabled": "true"}, True, False),
        ({}, False, False),
    ],
)
def test_whether_a_self_hosted_gateway_can_have_other_cas_hangs_on_its_container(
    container: dict[str, str] | None, listed: bool, complete: bool
) -> None:
    one = gateway(f"{ID}@onprem", "onprem", tier=Tier.SELF_HOSTED, tier_from=TierFrom.TEXT)
    endpoint = {"config.service.endpoint": "contoso-apim.configuration.azure-api.net"}
    containers = (("c.json", {**endpoint, **container}),) if container is not None else ()
    _, found = configured(one, nouns.service(self_hosted=(nouns.hosted(listed=listed),)), containers=containers)
    assert found.cas_complete is complete
