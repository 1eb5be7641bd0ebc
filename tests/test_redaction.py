"""Canaries in every field that can carry a secret: the real command writes its reports, and no canary is in any of them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.report import write as write_report
from analyzer.sources import read
from analyzer.sources.columns import CANONICAL, RESOURCE_LOG, TABLE, Dialect
from analyzer.sources.grouping import grouped
from analyzer.sources.masking import excerpt, hide_sql, mask
from tests.sources.build import TIME, TRUST, Json, error, failed, tally, write

ROOT = Path(__file__).parents[1]

MESSAGES = (
    "Authorization: Bearer {}",
    "Authorization: Basic dXNlcjpw{}",
    'Authorization: Digest username="bob", response="{}", uri="{}"',
    "Authorization: SharedKey contoso:{}",
    "Authorization: AWS4-HMAC-SHA256 Credential={}/s3, Signature={}",
    "Proxy-Authorization: Negotiate {}",
    "bearer%20{}",
    "Ocp-Apim-Subscription-Key: {}",
    "x-functions-key: {}",
    "api-key: {}",
    "X-API-KEY={}",
    "apikey={}",
    "subscription-key%3D{}%26x%3D1",
    "GET /v1?sig={}&se=2027",
    "GET /v1?x=1&code={}",
    "GET https://h.example/v1?name={}#{}",
    "GET https://h.example/v1/Orders('{}')?$filter=Name%20eq%20'{}'",
    "GET https%3A%2F%2Fh.example%2F%3Fsig%3D{}%26code%3D{}",
    "code='{}'",
    "name=a&city={}&x=1",
    "access_token={}",
    "refresh_token: {}",
    "client_secret={}",
    '"client_secret" : "{}"',
    "grant_type=password&username=bob&password={}",
    "AccountName=contoso;AccountKey={}==;EndpointSuffix=core.windows.net",
    "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={}=",
    "Server=db;User ID=sa;Password={};Encrypt=True",
    "Server=db;Uid={};Pwd={}",
    "Server=db;Password=a,b'c(d){};x=1",
    "SharedAccessSignature sr=x&sig={}&se=1",
    "https://user:{}@h.example/",
    "https://{}:pw@h.example/",
    "https://user:p@ss{}@h.example/",
    "user:p@ss{}@h.example",
    "user:p/a{}@h.example",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.{}",
    "token%22%3A%22eyJhbGciOiJIUzI1NiJ9.{}",
    "Set-Cookie: session={}; Path=/; id={}; HttpOnly",
    "Cookie: a=1; b={}",
    '"Set-Cookie":["a={}; Path=/","b={}"]',
    '{{"password":"a\\"{}","x":1}}',
    '{{\\"password\\":\\"{} {}\\"}}',
    '{{\\\\\\"token\\\\\\": \\\\\\"{} {}\\\\\\"}}',
    "\\u0022password\\u0022:\\u0022{} {}\\u0022",
    "&quot;password&quot;:&quot;{}&quot;",
    "invalid token: 'eyJhbGci.{}.x'",
)
"""What follows a gateway's text in an error message."""

FIELDS: dict[str, Callable[[str], Json]] = {
    "url": lambda c: {"properties": {"url": f"https://gw.example/{c}?subscription-key={c}"}},
    "backendUrl query": lambda c: {"properties": {"backendUrl": f"https://orders.example/v1/{c}?sig={c}&code={c}#{c}"}},
    "backendUrl user": lambda c: {"properties": {"backendUrl": f"https://svc:{c}@orders.example/v1"}},
    "backendUrl user with @": lambda c: {"properties": {"backendUrl": f"https://{c}:p@{c}@orders.example/v1"}},
    "backendId": lambda c: {"properties": {"backendUrl": None, "backendId": f"https://svc:{c}@pay.example/?code={c}"}},
    "backendId key": lambda c: {"properties": {"backendUrl": None, "backendId": f"pay;AccountKey={c}"}},
    "apiId": lambda c: {"properties": {"apiId": f"orders?subscription-key={c}"}},
    "apiId object": lambda c: {"properties": {"apiId": {"secret": c}}},
    "operationId": lambda c: {"properties": {"operationId": f"Bearer {c}"}},
    "productId": lambda c: {"properties": {"productId": f"eyJhbGciOiJIUzI1NiJ9.{c}"}},
    "apimSubscriptionId": lambda c: {"properties": {"apimSubscriptionId": f"key={c}"}},
    "userId": lambda c: {"properties": {"userId": c}},
    "requestHeaders": lambda c: {"properties": {"requestHeaders": {"Authorization": f"Bearer {c}", "X": c}}},
    "responseHeaders": lambda c: {"properties": {"responseHeaders": {"Set-Cookie": f"session={c}"}}},
    "backendRequestHeaders": lambda c: {"properties": {"backendRequestHeaders": {"x-functions-key": c}}},
    "backendResponseHeaders": lambda c: {"properties": {"backendResponseHeaders": {"Set-Cookie": c}}},
    "requestBody": lambda c: {"properties": {"requestBody": f'{{"password":"{c}"}}'}},
    "responseBody": lambda c: {"properties": {"responseBody": c}},
    "backendRequestBody": lambda c: {"properties": {"backendRequestBody": c}},
    "backendResponseBody": lambda c: {"properties": {"backendResponseBody": c}},
    "traceRecords": lambda c: {"properties": {"traceRecords": [{"message": f"token {c}"}]}},
    "cache": lambda c: {"properties": {"cache": c}},
    "correlationId": lambda c: {"correlationId": f"{c}"},
    "correlationId key": lambda c: {"correlationId": f"key={c}"},
    "callerIpAddress": lambda c: {"callerIpAddress": c},
    "location": lambda c: {"location": f"West Europe?sig={c}"},
    "Sku": lambda c: {"Sku": f"Bearer {c}"},
    "resourceId": lambda c: {"resourceId": f"/SUBSCRIPTIONS/S/SERVICE/eyJhbGciOiJIUzI1NiJ9.{c}"},
    "a key of nobody": lambda c: {f"x{c}": c},
    "time": lambda c: {"time": c},
    "error source": lambda c: {"last": error(source=f"key={c}")},
    "error source, a word": lambda c: {"last": error(source=c)},
    "error path": lambda c: {"last": error(path=c)},
    "another reason": lambda c: {"last": error(reason=f"Bearer {c}")},
    "elapsed": lambda c: {"last": error(elapsed=c)},
    "send-request": lambda c: {"last": error(f"The name: 'eyJhbGciOiJIUzI1NiJ9.{c}'", source="send-request")},
}
"""What each field of a blob's record can carry."""

CALLERS = ("203.0.113.77", "2001:db8::7777")


class Canaries:
    """Canaries, each once: capitals, small letters and digits, as keys have."""

    def __init__(self) -> None:
        self.where: dict[str, str] = {}

    def new(self, where: str) -> str:
        canary = f"Ca9aRy{len(self.where):03}Zq"
        self.where[canary] = where
        return canary


@dataclass(frozen=True)
class Run:
    canaries: dict[str, str]
    folder: Path
    said: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("redaction")
    logs, canaries = folder / "logs", Canaries()
    logs.mkdir()
    records = [
        failed(**{"callerIpAddress": CALLERS[i % 2], **_field(name, of, canaries)})
        for i, (name, of) in enumerate(FIELDS.items())
    ]
    records += [_failed("message", text, canaries) for text in MESSAGES]
    records += [_failed("errors", text, canaries) for text in MESSAGES]
    write(logs, *records, name="blob.json")
    rows = [_row(r) for r in [*records, *(_failed("AzureDiagnostics", t, canaries) for t in MESSAGES)]]
    write(logs, *rows, name="diagnostics.json")
    table = [_pascal(r) for r in [*records, *(_failed("CSV", t, canaries) for t in MESSAGES)]]
    (logs / "portal.csv").write_text(_csv(table) + f'x,{canaries.new("CSV row")},"{canaries.new("CSV row")}"\n')
    for number, broken in enumerate(_broken(canaries)):
        write(logs, failed(), broken, name=f"broken{number:03}.json")
    write(
        logs,
        json.dumps({"records": [failed()]})[:-2] + f',"{canaries.new("document")} is, my {canaries.new("document")}',
        name="document.json",
    )
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "analyze", str(logs), "--no-probe", "--out", str(folder / "report")],
        cwd=ROOT,
        capture_output=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "400"},
    )
    assert done.returncode in (0, 3), done.stderr
    return Run(canaries.where, folder, (done.stdout + done.stderr).decode())


def _field(name: str, of: Callable[[str], Json], canaries: Canaries) -> Json:
    return of(canaries.new(name))


def _failed(where: str, text: str, canaries: Canaries) -> Json:
    """A failure with that message, at a backend of its own: of a case only the most frequent messages are shown."""
    last = error(_message(text, where, canaries))
    url = {"backendUrl": f"https://{where.lower()}{MESSAGES.index(text)}.example/v1"}
    if where == "errors":  # another error came after it
        return failed(error("x", reason="ExpressionValueEvaluationFailure", source="retry"), [last], properties=url)
    return failed(last, properties=url)


def _message(text: str, where: str, canaries: Canaries) -> str:
    return f"{TRUST} " + text.format(
        *(canaries.new(f"{where}: {text}") for _ in range(text.replace("{{", "").count("{}")))
    )


def _row(record: Json) -> Json:
    """The record as a row of AzureDiagnostics."""
    properties = record.get("properties", {})
    last = properties.get("lastError", {})
    return {
        "TimeGenerated": record.get("time"),
        "Category": "GatewayLogs",
        "Resource": f"GW {record.get('resourceId')}",
        "CorrelationId": record.get("correlationId"),
        "CallerIPAddress": record.get("callerIpAddress"),
        "location_s": record.get("location"),
        **{f"{k}_s": v if isinstance(v, str) else json.dumps(v) for k, v in properties.items() if k != "lastError"},
        **{f"lastError_{k}_s": v for k, v in last.items()},
    }


def _pascal(record: Json) -> Json:
    """The record as a row of ApiManagementGatewayLogs."""
    properties = record.get("properties", {})
    last = properties.get("lastError", {})
    return {
        "TimeGenerated": record.get("time"),
        "CorrelationId": record.get("correlationId"),
        "CallerIpAddress": record.get("callerIpAddress"),
        "Region": record.get("location"),
        **{k[0].upper() + k[1:]: v for k, v in properties.items() if k != "lastError"},
        **{f"LastError{k.title()}": v for k, v in last.items()},
    }


def _csv(rows: list[Json]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([v if isinstance(v := row.get(n, ""), str) else json.dumps(v) for n in names])
    return out.getvalue()


def _broken(canaries: Canaries) -> Iterator[str | bytes]:
    """Lines that are no record, each with canaries where a value, or what is left of one, can stand."""
    for name, of in FIELDS.items():
        canary = canaries.new(f"half: {name}")
        text = json.dumps(failed(**of(canary)))
        at = text.index(canary)
        yield text[: at + 5]
        yield text[: at + len(canary) + 1]
        yield text[at:].removesuffix("}")
        yield text[at - 3 : at + len(canary)]
    for text in MESSAGES:
        yield _message(text, "plain text", canaries).removeprefix(TRUST)
        yield "INFO " + json.dumps(_message(text, "quoted text", canaries))
        yield json.dumps({"message": _message(text, "half message", canaries)})[:-2]
    yield f"just {canaries.new('a word')} and password {canaries.new('a word')}"
    yield canaries.new("a word alone")
    yield b"\x00\x01" + canaries.new("binary").encode()
    yield f"time=2026 level=info {canaries.new('logfmt')} user={canaries.new('logfmt')}"
    yield f"a,{canaries.new('cells')},c,{canaries.new('cells')}"
    yield f"'{canaries.new('single quotes')}': '{canaries.new('single quotes')}'"
    yield f'{{"{canaries.new("key")}": 1, "time": "{canaries.new("time")}", "Level": "{canaries.new("level")}"'
    yield f"<a b='{canaries.new('XML')}'>{canaries.new('XML')}</a>"


def _outputs(run: Run) -> Iterator[tuple[str, str]]:
    yield "stdout and stderr", run.said
    for path in (run.folder / "report").rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")


def test_the_report_is_there_and_speaks_of_every_shape(run: Run) -> None:
    document = json.loads((run.folder / "report" / "report.json").read_text(encoding="utf-8"))
    shapes = {source["shape"] for source in document["intake"]["sources"]}
    assert {"storage account lines", "table rows as JSON lines (AzureDiagnostics)", "CSV"} <= shapes
    assert document["intake"]["failures"] > 200
    assert document["intake"]["rejected"] > 200
    hosts = {cluster["backend"]["host"]: cluster["messages"] for cluster in document["clusters"]}
    for where in ("message", "errors", "azurediagnostics", "csv"):
        for number in range(len(MESSAGES)):
            assert any("<" in m["text"] for m in hosts[f"{where}{number}.example"]), MESSAGES[number]
    assert len(list(_outputs(run))) > 7


def test_no_canary_is_in_any_output(run: Run) -> None:
    assert len(run.canaries) > 300
    found = {
        (name, where)
        for name, text in _outputs(run)
        for canary, where in run.canaries.items()
        if canary in text or canary.lower() in text
    }
    assert found == set()


def test_no_half_of_a_canary_is_in_any_output(run: Run) -> None:
    assert {name for name, text in _outputs(run) if "ca9a" in text.casefold()} == set()


def test_no_caller_is_in_any_output(run: Run) -> None:
    assert {(name, c) for name, text in _outputs(run) for c in CALLERS if c in text} == set()


def test_rejected_lines_are_quoted_with_file_and_line(run: Run) -> None:
    document = json.loads((run.folder / "report" / "report.json").read_text(encoding="utf-8"))
    quoted = [one for source in document["intake"]["sources"] for one in source["first_rejected"]]
    assert any("broken000.json:2: not JSON: " in one and '"time":2026-03-04T09:15:27.4418203Z' in one for one in quoted)
    assert all(len(one.rpartition(".json:")[2]) < 220 for one in quoted)


# ── --keep-ip ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _callers(of: analyzer.model.Report) -> dict[str, int]:
    return {share.value: share.failures for f in of.findings for share in f.cluster.callers}


@pytest.mark.parametrize("shape", ["blob", "diagnostics", "table", "document", "csv"])
def test_with_keep_ip_the_callers_are_counted(tmp_path: Path, shape: str) -> None:
    addresses = ["203.0.113.9", "203.0.113.9", "2001:db8::1", "192.0.2.1:5123", "[2001:db8::2]:99", "key=CANARY", None]
    records = [failed(callerIpAddress=a) for a in addresses]
    path = {
        "blob": lambda: write(tmp_path, *records),
        "diagnostics": lambda: write(tmp_path, *map(_row, records)),
        "table": lambda: write(tmp_path, *map(_pascal, records)),
        "document": lambda: write(tmp_path, {"records": records}),
        "csv": lambda: write(
            tmp_path, _csv([{k: "" if v is None else v for k, v in _pascal(r).items()} for r in records])
        ),
    }[shape]()
    kept = analyzer.analyze([path], probe=None, keep_ip=True)
    assert _callers(kept) == {"203.0.113.9": 2, "2001:db8::1": 1, "192.0.2.1": 1, "2001:db8::2": 1}
    assert _callers(analyzer.analyze([path], probe=None)) == {}
    write_report(kept, tmp_path / "report")
    for name in ("report.html", "report.md", "report.json"):
        text = (tmp_path / "report" / name).read_text(encoding="utf-8")
        assert "203.0.113.9" in text, name
        assert "CANARY" not in text, name
    assert analyzer.load_report(tmp_path / "report" / "report.json").findings[0].cluster.callers[0].failures == 2


@pytest.mark.parametrize("dialect", [RESOURCE_LOG, TABLE, CANONICAL], ids=lambda d: d.name)
def test_without_keep_ip_no_address_is_read(dialect: Dialect) -> None:
    assert "caller" in grouped(dialect, keep_ip=True)
    assert "caller" not in grouped(dialect).casefold()


def test_at_most_the_100_most_frequent_callers_are_kept(tmp_path: Path) -> None:
    records = [failed(callerIpAddress=f"10.0.{i // 200}.{i % 200}") for i in range(300)]
    path = write(tmp_path, *records, *[failed(callerIpAddress="10.9.9.9")] * 2)
    callers = analyzer.analyze([path], probe=None, keep_ip=True).findings[0].cluster.callers
    assert len(callers) == 100
    assert (callers[0].value, callers[0].failures) == ("10.9.9.9", 2)


def test_callers_change_no_other_count(tmp_path: Path) -> None:
    path = write(tmp_path, *(failed(callerIpAddress=f"10.0.0.{i}") for i in range(9)), "broken")
    without, kept = read([str(path)]), read([str(path)], keep_ip=True)
    assert without.failures.equals(kept.failures)
    assert without.traffic.equals(kept.traffic)
    assert without.intake == kept.intake
    assert set(kept.affected["dimension"]) - set(without.affected["dimension"]) == {"caller"}


# ── excerpts and names ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        (b'{"time":"' + TIME.encode() + b'","Level":4,"a":"x', f'{{"time":{TIME},"Level":4,"a":…'),
        (
            '{"category": "GatewayLogs", "operationName": "Microsoft.ApiManagement/GatewayLogs"',
            '{"category":GatewayLogs,"operationName":Microsoft.ApiManagement/GatewayLogs',
        ),
        ('{"category": "secret", "level": "secret", "time": 17', '{"category":…,"level":…,"time":…'),
        (b"\xef\xbb\xbf[1, true]", "[…,…]"),
        ("java.io.IOException: it is broken", "… it is broken"),
        ("no password hunter please", "no password … please"),
        (b"\x00" * 10_000, "binary, 10,000 bytes"),
        ("one,two,three", "…,…,…"),
        ("", ""),
    ],
)
def test_an_excerpt_shows_structure_and_ordinary_words(line: bytes | str, quoted: str) -> None:
    assert excerpt(line) == quoted


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300), st.booleans())
def test_an_excerpt_is_short_and_printable(line: bytes | str, inside: bool) -> None:
    shown = excerpt(line, inside=inside)
    assert len(shown) <= 80
    assert shown.isprintable()


@pytest.mark.parametrize(
    "name",
    ["orders-api", "Orders API (v2)", "orders;rev=2", "5c1a2b3c4d5e6f7081920a0b", "s" * 256, "Grüße", "pay-basic-auth"],
)
def test_an_ordinary_name_is_left_whole(name: str) -> None:
    with duckdb.connect() as db:
        assert db.execute(f"SELECT {hide_sql('$1')}", [name]).fetchone() == (name,)


def test_a_token_in_quotes_is_no_host(tmp_path: Path) -> None:
    token = error("Ungültiges Token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.CANARY'.")
    found = tally(tmp_path, failed(token, properties={"backendUrl": None}))
    assert "CANARY" not in str(found.failures.values)


# ── random secrets ───────────────────────────────────────────────────────────────────────────────────────────────────

_BYTES = st.integers(0, 2**64).map(lambda seed: sha256(str(seed).encode()).digest())
_HAS_ALL = lambda t: any(c.isdigit() for c in t) and any(c.isupper() for c in t) and any(c.islower() for c in t)  # noqa: E731

NAMED_FORMATS = {
    "base64 of 12 bytes": _BYTES.map(lambda b: b64encode(b[:12]).decode()),
    "base64 of 32 bytes": _BYTES.map(lambda b: b64encode(b).decode()),
    "base64url of 16 bytes": _BYTES.map(lambda b: urlsafe_b64encode(b[:16]).decode().rstrip("=")),
    "hex of 8 bytes": _BYTES.map(lambda b: b[:8].hex()),
    "password": _BYTES.map(lambda b: "".join("abcXYZ019!$*,'()[]{}~^|."[x % 24] for x in b[:14])).map(
        lambda p: f"P{p}q"
    ),
    "URL-encoded base64": _BYTES.map(lambda b: quote(b64encode(b).decode(), safe="")),
}
"""Secrets that stand after a name or in a place that says what they are."""

BARE_FORMATS = {
    "hex of 16 bytes": _BYTES.map(lambda b: b[:16].hex()),
    "HEX of 32 bytes": _BYTES.map(lambda b: b.hex().upper()),
    "base64 of 32 bytes": _BYTES.map(lambda b: b64encode(b).decode()),
    "base64 of 64 bytes": _BYTES.map(lambda b: b64encode(b + b).decode()),
    "base64url of 32 bytes, capitals, small letters and digits": _BYTES.map(
        lambda b: urlsafe_b64encode(b).decode().rstrip("=")
    ).filter(_HAS_ALL),
    "JWT": _BYTES.map(lambda b: "eyJhbGciOiJIUzI1NiJ9." + urlsafe_b64encode(b[:20]).decode() + "." + b[20:].hex()),
    "GUID": _BYTES.map(lambda b: f"{b[:4].hex()}-{b[4:6].hex()}-{b[6:8].hex()}-{b[8:10].hex()}-{b[10:16].hex()}"),
}
"""Secrets that are told by their looks alone."""

NAMED = (
    "{}", "Authorization: Bearer {}", "authorization={}", "Authorization: Basic {}", "bearer {}", "x-functions-key: {}",
    "api-key: {}", "apikey={}", "Ocp-Apim-Subscription-Key: {}", "subscription-key={}", "access_token={}", "client_secret={}",
    "refresh_token={}", "SharedAccessKey={}", "AccountKey={}", "Password={}", "Pwd={}", "?sig={}", "&sig={}", "%26sig%3D{}%26",
    "key%3D{}", "key%253D{}", '"token":"{}"', '\\"token\\":\\"{}\\"', '\\\\\\"token\\\\\\":\\\\\\"{}\\\\\\"', "Set-Cookie: s={}; Path=/",
    "Cookie: a=b; s={}", "https://h.example/?q={}", "https://u:{}@h.example/", "key1={}", "token: {}",
)  # fmt: skip
AROUND = (
    "{}",
    "before {} after",
    "({})",
    "[{}]",
    "before: {}.",
    "{}, then",
    "first;{};last",
    "first&{}&last",
    "a --> {}\r\n at x",
)


def _pieces(secret: str) -> set[str]:
    """What would be too much of a secret: any eight characters of it in a row."""
    return {secret[i : i + 8] for i in range(len(secret) - 7)}


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(NAMED_FORMATS)).flatmap(NAMED_FORMATS.__getitem__),
    st.sampled_from(NAMED[1:]),
    st.sampled_from(AROUND),
)
def test_a_random_secret_that_is_named_never_survives(secret: str, name: str, around: str) -> None:
    masked = mask(around.format(name.format(secret)))
    assert not {p for p in _pieces(secret) if p in masked}, masked


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(BARE_FORMATS)).flatmap(BARE_FORMATS.__getitem__),
    st.sampled_from(NAMED),
    st.sampled_from(AROUND),
)
def test_a_random_secret_that_looks_like_one_never_survives(secret: str, name: str, around: str) -> None:
    masked = mask(around.format(name.format(secret)))
    assert not {p for p in _pieces(secret) if p in masked}, masked
