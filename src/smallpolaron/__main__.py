"""Runs the command line: `python -m smallpolaron`."""

import sys

from smallpolaron.cli import main

sys.exit(main())
