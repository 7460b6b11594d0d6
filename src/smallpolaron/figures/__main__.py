"""Draw a figure: ``python -m smallpolaron.figures NAME OPTIONS``."""

from smallpolaron.figures.commands import run_main

run_main(__package__)
