"""Evidence between programs: from what the probe observed, or a file collected elsewhere, to `model.Evidence`, and back to a file."""

from analyzer.evidence.format import dumps, of, read

__all__ = ["dumps", "of", "read"]
