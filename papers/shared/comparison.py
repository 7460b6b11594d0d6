"""Numbers printed in the papers, with the conditions they hold for, beside the computed ones.

Comparison only: nothing is fitted to them and no result depends on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from smallpolaron.figures.commands import command
from smallpolaron.figures.html import table, write_page
from smallpolaron.figures.runs import Run, engine_label, error_of, read_study
from smallpolaron.figures.style import Row, write_numbers
from smallpolaron.planning.jobs import computed
from smallpolaron.planning.present import present
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.plan import read_plan

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


def matching(parameters: Parameters, quantities: Sequence[str] = ()) -> list[Printed]:
    """Return the printed numbers that hold for the physical system of these parameters.

    The number of sites is not compared: the caller states both.
    """
    model, bath = parameters.model, parameters.bath
    common = (
        model.topology in ("ring", "infinite")
        and _close(model.hopping_cm, 50)
        and _close(model.site_energies_cm, 0)
        and _close(model.lattice_constant_A, 5)
        and _close(model.temperature_K, 300)
        and bath.is_one_debye_bath
    )
    if not common:
        return []
    return [
        value
        for value in CATALOGUE
        if _close(bath.eta_cm, value.eta_cm)
        and _close(bath.gamma_cm, value.gamma_cm)
        and (not quantities or value.quantity in quantities)
    ]


def rows(runs: Sequence[Run]) -> Iterator[Row]:
    """Yield every computed number for which a paper printed one, with the printed one."""
    found = [(run, printed) for run in runs for printed in matching(run.result.resolved)]
    for run, printed in sorted(found, key=lambda pair: (pair[1].source, pair[1].quantity)):
        if printed.quantity not in run.result.variables:
            continue
        value = run.number(printed.quantity)
        yield run.identity() | {
            "size": run.label,
            "computed_with": engine_label(run.result.parameters),
            "quantity": printed.quantity,
            "computed": value,
            "error": error_of(run, printed.quantity),
            "printed": printed.value,
            "printed_n_sites": printed.n_sites,
            "difference_percent": 100 * (value / printed.value - 1),
            "unit": printed.unit,
            "source": printed.source,
        }


def page(runs: Sequence[Run]) -> tuple[str, list[str]]:
    """Return the summary sentence and the table."""
    found = list(rows(runs))
    if not found:
        return "No paper printed a number for the systems of this study.", []
    summary = (
        "Computed numbers beside those printed for the same Hamiltonian, bath and temperature "
        "(v = 50 cm⁻¹, a = 5 Å, 300 K). Compare rows of equal N; other sizes show the finite-size "
        "effect. The printed numbers enter no calculation."
    )
    return summary, [table(found)]


def _made(plan: Path, figure: Path, numbers: Path) -> None:
    """Write the page and its numbers; only runs for which a paper printed a number are read."""
    whole, folder = read_plan(plan), plan.parent
    points = tuple(point for point in computed(whole, folder).points if matching(point.parameters))
    compared = replace(whole, points=points, ladders=(), ensembles=())
    runs = read_study(present(compared, folder), folder)
    write_page(figure, "Computed and printed numbers", *page(runs))
    write_numbers(numbers, rows(runs))


main = command(_made, (), ("plan", "figure", "numbers"))
