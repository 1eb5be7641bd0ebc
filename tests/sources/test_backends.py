"""Whose failure it is: the backend, the gateway, and what counts as its traffic."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.sources import read
from tests.sources.build import (
    GATEWAY,
    SERVICE,
    answered,
    backends,
    counts,
    error,
    failed,
    requests,
    tally,
    write,
)

UNNAMED = ("", "", None, "")
ORDERS = ("https", "orders.example", 443, "")


@pytest.mark.parametrize(
    ("url", "backend"),
    [
        ("https://orders.example/v1?sig=x", ORDERS),
        ("HTTPS://Orders.Example./", ORDERS),
        ("https://orders.example:8443", ("https", "orders.example", 8443, "")),
        ("http://orders.example/", ("http", "orders.example", 80, "")),
        ("wss://orders.example/", ("wss", "orders.example", 443, "")),
        ("sb://orders.example/queue", ("sb", "orders.example", None, "")),
        ("https://user:p%40ss@orders.example/", ORDERS),
        ("https://user:p@ss@orders.example:444/", ("https", "orders.example", 444, "")),
        ("https://[2001:DB8::1]:444/x", ("https", "2001:db8::1", 444, "")),
        ("https://192.0.2.7/", ("https", "192.0.2.7", 443, "")),
        ("https://bücher.example/", ("https", "bücher.example", 443, "")),
        ("https://orders.example?code=CANARY", ORDERS),
        ("https://orders.example#@evil.example", ORDERS),
        ("https://a'; DROP TABLE groups; --/", UNNAMED),
        ("https://a\x00b.example/", UNNAMED),
        ("https://orders.example:99999/", UNNAMED),
        ("https://", UNNAMED),
        ("orders", UNNAMED),
        ("fabric:/app/service", UNNAMED),
        (17, UNNAMED),
        (None, UNNAMED),
    ],
)
def test_the_backend_is_scheme_host_and_port_of_the_url(
    tmp_path: Path, url: object, backend: tuple[str, str, int | None, str]
) -> None:
    found = tally(tmp_path, failed(properties={"backendUrl": url}))
    assert counts(found) == (1, 0, 0, 0)
    assert backends(found) == {backend}


def test_the_backend_entity_stands_beside_the_url(tmp_path: Path) -> None:
    assert backends(tally(tmp_path, failed(properties={"backendId": "orders"}))) == {(*ORDERS[:3], "orders")}


@pytest.mark.parametrize("url", [None, "http://unused/", "", "https://UNUSED:443"])
def test_without_a_url_the_entity_is_the_backend_then_the_host_of_the_message(tmp_path: Path, url: object) -> None:
    refused = error("LogError connecting to 192.0.2.10:3001")
    entity = tally(tmp_path, failed(refused, properties={"backendUrl": url, "backendId": "pool"}))
    message = tally(tmp_path, failed(refused, properties={"backendUrl": url}))
    nothing = tally(tmp_path, failed(properties={"backendUrl": url}))
    assert backends(entity) == {("", "", None, "pool")}
    assert backends(message) == {("", "192.0.2.10", 3001, "")}
    assert backends(nothing) == {UNNAMED}


@pytest.mark.parametrize(
    ("message", "host", "port"),
    [
        ("LogError connecting to 192.0.2.10:3001", "192.0.2.10", 3001),
        ("LogError connecting to Unspecified/api.contoso.example:443", "api.contoso.example", 443),
        ("connection timed out: api.contoso.example/192.0.2.4:443", "api.contoso.example", 443),
        ("connection timed out: 192.0.2.4:443", "192.0.2.4", 443),
        ("connection timed out: [2001:db8::4]:443", "2001:db8::4", 443),
        ("No such host is known. (API.contoso.example:443)", "api.contoso.example", 443),
        ("Connection refused ([2001:db8::1%3]:8443)", "2001:db8::1", 8443),
        ("The remote name could not be resolved: 'x'", "x", None),
        ("The remote name could not be resolved: 'x.example:8443'", "x.example", 8443),
        ("Der Remotename konnte nicht aufgelöst werden: 'x.example'", "x.example", None),
        ("No connection could be made because the target machine actively refused it 192.0.2.9:443", "192.0.2.9", 443),
        ("connected host has failed to respond [2001:db8::9]:443", "2001:db8::9", 443),
    ],
)
def test_a_host_is_read_from_every_text_that_names_one(
    tmp_path: Path, message: str, host: str, port: int | None
) -> None:
    assert backends(tally(tmp_path, failed(error(message), properties={"backendUrl": None}))) == {("", host, port, "")}


@pytest.mark.parametrize(
    "message",
    [
        "Name does not resolve",
        "Authentication failed because the remote party sent a TLS alert: 'HandshakeFailure'.",
        "System.ComponentModel.Win32Exception (0x80090326): The message received was unexpected",
        "Resource temporarily unavailable (<URL>:4003)",
        "error:14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure",
        "LogError connecting to 192.0.2.10:99999",
    ],
)
def test_texts_that_name_no_host_name_none(tmp_path: Path, message: str) -> None:
    assert backends(tally(tmp_path, failed(error(message), properties={"backendUrl": None}))) == {UNNAMED}


@pytest.mark.parametrize(
    ("url_host", "named", "backend"),
    [
        ("orders.example", "other.example", ("", "other.example", 443, "")),  # another name: an earlier attempt's
        ("orders.example", "ORDERS.example", ORDERS),
        ("orders.example", "192.0.2.5", ORDERS),  # the name's own address
        ("192.0.2.5", "192.0.2.6", ("", "192.0.2.6", 443, "")),
        ("192.0.2.5", "192.0.2.5", ("https", "192.0.2.5", 443, "")),
        ("192.0.2.5", "other.example", ("", "other.example", 443, "")),
    ],
)
def test_message_and_url_that_differ(
    tmp_path: Path, url_host: str, named: str, backend: tuple[str, str, int | None, str]
) -> None:
    record = failed(error(f"refused ({named}:443)"), properties={"backendUrl": f"https://{url_host}/"})
    assert backends(tally(tmp_path, record)) == {backend}


def test_where_another_backend_answered_only_the_message_names_the_failed_one(tmp_path: Path) -> None:
    first = error("No such host is known. (a.example:443)")
    record = failed(None, [first], properties={"lastError": None, "backendResponseCode": 200, "backendId": "pool"})
    found = tally(tmp_path, record)
    assert counts(found) == (1, 0, 0, 0)
    assert backends(found) == {("", "a.example", 443, "")}
    assert requests(found) == {("", "a.example", 443, ""): 1, (*ORDERS[:3], "pool"): 1}
    success = found.traffic[found.traffic["host"] == "orders.example"]["last_success"]
    assert success.notna().all()
    assert found.traffic[found.traffic["host"] == "a.example"]["last_success"].isna().all()


@pytest.mark.parametrize(
    "message", ["Unable to connect to the remote server", "No such host is known. (orders.example:443)"]
)
def test_the_backend_that_answered_is_never_the_one_that_failed(tmp_path: Path, message: str) -> None:
    found = tally(tmp_path, failed(error(message), properties={"backendResponseCode": 200, "backendId": "pool"}))
    assert backends(found) == {UNNAMED}
    assert requests(found) == {(*ORDERS[:3], "pool"): 1}


def test_the_same_host_on_another_port_is_another_backend(tmp_path: Path) -> None:
    refused = error("Connection refused (orders.example:8443)")
    found = tally(tmp_path, failed(refused, properties={"backendResponseCode": 200}))
    assert backends(found) == {("", "orders.example", 8443, "")}


def test_requests_are_all_that_went_to_a_backend_answered_or_not(tmp_path: Path) -> None:
    gone = failed(error("A task was canceled", reason="ClientConnectionFailure"))
    cached = answered(properties={"backendUrl": None, "backendResponseCode": None})
    found = tally(tmp_path, answered(), answered(), failed(), gone, cached)
    assert requests(found) == {ORDERS: 4}
    assert counts(found) == (1, 1, 3, 0)


def test_a_status_of_zero_is_no_answer(tmp_path: Path) -> None:
    found = tally(tmp_path, failed(properties={"backendResponseCode": 0}))
    assert backends(found) == {ORDERS}
    assert found.traffic["last_success"].isna().all()


def test_last_success_is_the_last_answered_requests_time(tmp_path: Path) -> None:
    at = [answered(time=f"2026-03-04T09:{m:02}:00Z") for m in (10, 40, 20)]
    found = tally(tmp_path, *at, failed(time="2026-03-04T09:50:00Z"))
    assert found.traffic["last_success"].dt.minute.tolist() == [40]


def test_a_gateway_is_its_resource_and_its_region(tmp_path: Path) -> None:
    found = tally(tmp_path, failed(), failed(location="North Europe"), failed(Sku="Premium"))
    assert set(found.failures["gateway"]) == {GATEWAY, f"{SERVICE.lower()}@north europe"}
    assert found.gateways[["name", "region", "field", "value", "count"]].values.tolist() == [
        ["contoso-apim", "North Europe", "sku", "", 1],
        ["contoso-apim", "North Europe", "source", "forward-request", 1],
        ["contoso-apim", "West Europe", "sku", "", 1],
        ["contoso-apim", "West Europe", "sku", "Premium", 1],
        ["contoso-apim", "West Europe", "source", "forward-request", 2],
    ]


def test_two_gateways_with_the_same_backend_stay_two(tmp_path: Path) -> None:
    other = SERVICE.replace("CONTOSO-APIM", "FABRIKAM-APIM")
    found = tally(tmp_path, failed(), failed(resourceId=other), answered(resourceId=other))
    assert found.failures["gateway"].nunique() == 2
    assert found.traffic.groupby("gateway")["requests"].sum().tolist() == [1, 2]


def test_folders_of_a_storage_account_say_whose_log_it_is(tmp_path: Path) -> None:
    folder = tmp_path / f"insights-logs-gatewaylogs/resourceId={SERVICE}/y=2026/m=03/d=04/h=09/m=00"
    folder.mkdir(parents=True)
    write(folder, failed(resourceId=None))
    assert set(read([str(tmp_path)]).failures["gateway"]) == {GATEWAY}


def test_the_records_own_resource_goes_before_the_folders(tmp_path: Path) -> None:
    folder = tmp_path / SERVICE.replace("CONTOSO-APIM", "OTHER").lstrip("/")
    folder.mkdir(parents=True)
    write(folder, failed())
    assert set(read([str(tmp_path)]).failures["gateway"]) == {GATEWAY}


def test_without_a_resource_a_named_service_else_the_source_tells(tmp_path: Path) -> None:
    named = tally(tmp_path, failed(resourceId=None, ServiceName="Contoso-APIM"))
    forwarder = failed(error(source="request-forwarder"), resourceId=None, location="onprem")
    hosted = tally(tmp_path, forwarder, answered(resourceId=None, location="onprem"))
    unknown = tally(tmp_path, failed(resourceId=None), answered(resourceId=None, location=None))
    assert set(named.failures["gateway"]) == {"contoso-apim@west europe"}
    assert set(hosted.failures["gateway"]) == set(hosted.traffic["gateway"]) == {"self-hosted@onprem"}
    assert set(unknown.gateways["gateway"]) == {"unknown@west europe", "unknown@"}
