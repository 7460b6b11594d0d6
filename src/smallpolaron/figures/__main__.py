"""Draw a figure: ``python -m smallpolaron.figures NAME OPTIONS``."""

from smallpolaron.figures.runs import run_main

run_main(__package__)
