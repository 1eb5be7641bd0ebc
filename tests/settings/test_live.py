"""A service's settings over HTTP, by the real client, from a small resource manager on loopback: GETs only, errors that teach."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from analyzer.cli import main
from analyzer.errors import SettingsError, UsageError
from analyzer.settings import Service, load, settings_of
from analyzer.settings.live import ServiceId, connect, fetch, service_id, taught
from tests import make
from tests.settings import arm
from tests.settings.given import exports

if TYPE_CHECKING:
    from azure.mgmt.apimanagement import ApiManagementClient

SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-111122223333"
ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ApiManagement/service/contoso-apim"
SERVICE = ServiceId(subscription=SUBSCRIPTION, group="rg", name="contoso-apim")


class Token:
    """A credential whose token nobody checks: the manager on loopback speaks plain HTTP, over which the client sends none."""

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        raise AssertionError("no token is asked for over plain HTTP")


def client(url: str) -> ApiManagementClient:
    from azure.core.pipeline.policies import HeadersPolicy
    from azure.mgmt.apimanagement import ApiManagementClient

    made: ApiManagementClient = ApiManagementClient(
        Token(), SUBSCRIPTION, base_url=url, authentication_policy=HeadersPolicy(), retry_total=0
    )
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return exports(tmp_path / "exports", make.ca("Corp Root").certificate)


@pytest.fixture
def manager(folder: Path) -> Iterator[arm.Manager]:
    with arm.manager(arm.load(folder)) as one:
        yield one


def only(read: Any) -> Service:
    (service,) = settings_of(read).services
    return service


def test_the_service_says_over_http_what_its_exported_files_say(manager: arm.Manager, folder: Path) -> None:
    read = fetch(SERVICE, client(manager.url))
    live = only(read)
    (filed,) = [s for s in load([folder]).services if s.name == "contoso-apim"]
    for name in Service.__slots__:
        if name not in ("self_hosted", "policies"):
            assert getattr(live, name) == getattr(filed, name), name
    assert sorted(p.scope for p in live.policies) == sorted(p.scope for p in filed.policies)
    assert (live.self_hosted[0].trusted, live.self_hosted[0].listed) == (("corp-root",), True)
    assert live.entities[1].validate_chain is False
    assert len(live.entities) == 3  # over two pages


class Static:
    """A credential with a token of its own; it remembers for which scopes it was asked."""

    def __init__(self) -> None:
        self.scopes: set[str] = set()

    def get_token(self, *scopes: str, **_options: Any) -> Any:
        from azure.core.credentials import AccessToken

        self.scopes |= set(scopes)
        return AccessToken("token-of-the-test", 4_000_000_000)


def test_over_tls_the_credentials_token_goes_to_the_resource_manager(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make.ca("Manager Root")
    identity = make.leaf("127.0.0.1", root).write(tmp_path)
    (tmp_path / "root.pem").write_bytes(root.pem)
    credential = Static()
    with (
        arm.manager(arm.load(folder), identity) as one,
        connect(SERVICE, credential=credential, manager=one.url) as made,
    ):
        with pytest.raises(SettingsError, match="REQUESTS_CA_BUNDLE"):
            fetch(SERVICE, made)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "root.pem"))
        assert only(fetch(SERVICE, made)).sku == "Premium"
        assert one.tokens == {"Bearer token-of-the-test"}
        assert credential.scopes == {f"{one.url}/.default"}


def test_nothing_but_gets_is_sent(manager: arm.Manager) -> None:
    fetch(SERVICE, client(manager.url))
    assert len(manager.asked) > 10
    assert {method for method, _ in manager.asked} == {"GET"}


def test_properties_that_the_client_does_not_know_are_kept(manager: arm.Manager) -> None:
    entity = manager.resources[f"{ID}/backends/inventory-backend".lower()]
    entity["properties"]["tls"]["serverCertificateThumbprints"] = ["AA BB"]
    assert only(fetch(SERVICE, client(manager.url))).entities[0].pinned_thumbprints == ("aabb",)


def test_a_self_hosted_gateway_whose_list_is_empty_is_known_to_have_none(manager: arm.Manager) -> None:
    del manager.resources[f"{ID}/gateways/hall-7/certificateauthorities/corp-root".lower()]
    (hosted,) = only(fetch(SERVICE, client(manager.url))).self_hosted
    assert (hosted.trusted, hosted.listed) == ((), True)


def test_what_may_not_be_read_is_left_out_and_named(manager: arm.Manager) -> None:
    manager.refuse = {
        "/backends": (403, "AuthorizationFailed"),
        "/certificateauthorities": (400, "MethodNotAllowedInPricingTier"),
    }
    read = fetch(SERVICE, client(manager.url))
    service = only(read)
    assert (service.entities, service.self_hosted[0].listed) == ((), False)
    assert any("backends could not be read: the service answered 403 AuthorizationFailed" in n for n in read.notes)
    assert not any("hunter2" in n for n in read.notes)


def test_time_is_bounded_and_what_was_left_is_said(manager: arm.Manager) -> None:
    ticks = iter([0.0, 1.0, 2.0])
    read = fetch(SERVICE, client(manager.url), clock=lambda: next(ticks, 1e9))
    assert only(read).described
    assert len(manager.asked) <= 3
    assert sum("was used up" in n for n in read.notes) == 1


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (404, "ResourceNotFound", "no such service .*az apim list"),
        (404, "SubscriptionNotFound", "no such subscription .*az account list"),
        (403, "AuthorizationFailed", "API Management Service Reader Role"),
        (401, "InvalidAuthenticationTokenTenant", "az login --tenant"),
        (500, "InternalServerError", "answered 500 InternalServerError; try again"),
        (429, "TooManyRequests", "try again in some minutes"),
    ],
)
def test_an_error_says_what_to_do_and_repeats_none_of_the_services_words(
    manager: arm.Manager, status: int, code: str, says: str
) -> None:
    manager.refuse = {"/contoso-apim": (status, code)}
    with pytest.raises(SettingsError, match=says) as raised:
        fetch(SERVICE, client(manager.url))
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_manager_that_cannot_be_reached_is_called_that() -> None:
    with arm.manager({}) as gone:
        pass
    with pytest.raises(SettingsError, match="cannot be reached"):
        fetch(SERVICE, client(gone.url))


def test_a_name_that_does_not_resolve_is_called_that() -> None:
    from azure.core.exceptions import ServiceRequestError

    assert "does not resolve" in str(taught(ServiceRequestError("Failed to resolve 'management.azure.com'"), SERVICE))


@pytest.mark.parametrize("text", [ID, f" {ID}/ ", ID.lower(), ID.upper()])
def test_a_resource_id_is_read_in_any_case(text: str) -> None:
    assert service_id(text).name.lower() == "contoso-apim"


@pytest.mark.parametrize(
    "text", ["", "contoso-apim", f"{ID}/backends/b1", ID.replace("service", "sites"), f"{ID}/../x"]
)
def test_what_is_no_resource_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="az apim list"):
        service_id(text)


@pytest.mark.parametrize(
    ("authority", "base"),
    [
        ("", "https://management.azure.com"),
        ("https://login.microsoftonline.us/", "https://management.usgovcloudapi.net"),
        ("login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_its_resource_manager(monkeypatch: pytest.MonkeyPatch, authority: str, base: str) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", authority)
    made = connect(SERVICE)
    assert made._client._base_url == base
    assert made._config.credential_scopes == [f"{base}/.default"]
    made.close()


def test_without_the_extra_the_command_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run_main: Callable[[list[str]], int]
) -> None:
    monkeypatch.setitem(sys.modules, "azure.mgmt.apimanagement", None)
    assert run_main(["check", "127.0.0.1", "--apim", ID]) == 2
    told = capsys.readouterr().err
    assert 'pip install "apim-triage[arm]"' in told
    assert told.count("\n") == 1


def test_a_wrong_resource_id_ends_the_command_with_one_line(
    capsys: pytest.CaptureFixture[str], run_main: Callable[[list[str]], int]
) -> None:
    assert run_main(["check", "127.0.0.1", "--apim", "contoso-apim"]) == 2
    assert "not the resource id" in capsys.readouterr().err


@pytest.fixture
def run_main() -> Callable[[list[str]], int]:
    return main
