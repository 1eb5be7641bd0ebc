"""Which roots a gateway is taken to have is chosen, said, and decides how sure a missing public root is."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer import trust
from analyzer.anchors import Anchors, anchors_of, told
from analyzer.attribution import attribute
from analyzer.checking import attribute_all
from analyzer.cli import main
from analyzer.errors import CertificateFileError
from analyzer.model import CauseName, Finding, Tier, Verdict
from analyzer.pipeline import analyze
from tests import build, make
from tests.build import NOW, TRUST, handshake
from tests.incidents.make import BEFORE, ISSUING, LATER, PRIVATE, gateway, leaf
from tests.test_root_list import ROOTS
from tests.trust.test_ccadb import HEADINGS, fingerprint, pem, report, row

HOST = "api.contoso.example"
PUBLIC = make.leaf(HOST, ISSUING, policies=["2.23.140.1.2.1"], not_before=BEFORE, not_after=LATER)
WHOLE = (*PUBLIC.chain, PRIVATE.der)
LISTED = report(*(row(root.der) for root in ROOTS), row(PRIVATE.der))
UNLISTED = report(*((*row(root.der), pem(root.der)) for root in ROOTS), headings=(*HEADINGS, "PEM"))


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `trust update` would store the list; it is not there yet."""
    monkeypatch.setenv("APIM_TRIAGE_DATA", str(tmp_path))
    return trust.stored_list()


def csv(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    return str(path)


def judged(anchors: Anchors, tier: Tier = Tier.CLASSIC, sent: tuple[bytes, ...] = WHOLE) -> Finding:
    from analyzer.probing import Target

    mine = gateway(tier=tier)
    cluster = build.cluster(TRUST, gateway=mine.id)
    seen = build.evidence(handshake(chain=sent), vantage="gateway")
    target = Target(HOST, 443, HOST)
    (found,) = attribute_all(
        [cluster], {mine.id: mine}, {cluster.id: target}, [seen], anchors=anchors, not_probed="nothing was asked"
    )
    return found


def verdict(finding: Finding, cause: CauseName = CauseName.UNTRUSTED_ROOT) -> Verdict:
    return next(a.verdict for a in finding.attributions if a.cause is cause)


def test_a_public_looking_root_that_the_default_lacks_is_at_most_likely() -> None:
    found = judged(anchors_of([]))
    assert verdict(found) is Verdict.LIKELY
    assert "apim-triage trust update" in " ".join(r.text for r in found.lead.reasons)


def test_microsofts_list_that_lacks_the_root_confirms_it(tmp_path: Path) -> None:
    assert verdict(judged(anchors_of([], csv(tmp_path, UNLISTED)))) is Verdict.CONFIRMED


def test_microsofts_list_that_has_the_root_rules_it_out_though_it_has_the_fingerprint_only(tmp_path: Path) -> None:
    found = judged(anchors_of([], csv(tmp_path, LISTED)))
    assert verdict(found) is Verdict.RULED_OUT
    assert found.lead.cause is CauseName.NOT_REPRODUCED


def test_a_root_that_was_not_seen_may_be_one_that_the_list_names_by_fingerprint_only(tmp_path: Path) -> None:
    only_fingerprints = csv(tmp_path, report(*(row(root.der) for root in ROOTS)))
    found = judged(anchors_of([], only_fingerprints), sent=PUBLIC.chain)
    assert verdict(found) is Verdict.LIKELY
    assert "6 roots Microsoft's list names the fingerprint only" in " ".join(r.text for r in found.lead.reasons)


@pytest.mark.parametrize("tier", [Tier.V2, Tier.SELF_HOSTED])
def test_windows_own_list_does_not_speak_for_gateways_that_may_not_run_on_windows(tmp_path: Path, tier: Tier) -> None:
    assert verdict(judged(anchors_of([], csv(tmp_path, UNLISTED)), tier)) is Verdict.LIKELY


def test_a_private_root_is_confirmed_with_any_list(tmp_path: Path) -> None:
    sent = (*leaf(HOST, ISSUING).chain, PRIVATE.der)
    for store in ("default", "certifi", csv(tmp_path, UNLISTED)):
        assert verdict(judged(anchors_of([], store), sent=sent)) is Verdict.CONFIRMED


def test_a_stored_list_is_the_default_for_windows_and_certifi_stays_for_the_others(stored: Path) -> None:
    assert not anchors_of([]).microsofts
    stored.write_bytes(LISTED)
    found = anchors_of([])
    assert found.microsofts
    assert not found.of(Tier.SELF_HOSTED).microsofts
    assert verdict(judged(found)) is Verdict.RULED_OUT
    assert verdict(judged(found, Tier.SELF_HOSTED)) is Verdict.LIKELY
    assert not anchors_of([], "certifi").microsofts


def test_the_stored_list_can_be_named_and_its_absence_is_said(stored: Path) -> None:
    with pytest.raises(CertificateFileError, match="apim-triage trust update"):
        anchors_of([], "microsoft")
    stored.write_bytes(LISTED)
    assert anchors_of([], "microsoft").of(Tier.V2).microsofts


@pytest.mark.parametrize("data", [b"", b"junk", pem(PRIVATE.der).encode()])
def test_a_stored_list_that_is_none_is_one_line_that_says_what_to_do(stored: Path, data: bytes) -> None:
    stored.write_bytes(data)
    with pytest.raises(CertificateFileError, match="trust update") as caught:
        anchors_of([])
    assert "\n" not in str(caught.value)


def test_a_store_that_does_not_exist_is_one_line_that_names_the_words() -> None:
    with pytest.raises(CertificateFileError, match="or default, system, certifi or microsoft"):
        anchors_of([], "microsft")


def test_given_certificates_stay_apart_from_the_store(tmp_path: Path) -> None:
    given = tmp_path / "given.pem"
    given.write_bytes(PRIVATE.pem + ISSUING.pem)
    for store in ("certifi", csv(tmp_path, UNLISTED)):
        found = anchors_of([given], store)
        assert (found.given, found.intermediates) == ((PRIVATE.der,), (ISSUING.der,))
        assert set(found.public) | {PRIVATE.der} == set(found.roots)
    assert anchors_of([given], csv(tmp_path, LISTED)).given == (PRIVATE.der,)


def test_only_the_very_certificate_of_a_fingerprint_is_taken() -> None:
    other = make.ca("Contoso Root", kind="p384", not_before=BEFORE, not_after=LATER)
    anchors = Anchors(roots=(), fingerprints=frozenset({fingerprint(PRIVATE.der)}), microsofts=True)
    assert anchors.holding([other.der, b"junk"]) is anchors
    held = anchors.holding([other.der, PRIVATE.der])
    assert (held.roots, held.fingerprints) == ((PRIVATE.der,), frozenset())


@pytest.mark.parametrize(
    ("days", "says"),
    [(0, "stored today"), (1, "stored a day ago"), (12, "stored 12 days ago"), (200, "That list is old")],
)
def test_the_age_of_the_stored_list_is_said(stored: Path, days: int, says: str) -> None:
    stored.write_bytes(LISTED)
    now = datetime.now(UTC)
    then = (now - timedelta(days=days)).timestamp() - 60
    os.utime(stored, (then, then))
    text = told(anchors_of([]).store(), now)
    assert says in text
    assert "7 roots of Microsoft's program" in text
    assert str(stored.parent) not in text, "a path of this machine is nobody's business"


def logs(tmp_path: Path) -> Path:
    record = {
        "time": (NOW - timedelta(hours=2)).isoformat(),
        "category": "GatewayLogs",
        "resourceId": "/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/GW",
        "location": "West Europe",
        "properties": {
            "backendUrl": f"https://{HOST}/x",
            "lastError": {
                "source": "forward-request",
                "section": "backend",
                "reason": "BackendConnectionFailure",
                "message": TRUST,
            },
        },
    }
    path = tmp_path / "log.json"
    path.write_text(json.dumps(record))
    return path


@pytest.mark.parametrize("microsofts", [False, True])
def test_the_report_says_which_roots_were_taken(tmp_path: Path, microsofts: bool) -> None:
    store = csv(tmp_path, LISTED) if microsofts else "certifi"
    seen = build.evidence(handshake(chain=WHOLE), vantage="gateway")
    made = analyze([logs(tmp_path)], probe=lambda _: [seen], trust_store=store, now=NOW)
    assert len(made.findings) == 1
    (caveat,) = [c for c in made.caveats if c.startswith("Which roots the gateway has")]
    assert made.trust is not None
    assert made.trust.words in caveat
    assert ("It is not Microsoft's list" in caveat) is not microsofts
    from analyzer import report as report_files

    report_files.write(made, tmp_path / "out")
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert document["trust"]["microsofts"] is microsofts
    assert document["trust"]["roots"] == made.trust.roots
    assert report_files.load(tmp_path / "out" / "report.json").trust == made.trust


@pytest.mark.parametrize("command", ["analyze", "check", "probe", "kit", "weekly"])
def test_every_command_that_uses_anchors_takes_the_option_and_refuses_a_wrong_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subject = str(logs(tmp_path)) if command in ("analyze", "weekly") else "127.0.0.1"
    assert main([command, subject, "--trust-store", "nowhere.csv"]) == 2
    said = capsys.readouterr().err
    assert "--trust-store nowhere.csv" in said
    assert said.count("\n") == 1


def test_attributing_without_a_store_says_so_as_before() -> None:
    cluster = build.cluster(TRUST)
    seen = build.evidence(handshake(chain=WHOLE), vantage="gateway")
    found = attribute(cluster, build.gateway(), [seen], anchors=Anchors(roots=()))
    assert verdict(found) is Verdict.LIKELY
