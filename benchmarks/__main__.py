"""`python -m benchmarks [ingest|probe|page]`: run them all, or the ones named, and print their tables."""

import sys

from benchmarks import ingest, page, probe

ALL = {"ingest": ingest.run, "probe": probe.run, "page": page.run}

for name in sys.argv[1:] or ALL:
    ALL[name]()
