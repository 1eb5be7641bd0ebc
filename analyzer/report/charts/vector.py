"""From a figure in the light theme to SVG that stands in the page: no style attribute, which the page's policy forbids, and colours that follow the theme."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree as Tree

from matplotlib.figure import Figure

from analyzer.report.charts.themes import LIGHT

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_VARIABLES = {colour: f"var({name})" for name, colour in LIGHT.variables().items()}
_KEPT = frozenset({"svg", "g", "path", "use", "text", "tspan", "defs", "clipPath", "rect", "pattern"})
_FONT = re.compile(r"(?:(?P<weight>bold|\d+) )?(?P<size>[\d.]+px) ")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")


def inline(figure: Figure, prefix: str) -> str:
    """One `<svg>` element, hidden from screen readers: the page says in words what it shows. Ids begin with `prefix`."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = Tree.fromstring(file.getvalue())  # noqa: S314  our own drawing
    _cleaned(root, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    text = Tree.tostring(root, encoding="unicode", short_empty_elements=True)
    return re.sub(r'(</?)ns\d+:|\sxmlns(?::\w+)?="[^"]*"', lambda found: found[1] or "", text)


def _cleaned(element: Tree.Element, prefix: str) -> None:
    for child in list(element):
        if child.tag.removeprefix(_SVG) in _KEPT:
            _cleaned(child, prefix)
        else:
            element.remove(child)
    attributes = dict(element.attrib)
    element.attrib.clear()
    for name, value in attributes.items():
        if name == "style":
            for declaration in value.split(";"):
                key, _, said = declaration.partition(":")
                for attribute, written in _presented(key.strip(), said.strip()):
                    element.set(attribute, _coloured(written, prefix))
        elif name == "id":
            element.set("id", f"{prefix}-{value}")
        elif name == f"{_XLINK}href":
            element.set("href", f"#{prefix}-{value.removeprefix('#')}")
        else:
            element.set(name, _coloured(_NUMBER.sub(_shorter, value), prefix))
    if element.text and not element.text.strip():
        element.text = None
    element.tail = None


def _presented(key: str, said: str) -> list[tuple[str, str]]:
    """A style declaration as presentation attributes (SVG 2, section 6.6); the font is the page's own."""
    if not key:
        return []
    if key == "font":
        found = _FONT.match(f"{said} ")
        size = [("font-size", found["size"])] if found else []
        return [*size, ("font-weight", found["weight"])] if found and found["weight"] else size
    return [] if key.startswith("font-family") else [(key, said)]


def _coloured(value: str, prefix: str) -> str:
    value = value.replace("url(#", f"url(#{prefix}-")
    return _VARIABLES.get(value.lower(), value)


def _shorter(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")
