"""What the gateways' settings show stands in every output, survives report.json, and is inert."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analyzer.model import Remedy, Report, SettingsFinding
from analyzer.report import html, json_file, markdown
from tests.report import make

TEXT = "TLS 1.2 towards backends is switched off in the settings of contoso-apim."


def report(text: str = TEXT) -> Report:
    made = make.rich()
    (first, *_) = made.findings
    shown = SettingsFinding(
        gateway=made.gateways[0].id,
        text=text,
        explains=(first.cluster.id,),
        remedies=(Remedy(owner="gateway", text="Switch it on again."),),
    )
    gateways = (replace(made.gateways[0], created=date(2017, 6, 1)), *made.gateways[1:])
    return replace(made, settings=(shown,), gateways=gateways)


def test_it_stands_in_the_page_and_in_the_ticket_with_its_case_and_its_remedy() -> None:
    made = report()
    for page in (html.render(made), markdown.render(made)):
        assert "settings show" in page
        assert "switched off in the settings" in page
        assert "Switch it on again" in page
        assert made.findings[0].cluster.id in page


def test_a_report_without_settings_has_no_such_section() -> None:
    assert "settings show" not in html.render(make.rich())
    assert "settings show" not in markdown.render(make.rich())


@pytest.mark.parametrize("hostile", make.HOSTILE)
def test_what_settings_say_is_shown_as_text_and_nothing_else(hostile: str) -> None:
    page = html.render(report(hostile))
    assert "<script>alert" not in page
    assert "<svg onload" not in page
    assert "<img" not in markdown.render(report(hostile)).replace("&lt;", "").replace("`", "")


def test_it_and_the_creation_date_survive_the_file(tmp_path: Path) -> None:
    made = report()
    path = tmp_path / "report.json"
    path.write_bytes(json_file.dumps(made))
    loaded = json_file.load(path)
    assert loaded.settings == made.settings
    assert loaded.gateways == made.gateways
