"""One backend behind three gateways, each with its exported settings: logs, a real server and the exports in, three verdicts out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import analyzer
from analyzer import Aim, Policy
from analyzer.cli import main
from analyzer.lab import Lab
from analyzer.lab.catalogue import CATALOGUE, Fault
from analyzer.lab.logs import CLASSIC, SELF_HOSTED, V2, blob_lines, failure
from analyzer.model import CauseName, Finding, Report, Tier, TierFrom, Verdict
from analyzer.report import write
from analyzer.settings import load
from tests.build import TRUST
from tests.settings.given import NO_CA_OF_ITS_OWN, exports

HOST = CATALOGUE[Fault.UNTRUSTED_ROOT].host
CALLBACK = "The remote certificate was rejected by the provided RemoteCertificateValidationCallback."
CLIENT = CATALOGUE[Fault.CLIENT_CERTIFICATE].host


@dataclass
class World:
    """The lab, a log of three gateways that fail at one of its backends, and the file of its root."""

    lab: Lab
    log: Path
    folder: Path

    @property
    def root_file(self) -> Path:
        path = self.folder / "root-b.pem"
        path.write_bytes(self.lab.pki.root_b.pem)
        return path

    def config(self, name: str, without: tuple[str, ...] = ()) -> Path:
        return exports(self.folder / name, self.lab.pki.root_b.certificate, without=without)

    def analyze(self, config: Path | None, **changes: object) -> Report:
        places = {(b.host, 443): ("127.0.0.1", b.port) for b in self.lab.backends.values()}
        probe = partial(analyzer.probe, policy=Policy(allow=("127.0.0.0/8",)), deadline=3.0)
        options = {"ca_files": [self.root_file], "aim": Aim(connect_to=places), **changes}
        return analyzer.analyze([self.log], probe=probe, config=load([config]) if config else None, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("configured")
    now = datetime.now(UTC)
    events = [
        failure(host, text, now - timedelta(hours=2, minutes=number), gateway=gateway)
        for gateway, text in ((CLASSIC, TRUST), (V2, CALLBACK), (SELF_HOSTED, CALLBACK))
        for host in (HOST, CLIENT)
        for number in range(3)
    ]
    log = folder / "PT1H.json"
    log.write_text(blob_lines(events), encoding="utf-8")
    with Lab(now=now) as lab:
        yield World(lab, log, folder)


@pytest.fixture(scope="module")
def report(world: World) -> Report:
    return world.analyze(world.config("without", NO_CA_OF_ITS_OWN))


def of(report: Report, tier: Tier, host: str = HOST) -> Finding:
    (id_,) = [g.id for g in report.gateways if g.tier is tier]
    (found,) = [f for f in report.findings if f.cluster.gateway == id_ and f.cluster.backend.host == host]
    return found


def test_the_settings_say_which_tier_each_gateway_is(report: Report) -> None:
    assert {g.tier: g.tier_from for g in report.gateways} == {
        Tier.CLASSIC: TierFrom.SETTINGS,
        Tier.V2: TierFrom.SETTINGS,
        Tier.SELF_HOSTED: TierFrom.TEXT,  # its own error source says so
    }


def test_classic_with_the_root_uploaded_connects(report: Report) -> None:
    lead = of(report, Tier.CLASSIC).lead
    assert (lead.cause, lead.verdict) == (CauseName.NOT_REPRODUCED, Verdict.LIKELY)


@pytest.mark.parametrize("tier", [Tier.V2, Tier.SELF_HOSTED])
def test_v2_with_a_service_level_upload_and_self_hosted_without_a_ca_fail(report: Report, tier: Tier) -> None:
    lead = of(report, tier).lead
    assert (lead.cause, lead.verdict) == (CauseName.UNTRUSTED_ROOT, Verdict.CONFIRMED)
    (said,) = [r.text for r in lead.reasons if r.origin == "settings"]
    assert "has no effect here" in said


def test_v2_and_self_hosted_are_never_told_to_upload_to_the_service(report: Report) -> None:
    for tier in (Tier.V2, Tier.SELF_HOSTED):
        texts = " ".join(r.text for r in of(report, tier).remedies)
        assert "CA certificates > + Add" not in texts
    assert "authorization credentials" in " ".join(r.text for r in of(report, Tier.V2).remedies)


def test_they_are_three_clusters(report: Report) -> None:
    assert len({f.cluster.id for f in report.findings if f.cluster.backend.host == HOST}) == 3


def test_given_its_own_ca_the_self_hosted_gateway_connects_too(world: World) -> None:
    lead = of(world.analyze(world.config("with")), Tier.SELF_HOSTED).lead
    assert lead.cause is CauseName.NOT_REPRODUCED


def test_without_the_upload_classic_fails_although_ca_file_has_the_root(world: World) -> None:
    config = world.config("nothing-uploaded", NO_CA_OF_ITS_OWN)
    service = json.loads((config / "service.json").read_text())
    service["properties"]["certificates"] = None
    (config / "service.json").write_text(json.dumps(service))
    report = world.analyze(config)
    assert of(report, Tier.CLASSIC).lead.cause is CauseName.UNTRUSTED_ROOT
    assert any("for it --ca-file does not count" in c for c in report.caveats)


def test_without_the_certificate_at_hand_the_thumbprint_alone_leaves_classic_unknown(world: World) -> None:
    report = world.analyze(world.config("without", NO_CA_OF_ITS_OWN), ca_files=[])
    lead = of(report, Tier.CLASSIC).lead
    assert lead.verdict is Verdict.UNKNOWN
    root = next(a for a in of(report, Tier.CLASSIC).attributions if a.cause is CauseName.UNTRUSTED_ROOT)
    assert "give it with --ca-file" in " ".join(r.text for r in root.reasons)
    assert of(report, Tier.V2).lead.cause is CauseName.UNTRUSTED_ROOT  # there it would have no effect anyway


def test_without_settings_ca_file_counts_for_every_gateway_as_before(world: World) -> None:
    report = world.analyze(None)
    assert {f.lead.cause for f in report.findings if f.cluster.backend.host == HOST} == {CauseName.NOT_REPRODUCED}
    assert report.settings == ()


def test_what_was_assumed_is_said(report: Report) -> None:
    told = " ".join(report.caveats)
    assert "Tls13 off, Tls12 on" in told
    assert "created 2023-05-04" in told
    assert "sample requests (azuremonitor 25 %)" in told
    assert "its certificate authorities were not given" in told


def test_the_root_uploaded_to_v2_is_a_finding_that_names_its_case(report: Report) -> None:
    v2 = of(report, Tier.V2)
    (shown,) = [s for s in report.settings if s.gateway == v2.cluster.gateway and "no effect" in s.text]
    assert shown.explains == (v2.cluster.id,)


def test_check_judges_with_the_settings_of_one_service(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    port = world.lab.backends[Fault.UNTRUSTED_ROOT].port
    config = world.config("with")
    place = f"--connect-to={HOST}:443:127.0.0.1:{port}"
    common = ["check", HOST, place, "--allow-address=127.0.0.0/8", f"--ca-file={world.root_file}"]
    only = [f"--apim-config={p}" for p in sorted(config.glob("*.json")) if "v2" not in p.name]
    assert main([*common, *only]) == 0
    assert capsys.readouterr().out.startswith("yes: ")
    v2 = [f"--apim-config={config / name}" for name in ("service-v2.json", "backends-v2.json")]
    assert main([*common, *v2, "--fail-on=untrusted_root"]) == 1
    assert "has no effect here" in capsys.readouterr().out
    assert main([*common, f"--apim-config={config}"]) == 2
    assert "take the settings of one service" in capsys.readouterr().err


def test_the_hello_of_probe_and_kit_follows_the_settings(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    config = world.config("hello")
    service = json.loads((config / "service.json").read_text())
    service["properties"]["customProperties"][
        "Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.Tls13"
    ] = "True"
    (config / "service.json").write_text(json.dumps(service))
    port = world.lab.backends[Fault.HEALTHY].port
    words = [
        f"--connect-to=a.example:443:127.0.0.1:{port}",
        "--allow-address=127.0.0.0/8",
        f"--apim-config={config / 'service.json'}",
    ]
    assert main(["probe", "a.example", *words]) == 0
    (backend,) = json.loads(capsys.readouterr().out)["backends"]
    assert backend["profile"] == "classic+Tls13"
    kit = world.folder / "kit.pyz"
    assert main(["kit", "a.example", *words, "-o", str(kit)]) == 0
    assert b"classic+Tls13" in _targets(kit)


def test_the_name_that_a_policy_sets_is_the_one_that_is_asked_for(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    port = world.lab.backends[Fault.NAME_MISMATCH].port
    host = CATALOGUE[Fault.NAME_MISMATCH].host
    words = [f"--connect-to={host}:443:127.0.0.1:{port}", "--allow-address=127.0.0.0/8"]
    config = [f"--apim-config={p}" for p in sorted(world.config("host").glob("*.json")) if "v2" not in p.name]
    assert main(["probe", host, *words, *config]) == 0
    (backend,) = json.loads(capsys.readouterr().out)["backends"]
    assert (backend["host"], backend["sni"]) == (host, "www.contoso.example")
    assert main(["probe", host, *words, *config, f"--host-header={host}=other.example"]) == 0
    assert json.loads(capsys.readouterr().out)["backends"][0]["sni"] == "other.example"


def _targets(kit: Path) -> bytes:
    from zipfile import ZipFile

    with ZipFile(kit) as archive:
        return archive.read("analyzer/probing/targets.json")


def test_a_backend_that_the_log_names_by_its_entity_alone_is_probed_at_the_entitys_url(world: World) -> None:
    now = datetime.now(UTC)
    event = replace(failure(None, TRUST, now - timedelta(hours=1)), backend_id="inventory-backend")
    log = world.folder / "entity-only.json"
    log.write_text(blob_lines([event]), encoding="utf-8")
    only = replace(world, log=log)
    (without,) = only.analyze(None).findings
    assert without.evidence == ()
    (found,) = only.analyze(world.config("without", NO_CA_OF_ITS_OWN)).findings
    assert found.evidence[0].host == HOST
    assert found.lead.cause is CauseName.NOT_REPRODUCED  # the root is uploaded: the certificate is accepted


def test_the_kit_of_a_report_speaks_as_the_settings_say(world: World, report: Report) -> None:
    folder = world.folder / "out"
    write(report, folder)
    kit = world.folder / "targets.pyz"
    words = ["kit", "--targets", str(folder / "report.json"), "-o", str(kit)]
    assert main([*words, f"--apim-config={world.config('kit')}"]) == 0
    plain = _targets(kit)
    config = world.config("kit-tls13")
    service = json.loads((config / "service-v2.json").read_text())
    service["properties"]["customProperties"] = {"Security.Backend.Protocols.Tls13": "True"}
    (config / "service-v2.json").write_text(json.dumps(service))
    assert main([*words, f"--apim-config={config}"]) == 0
    assert b"v2+Tls13" in _targets(kit)
    assert b"v2+Tls13" not in plain


def test_a_file_that_is_no_export_ends_each_command_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "main.bicep"
    path.write_text("resource apim 'Microsoft.ApiManagement/service@2024-05-01' = {}")
    for command in (["analyze", str(tmp_path)], ["check", "a.example"], ["probe", "a.example"], ["kit", "a.example"]):
        assert main([*command, f"--apim-config={path}"]) == 2
        told = capsys.readouterr().err
        assert "az bicep build" in told
        assert told.count("\n") == 1


def test_the_week_is_judged_with_the_settings_too(world: World) -> None:
    year, week, _ = (datetime.now(UTC) - timedelta(hours=2)).isocalendar()
    out = world.folder / "week"
    places = [f"--connect-to={b.host}:443:127.0.0.1:{b.port}" for b in world.lab.backends.values()]
    words = [
        f"--week={year}-W{week:02}",
        "--weeks=1",
        "--probe",
        "--allow-address=127.0.0.0/8",
        f"--out={out}",
        "--quiet",
    ]
    config = world.config("without", NO_CA_OF_ITS_OWN)
    assert (
        main(["weekly", str(world.log), *words, *places, f"--ca-file={world.root_file}", f"--apim-config={config}"])
        == 0
    )
    made = json.loads((out / "weekly.json").read_text(encoding="utf-8"))
    assert {g["tier"] for g in made["gateways"]} == {"classic", "v2", "self-hosted"}
    causes = {(r["gateway"].partition("@")[2], r["cause"]) for r in made["incidents"] if r["backend"]["host"] == HOST}
    assert causes == {
        ("west europe", "not_reproduced"),
        ("north europe", "untrusted_root"),
        ("onprem", "untrusted_root"),
    }
    assert any("sample requests" in c for c in made["caveats"])
