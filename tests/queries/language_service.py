"""Microsoft's Kusto language service, run by V8: KQL and the tables of a workspace in, what is wrong with it out.

Two files of the npm package `@kusto/language-service-next` are enough; `APIM_TRIAGE_KUSTO` names the folder that they are in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "APIM_TRIAGE_KUSTO"
FILES = ("bridge.min.js", "Kusto.Language.Bridge.min.js")

Schema = Mapping[str, Mapping[str, str]]
"""Table: its columns and their Kusto types."""

_BROWSER = """
var global = this, window = this, self = this;
var document = {readyState: "complete", addEventListener: function () {}};
var addEventListener = function () {}, console = {log: function () {}, warn: function () {}, error: function () {}};
"""
_ASK = """
function listed(list, of) { var out = []; for (var i = 0; i < list.Count; i++) out.push(of(list.getItem(i))); return out; }
function withTables(schema) {
    var K = Kusto.Language, S = K.Symbols, list = new (System.Collections.Generic.List$1(S.Symbol)).ctor();
    Object.keys(schema).forEach(function (name) {
        var columns = Object.keys(schema[name]).map(function (c) { return "['" + c + "']: " + schema[name][c]; }).join(", ");
        list.add(new S.TableSymbol.$ctor7(name, "(" + columns + ")", null));
    });
    return K.GlobalState.Default.WithDatabase(new S.DatabaseSymbol.$ctor1("db", list, false));
}
function analyzed(query, schema) { return Kusto.Language.KustoCode.ParseAndAnalyze(query, withTables(schema)); }
function ask(query, schema) {
    var code = analyzed(query, schema);
    var troubles = listed(code.GetDiagnostics(), function (d) {
        var before = query.substr(0, d.Start).split("\\n");
        return {line: before.length, severity: d.Severity, code: d.Code, message: d.Message};
    });
    var columns = code.ResultType && code.ResultType.Columns ? listed(code.ResultType.Columns, function (c) { return [c.Name, c.Type.Name]; }) : [];
    return JSON.stringify({troubles: troubles, columns: columns});
}
function value(query) {
    var code = analyzed(query, {}), found = [];
    Kusto.Language.Syntax.SyntaxElement.WalkNodes(code.Syntax, function (node) {
        if (Bridge.is(node, Kusto.Language.Syntax.LiteralExpression)) found.push(node.LiteralValue == null ? null : node.LiteralValue.toString());
    });
    return JSON.stringify({troubles: listed(code.GetDiagnostics(), function (d) { return d.Message; }), literals: found});
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is said against a query."""

    line: int
    severity: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a query is."""

    troubles: tuple[Trouble, ...]
    columns: Mapping[str, str]  # of its result, and their types


def installed() -> Path | None:
    """The folder of the package's files; None where they are not there."""
    folder = Path(os.environ.get(FOLDER) or "node_modules/@kusto/language-service-next")
    return folder if all((folder / name).is_file() for name in FILES) else None


class LanguageService:
    """A context manager: an engine that is not closed keeps the interpreter from ending."""

    def __init__(self, folder: Path) -> None:
        from py_mini_racer import MiniRacer

        self._engine = MiniRacer()
        self._engine.eval(_BROWSER)
        for name in FILES:
            self._engine.eval((folder / name).read_text(encoding="utf-8-sig") + "\n;0")
        self._engine.eval(_ASK + ";0")

    def __enter__(self) -> LanguageService:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def ask(self, query: str, schema: Schema) -> Answer:
        """What the service says of a query in a workspace with these tables."""
        said: Any = json.loads(self._engine.call("ask", query, schema))
        return Answer(
            troubles=tuple(Trouble(**trouble) for trouble in said["troubles"]),
            columns=dict(map(tuple, said["columns"])),
        )

    def literals(self, query: str) -> tuple[list[str], list[str | None]]:
        """What is wrong with a query, and the values of the literals in it as the service reads them, in order."""
        said: Any = json.loads(self._engine.call("value", query))
        return said["troubles"], said["literals"]
