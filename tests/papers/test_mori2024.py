"""The figures of the Mori paper, by the workflow, from invented results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smallpolaron.planning.study import plan_document
from smallpolaron.study.yamlfile import parse_yaml
from tests.papers.paper_runs import (
    assert_figures_and_page,
    assert_only_the_deleted_is_made,
    paper_run,
)
from tests.workflow.conftest import Run

STUDY = """\
study: small
paper: mori2024
model: {topology: ring}
bath: {terms: 0}
propagation: {duration_fs: 600}
grid:
  - {name: sizes, bath.eta_over_v: [6], bath.gamma_over_v: [0.8], model.n_sites: [6, 20]}
  - name: sizes
    protocols: [marcus, franck_condon]
    bath.eta_over_v: [6]
    bath.gamma_over_v: [0.8]
    model.n_sites: [6, 16]
    propagation.duration_fs: [3400]
    propagation.sample_fs: [4]
  - {name: map, bath.eta_over_v: [2, 5], bath.gamma_over_v: [0.5, 1, 2], model.n_sites: [5]}
  - {name: held_out, bath.eta_over_v: [4], bath.gamma_over_v: [1.2], model.n_sites: [5]}
"""
FIGURES = ("fig1", "fig2", "fig3", "fig4", "fig4_map", "fig5", "fig6")


@pytest.mark.slow
def test_all_figures_then_nothing_then_the_one_deleted(snakemake: Run, tmp_path: Path) -> None:
    run = paper_run(snakemake, tmp_path, "mori2024", STUDY)
    run.make()
    page = assert_figures_and_page(run.folder, FIGURES)
    assert "0.0161" in page
    for figure, printed in (("fig2", "269"), ("fig4", "0.0161")):
        assert printed in (run.folder / f"{figure}.txt").read_text("utf-8")
    following = (run.folder / "next_points.yaml").read_text("utf-8")
    assert plan_document(parse_yaml(following, "next")).points
    assert_only_the_deleted_is_made(run, "fig5")

    # a point more on the map: the next call computes it, though the list of points changes first
    run.configuration.write_text(STUDY.replace("[0.5, 1, 2]", "[0.5, 1, 2, 3]"), encoding="utf-8")
    planned = run.make("input", "-n")  # the triggers of the profiles
    new = set(re.findall(r"autocorrelation of (\S+)", planned))
    assert len(new) == 2
    assert all("gamma_over_v~3" in point for point in new)
