"""A folder as users keep them: many shapes, archives, broken files and a picture; the right counts, and what was not read."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from analyzer.lab.sample_logs import samples
from tests.sources.build import answered, failed

ROOT = Path(__file__).parents[1]


def test_a_folder_of_everything_is_counted_right_and_what_is_not_read_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    shapes = [sample for sample in samples() if sample.folder.startswith("shapes/")]
    assert len(shapes) >= 10
    shutil.copytree(ROOT / "sample_logs" / "shapes", folder)
    lines = [json.dumps(failed(correlationId=f"{i:032x}")) for i in range(200)]
    whole = gzip.compress("\n".join(lines).encode())
    (folder / "broken.json.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "half.json").write_text(json.dumps(answered()) + "\n" + lines[0][:-40])
    (folder / "powershell.json").write_bytes("\r\n".join(lines[:3]).encode("utf-16"))
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        archive.writestr("PT1H.json", json.dumps(answered(time="2026-03-04T11:00:00Z")))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "notes").write_text("remember the milk")
    out = tmp_path / "out"
    run = subprocess.run(
        [sys.executable, "-m", "analyzer", "analyze", str(folder), "--no-probe", "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    intake = report["intake"]
    by_name = {Path(s["name"]).name: s for s in intake["sources"]}
    broken = by_name["broken.json.gz"]
    assert 0 < broken["records"] < 200
    assert broken["rejected"] == 1
    assert "damaged from byte" in broken["first_rejected"][0]
    assert (by_name["half.json"]["records"], by_name["half.json"]["rejected"]) == (1, 1)
    assert by_name["powershell.json"]["failures"] == 3
    assert by_name["PT1H.json"]["rejected"] == 0
    assert intake["failures"] == sum(s.failures for s in shapes) + broken["failures"] + 3
    assert intake["records"] == intake["failures"] + intake["lookalikes"] + intake["others"]
    assert intake["rejected"] == 2
    said = " ".join(report["caveats"])
    assert "picture.png was not read: not a gateway log: it is a picture" in said
    assert "notes was not read: not a gateway log" in said
