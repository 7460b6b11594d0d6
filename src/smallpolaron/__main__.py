"""Runs the command line: `python -m smallpolaron`."""

import sys

from smallpolaron.cli import main
from smallpolaron.studies.signals import ignore_requests

status = main()
ignore_requests()
sys.exit(status)
