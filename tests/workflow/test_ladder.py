"""A finite-size ladder as a user runs it: it climbs, stops, resumes and reports."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import read_result, write_result
from smallpolaron.study.plan import Plan, write_plan
from tests.workflow import synthetic
from tests.workflow.conftest import Run

STUDY = """\
study: climbing
bath: {eta_over_v: 2, gamma_over_v: 1}
propagation: {duration_fs: 600}
model: {n_sites: converged}
ladder: {sizes: [4, 5, 6, 8, 10, 12, 16], tolerance_percent: 5}
"""


@pytest.fixture
def study(tmp_path: Path) -> list[str]:
    """Write the study and return the arguments that name it."""
    path = tmp_path / "climbing.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return ["--configfile", str(path)]


def results(tmp_path: Path) -> Path:
    return tmp_path / "run" / "results" / "climbing"


def plan_of(study: list[str]) -> Plan:
    return load_plan(study[1])


def computed_sizes(folder: Path, plan: Plan, kind: str) -> list[int]:
    pairs = zip(plan.ladders[0].rungs, plan.ladders[0].sizes, strict=True)
    return [size for point, size in pairs if (folder / kind / f"{point.id}.h5").exists()]


def write_runs(folder: Path, plan: Plan, sizes: list[int]) -> None:
    """Write synthetic runs of all points and of some sizes of the ladder."""
    write_plan(folder / "plan.json", plan)
    rungs = [p for p in plan.ladders[0].rungs if p.parameters.model.n_sites in sizes]
    for point in (*plan.points, *rungs):
        path = folder / "correlation" / f"{point.id}.h5"
        write_result(path, synthetic.correlation(point, plan.study), overwrite=True)


def test_a_dry_run_shows_the_first_size_and_an_upper_bound(
    snakemake: Run, study: list[str]
) -> None:
    done = snakemake("-n", *study)
    jobs = set(re.findall(r"autocorrelation of (\S+)", done.stdout))
    plan = plan_of(study)
    assert jobs == {plan.ladders[0].rungs[0].id, *(point.id for point in plan.points)}
    assert "8 MPI jobs" in done.stderr
    assert "7 of them in 1 finite-size ladder: an upper bound" in done.stderr
    slurm = snakemake("--profile", "slurm", "-n", *study)
    assert set(re.findall(r"autocorrelation of (\S+)", slurm.stdout)) == jobs


def test_a_ladder_that_has_ended_asks_for_no_more(
    snakemake: Run, study: list[str], tmp_path: Path
) -> None:
    plan, folder = plan_of(study), results(tmp_path)
    for size, climb in ((4, True), (5, False)):
        path = folder / "ladder" / plan.ladders[0].name / f"{size}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"climb": climb}), encoding="utf-8")
    done = snakemake("-n", *study)
    assert "3 MPI jobs" in done.stderr
    assert "upper bound" not in done.stderr


@pytest.mark.slow
def test_it_climbs_until_converged_resumes_and_reports(
    snakemake: Run, study: list[str], tmp_path: Path
) -> None:
    plan, folder = plan_of(study), results(tmp_path)
    ladder = plan.ladders[0]
    write_runs(folder, plan, [4, 5, 6, 8])  # a larger size would be a real, long job
    call = ["--cores", "2", *study]

    first = folder / "ladder" / ladder.name / "5.json"
    snakemake(str(first.relative_to(tmp_path / "run")), *call)
    assert json.loads(first.read_text(encoding="utf-8"))["climb"]
    assert computed_sizes(folder, plan, "mobility") == [4, 5]
    before = first.stat().st_mtime_ns

    snakemake(*call)
    assert first.stat().st_mtime_ns == before
    for kind in ("mobility", "kernel", "drude_smith"):
        assert computed_sizes(folder, plan, kind) == [4, 5, 6, 8]

    found = read_result(folder / "ladder" / f"{ladder.name}.h5", kind="ladder")
    assert found.notes["outcome"] == "converged"
    assert not found.flagged
    limit, ring = (
        float(found.variables[f"D_{name}"].data) for name in ("infinity", "infinite_ring")
    )
    assert limit == pytest.approx(ring, rel=1e-3)
    with (folder / "tables" / "ladder.csv").open(encoding="utf-8") as stream:
        assert [row["n_sites"] for row in csv.DictReader(stream)] == ["4", "5", "6", "8"]
    with (folder / "tables" / "finite_size.csv").open(encoding="utf-8") as stream:
        sizes = {row["n_sites"] for row in csv.DictReader(stream)}
    assert sizes == {"4", "5", "6", "8", "41"}
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Finite-size ladder" in report

    again = snakemake(*call)
    assert "Nothing to be done" in again.stdout + again.stderr

    tighter = snakemake("-n", *call, "--config", 'ladder={"tolerance_percent": 0.9}')
    assert "converged by N = 4" in tighter.stdout


@pytest.mark.slow
def test_a_ladder_that_breaks_off_shows_the_sizes_it_has(
    snakemake: Run, study: list[str], tmp_path: Path
) -> None:
    plan, folder = plan_of(study), results(tmp_path)
    write_runs(folder, plan, [4, 5])
    failing = ["--set-resources", "correlation:mpi=false", "--keep-going"]
    snakemake("--cores", "1", *study, *failing, status=1)
    with (folder / "tables" / "points.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    there = {row["point"] for row in rows if not row["missing"]}
    assert there == {p.id for p in (*plan.points, *plan.ladders[0].rungs[:2])}
    drawn = set()
    for path in folder.glob("figures/*/current.csv"):
        with path.open(encoding="utf-8") as stream:
            drawn |= {row["point"] for row in csv.DictReader(stream)}
    assert drawn == there
    assert not list(folder.glob("ladder/*.h5"))
    assert (folder / "report.html").exists()
