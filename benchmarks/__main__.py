"""`python -m benchmarks [ingest|probe|workspace|page]`: run them all, or the ones named, and print their tables."""

import sys

from benchmarks import ingest, page, probe, workspace

ALL = {"ingest": ingest.run, "probe": probe.run, "workspace": workspace.run, "page": page.run}

for name in sys.argv[1:] or ALL:
    ALL[name]()
