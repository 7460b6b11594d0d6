"""The figures of the anomalous transport paper, by the workflow, from invented results."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import synthetic
from conftest import Run

from smallpolaron.studies.plan import write_plan
from smallpolaron.studies.study import plan_document
from smallpolaron.studies.yamlfile import parse_yaml

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


def _stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.slow
def test_all_figures_then_nothing_then_the_one_deleted(snakemake: Run, tmp_path: Path) -> None:
    configuration = tmp_path / "study.yaml"
    configuration.write_text(STUDY, encoding="utf-8")
    plan_file = tmp_path / "run" / "results" / "small" / "plan.json"
    plan = plan_document(parse_yaml(STUDY, "study.yaml"))
    write_plan(plan_file, plan)
    synthetic.write_all(plan_file)
    command = ("--cores", "2", "--configfile", str(configuration), "--rerun-triggers", "mtime")

    snakemake("anomalous2024", *command)
    folder = plan_file.parent / "paper"
    for name in FIGURES:
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        with (folder / f"{name}.csv").open(encoding="utf-8") as stream:
            assert list(csv.DictReader(stream))
        caption = (folder / f"{name}.txt").read_text(encoding="utf-8")
        assert "Method: HEOM" in caption
        assert "lagged" in caption or "No point is flagged" in caption
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<img src="(\w+).png"', page) == list(FIGURES)
    assert "0.337" in page
    assert "1.862" in page
    with (folder / "regimes.csv").open(encoding="utf-8") as stream:
        spread = {row["point"] for row in csv.DictReader(stream)}
    assert spread == {f"{p.id}__{start}" for p in plan.points for start in p.populations}

    before = _stamps(folder)
    again = snakemake("anomalous2024", *command)
    assert "Nothing to be done" in again.stdout + again.stderr
    assert _stamps(folder) == before

    (folder / "fig_s3.png").unlink()
    snakemake("anomalous2024", *command)
    after = _stamps(folder)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"fig_s3.pdf", "fig_s3.png", "fig_s3.csv", "fig_s3.txt"}
