"""From a Report to its files, one module per output, and back from report.json."""

from analyzer.report.json_file import load
from analyzer.report.writer import check_out, write, write_file

__all__ = ["check_out", "load", "write", "write_file"]
