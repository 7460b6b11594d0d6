"""The page of the Mori paper: printed numbers beside computed ones, and all figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from papers.mori2024.targets import (
    back_mapping,
    drude_smith,
    kernel_moments,
    settling,
    sizes,
)
from papers.shared import figure as paper
from papers.shared.page import COLUMNS, comparison, figures, rows
from smallpolaron.figures import style
from smallpolaron.figures.html import write_page
from smallpolaron.figures.runs import Run, input_parser, run_main
from smallpolaron.results.store import read_result


def main(argv: Sequence[str] | None = None) -> None:
    """Write the page and the table of comparisons."""
    kinds = ("mobility", "kernel", "population_kernel", "conductivity_models", "moments")
    line = input_parser("Printed and computed numbers of the Mori paper.", *kinds)
    line.add_argument("--inverse", type=Path, required=True, metavar="H5")
    line.add_argument("--captions", type=Path, nargs="+", required=True, metavar="TXT")
    line.add_argument("--band-paper-units", type=float, required=True, help="2 D/bohr^2")
    line.add_argument("--numbers", type=Path, required=True, help="table to write, CSV")
    line.add_argument("--page", type=Path, required=True, help="page to write, HTML")
    options = line.parse_args(argv)
    band = options.band_paper_units
    mobility, kernels = paper.read(options.mobility), paper.read(options.kernel)
    populations = paper.read(options.population_kernel)
    inverse = Run(options.inverse.stem, read_result(options.inverse, kind="inverse"), "")
    found = [
        *sizes(mobility, populations, band),
        *settling(kernels, mobility, populations, band),
        *drude_smith(paper.read(options.conductivity_models)),
        *kernel_moments(paper.read(options.moments)),
        *back_mapping(inverse),
    ]
    style.write_numbers(options.numbers, COLUMNS, rows(found))
    summary = (
        "Figures 1 to 6 and Table 1 of Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, "
        "15, 16715, computed anew. The printed numbers enter no calculation. Errors are those that "
        "the runs estimate of themselves, or half the spacing of what was tried."
    )
    parts = [
        "<h2>Printed and computed</h2>",
        comparison(found),
        '<p>Costs: <a href="table1.html">Table 1</a>. The next points worth computing, as a study: '
        '<a href="next_points.yaml">next_points.yaml</a>.</p>',
        *figures(options.captions),
    ]
    write_page(options.page, "Mori GQME paper, computed anew", summary, parts)


if __name__ == "__main__":
    run_main(main)
