"""Exported settings: JSON files in, API Management resources out, each with its type, its names and its properties.

What people have: the answer of `az rest --method get` for one resource or a list, an ARM template (exported, or compiled from
Bicep), the settings of a self-hosted gateway's container as a Kubernetes ConfigMap in JSON. They are read as what they are,
whatever the file is called.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyzer.errors import SettingsError
from analyzer.settings.expressions import resolve

MOST_BYTES = 64 << 20  # of a file: services with thousands of APIs export some ten MiB
MOST_NESTED = 20  # templates within templates
SERVICE = "microsoft.apimanagement/service"
DEPLOYMENT = "microsoft.resources/deployments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a service, or the service itself."""

    kind: str  # the type below the service, lower case: "" (the service), "backends", "apis/operations/policies", …
    names: tuple[str, ...]  # of the service and of each step below it; "" where a template does not tell
    properties: Mapping[str, Any]
    whole: Mapping[str, Any]  # the resource as it stands: sku, location, …
    origin: str  # the file
    id: str = ""  # resource id, lower case; "" where the file does not say
    asked: tuple[str, ...] = ()  # kinds of resources below it that were asked for, all of them

    @property
    def live(self) -> bool:
        """Whether it is what the service answered, and no template: only that has a state of its own."""
        return bool(self.id) and "provisioningState" in self.properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the files gave."""

    resources: tuple[Resource, ...]
    containers: tuple[tuple[str, Mapping[str, str]], ...] = ()  # (origin, settings) of self-hosted gateways
    notes: tuple[str, ...] = field(default=())  # what was passed over, one sentence each


def read(paths: Sequence[Path]) -> Read:
    """Every resource in the files, and in the .json files of the folders among them.

    SettingsError where a named path is missing, cannot be read, is no JSON, or holds nothing of API Management.
    """
    resources, containers, notes = list[Resource](), list[tuple[str, Mapping[str, str]]](), list[str]()
    for path in paths:
        found = 0
        for file in _files(path):
            document = _load(file)
            mine = list(in_document(document, str(file)))
            settings = list(_containers(document))
            resources += mine
            containers += [(str(file), one) for one in settings]
            found += len(mine) + len(settings)
            if not mine and not settings:
                notes.append(f"{file}: holds nothing of API Management; it was passed over.")
            if isinstance(document, dict) and document.get("nextLink"):
                notes.append(f"{file}: is one page of a longer list (nextLink); what follows it was not given.")
        if not found:
            raise SettingsError(
                f"{path}: holds no resource of API Management; name what `az rest --method get` or an exported template gives"
            )
    return Read(resources=tuple(resources), containers=tuple(containers), notes=tuple(notes))


def in_document(document: Any, origin: str) -> tuple[Resource, ...]:
    """The resources of one document, as read from JSON."""
    return tuple(_resources(document, origin, {}, 0))


def _files(path: Path) -> Sequence[Path]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() == ".json" and p.is_file())
        if not found:
            raise SettingsError(f"{path}: holds no .json file; name a folder of exported settings")
        return found
    return (path,)


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); name a file of exported settings") from None
    if len(data) > MOST_BYTES:
        raise SettingsError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; export the resources one kind to a file")
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PowerShell 5's `>`
            return json.loads(data.decode("utf-16"))
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        hint = "compile it with `az bicep build`" if path.suffix.lower() == ".bicep" else "export it as JSON"
        raise SettingsError(f"{path}: is not JSON; {hint}") from None


def _resources(document: Any, origin: str, parent: Mapping[str, Any], depth: int) -> Iterator[Resource]:
    """The resources of one document; `parent` has the type and name of the resource that this one stands in."""
    if depth > MOST_NESTED:
        return
    if isinstance(document, list):
        for one in document:
            yield from _resources(one, origin, parent, depth + 1)
        return
    if not isinstance(document, dict):
        return
    if "deploymentTemplate" in str(document.get("$schema", "")) or _is_template(document):
        yield from _template(document, origin, {}, depth)
        return
    if isinstance(document.get("value"), list) and "type" not in document:
        yield from _resources(document["value"], origin, parent, depth + 1)
        return
    kind, names = _type_and_names(document, parent)
    if kind == DEPLOYMENT:
        yield from _deployment(document, origin, ({}, {}), depth)
        return
    if kind != SERVICE and not kind.startswith(SERVICE + "/"):
        return
    properties = document.get("properties")
    yield Resource(
        kind=kind[len(SERVICE) + 1 :],
        names=names,
        properties=properties if isinstance(properties, dict) else {},
        whole=document,
        origin=origin,
        id=str(document.get("id") or "").lower(),
    )
    for child in _listed(document.get("resources")):
        yield from _resources(child, origin, {"type": kind, "names": names}, depth + 1)


def _is_template(document: Mapping[str, Any]) -> bool:
    return "contentVersion" in document and "resources" in document


def _template(document: Mapping[str, Any], origin: str, given: Mapping[str, Any], depth: int) -> Iterator[Resource]:
    """A template's resources, as far as its own defaults and what was given tell their values."""
    declared = document.get("parameters")
    defaults = {
        name: one["defaultValue"]
        for name, one in (declared.items() if isinstance(declared, dict) else ())
        if isinstance(one, dict) and "defaultValue" in one
    }
    variables = document.get("variables")
    scope = {**defaults, **given}, variables if isinstance(variables, dict) else {}
    for resource in _listed(document.get("resources")):
        if not isinstance(resource, dict) or resource.get("existing"):
            continue
        if str(resource.get("type")).lower() == DEPLOYMENT:
            yield from _deployment(resource, origin, scope, depth)
        else:
            yield from _resources(resolve(resource, *scope), origin, {}, depth + 1)


def _deployment(
    document: Mapping[str, Any], origin: str, scope: tuple[Mapping[str, Any], Mapping[str, Any]], depth: int
) -> Iterator[Resource]:
    """A nested deployment: what Bicep makes of a module. Its template has a scope of its own; what it is handed has ours."""
    properties = document.get("properties")
    inner = properties.get("template") if isinstance(properties, dict) else None
    if not isinstance(inner, dict):
        return
    handed = resolve(properties.get("parameters"), *scope) if isinstance(properties, dict) else None
    given = {
        name: one["value"]
        for name, one in (handed.items() if isinstance(handed, dict) else ())
        if isinstance(one, dict) and one.get("value") is not None
    }
    yield from _template(inner, origin, given, depth + 1)


def _type_and_names(document: Mapping[str, Any], parent: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The full type in lower case, and the name of each step; from the id where there is one."""
    id_ = document.get("id")
    if isinstance(id_, str) and "/providers/" in id_.lower():
        steps = id_[id_.lower().rindex("/providers/") + len("/providers/") :].strip("/").split("/")
        if len(steps) >= 3:
            return "/".join([steps[0], *steps[1::2]]).lower(), tuple(steps[2::2])
    kind = str(document.get("type") or "").lower()
    name = document.get("name")
    names = tuple(name.split("/")) if isinstance(name, str) else ("",)
    if parent and not kind.startswith("microsoft."):
        kind, names = f"{parent['type']}/{kind}", (*parent["names"], *names)
    elif parent and len(names) == 1:
        names = (*parent["names"], *names)
    steps_below = kind.count("/")
    return kind, (*("",) * (steps_below - len(names)), *names)


def _listed(value: Any) -> list[Any]:
    """A list as it is; the symbolic names of Bicep's newer form are of no use here."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _containers(document: Any) -> Iterator[Mapping[str, str]]:
    """Settings of a self-hosted gateway's container: a ConfigMap's data, or a plain object of dotted names."""
    if isinstance(document, list):
        for one in document:
            yield from _containers(one)
        return
    if not isinstance(document, dict):
        return
    if document.get("kind") == "List" or (isinstance(document.get("items"), list) and "kind" in document):
        yield from _containers(document.get("items"))
        return
    data = document.get("data") if document.get("kind") == "ConfigMap" else document
    if isinstance(data, dict) and any(str(name).startswith(("config.service.", "net.client.")) for name in data):
        yield {str(name): str(value) for name, value in data.items() if isinstance(value, str | int | float | bool)}
