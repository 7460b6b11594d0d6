"""A study with synthetic results, and snakemake as a user calls it, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.planning.study import plan_document
from smallpolaron.results.store import read_result, write_result
from smallpolaron.study.plan import Plan, write_plan
from smallpolaron.study.yamlfile import parse_yaml
from tests.papers import anomalous_study
from tests.workflow import synthetic

ROOT = Path(__file__).resolve().parents[2]

STUDY = """\
study: invented
model: {topology: ring}
bath: {terms: 0}
propagation: {duration_fs: 600}
grid:
  - {bath.eta_over_v: [2], bath.gamma_over_v: [1], hierarchy.depth: [10], model.n_sites: [6, 4, 5]}
  - {bath.eta_over_v: [2], bath.gamma_over_v: [1], hierarchy.depth: [3], model.n_sites: [4]}
  - {bath.eta_cm: [323], bath.gamma_cm: [41], hierarchy.depth: [10], model.n_sites: [4]}
  - bath.eta_cm: [323]
    bath.gamma_cm: [41]
    hierarchy.depth: [9]
    model.n_sites: [4]
    protocols: [franck_condon, marcus]
"""


@dataclass(frozen=True)
class Study:
    """A study in a folder: its plan and result files."""

    folder: Path
    plan: Plan

    @property
    def plan_file(self) -> Path:
        return self.folder / "plan.json"

    def points(self, eta_cm: float) -> list[str]:
        """Return the points of one system that have a current."""
        found = self.plan.with_protocol("current")
        return [p.id for p in found if p.parameters.bath.eta_cm == eta_cm]

    def files(self, kind: str, eta_cm: float) -> list[str]:
        """Return the files of one kind for one system, as arguments."""
        return [str(self.folder / kind / f"{point}.h5") for point in self.points(eta_cm)]


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    plan = plan_document(parse_yaml(STUDY, "study.yaml"))
    found = Study(tmp_path_factory.mktemp("invented"), plan)
    write_plan(found.plan_file, plan)
    synthetic.write_all(found.plan_file)
    synthetic.analyse_all(found.plan_file)
    return found


@pytest.fixture(scope="session")
def anomalous(tmp_path_factory: pytest.TempPathFactory) -> Study:
    plan = plan_document(parse_yaml(anomalous_study.STUDY, "study.yaml"))
    found = Study(tmp_path_factory.mktemp("anomalous"), plan)
    write_plan(found.plan_file, plan)
    synthetic.write_all(found.plan_file)
    for point in plan.with_protocol("current"):
        source = read_result(found.folder / "correlation" / f"{point.id}.h5")
        path = found.folder / "mobility" / f"{point.id}.h5"
        write_result(path, mobility_result(source, plan.analysis))
    synthetic.spread_all(found.plan_file)
    return found


@pytest.fixture(scope="session")
def files(anomalous: Study) -> anomalous_study.Files:
    """Return the files of one kind of a block: by the current, or from some starts."""

    def found(kind: str, block: str, starts: Sequence[str] = (), n_sites: int = 0) -> list[str]:
        points = [
            point
            for point in anomalous.plan.points
            if point.group == block and (not n_sites or point.parameters.model.n_sites == n_sites)
        ]
        endings = [f"__{start}" for start in starts] or [""]
        return [
            str(anomalous.folder / kind / f"{point.id}{ending}.h5")
            for point in points
            for ending in endings
        ]

    return found


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def snakemake(tmp_path: Path) -> Run:
    """Return a function that runs snakemake in the checkout, with results in a fresh folder."""

    def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
        environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--directory", str(tmp_path / "run"), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        return done

    (tmp_path / "run").mkdir()
    return run
