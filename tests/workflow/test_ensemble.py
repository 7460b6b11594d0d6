"""A disordered ensemble as a user runs it: members as jobs, averages, report, more members."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import read_result
from smallpolaron.study.plan import Plan, write_plan
from tests.workflow import synthetic
from tests.workflow.conftest import Run

STUDY = """\
study: disordered
model: {topology: chain, n_sites: 5}
bath: {eta_over_v: 2, gamma_over_v: 1}
disorder: {site_energy_cm: 50, site_energy_distribution: normal, members: 4}
propagation: {duration_fs: 200}
protocols: [franck_condon]
"""
MORE = ["--config", 'disorder={"members": 6}']


@pytest.fixture
def study(tmp_path: Path) -> list[str]:
    """Write the study and return the arguments that name it."""
    path = tmp_path / "disordered.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return ["--configfile", str(path)]


def prepared(study: list[str], tmp_path: Path) -> tuple[Plan, Path]:
    """Write the plan and synthetic runs of all members; return plan and folder of results."""
    plan, folder = load_plan(study[1]), tmp_path / "run" / "results" / "disordered"
    write_plan(folder / "plan.json", plan)
    synthetic.write_all(folder / "plan.json")
    return plan, folder


def test_members_are_jobs_of_their_own(snakemake: Run, study: list[str]) -> None:
    done = snakemake("-n", *study)
    plan = load_plan(study[1])
    jobs = re.findall(r"Populations of (\S+) from franck_condon", done.stdout)
    assert sorted(jobs) == sorted(plan.ensembles[0].members)
    assert f"Averages over {plan.ensembles[0].name}__franck_condon" in done.stdout
    assert "4 points in 1 physical systems; 4 MPI jobs" in done.stderr


def test_more_members_keep_the_files_of_the_first(
    snakemake: Run, study: list[str], tmp_path: Path
) -> None:
    prepared(study, tmp_path)
    done = snakemake("-n", *study, *MORE)
    new = set(re.findall(r"Populations of \S+member~(\d+)\S+ from", done.stdout))
    assert new == {"4", "5"}


@pytest.mark.slow
def test_from_members_to_the_report(snakemake: Run, study: list[str], tmp_path: Path) -> None:
    plan, folder = prepared(study, tmp_path)
    call = ["--cores", "2", *study]
    snakemake(*call)
    run = f"{plan.ensembles[0].name}__franck_condon"
    found = read_result(folder / "ensemble" / f"{run}.h5", kind="ensemble")
    assert not found.flagged
    assert np.asarray(found.variables["members/msd"].data).shape[0] == 4
    with (folder / "tables" / "ensemble.csv").open(encoding="utf-8") as stream:
        assert [row["point"] for row in csv.DictReader(stream)] == list(plan.ensembles[0].members)
    with (folder / "tables" / "quality.csv").open(encoding="utf-8") as stream:
        assert "members_left_out" in {row["gate"] for row in csv.DictReader(stream)}
    assert (folder / "figures" / "ensemble" / f"{run}.svg").exists()
    assert not list((folder / "figures").glob("chain*"))  # no figures of single members
    assert "Disordered ensemble" in (folder / "report.html").read_text(encoding="utf-8")
    again = snakemake(*call)
    assert "Nothing to be done" in again.stdout + again.stderr
