"""Population kernels by the workflow, from invented populations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smallpolaron.cli import main
from smallpolaron.derive.population_kernel_job import points_needed
from smallpolaron.planning.study import plan_document
from smallpolaron.results.store import read_result
from smallpolaron.study.plan import Plan, Point, write_plan
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.problems import StoreError
from tests.workflow import synthetic
from tests.workflow.conftest import Run

STUDY = """\
study: small
model: {n_sites: 5}
bath: {terms: 0, eta_cm: 100, gamma_cm: 50}
propagation: {duration_fs: 400, sample_fs: 4}
protocols: [marcus]
grid:
  - {model.topology: [chain], start_site: [0, 1, 2]}
  - {model.topology: [chain], start_site: [1, 3], bath.eta_cm: [200]}
  - {model.topology: [ring]}
  - {model.topology: [infinite], model.n_sites: [41]}
"""
RATE, SPACING_A = synthetic.RATES["marcus"], 5.0


@pytest.fixture
def plan() -> Plan:
    return plan_document(parse_yaml(STUDY, "study.yaml"))


def pick(plan: Plan, topology: str, site: int = 0, eta_cm: float = 100.0) -> Point:
    (found,) = (
        point
        for point in plan.points
        if point.parameters.model.topology == topology
        and point.parameters.start_site == site
        and point.parameters.bath.eta_cm == eta_cm
    )
    return found


def test_what_a_kernel_needs(plan: Plan) -> None:
    for site in range(3):
        found = points_needed(plan.points, pick(plan, "chain", site), "marcus")
        assert {point.parameters.start_site for point in found} == {0, 1, 2}
        assert {point.parameters.bath.eta_cm for point in found} == {100.0}
    ring = pick(plan, "ring")
    assert points_needed(plan.points, ring, "marcus") == [ring]
    with pytest.raises(StoreError, match=r"sites \[0, 2\].* start_site: \[0, 1, 2, 3\]"):
        points_needed(plan.points, pick(plan, "chain", 1, 200.0), "marcus")
    with pytest.raises(StoreError, match=r"sites \[0, 1, 2\]"):
        points_needed(plan.points, pick(plan, "chain", 0), "franck_condon")
    infinite = next(p for p in plan.points if p.parameters.model.topology == "infinite")
    with pytest.raises(StoreError, match="the infinite lattice has no population kernel"):
        points_needed(plan.points, infinite, "marcus")


@pytest.mark.slow
def test_the_rule_makes_kernels_of_chains(
    plan: Plan, snakemake: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configuration = tmp_path / "study.yaml"
    configuration.write_text(STUDY, encoding="utf-8")
    plan_file = tmp_path / "run" / "results" / "small" / "plan.json"
    write_plan(plan_file, plan)
    synthetic.write_all(plan_file)
    points = [pick(plan, "chain", site) for site in (0, 2)]
    names = [f"results/small/population_kernel/{p.id}__marcus.h5" for p in points]
    options = ("--cores", "1", "--configfile", str(configuration), "--rerun-triggers", "mtime")
    snakemake(*names, *options)
    files = [tmp_path / "run" / name for name in names]
    results = [read_result(path, kind="population_kernel") for path in files]
    for result, site in zip(results, (0, 2), strict=True):
        assert result.parameters["start_site"] == site
        assert result.notes["starts"] == "runs from the sites 0, 1, 2"
        # seen from its own start: at first the carrier hops with one rate to every neighbour
        slope = np.asarray(result.variables["D_slope"].data)
        assert slope[0] == pytest.approx((1 if site == 0 else 2) * 0.5 * RATE * SPACING_A**2)

    assert main(["rerun", str(files[0])]) == 0, capfd.readouterr().out

    lacking = f"results/small/population_kernel/{pick(plan, 'chain', 1, 200.0).id}__marcus.h5"
    done = snakemake(lacking, *options, status=1)
    assert "starts on the sites [0, 2]" in done.stdout + done.stderr
