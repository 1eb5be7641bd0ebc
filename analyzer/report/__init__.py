"""From a Report to its files, one module per output, and back from report.json. Loaded when asked for: words alone need no templates."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.report.json_file import load
    from analyzer.report.writer import check_out, write, write_file

__all__ = ["check_out", "load", "write", "write_file"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'analyzer.report' has no attribute {name!r}")
    module = "json_file" if name == "load" else "writer"
    return getattr(importlib.import_module(f"analyzer.report.{module}"), name)
