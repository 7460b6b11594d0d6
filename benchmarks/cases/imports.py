"""Processes that import what a case needs and end: what their cost is above."""

import importlib
from typing import Any


def qutip() -> dict[str, Any]:
    """Modules of the QuTiP case."""
    importlib.import_module("benchmarks.cases.qutip_ring")
    return {}


def fixed() -> dict[str, Any]:
    """Modules of the fixed-basis case."""
    importlib.import_module("benchmarks.cases.fixed")
    return {}


def adaptive() -> dict[str, Any]:
    """Modules of the adaptive case."""
    importlib.import_module("benchmarks.cases.adaptive")
    return {}
