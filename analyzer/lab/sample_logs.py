"""`python -m analyzer.lab.sample_logs [FOLDER]`: writes the sample logs and their README, the same bytes every time."""

from __future__ import annotations

import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from analyzer.lab import week
from analyzer.lab.catalogue import BY_HOST
from analyzer.lab.console import (
    console_json,
    console_text,
    kubectl,
    text_2_7,
    text_2021,
    text_2024,
    text_with_month_first,
    trace_document,
)
from analyzer.lab.events import Event
from analyzer.lab.exports import (
    capture,
    kusto_v1,
    kusto_v2,
    lines_of_2017,
    messages,
    overflowing_row,
    without_errors,
)
from analyzer.lab.logs import (
    api_answer,
    az_output,
    blob_lines,
    blob_path,
    diagnostics_row,
    export_lines,
    portal_csv,
    records_document,
)
from analyzer.model import CauseName


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One folder of the sample logs."""

    folder: str  # with /
    holds: str  # its shape, or what it tells of
    outcome: str  # what should come out
    events: tuple[Event, ...]
    files: Mapping[str, bytes]  # path below the folder, with / → content

    @property
    def failures(self) -> int:
        """Records of a failed backend connection."""
        return sum(event.is_failure for event in self.events)

    @property
    def lookalikes(self) -> int:
        """Records of errors that are none."""
        return sum(event.is_lookalike for event in self.events)


def samples() -> tuple[Sample, ...]:
    """Every folder, in the order of the README; no event is in two of them."""
    return (*_shapes(), *_self_hosted_shapes(), *map(_cause, CauseName), *_situations())


def files(of: tuple[Sample, ...]) -> dict[str, bytes]:
    """Path below `sample_logs`, with `/` → content: all of it."""
    logs = {f"{sample.folder}/{path}": content for sample in of for path, content in sample.files.items()}
    return logs | {"README.md": readme(of).encode()}


def write(folder: Path) -> None:
    """Writes every file below `folder`; what is there under other names stays."""
    for path, content in files(samples()).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def readme(of: tuple[Sample, ...]) -> str:
    """The README of the folder, its numbers counted."""
    rows = [
        f"| `{s.folder}/` | {s.holds} | {len(s.events)} | {s.failures} | {s.lookalikes} | {s.outcome} |" for s in of
    ]
    records = sum(len(s.events) for s in of)
    total = f"| all | | {records} | {sum(s.failures for s in of)} | {sum(s.lookalikes for s in of)} | |"
    return README.format(table="\n".join([*rows, total]))


def _shapes() -> Iterator[Sample]:
    everything = "scenario 1, 2a, 2b and 3 and a refused port; one look-alike"

    def sample(
        name: str, holds: str, events: tuple[Event, ...], files: Mapping[str, bytes], outcome: str = everything
    ) -> Sample:
        return Sample(folder=f"shapes/{name}", holds=holds, outcome=outcome, events=events, files=files)

    monday = week.START + timedelta(hours=9)
    events = week.shape_events("blob", monday, monday + timedelta(hours=2))
    yield sample("blob", "storage account: one `PT1H.json` an hour, one object a line", events, _blob_tree(events))
    events = week.shape_events("gzip")
    compressed = {"gatewaylogs.json.gz": gzip.compress(blob_lines(events).encode(), mtime=0)}
    yield sample("gzip", "the same lines, compressed", events, compressed)
    events = week.shape_events("records")
    holds = '`{"records": […]}`: an Event Hub message, or a blob from before 2018'
    yield sample("records", holds, events, {"message.json": records_document(events).encode()})
    events = week.shape_events("api_answer")
    holds = "Log Analytics query API, table `ApiManagementGatewayLogs`"
    yield sample("api_answer", holds, events, {"query.json": api_answer(events).encode()})
    events = week.shape_events("azure_diagnostics")
    holds = "Log Analytics query API, legacy table `AzureDiagnostics`"
    yield sample("azure_diagnostics", holds, events, {"query.json": api_answer(events, diagnostics_row).encode()})
    events = week.shape_events("az_output")
    holds = "`az monitor log-analytics query`: every value a string, null is `None`"
    yield sample("az_output", holds, events, {"query.json": az_output(events).encode()})
    events = week.shape_events("portal_csv")
    holds = "portal, “Export to CSV (displayed columns)”, en-US"
    yield sample("portal_csv", holds, events, {"query_data.csv": portal_csv(events).encode()})
    events = week.shape_events("data_export")
    holds = "data-export rule: the table's own columns, one object a line"
    yield sample("data_export", holds, events, {"PT1H.json": export_lines(events).encode()})
    events = week.shape_events("kusto_v1")
    holds = "Azure Data Explorer, first version of its answers"
    yield sample("kusto_v1", holds, events, {"query.json": kusto_v1(events).encode()})
    events = week.shape_events("kusto_v2")
    holds = "Azure Data Explorer, second version: frames"
    yield sample("kusto_v2", holds, events, {"query.json": kusto_v2(events).encode()})
    events = week.shape_events("capture")
    holds = "Event Hub Capture: Avro, a message's body holds `records`"
    yield sample("capture", holds, events, {"0/2026/11/16/00/00/00.avro": capture(messages(events))})
    events = week.shape_events("additional_fields")
    holds = "Log Analytics query API, `AzureDiagnostics` that ran out of columns: errors in `AdditionalFields`"
    overflown = api_answer(events, overflowing_row)
    yield sample("additional_fields", holds, events, {"query.json": overflown.encode()})
    events = tuple(without_errors(week.shape_events("blob_2017")))
    holds = "storage account in 2016 and 2017: `properties` is a text, and no error is logged"
    old = {"PT1H.json": lines_of_2017(events).encode()}
    yield sample("blob_2017", holds, events, old, "no failure: such files cannot say which connections failed")


def _self_hosted_shapes() -> Iterator[Sample]:
    def sample(name: str, holds: str, events: tuple[Event, ...], files: Mapping[str, str], outcome: str = "") -> Sample:
        outcome = outcome or "scenario 1 and 2b and a refused port; one look-alike"
        content = {path: text.encode() for path, text in files.items()}
        return Sample(folder=f"shapes/{name}", holds=holds, outcome=outcome, events=events, files=content)

    events = week.console_of_2021("console_text_2021")
    holds = "self-hosted gateway's console of 2021: errors over several lines, a clock without AM and PM"
    files = {"gateway.log": console_text(events, text_2021)}
    yield sample("console_text_2021", holds, events, files, "`refused` at the host of the message; one look-alike")
    events = week.console_events("console_text", week.START + timedelta(hours=13), week.START + timedelta(hours=23))
    half = len(events) // 2
    files = {
        "gateway-2024.log": console_text(events[:half], text_2024),
        "gateway-2.7.log": console_text(events[half:], text_2_7),
    }
    yield sample("console_text", "self-hosted gateway's console of 2024 and since 2.7", events, files)
    events = week.console_events("console_json")
    files = {"gateway.json": console_json(events)}
    yield sample("console_json", "self-hosted gateway's console in JSON", events, files)
    events = week.console_events("kubectl")
    third = len(events) // 3
    files = {
        "prefix-and-timestamps.log": kubectl(console_text(events[:third], text_with_month_first), events[0].time),
        "timestamps.log": kubectl(console_json(events[third : 2 * third]), events[third].time, prefix=False),
        "prefix.log": kubectl(console_json(events[2 * third :]), events[-1].time, timestamps=False),
    }
    holds = "`kubectl logs` with `--prefix`, `--timestamps` and both, of a console in text and in JSON"
    yield sample("kubectl", holds, events, files)
    events = week.traced()
    files = {f"trace-{number}.json": trace_document(event) for number, event in enumerate(events, start=1)}
    holds = "request traces of the classic gateway, one a file: the chain of exceptions"
    yield sample("trace", holds, events, files, "scenario 1 and a refused port")


def _cause(cause: CauseName) -> Sample:
    events = week.cause_events(cause)
    hosts = sorted(
        {
            host_of(event.backend_url)
            for event in events
            if (event.is_failure or event.is_broken_body) and event.backend_url
        }
    )
    holds = "<br>".join(f"{host}: {BY_HOST[host].description}" for host in hosts)
    outcome = f"`{cause}`{REMARKS.get(cause, '')}"
    return _lines(f"causes/{cause}", holds or "Records that name no backend.", outcome, events)


def _situations() -> Iterator[Sample]:
    yield _lines(
        "situations/three_gateways",
        "one backend at three gateways: classic, v2 (`Sku`), self-hosted (region onprem)",
        "three clusters, each `untrusted_root`, in one incident",
        week.three_gateways(),
    )
    yield _lines(
        "situations/failover",
        "v2: the first backend refused, the second answered 200; `backendUrl` is the second's",
        "`refused` at the host that the message names; the host that answered is no cluster and is not probed",
        week.failover(),
    )
    yield _lines(
        "situations/no_backend_url",
        "self-hosted, older version: host and port only in the message",
        "`refused` at the host of the message",
        week.without_backend_url(),
    )
    yield _lines(
        "situations/overwritten_error",
        "a retry policy's own error came last: the failure is only in `errors`",
        "`client_certificate`, every one counted",
        week.overwritten_errors(),
    )
    yield _lines(
        "situations/lookalikes",
        "client gone, own timer, no such operation, broken body, `send-request`",
        "no failure; look-alikes counted apart, the broken bodies in a cluster of their own",
        week.lookalikes(),
    )
    yield _lines(
        "situations/secrets",
        "made-up secrets in URLs, headers and texts, each beginning with CANARY-SECRET",
        "`self_signed`, and none of them in any output",
        week.secrets(),
    )
    yield _lines(
        "situations/three_at_once",
        "expired, of another name, under an unknown root",
        "`name_mismatch`, `untrusted_root` and `expired` all stand; no single change connects",
        week.three_at_once(),
    )


def _lines(folder: str, holds: str, outcome: str, events: tuple[Event, ...]) -> Sample:
    """A folder with one file of blob lines: a week of `PT1H.json` files put together."""
    content = {"gatewaylogs.json": blob_lines(events).encode()}
    return Sample(folder=folder, holds=holds, outcome=outcome, events=events, files=content)


def _blob_tree(events: tuple[Event, ...]) -> dict[str, bytes]:
    hours: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        hours[blob_path(event)].append(event)
    return {path: blob_lines(hour).encode() for path, hour in hours.items()}


def host_of(url: str) -> str:
    """The host of a backend URL on its usual port."""
    return url.split("/")[2].rpartition("@")[2]


REMARKS = {
    CauseName.UNTRUSTED_ROOT: ", four hosts in one incident: they share a root",
    CauseName.EXPIRED: "; they answered until the expiry; the renewed one has stopped failing",
    CauseName.HAIRPIN: ": the requests had come in under the same host name",
    CauseName.SNAT_EXHAUSTION: "; state intermittent, as some calls succeed",
    CauseName.IDLE_TIMEOUT: ", from the time the calls took",
    CauseName.BODY_TRANSFER: "; counted as look-alikes, in a cluster of the family `transfer`",
    CauseName.RESET: "; state intermittent, as some calls succeed",
    CauseName.NOT_REPRODUCED: "; state stopped, as calls succeed from 18 November on",
    CauseName.UNREACHABLE: ", from the log alone: the address is never to be probed",
}

README = """\
# Sample logs

Gateway logs in every shape that is read and for every cause that is judged. `apim-triage demo` reads them all, with the
backends of `analyzer/lab/` standing in for the hosts.

They are made, not recorded: `make samples` (`python -m analyzer.lab.sample_logs`) writes the same bytes every time, and
a test compares. Keys, nesting, types and texts follow real records and Microsoft's documentation; hosts, ids and times
are invented. Hosts end in `.example` or `.invalid` (RFC 6761), addresses are documentation's (RFC 5737). All is in the
week 2026-W47, 16 to 22 November 2026, UTC. Which host has which fault is in `analyzer/lab/catalogue.py`; every gateway
was given root A and none root B. No record is in two files: the last row is what a run over the whole folder counts.

| folder | shape or story | records | failures | look-alikes | what should come out |
|---|---|---:|---:|---:|---|
{table}

`shapes/` and `causes/` are logs of the classic gateway `contoso-apim` (West Europe), but for the consoles and `kubectl/`,
which a self-hosted gateway printed (region onprem; its console does not name the service). The files of `causes/` and
`situations/` hold blob lines, a week's `PT1H.json` put together.
"""


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "sample_logs"))
