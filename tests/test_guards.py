"""Sets that must agree: causes on disk, in the enum, registered, documented, with a sample."""

from __future__ import annotations

import re
from pathlib import Path

from analyzer.causes import CAUSES
from analyzer.model import SCENARIOS, CauseName

ROOT = Path(__file__).parents[1]
SHARED_MODULES = {
    "__init__",
    "case",
    "cause",
    "chain_end",
    "connection",
    "fetching",
    "observed",
    "protocol",
    "remedies",
    "validity",
    "waiting",
    "weakness",
}


def test_every_cause_is_in_the_enum_on_disk_and_registered() -> None:
    on_disk = {p.stem for p in (ROOT / "analyzer" / "causes").glob("*.py")} - SHARED_MODULES
    registered = [c.name.value for c in CAUSES]
    assert len(registered) > 15
    assert len(registered) == len(set(registered))
    assert set(registered) == on_disk == {c.value for c in CauseName}


def test_every_cause_has_a_sample_folder() -> None:
    folders = {p.name for p in (ROOT / "sample_logs" / "causes").iterdir() if p.is_dir()}
    assert folders == {c.value for c in CauseName}


def test_the_readme_documents_every_cause_with_its_scenario() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {c.value: SCENARIOS.get(c, "–") for c in CauseName}


def test_every_cause_says_what_it_claims_and_how_to_prove_it() -> None:
    for cause in CAUSES:
        assert cause.claim.endswith("."), cause.name
        assert cause.source, cause.name
        assert "HOST" in cause.proof, cause.name
