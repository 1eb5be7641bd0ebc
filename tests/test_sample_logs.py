"""The sample logs in the repository are what their maker writes, tell each event once, and match their README."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path

from analyzer.lab import week
from analyzer.lab.catalogue import BY_HOST, CATALOGUE, Fault
from analyzer.lab.logs import CLASSIC
from analyzer.lab.sample_logs import files, host_of, samples, write
from analyzer.model import CauseName

SAMPLE_LOGS = Path(__file__).parents[1] / "sample_logs"
SAMPLES = samples()
EVENTS = [event for sample in SAMPLES for event in sample.events]
MOST = 1_500_000  # bytes


def content(path: Path) -> bytes:
    """What is in a file; of a compressed one the inside, since compressors differ between machines."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): content(p) for p in folder.rglob("*") if p.is_file()}


def test_the_committed_files_are_what_the_maker_writes(tmp_path: Path) -> None:
    write(tmp_path)
    assert tree(SAMPLE_LOGS) == tree(tmp_path)
    assert len(tree(tmp_path)) == len(files(SAMPLES)) > 35


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE_LOGS.rglob("*") if path.is_file()) < MOST


def test_there_is_a_folder_for_every_cause_and_every_shape() -> None:
    folders = [sample.folder for sample in SAMPLES]
    assert len(set(folders)) == len(folders)
    assert {f.removeprefix("causes/") for f in folders if f.startswith("causes/")} == set(CauseName)
    assert sum(folder.startswith("shapes/") for folder in folders) == 18


def test_no_event_is_told_twice() -> None:
    assert max(Counter(event.correlation_id for event in EVENTS).values()) == 1


def test_every_event_lies_in_the_week() -> None:
    assert min(event.time for event in EVENTS) >= week.START
    assert max(event.time for event in EVENTS) < week.END


def test_every_named_backend_is_in_the_catalogue() -> None:
    hosts = {host_of(event.backend_url) for event in EVENTS if event.backend_url}
    assert hosts <= set(BY_HOST)
    assert len(hosts) > 30


def test_a_causes_folder_holds_its_cause_beside_healthy_traffic() -> None:
    for cause in CauseName:
        (sample,) = (s for s in SAMPLES if s.folder == f"causes/{cause}")
        assert {event.gateway for event in sample.events} == {CLASSIC}
        broken = cause is CauseName.BODY_TRANSFER
        failed = [event for event in sample.events if (event.is_broken_body if broken else event.is_failure)]
        assert len(failed) >= 6
        if cause is CauseName.UNKNOWN:
            assert all(event.backend_url is event.backend_id is None for event in failed)
        else:
            assert {BY_HOST[host_of(event.backend_url or "")].cause for event in failed} == {cause}
        assert any(event.backend_url and week.HEALTHY in event.backend_url for event in sample.events)


def test_a_certificate_fault_has_no_success_after_its_onset() -> None:
    partial = {CATALOGUE[fault].host for fault in (*week.PARTIAL, Fault.RECOVERED, Fault.RENEWED)}
    for host in BY_HOST:
        mine = [e for e in EVENTS if e.backend_url and f"/{host}/" in e.backend_url and e.gateway == CLASSIC]
        failed = [e.time for e in mine if e.is_failure]
        answered = [e.time for e in mine if e.backend_code is not None]
        if failed and host not in partial:
            assert max(answered, default=week.START) <= min(failed), host


def test_the_stopped_and_the_intermittent_cluster_are_there() -> None:
    def times(cause: CauseName) -> tuple[list[bool], list[bool]]:
        (sample,) = (s for s in SAMPLES if s.folder == f"causes/{cause}")
        mine = [e for e in sample.events if e.backend_url and week.HEALTHY not in e.backend_url]
        order = [e.is_failure for e in mine]
        return order, sorted(order, reverse=True)

    stopped, failures_first = times(CauseName.NOT_REPRODUCED)
    assert stopped == failures_first
    intermittent, failures_first = times(CauseName.RESET)
    assert intermittent != failures_first
    assert True in intermittent[-4:]


def test_every_canary_is_in_the_logs_and_only_there() -> None:
    logs = b"".join(data for path, data in tree(SAMPLE_LOGS).items() if path.startswith("situations/secrets/"))
    for canary in week.CANARIES:
        assert canary.encode() in logs
    others = b"".join(data for path, data in tree(SAMPLE_LOGS).items() if not path.startswith("situations/secrets/"))
    assert b"CANARY-SECRET-" not in others


def test_the_readme_counts_what_is_there() -> None:
    text = (SAMPLE_LOGS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/]+)/` \| .* \| (\d+) \| (\d+) \| (\d+) \| ", text, re.MULTILINE)
    assert rows == [(s.folder, str(len(s.events)), str(s.failures), str(s.lookalikes)) for s in SAMPLES]
    records = sum(content(p).count(b"correlationId") for p in SAMPLE_LOGS.rglob("gatewaylogs.json*"))
    assert records == sum(len(s.events) for s in SAMPLES if "gatewaylogs" in str(list(s.files)))
