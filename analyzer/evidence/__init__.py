"""Evidence between programs: from what the probe observed, or a file collected elsewhere, to `model.Evidence`, and back to a file."""

from analyzer.evidence.format import dumps, of
from analyzer.evidence.reading import EvidenceFile, read

__all__ = ["EvidenceFile", "dumps", "of", "read"]
