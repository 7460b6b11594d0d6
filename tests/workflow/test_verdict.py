"""The verdict on methods, by the workflow, from invented results."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from smallpolaron.planning.study import plan_document
from smallpolaron.results.store import read_result
from smallpolaron.study.plan import write_plan
from smallpolaron.study.yamlfile import parse_yaml
from tests.workflow import synthetic
from tests.workflow.conftest import Run

STUDY = """\
study: methods
bath: {terms: 0, eta_cm: 100, gamma_cm: 50}
propagation: {duration_fs: 600}
grid:
  - {model.n_sites: [6, 10]}
  - {model.n_sites: [16], protocols: [marcus, franck_condon]}
  - {model.n_sites: [3], model.topology: [chain]}
"""


@pytest.mark.slow
def test_the_target_verdict_needs_every_run_once(snakemake: Run, tmp_path: Path) -> None:
    configuration = tmp_path / "study.yaml"
    configuration.write_text(STUDY, encoding="utf-8")
    plan_file = tmp_path / "run" / "results" / "methods" / "plan.json"
    write_plan(plan_file, plan_document(parse_yaml(STUDY, "study.yaml")))
    synthetic.write_all(plan_file)
    command = ("verdict", "--cores", "2", "--configfile", str(configuration))
    snakemake(*command, "--rerun-triggers", "mtime")
    tables = plan_file.parent / "tables"
    with (tables / "verdict.csv").open(encoding="utf-8") as stream:
        rows = {(row["topology"], row["method"], row["n_sites"]) for row in csv.DictReader(stream)}
    assert rows == {
        ("ring", "green_kubo", "6"),
        ("ring", "green_kubo", "10"),
        ("ring", "einstein_relaxed", "16"),
        ("ring", "einstein_unrelaxed", "16"),
        ("chain", "green_kubo", "3"),
    }
    assert "of at most 1 %" in (tables / "verdict.html").read_text(encoding="utf-8")
    assert read_result(tables / "verdict.h5", kind="verdict").parameters["study"] == "methods"
