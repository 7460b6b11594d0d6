"""Draw a figure or table of a paper: ``python -m papers mori2024.fig1 OPTIONS``."""

from smallpolaron.figures.commands import run_main

run_main("papers")
