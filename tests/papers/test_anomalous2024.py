"""The figures of the anomalous transport paper, by the workflow, from invented results."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.papers.paper_runs import (
    assert_figures_and_page,
    assert_only_the_deleted_is_made,
    paper_run,
)
from tests.workflow.conftest import Run

STUDY = """\
study: small
paper: anomalous2024
model: {topology: chain}
bath: {terms: 0, eta_over_v: 6.46, gamma_over_v: 0.82}
propagation: {duration_fs: 600, sample_fs: 2}
grid:
  - {name: chains_current, model.n_sites: [8, 20]}
  - name: long_current
    model.n_sites: [20]
    propagation.duration_fs: [3000]
    propagation.sample_fs: [10]
  - name: chains
    protocols: [marcus, franck_condon]
    model.n_sites: [8, 20, 40]
    propagation.duration_fs: [2000]
    propagation.sample_fs: [10]
  - name: wall
    protocols: [marcus, franck_condon]
    model.n_sites: [20]
    start_site: [0]
    propagation.duration_fs: [2000]
    propagation.sample_fs: [10]
  - {name: rings_current, model.topology: [ring], model.n_sites: [4, 6]}
  - name: weak_current
    model.topology: [ring]
    model.n_sites: [4, 20]
    bath.eta_over_v: [0.6]
    bath.gamma_over_v: [0.5]
  - name: rings
    protocols: [marcus, franck_condon]
    model.topology: [ring]
    model.n_sites: [20]
    propagation.duration_fs: [2000]
    propagation.sample_fs: [10]
  - name: infinite
    protocols: [current, marcus, franck_condon]
    model.topology: [infinite]
  - name: infinite
    protocols: [current, marcus, franck_condon]
    model.topology: [infinite]
    bath.eta_over_v: [0.6]
    bath.gamma_over_v: [0.5]
"""
FIGURES = (
    *("fig1", "fig2", "fig3", "fig4"),
    *("fig_s1", "fig_s2", "fig_s3", "fig_s4", "fig_s5"),
    "verdict",
)


@pytest.mark.slow
def test_all_figures_then_nothing_then_the_one_deleted(snakemake: Run, tmp_path: Path) -> None:
    run = paper_run(snakemake, tmp_path, "anomalous2024", STUDY)
    run.make()
    page = assert_figures_and_page(run.folder, FIGURES)
    assert "0.337" in page
    assert "1.862" in page
    with (run.folder / "regimes.csv").open(encoding="utf-8") as stream:
        spread = {row["point"] for row in csv.DictReader(stream)}
    assert spread == {f"{p.id}__{start}" for p in run.plan.points for start in p.populations}
    assert_only_the_deleted_is_made(run, "fig_s3")
