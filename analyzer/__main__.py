"""`python -m analyzer` is the command `apim-triage`."""

import sys

from analyzer.cli import main

sys.exit(main())
