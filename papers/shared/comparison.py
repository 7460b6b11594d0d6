"""Numbers printed in the papers beside the computed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from papers.shared.printed_values import Printed, matching
from smallpolaron.figures.html import Cell, table
from smallpolaron.figures.runs import (
    Run,
    engine_label,
    error_of,
    study_main,
    with_error,
)
from smallpolaron.figures.style import Row

NAMES = {
    "D_paper": "diffusion constant D",
    "c": "Drude–Smith c",
    "k": "Drude–Smith k",
    "tau_K_band_fs": "kernel cutoff τ_K (band)",
    "t_eq_band_fs": "integral cutoff t_eq (band)",
}


def pairs(runs: Sequence[Run]) -> Iterator[tuple[Run, Printed, float]]:
    """Yield every computed number for which a paper printed one, with the printed one."""
    for run in runs:
        for printed in matching(run.result.parameters):
            if printed.quantity in run.result.variables:
                yield run, printed, run.number(printed.quantity)


def rows(runs: Sequence[Run]) -> Iterator[Row]:
    """Yield one row per pair."""
    for run, printed, value in pairs(runs):
        yield run.identity() | {
            "quantity": printed.quantity,
            "computed": value,
            "error": error_of(run, printed.quantity),
            "printed": printed.value,
            "printed_n_sites": printed.n_sites,
            "difference_percent": 100 * (value / printed.value - 1),
            "unit": printed.unit,
            "source": printed.source,
        }


def _computed(run: Run, quantity: str) -> str:
    """Return a computed number; times are known to the sampling, all others have an error."""
    return f"{run.number(quantity):.4g}" if quantity.endswith("_fs") else with_error(run, quantity)


def page(runs: Sequence[Run], _plan: Path) -> tuple[str, list[str]]:
    """Return the summary sentence and the table."""
    found = sorted(
        pairs(runs), key=lambda item: (item[1].source, item[1].quantity, item[0].n_sites)
    )
    if not found:
        return "No paper printed a number for the systems of this study.", []
    head = ["quantity", "η, γ (cm⁻¹)", "N", "computed", "printed", "printed for N", "difference"]
    lines = []
    for run, printed, value in found:
        difference = f"{100 * (value / printed.value - 1):+.1f} %"
        sites = ("∞" if run.infinite else f"{run.n_sites}") + (" (flagged)" if run.flagged else "")
        lines.append(
            [
                Cell(NAMES[printed.quantity], printed.unit, "text"),
                Cell(f"{printed.eta_cm:g}, {printed.gamma_cm:g}"),
                Cell(sites, look="fail" if run.flagged else ""),
                Cell(_computed(run, printed.quantity), engine_label(run.result.parameters)),
                Cell(printed.text, printed.source),
                Cell(str(printed.n_sites)),
                Cell(difference),
            ]
        )
    summary = (
        "Computed numbers beside those printed for the same Hamiltonian, bath and temperature "
        "(v = 50 cm⁻¹, a = 5 Å, 300 K). Compare rows of equal N; other sizes show the finite-size "
        "effect. The printed numbers enter no calculation."
    )
    return summary, [table([Cell(text) for text in head], lines)]


main = study_main("Computed and printed numbers", page, rows)
