"""The figures of the Mori paper, by the workflow, from invented results."""

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


def _stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.slow
def test_all_figures_then_nothing_then_the_one_deleted(snakemake: Run, tmp_path: Path) -> None:
    configuration = tmp_path / "study.yaml"
    configuration.write_text(STUDY, encoding="utf-8")
    plan_file = tmp_path / "run" / "results" / "small" / "plan.json"
    write_plan(plan_file, plan_document(parse_yaml(STUDY, "study.yaml")))
    synthetic.write_all(plan_file)
    command = ("--cores", "2", "--configfile", str(configuration), "--rerun-triggers", "mtime")

    snakemake("mori2024", *command)
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
    assert set(re.findall(r'<img src="(\w+).png"', page)) == set(FIGURES)
    assert "0.0161" in page
    found = plan_document(parse_yaml((folder / "next_points.yaml").read_text("utf-8"), "next"))
    assert found.points

    before = _stamps(folder)
    again = snakemake("mori2024", *command)
    assert "Nothing to be done" in again.stdout + again.stderr
    assert _stamps(folder) == before

    (folder / "fig5.png").unlink()
    snakemake("mori2024", *command)
    after = _stamps(folder)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"fig5.pdf", "fig5.png", "fig5.csv", "fig5.txt"}

    # a point more on the map: the next call computes it, though the list of points changes first
    configuration.write_text(STUDY.replace("[0.5, 1, 2]", "[0.5, 1, 2, 3]"), encoding="utf-8")
    planned = snakemake("mori2024", *command, "input", "-n")  # the triggers of the profiles
    new = set(re.findall(r"autocorrelation of (\S+)", planned.stdout))
    assert len(new) == 2
    assert all("gamma_over_v~3" in point for point in new)
