"""What workspaces, resources, credentials and troubles are called; each trouble has one line that says what to do."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from analyzer.errors import SourceError, UsageError
from analyzer.sources.workspace.auth import ENDPOINT, client, credential, endpoint
from analyzer.sources.workspace.errors import WILL_NOT_PASS, Kind, QueryFailed, no_token, refused, taught, unsent, words
from analyzer.sources.workspace.places import SERVICES, Auth, Cloud, Place, Workspaces, as_one, resource, workspace

ID = "0b1f6471-1bf0-4dda-aec3-111122223333"
APIM = f"/subscriptions/{ID}/resourceGroups/rg/providers/Microsoft.ApiManagement/service/contoso-apim"
LAW = f"/subscriptions/{ID}/resourcegroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs"
PLACES = [workspace(ID), resource(APIM)]


@pytest.mark.parametrize(
    ("word", "path", "name"),
    [
        (ID, f"/workspaces/{ID}", f"workspace {ID}"),
        (f" {ID.upper()} ", f"/workspaces/{ID}", f"workspace {ID}"),
        (LAW, LAW, "logs of logs"),
    ],
)
def test_a_workspace_is_named_by_its_id_or_its_resource_id(word: str, path: str, name: str) -> None:
    place = workspace(word)
    assert (place.path, place.name) == (path, name)


@pytest.mark.parametrize(
    "word", ["", "contoso-logs", ID[:-1], f"{ID}/query", f"{ID}?x=1", APIM, "../../x", f"{LAW}/../x?y"]
)
def test_what_is_no_workspace_says_where_to_find_its_id(word: str) -> None:
    with pytest.raises(UsageError, match="customerId"):
        workspace(word)


@pytest.mark.parametrize("word", ["contoso-apim", ID, LAW, APIM + "?x", APIM + "/../../x", APIM.replace("rg/", "r g/")])
def test_what_is_no_service_says_where_to_find_its_id(word: str) -> None:
    with pytest.raises(UsageError, match="az apim show"):
        resource(word)


def test_several_workspaces_are_one_place_and_one_is_none() -> None:
    other = ID.replace("0b", "1c")
    together = as_one((workspace(ID), resource(APIM), workspace(other)))
    assert together == (Place(id=ID, also=(other,)), resource(APIM))
    assert together[0].name == f"workspace {ID} + workspace {other}"
    with pytest.raises(UsageError, match="two workspaces"):
        as_one((workspace(ID), resource(APIM)))


@pytest.mark.parametrize("place", PLACES, ids=["workspace", "resource"])
@pytest.mark.parametrize("kind", Kind)
def test_each_trouble_is_one_line_that_says_what_to_do(kind: Kind, place: Place) -> None:
    error = taught(QueryFailed(kind, "418 Teapot"), place, Auth.DEFAULT, Cloud.PUBLIC)
    assert isinstance(error, SourceError)
    line = str(error)
    assert line.startswith(f"{place.name}: ")
    assert "\n" not in line
    assert "None" not in line
    assert 60 < len(line) < 420


def test_what_passes_and_what_does_not_is_told_apart() -> None:
    assert set(Kind) - WILL_NOT_PASS == {
        Kind.TIMED_OUT,
        Kind.INCOMPLETE,
        Kind.TRUNCATED,
        Kind.SERVICE,
        Kind.BROKEN,
    }


@pytest.mark.parametrize(
    ("place", "role"), [(PLACES[0], "Log Analytics Reader"), (PLACES[1], '"Reader" on the API Management service')]
)
def test_a_missing_right_names_the_role_and_on_what(place: Place, role: str) -> None:
    assert role in words(QueryFailed(Kind.FORBIDDEN), place, Auth.CLI, Cloud.PUBLIC)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "SyntaxError", "Syntax Error", Kind.REFUSED),
        (400, "SEM0100", "'where' operator: Failed to resolve table or column expression named 'X'", Kind.NO_TABLE),
        (400, "SemanticError", "union: must have at least one operand", Kind.NO_TABLE),
        (
            400,
            "UnsupportedApiQueryValidationError",
            "Query of Basic Logs table is not supported with the API",
            Kind.BASIC,
        ),
        (401, "InvalidTokenError", "", Kind.TOKEN_REFUSED),
        (403, "InsufficientAccessError", "The provided credentials have insufficient access", Kind.FORBIDDEN),
        (403, "InvalidAuthenticationTokenAudience", "wrong audience", Kind.TOKEN_REFUSED),
        (403, "Forbidden", "Access from Public Network is disabled", Kind.PRIVATE),
        (404, "WorkspaceNotFoundError", "", Kind.NOT_FOUND),
        (407, "", "", Kind.PROXY),
        (413, "", "", Kind.TRUNCATED),
        (429, "", "", Kind.THROTTLED),
        (500, "", "", Kind.SERVICE),
        (504, "", "", Kind.TIMED_OUT),
    ],
)
def test_an_error_of_the_api_has_one_kind(status: int, code: str, message: str, kind: Kind) -> None:
    failed = refused(status, code, message)
    assert failed.kind is kind
    assert failed.detail.startswith(str(status))


def test_the_services_words_are_not_repeated() -> None:
    failed = refused(400, "Bad\x1b[2J<script>", "key=CANARY")
    assert failed.detail == "400 Bad2Jscript"
    assert "CANARY" not in str(taught(failed, PLACES[0], Auth.DEFAULT, Cloud.PUBLIC))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("HTTPSConnectionPool(…): NameResolutionError('Failed to resolve …')", Kind.UNRESOLVED),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", Kind.UNTRUSTED),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 …'))", Kind.PROXY),
        ("[Errno 111] Connection refused", Kind.UNREACHABLE),
        ("", Kind.UNREACHABLE),
    ],
)
def test_a_request_that_was_not_sent_has_one_kind(said: str, kind: Kind) -> None:
    assert unsent(said).kind is kind


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("AADSTS7000215: Invalid client secret provided …", "AZURE_CLIENT_SECRET is wrong"),
        ("AADSTS700082: The refresh token has expired", "az login"),
        ("AADSTS99999: something new", "AADSTS99999"),
        ("Azure CLI not found on path", "az login"),
    ],
)
def test_a_failed_sign_in_says_how_to_mend_it(said: str, hint: str) -> None:
    assert hint in words(no_token(said), PLACES[0], Auth.DEFAULT, Cloud.PUBLIC)


@pytest.mark.parametrize(("minutes", "said"), [(90, "90 minutes behind"), (-90, "90 minutes ahead of")])
@pytest.mark.parametrize("kind", [Kind.TOKEN_REFUSED, Kind.NO_CREDENTIAL])
def test_a_wrong_clock_is_named_before_anything_else(kind: Kind, minutes: int, said: str) -> None:
    failed = QueryFailed(kind, "401")
    failed.skew = timedelta(minutes=minutes)
    assert said in words(failed, PLACES[0], Auth.DEFAULT, Cloud.PUBLIC)
    failed.skew = timedelta(minutes=1)
    assert "minutes" not in words(failed, PLACES[0], Auth.DEFAULT, Cloud.PUBLIC)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that says nothing of Azure."""
    import os

    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_", ENDPOINT)):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("cloud", Cloud)
def test_each_cloud_has_its_endpoint(bare: pytest.MonkeyPatch, cloud: Cloud) -> None:
    made = client(Workspaces(places=(PLACES[0],), auth=Auth.CLI, cloud=cloud))
    assert made._config.endpoint == SERVICES[cloud].endpoint == endpoint(cloud)
    assert made._config.credential_scopes == [f"{SERVICES[cloud].endpoint}/.default"]
    assert len({service.authority for service in SERVICES.values()}) == len(Cloud)
    made.close()


@pytest.mark.parametrize(
    "word", ["http://logs.example", "logs.example", "https://", "https://user:pw@logs.example", "https://x?y"]
)
def test_a_token_is_sent_to_no_odd_endpoint(bare: pytest.MonkeyPatch, word: str) -> None:
    bare.setenv(ENDPOINT, word)
    with pytest.raises(UsageError) as error:
        endpoint(Cloud.PUBLIC)
    assert "pw" not in str(error.value)


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        (Auth.DEFAULT, "DefaultAzureCredential"),
        (Auth.CLI, "AzureCliCredential"),
        (Auth.MANAGED_IDENTITY, "ManagedIdentityCredential"),
        (Auth.BROWSER, "InteractiveBrowserCredential"),
    ],
)
def test_each_way_is_its_credential(bare: pytest.MonkeyPatch, auth: Auth, kind: str) -> None:
    made: Any = credential(auth, Cloud.PUBLIC)
    assert type(made).__name__ == kind
    if hasattr(made, "close"):
        made.close()


@pytest.mark.parametrize(
    ("auth", "given", "missing"),
    [
        (Auth.ENV, {}, "AZURE_TENANT_ID, AZURE_CLIENT_ID are not set"),
        (Auth.ENV, {"AZURE_TENANT_ID": "t"}, "AZURE_CLIENT_ID is not set"),
        (Auth.ENV, {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, "AZURE_CLIENT_SECRET"),
        (Auth.WORKLOAD_IDENTITY, {"AZURE_TENANT_ID": "t"}, "AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE are not set"),
        (Auth.DEFAULT, {"AZURE_TOKEN_CREDENTIALS": "nonsense"}, "AZURE_TOKEN_CREDENTIALS"),
    ],
)
def test_what_the_environment_lacks_is_named(
    bare: pytest.MonkeyPatch, auth: Auth, given: dict[str, str], missing: str
) -> None:
    for name, value in given.items():
        bare.setenv(name, value)
    with pytest.raises(SourceError, match=missing):
        credential(auth, Cloud.PUBLIC)


@pytest.mark.parametrize(
    ("auth", "given"),
    [
        (Auth.ENV, {"AZURE_TENANT_ID": ID, "AZURE_CLIENT_ID": ID, "AZURE_CLIENT_SECRET": "s"}),
        (
            Auth.WORKLOAD_IDENTITY,
            {"AZURE_TENANT_ID": ID, "AZURE_CLIENT_ID": ID, "AZURE_FEDERATED_TOKEN_FILE": __file__},
        ),
    ],
)
@pytest.mark.parametrize("cloud", Cloud)
def test_each_cloud_signs_in_at_its_own_authority(
    bare: pytest.MonkeyPatch, cloud: Cloud, auth: Auth, given: dict[str, str]
) -> None:
    for name, value in given.items():
        bare.setenv(name, value)
    made: Any = credential(auth, cloud)
    inner = getattr(made, "_credential", made)
    assert SERVICES[cloud].authority in f"{vars(inner)} {vars(getattr(inner, '_client', inner))}"
    made.close()


@contextmanager
def identity_endpoint() -> Iterator[tuple[str, list[str]]]:
    """What App Service gives its apps to get tokens from, on loopback."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps({"access_token": "lab", "expires_on": str(2**33), "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002  its name there
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/msi/token", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_managed_identity_gets_its_token_for_the_cloud(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("NO_PROXY", "127.0.0.1")
    with identity_endpoint() as (url, asked):
        bare.setenv("IDENTITY_ENDPOINT", url)
        bare.setenv("IDENTITY_HEADER", "x")
        made: Any = credential(Auth.MANAGED_IDENTITY, Cloud.USGOV)
        with made:
            assert made.get_token(f"{SERVICES[Cloud.USGOV].endpoint}/.default").token == "lab"
    assert "api.loganalytics.us" in asked[0]
