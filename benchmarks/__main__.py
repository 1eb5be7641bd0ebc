"""`python -m benchmarks [ingest|probe|workspace]`: run them all, or the ones named, and print their tables."""

import sys

from benchmarks import ingest, probe, workspace

ALL = {"ingest": ingest.run, "probe": probe.run, "workspace": workspace.run}

for name in sys.argv[1:] or ALL:
    ALL[name]()
