"""`judge` against what real .NET 9.0.7 on Linux said (../shared/conformance); another half of the cases is kept for acceptance."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyzer.model import Judgement
from analyzer.trust import judge

DATA = Path(__file__).parents[2].parent / "shared" / "conformance" / "dotnet-chain.jsonl"
pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="the conformance data lies beside the repository, not in it")

DIFFERENCES: dict[str, str] = {}
"""Cases that are judged otherwise than .NET judged them → why. A change in this list is to be noticed, in either direction."""


def _der(pem: str) -> bytes:
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))


def _cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]


def _judged(case: dict[str, Any]) -> Judgement:
    return judge(
        [_der(case["leaf"]), *map(_der, case["intermediates"])],
        host=case["host"]["value"],
        at=datetime.fromisoformat(case["time"]) if case["time"] else datetime.now(UTC),
        anchors=[_der(pem) for pem in case["trusted"]],
    )


def _expected(case: dict[str, Any]) -> frozenset[str]:
    said = case["dotnet"]
    if said["unreadable"]:
        return frozenset({"Unreadable"})
    return frozenset(said["chain_status"]) | (
        {"RemoteCertificateNameMismatch"} if said["name_matches"] is False else frozenset()
    )


def test_what_dotnet_accepts_and_refuses_is_accepted_and_refused() -> None:
    cases = _cases()
    equal = sum(_judged(case).accepted == case["dotnet"]["accepts"] for case in cases)
    assert len(cases) > 90
    assert equal / len(cases) >= 0.97


def test_what_dotnet_refuses_is_refused_with_the_same_statuses() -> None:
    refused = [case for case in _cases() if not case["dotnet"]["accepts"]]
    equal = sum(_judged(case).statuses == _expected(case) for case in refused)
    assert len(refused) > 40
    assert equal / len(refused) >= 0.92


def test_the_remaining_differences_are_the_listed_ones() -> None:
    found = {case["id"] for case in _cases() if _judged(case).statuses != _expected(case)}
    assert found == set(DIFFERENCES)
