"""Numbers printed in the two papers, with the conditions they hold for.

Comparison only: nothing is fitted to them and no result depends on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smallpolaron.study.baths import is_one_debye_bath

MORI = "Chem. Sci. 15, 16715 (2024)"
ANOMALOUS = "arXiv 2024, anomalous transport"
_SAME = 1e-3
"""Relative difference below which two parameters are the same."""


@dataclass(frozen=True)
class Printed:
    """One printed number.

    Attributes:
        quantity: c, k, D_paper, tau_K_band_fs or t_eq_band_fs, as in the result files.
        text: the number as printed, with its unit.
        value: the same as a number.
        unit: its unit.
        eta_cm, gamma_cm: bath, cm^-1.
        n_sites: number of sites it was printed for.
        source: paper and place.
    """

    quantity: str
    text: str
    value: float
    unit: str
    eta_cm: float
    gamma_cm: float
    n_sites: int
    source: str


CATALOGUE: Final[tuple[Printed, ...]] = (
    Printed("c", "−0.58", -0.58, "1", 100, 50, 6, f"{MORI}, Fig. 4"),
    Printed("k", "0.0161", 0.0161, "fs⁻¹", 100, 50, 6, f"{MORI}, Fig. 4"),
    Printed("t_eq_band_fs", "269", 269, "fs", 313, 41, 6, f"{MORI}, Fig. 2"),
    Printed("tau_K_band_fs", "235", 235, "fs", 313, 41, 6, f"{MORI}, Fig. 2"),
    Printed("D_paper", "0.337", 0.337, "2D/bohr² (fs⁻¹)", 323, 41, 15, f"{ANOMALOUS}, Fig. 3"),
    Printed("D_paper", "1.862", 1.862, "2D/bohr² (fs⁻¹)", 30, 25, 20, f"{ANOMALOUS}, Fig. S5"),
)
"""All for homogeneous rings with v = 50 cm^-1, a = 5 angstrom, T = 300 K."""


def _close(value: Any, wanted: float) -> bool:
    try:
        return math.isclose(float(value), wanted, rel_tol=_SAME, abs_tol=1e-12)
    except (TypeError, ValueError):
        return False


def matching(parameters: Mapping[str, Any], quantities: Sequence[str] = ()) -> list[Printed]:
    """Return the printed numbers that hold for the physical system of these parameters.

    The number of sites is not compared: the caller states both.
    """
    model = parameters["model"]
    common = (
        model["topology"] in ("ring", "infinite")
        and _close(model["hopping_cm"], 50)
        and _close(model["site_energies_cm"], 0)
        and _close(model["lattice_constant_A"], 5)
        and _close(model["temperature_K"], 300)
        and is_one_debye_bath(parameters)
    )
    if not common:
        return []
    return [
        value
        for value in CATALOGUE
        if _close(parameters["bath"]["eta_cm"], value.eta_cm)
        and _close(parameters["bath"]["gamma_cm"], value.gamma_cm)
        and (not quantities or value.quantity in quantities)
    ]
