"""Mobility of small polarons from exact dynamics of the dispersive Holstein model."""

__version__ = "0.1.0"

NUMERICS_VERSION = 3
"""Raised whenever the same parameters would give different numbers; part of every point's id."""
