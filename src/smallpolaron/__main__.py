"""Runs the command line: `python -m smallpolaron`."""

import sys

from smallpolaron.cli import give_up_unsaid, main
from smallpolaron.support.signals import ignore_requests

status = main()
ignore_requests()
give_up_unsaid()
sys.exit(status)
