"""Microsoft's language service finds every name and type in every query, whatever tables a workspace has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyzer import kql
from tests.conftest import need
from tests.queries.language_service import FOLDER, Answer, LanguageService, Schema, installed
from tests.queries.workspaces import INSIGHTS, WORKSPACES

UNKNOWN_TABLE, FUZZY_TABLE = "KS204", "KS205"
TABLES = {table for tables in WORKSPACES.values() for table in tables} | set(INSIGHTS)
INSIGHTS_PARTS: dict[str, Schema] = {
    "all": INSIGHTS,
    **{f"only {name}": {name: INSIGHTS[name]} for name in INSIGHTS},
    "none": {},
}
TALLY = {"TallyVersion": "long", "Count": "long"} | dict.fromkeys(
    ("Class", "Label", "ResourceId", "Resource", "Region", "Sku", "Origin", "BackendId", "Answered", "Hour", "Message", "ElapsedBucket",
     "Dimension", "Value", "First", "Last", "FirstId", "LastId"),
    "string",
)  # fmt: skip


@pytest.fixture(scope="module")
def service() -> Iterator[LanguageService]:
    folder = installed()
    need(folder is not None, f"not installed: @kusto/language-service-next (its folder in {FOLDER})")
    assert folder is not None
    with LanguageService(folder) as running:
        yield running


def errors(answer: Answer, query: str, schema: Schema) -> list[str]:
    """What is wrong, but for tables that the workspace has not and that the query does not read through a fuzzy union."""
    absent = [table for table in TABLES - set(schema) if table in query]
    excused = {FUZZY_TABLE} | (set() if "isfuzzy" in query else {UNKNOWN_TABLE})
    return [
        f"{t.line}: {t.code} {t.message}"
        for t in answer.troubles
        if not (t.code in excused and any(f"'{table}'" in t.message for table in absent))
    ]


@pytest.mark.parametrize("shape", WORKSPACES)
@pytest.mark.parametrize("name", kql.names())
def test_a_query_is_sound_in_every_workspace(service: LanguageService, name: str, shape: str) -> None:
    query = kql.text(name)
    answer = service.ask(query, WORKSPACES[shape])
    assert errors(answer, query, WORKSPACES[shape]) == []
    assert answer.columns


@pytest.mark.parametrize("part", INSIGHTS_PARTS)
def test_the_query_of_application_insights_is_sound_in_every_workspace(service: LanguageService, part: str) -> None:
    query = kql.text("app-insights-tally")
    assert errors(service.ask(query, INSIGHTS_PARTS[part]), query, INSIGHTS_PARTS[part]) == []


@pytest.mark.parametrize("name", kql.names())
def test_every_column_of_a_result_has_a_known_type(service: LanguageService, name: str) -> None:
    columns = service.ask(kql.text(name), {**WORKSPACES["both"], **INSIGHTS}).columns
    assert columns
    assert {name for name, kind in columns.items() if kind in ("unknown", "dynamic", "error")} == set()
    if "TallyVersion" in kql.text(name):
        assert columns == TALLY


@pytest.mark.parametrize("name", kql.names())
def test_a_query_with_values_is_as_sound(service: LanguageService, name: str) -> None:
    hostile = {"datetime": "", "string": "a\\\"'; b\n", "long": 7, "dynamic": ['x"', "\\"]}
    values = {p: hostile[kind] for p, kind in kql.parameters(kql.text(name)).items() if kind is not kql.Type.DATETIME}
    query = kql.render(name, values)
    schema = {**WORKSPACES["both"], **INSIGHTS}
    assert errors(service.ask(query, schema), query, schema) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("LastErrorReason, Source", "LastErrorReasons, Source"),
        ("lastError_reason_s, LastErrorReason_s", "lastErrorReason, LastErrorReason_s"),
        ("countif(Answered)", "countiff(Answered)"),
        ("bin(TimeGenerated, 1h)", "strlen(TimeGenerated)"),
        (
            "(ApiManagementGatewayLogs | where TimeGenerated >= window_start",
            "(ApiManagementGatewayLog | where TimeGenerated >= window_start",
        ),
    ],
)
def test_a_fault_in_a_query_is_found(service: LanguageService, right: str, wrong: str) -> None:
    query = kql.text("traffic-totals")
    assert right in query
    broken = query.replace(right, wrong, 1)
    assert errors(service.ask(broken, WORKSPACES["both"]), broken, WORKSPACES["both"])
