"""`python -m benchmarks [ingest|probe]`: run them all, or the ones named, and print their tables."""

import sys

from benchmarks import ingest, probe

ALL = {"ingest": ingest.run, "probe": probe.run}

for name in sys.argv[1:] or ALL:
    ALL[name]()
