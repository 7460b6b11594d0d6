"""The page of the Mori paper: printed numbers beside computed ones, and all figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from papers.mori2024.targets import back_mapping, drude_smith, kernel_moments, settling, sizes
from papers.shared import figure as paper
from papers.shared.page import answers, comparison, figures, rows
from smallpolaron.figures.runs import Run, one_run


def compose(
    mobility: Sequence[Run],
    kernels: Sequence[Run],
    populations: Sequence[Run],
    models: Sequence[Run],
    moments: Sequence[Run],
    inverse: Sequence[Path],
    captions: Sequence[Path],
    band_paper_units: float,
) -> paper.Page:
    """Return the table of comparisons and all figures."""
    found = [
        *sizes(mobility, populations, band_paper_units),
        *settling(kernels, mobility, populations, band_paper_units),
        *drude_smith(models),
        *kernel_moments(moments),
        *back_mapping(one_run(inverse[0], "inverse")),
    ]
    summary = (
        "Figures 1 to 6 and Table 1 of Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, "
        "15, 16715, recomputed. The printed numbers enter no calculation. Errors are those that "
        "the runs estimate of themselves, or half the spacing of what was tried."
    )
    parts = [
        answers(mobility, found, "fig2"),
        "<h2>Printed and computed</h2>",
        comparison(found),
        '<p>Costs: <a href="table1.html">Table 1</a>. The next points worth computing, as a study: '
        '<a href="next_points.yaml">next_points.yaml</a>.</p>',
        *figures(captions),
    ]
    return rows(found), summary, parts


main = paper.page_main(
    "Mori GQME paper, recomputed",
    compose,
    *("mobility", "kernel", "population_kernel", "conductivity_models", "moments"),
    criteria=("band_paper_units",),
    files=("inverse", "captions"),
)
