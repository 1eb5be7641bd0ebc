"""Azure Storage: addresses, which blobs are looked for, how they are read, and what is said where they cannot be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    ContainerClient,
    ResourceTypes,
    StandardBlobTier,
    generate_account_sas,
)

from analyzer.cli import EXIT_INCOMPLETE, main
from analyzer.errors import SourceError, UsageError
from analyzer.model import Window
from analyzer.sources import blobs, read
from analyzer.sources.ranges import Patience
from tests.sources.build import GATEWAY, SERVICE, answered, counts, failed
from tests.sources.storage import ACCOUNT, KEY, Proxy, azurite, connection_string, proxy

OTHER_KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
FOLDER = f"resourceId={SERVICE}"
VARIABLES = (
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_ACCOUNT",
    "AZURE_STORAGE_ENDPOINT_SUFFIX",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with azurite(tmp_path_factory.mktemp("azurite")) as port:
        yield port


@dataclass
class Account:
    """One container of the storage account, seen through the proxy."""

    container: ContainerClient
    proxy: Proxy
    pauses: list[float] = field(default_factory=list)

    def put(self, name: str, data: bytes = b"{}\n") -> None:
        self.container.upload_blob(name, data, blob_type="AppendBlob")

    def find(self, path: str = "", window: Window | None = None, *, attempts: int = 3) -> list[blobs.Blob]:
        word = f"az://{ACCOUNT}/{self.container.container_name}/{path}"
        patience = Patience(attempts=attempts, sleep=self.pauses.append)
        return list(blobs.find(word, window or Window(), patience=patience))

    def names(self, path: str = "", window: Window | None = None) -> list[str]:
        root = f"az://{ACCOUNT}/{self.container.container_name}/"
        return [one.name.removeprefix(root) for one in self.find(path, window)]


@pytest.fixture
def account(storage: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    name = f"logs-{abs(hash(request.node.nodeid))}"
    with (
        proxy(storage) as before,
        ContainerClient.from_connection_string(connection_string(storage), name) as container,
    ):
        container.create_container()
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string(before.port))
        yield Account(container, before)


def hour(day: int, at: int, *, name: str = "PT1H.json", minute: str = "00", folder: str = FOLDER) -> str:
    return f"{folder}/y=2026/m=03/d={day:02}/h={at:02}/m={minute}/{name}"


def between(start: datetime | None, end: datetime | None = None) -> Window:
    return Window(start=start, end=end)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "account", "container", "path"),
    [
        ("az://contoso/insights-logs-gatewaylogs", "contoso", "insights-logs-gatewaylogs", ""),
        ("az://contoso/logs/resourceId=/A/B", "contoso", "logs", "resourceId=/A/B"),
        ("abfss://logs@contoso.dfs.core.windows.net/a/b", "contoso", "logs", "a/b"),
        ("ABFSS://$web@contoso.blob.core.chinacloudapi.cn", "contoso", "$web", ""),
        ("az://contoso.z12.blob.storage.azure.net/logs/", "contoso", "logs", ""),
    ],
)
def test_an_address_names_account_container_and_path(word: str, account: str, container: str, path: str) -> None:
    found = blobs.address(word)
    assert blobs.is_remote(word)
    assert (found.account.name, found.container, found.path) == (account, container, path)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("az://", "cannot be a storage account"),
        ("az://Contoso_1/logs", "cannot be a storage account"),
        ("az://contoso", "names no container"),
        ("az://contoso/Logs", "cannot be a container"),
        ("az://contoso/a--b", "cannot be a container"),
        ("az://contoso/logs/y=2026/*/d=01", "patterns are not read here"),
        ("az://contoso/logs?sig=hush", "give a SAS in AZURE_STORAGE_SAS_TOKEN"),
        ("az://contoso.blob.example.com/logs", "no cloud of Azure"),
        ("abfss://contoso.dfs.core.windows.net/logs", "container@account"),
        ("https://user:hush@contoso.blob.core.windows.net/logs?sig=hush", "has a query"),
        ("s3://logs/a", "s3:// is not read"),
    ],
)
def test_a_wrong_address_says_what_is_wrong_and_no_secret(word: str, says: str) -> None:
    with pytest.raises(UsageError, match="^" + word[:4]) as raised:
        list(blobs.find(word, Window()))
    assert says in str(raised.value)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("word", ["logs/az", "C:\\logs", "/var/az:/x", "-", "az:/contoso"])
def test_a_path_is_no_address(word: str) -> None:
    assert not blobs.is_remote(word)


def test_another_cloud_is_said_by_its_suffix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT_SUFFIX", "core.example.org")
    assert blobs.address("az://contoso/logs").account.suffix == "core.example.org"
    assert blobs.address("az://contoso.blob.core.example.org/logs").account.suffix == "core.example.org"


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "azure.storage.blob", None)
    with pytest.raises(SourceError, match=r'pip install "apim-triage\[blob\]"'):
        list(blobs.find("az://contoso/logs", Window()))


@pytest.mark.tool("azurite-blob")
def test_only_the_hours_of_the_window_are_looked_for_with_one_more_on_each_side(account: Account) -> None:
    for day in (3, 4, 5):
        for at_hour in range(24):
            account.put(hour(day, at_hour))
    assert account.names(window=between(at(4, 10), at(4, 12))) == [hour(4, h) for h in (9, 10, 11, 12)]
    assert account.names(window=between(at(3, 23), at(4, 0))) == [hour(3, 22), hour(3, 23), hour(4, 0)]
    assert len(account.names(window=between(at(5, 2)))) == 23
    assert len(account.names()) == 72
    assert account.proxy.downloads() == []


@pytest.mark.tool("azurite-blob")
def test_a_window_costs_few_requests(account: Account) -> None:
    for day in range(1, 29):
        account.put(hour(day, 9))
    account.names(window=between(at(4, 0), at(5, 0)))
    above = len(FOLDER.split("/")) + len(("container", "year", "month"))
    assert account.proxy.listings() <= above + len(("the day before", "the day", "the day after"))
    account.proxy.requests.clear()
    account.names()
    assert account.proxy.listings() == 1


@pytest.mark.tool("azurite-blob")
def test_every_way_to_name_an_hour_is_understood(account: Account) -> None:
    wanted = [
        hour(4, 9),
        hour(4, 9, name="PT1H_2.json"),
        hour(4, 9, minute="05", name="PT5M.json"),
        hour(4, 9, folder="WorkspaceResourceId=/subscriptions/s/resourcegroups/rg"),
        hour(4, 9, folder="a container of my own"),
        "no time in the name/export.json",
        "y=2026/m=13/d=01/h=00/m=00/PT1H.json",
        "y=2026/notes.json",
    ]
    for name in (*wanted, hour(1, 9), hour(4, 9, folder="y=2024/x").replace("2026", "2025")):
        account.put(name)
    found = account.names(window=between(at(4, 9), at(4, 10)))
    assert sorted(found) == sorted([*wanted, "y=2024/x/y=2025/m=03/d=04/h=09/m=00/PT1H.json"][:-1])


@pytest.mark.tool("azurite-blob")
def test_a_folder_is_read_and_not_what_begins_like_it(account: Account) -> None:
    for name in ("a/1.json", "a/b/2.json", "ab/3.json", "a.json"):
        account.put(name)
    assert account.names("a") == account.names("a/") == ["a/1.json", "a/b/2.json"]
    assert account.names("a.json") == ["a.json"]
    with pytest.raises(SourceError, match="holds no blob or folder nothing"):
        account.names("nothing")


@pytest.mark.tool("azurite-blob")
def test_empty_blobs_and_markers_of_folders_are_left_out(account: Account) -> None:
    account.put("folder", b"")
    account.put("folder/", b"")
    account.put("folder/empty.json", b"")
    account.put("folder/full.json")
    assert account.names() == account.names("folder") == account.names("folder/") == ["folder/full.json"]
    assert account.names(window=between(at(4, 9))) == ["folder/full.json"]


@pytest.mark.tool("azurite-blob")
def test_a_listing_has_its_limit(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "LIMIT", 2)
    for name in ("1", "2", "3"):
        account.put(name)
    with pytest.raises(SourceError, match="more than 2 blobs would have to be looked through; name a folder"):
        account.names()


@pytest.mark.tool("azurite-blob")
@pytest.mark.parametrize("size", [1, 262_144, 262_145, 9_000_001])
def test_content_comes_as_it_is_stored(account: Account, size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    account.container.upload_blob("blob", data)
    (found,) = account.find()
    with found.open() as stream:
        assert stream.read() == data
    with found.open() as stream:  # from the beginning, each time
        assert stream.read(10) == data[:10]


@pytest.mark.tool("azurite-blob")
def test_gzip_is_not_unpacked_on_the_way_whatever_its_encoding_says(account: Account) -> None:
    from azure.storage.blob import ContentSettings

    packed = gzip.compress(b"{}\n" * 10_000)
    account.container.upload_blob("log.gz", packed, content_settings=ContentSettings(content_encoding="gzip"))
    (found,) = account.find()
    with found.open() as stream:
        assert stream.read() == packed


@pytest.mark.tool("azurite-blob")
def test_what_is_appended_after_the_listing_is_not_read_and_does_no_harm(account: Account) -> None:
    data = bytes(5_000_000)
    account.put("growing", data[:4_000_000])
    client = account.container.get_blob_client("growing")
    client.append_block(data[4_000_000:])
    (found,) = account.find()
    with found.open() as stream:
        first = stream.read(1)
        client.append_block(b'{"half a li')
        assert first + stream.read() == data


@pytest.mark.tool("azurite-blob")
def test_a_blob_that_is_replaced_while_it_is_read_is_refused(account: Account) -> None:
    account.container.upload_blob("blob", bytes(1_000_000))
    (found,) = account.find()
    with found.open() as stream:
        stream.read(1)
        account.container.upload_blob("blob", bytes(1_000_000), overwrite=True)
        with pytest.raises(OSError, match="replaced while it was read"):
            stream.read()


@pytest.mark.tool("azurite-blob")
def test_a_connection_that_breaks_is_resumed_where_it_broke(account: Account) -> None:
    data = bytes(i % 251 for i in range(3_000_000))
    account.container.upload_blob("blob", data)
    (found,) = account.find()
    account.proxy.cut[:] = [1_000, 200_000, 100, 900_000, 1_200_000]
    with found.open() as stream:
        assert stream.read() == data
    assert account.proxy.cut == []
    assert account.pauses == [0.5, 0.5]  # for those that brought next to nothing


@pytest.mark.tool("azurite-blob")
def test_attempts_are_bounded(account: Account) -> None:
    account.container.upload_blob("blob", bytes(1_000_000))
    (found,) = account.find()
    account.proxy.cut[:] = [500] * 10
    with found.open() as stream, pytest.raises(OSError, match="broke off, again and again"):
        stream.read()
    assert len(account.proxy.cut) == 7
    assert account.pauses == [0.5, 1.0]


BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nx-ms-error-code: ServerBusy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.tool("azurite-blob")
def test_a_busy_server_is_waited_for_as_long_as_it_asks(account: Account) -> None:
    account.container.upload_blob("blob", b"{}")
    account.proxy.canned[:] = [BUSY, b"", BUSY.replace(b"7", b"86400")]
    assert [one.size for one in account.find(attempts=4)] == [2]
    assert account.pauses == [7.0, 1.0, 60.0]
    account.proxy.canned[:] = [BUSY] * 4
    with pytest.raises(SourceError, match="the storage account answered 503 ServerBusy"):
        account.find()


@pytest.mark.tool("azurite-blob")
def test_what_cannot_be_read_says_why(account: Account) -> None:
    account.container.upload_blob("archived", b"{}", standard_blob_tier=StandardBlobTier.ARCHIVE)
    for name in ("archived later", "deleted"):
        account.container.upload_blob(name, b"{}")
    found = {one.name.rpartition("/")[2]: one for one in account.find()}
    account.container.set_standard_blob_tier_blobs("Archive", "archived later")
    account.container.delete_blob("deleted")
    for name, says in {
        "archived": "it is in the archive tier; rehydrate it",
        "archived later": "it is in the archive tier; rehydrate it",
        "deleted": "it went away while it was read",
    }.items():
        with pytest.raises(OSError, match=says) as raised, found[name].open() as stream:
            stream.read()
        assert raised.value.strerror == says


@pytest.mark.tool("azurite-blob")
def test_a_wrong_credential_is_told_without_quoting_it(
    account: Account, storage: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "AZURE_STORAGE_CONNECTION_STRING"
    monkeypatch.setenv(variable, connection_string(account.proxy.port, OTHER_KEY))
    with pytest.raises(SourceError, match="403 Auth") as raised:
        account.find()
    assert variable in str(raised.value)
    assert OTHER_KEY not in str(raised.value)
    assert raised.value.__cause__ is None

    sas = generate_account_sas(
        ACCOUNT,
        KEY,
        ResourceTypes(object=True),
        AccountSasPermissions(read=True),
        expiry=datetime(2020, 1, 1, tzinfo=UTC),
    )
    endpoint = f"BlobEndpoint=http://127.0.0.1:{storage}/{ACCOUNT};SharedAccessSignature={sas}"
    monkeypatch.setenv(variable, endpoint)
    with pytest.raises(SourceError, match="403") as raised:
        account.find()
    assert "sig" not in str(raised.value)


@pytest.mark.tool("azurite-blob")
def test_a_missing_container_is_told(account: Account) -> None:
    with pytest.raises(SourceError, match=f"^az://{ACCOUNT}/not-there: the account has no such container"):
        list(blobs.find(f"az://{ACCOUNT}/not-there", Window()))


def test_a_connection_string_of_another_account_is_passed_over_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string(9))
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2024-01-01&sig=hush")
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT_SUFFIX", "storage.invalid")
    with pytest.raises(SourceError, match="is for another account") as raised:
        list(blobs.find("az://contoso/logs", Window(), patience=Patience(attempts=1)))
    assert "name does not resolve" in str(raised.value)
    assert "hush" not in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("text", ["nonsense;AccountName=contoso", "AccountName=contoso;AccountKey"])
def test_what_is_no_connection_string_is_told_without_quoting_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    with pytest.raises(SourceError, match="is not a connection string") as raised:
        list(blobs.find("az://contoso/logs", Window()))
    assert "nonsense" not in str(raised.value)


def test_a_damaged_key_is_told_without_quoting_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string(9, "hushh"))
    with pytest.raises(SourceError, match="the key in AZURE_STORAGE_CONNECTION_STRING is damaged") as raised:
        list(blobs.find(f"az://{ACCOUNT}/logs", Window()))
    assert "hushh" not in str(raised.value)


def test_an_account_that_refuses_connections_is_told(
    monkeypatch: pytest.MonkeyPatch, unused_port: object, tmp_path: Path
) -> None:
    assert callable(unused_port)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string(unused_port()))
    with pytest.raises(SourceError, match="cannot be reached: a firewall"):
        list(blobs.find(f"az://{ACCOUNT}/logs", Window(), patience=Patience(attempts=2, sleep=lambda _: None)))


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.tool("azurite-blob")
def test_an_account_is_read_like_a_folder(account: Account) -> None:
    def log(of: int, hour_of: int) -> bytes:
        time = f"2026-03-{of:02}T{hour_of:02}:15:27Z"
        records = [failed(time=time, correlationId=f"{of:02x}{hour_of:02x}{i:028x}") for i in range(3)]
        return b"".join(json.dumps(one).encode() + b"\n" for one in [*records, answered(time=time)])

    for of, hour_of in ((3, 9), (4, 8), (4, 9), (5, 9)):
        account.put(hour(of, hour_of), log(of, hour_of))
    account.put(hour(4, 10, name="PT1H.json.gz"), gzip.compress(log(4, 10)))
    word = f"az://{ACCOUNT}/{account.container.container_name}"
    found = read([word], window=between(at(4, 8), at(4, 11)))
    assert counts(found) == (9, 0, 3, 0)
    assert sorted(s.records for s in found.intake.sources) == [4, 4, 4]
    assert all(s.name.startswith("az://") for s in found.intake.sources)
    assert found.failures["gateway"].unique().tolist() == [GATEWAY]


@pytest.mark.tool("azurite-blob")
def test_the_command_downloads_only_the_hours_asked_for_and_lists_what_it_may_not_read(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def log(day: int, of: int) -> bytes:
        return json.dumps(failed(time=f"2026-03-{day:02}T{of:02}:15:27Z")).encode() + b"\n"

    for day, of in ((3, 9), (4, 8), (4, 9), (5, 9)):
        account.put(hour(day, of), log(day, of))
    archived = hour(4, 10)
    account.container.upload_blob(archived, log(4, 10), standard_blob_tier=StandardBlobTier.ARCHIVE)
    word = f"az://{ACCOUNT}/{account.container.container_name}"
    asked = ["analyze", word, "--no-probe", "--from", "2026-03-04T08:00", "--to", "2026-03-04T11:00"]
    assert main([*asked, "--out", str(tmp_path / "report")]) == EXIT_INCOMPLETE
    read_of = [path.rpartition("/y=2026/")[2] for path in map(unquote, account.proxy.downloads())]
    assert sorted(set(read_of)) == ["m=03/d=04/h=08/m=00/PT1H.json", "m=03/d=04/h=09/m=00/PT1H.json"]
    report = (tmp_path / "report" / "report.json").read_text(encoding="utf-8")
    listed = {one["name"]: one["shape"] for one in json.loads(report)["intake"]["sources"]}
    assert listed[f"{word}/{archived}"] == "unreadable: it is in the archive tier; rehydrate it"
    said = capsys.readouterr()
    for written in (report, said.out, said.err, *(p.read_text("utf-8") for p in (tmp_path / "report").glob("*.*"))):
        assert KEY not in written


@pytest.mark.tool("azurite-blob")
def test_an_account_without_a_blob_of_that_time_says_so(account: Account) -> None:
    account.put(hour(4, 9))
    with pytest.raises(SourceError, match="no blob of this time"):
        read([f"az://{ACCOUNT}/{account.container.container_name}"], window=between(at(7, 0)))
