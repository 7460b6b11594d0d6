"""A study of which jobs fail: what there is of it is shown, with what is missing and why."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.planning.present import absences, present
from smallpolaron.planning.study import load_plan, plan_document
from smallpolaron.results.store import read_result
from smallpolaron.study.plan import Plan, write_plan
from smallpolaron.study.yamlfile import parse_yaml
from tests.workflow import synthetic
from tests.workflow.conftest import Run

STUDY = """\
study: partial
bath: {eta_over_v: 2, gamma_over_v: 1, terms: 0}
propagation: {duration_fs: 200}
disorder: {site_energy_distribution: normal, members: 4}
grid:
  - {model.n_sites: [4, 5], hierarchy.depth: [10]}
  - {model.n_sites: [6], hierarchy.depth: [10], bath.eta_over_v: [3]}
  - model.topology: [chain]
    model.n_sites: [5]
    disorder.site_energy_cm: [50]
    protocols: [franck_condon]
"""
BROKEN = ["correlation:mpi=false", "population:mpi=false"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "results" / "partial"


@pytest.fixture
def plan(folder: Path) -> Plan:
    """A study with synthetic results, of which a current and one of four members are missing."""
    found = plan_document(parse_yaml(STUDY, "study.yaml"))
    write_plan(folder / "plan.json", found)
    synthetic.write_all(folder / "plan.json")
    for path in lost(folder, found):
        path.unlink()
    return found


def lost(folder: Path, plan: Plan) -> tuple[Path, Path]:
    """Return the files of a current and of a member."""
    member = plan.ensembles[0].members[1]
    return (
        folder / "correlation" / f"{plan.points[1].id}.h5",
        folder / "population" / f"{member}__franck_condon.h5",
    )


def test_the_part_that_is_there(plan: Plan, folder: Path) -> None:
    names = {f"{path.parent.name}/{path.stem}" for path in lost(folder, plan)}
    part = present(plan, folder, analysed=False)
    assert len(part.points) == len(plan.points) - 2
    assert part.ensembles == plan.ensembles
    assert not present(plan, folder).with_protocol("current")  # nothing analysed yet
    assert present(plan, folder).ensembles == ()
    found = absences(plan, folder)
    assert {name for name, why in found.items() if why == "waiting"} == names
    for path in lost(folder, plan):
        log = folder / "logs" / path.parent.name / f"{path.stem}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
    assert all(absences(plan, folder)[name].startswith("ended without") for name in names)
    analysed = [f"correlation/{p.id}" for p in part.with_protocol("current")]
    assert all("not analysed" in found[name] for name in analysed)


def test_a_damaged_file_is_named_and_left_out(plan: Plan, folder: Path) -> None:
    whole = present(plan, folder, analysed=False)
    path = folder / "correlation" / f"{whole.points[0].id}.h5"
    with path.open("r+b") as file:
        file.seek(200)
        file.write(b"?")
    part = present(plan, folder, analysed=False)
    assert [point.id for point in part.points] == [point.id for point in whole.points[1:]]
    assert f"{path}: damaged" in absences(plan, folder)[f"correlation/{whole.points[0].id}"]


@pytest.mark.slow
def test_failed_jobs_leave_tables_and_report(
    snakemake: Run, plan: Plan, folder: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY, encoding="utf-8")
    assert load_plan(study) == plan
    call = ["--profile", "profiles/local", "--cores", "2", "--configfile", str(study)]
    snakemake(*call, "--set-resources", *BROKEN, status=1)

    names = {f"{path.parent.name}/{path.stem}" for path in lost(folder, plan)}
    missing = {row["point"] for row in rows(folder / "tables" / "points.csv") if row["missing"]}
    assert missing == {name.partition("/")[2].removesuffix("__franck_condon") for name in names}
    page = (folder / "figures" / "quality.html").read_text(encoding="utf-8")
    assert all(name in page for name in names)
    report = folder / "report.html"
    first_page = report.read_text(encoding="utf-8")
    assert "This report is incomplete" in first_page
    assert all(name in first_page for name in names)
    drawn = {row["point"] for path in folder.glob("figures/*/current.csv") for row in rows(path)}
    assert drawn == {plan.points[0].id, plan.points[2].id}
    (run,) = plan.ensembles[0].run_names
    ensemble = folder / "ensemble" / f"{run}.h5"
    found = read_result(ensemble, kind="ensemble")
    assert found.flagged
    assert np.asarray(found.variables["member"].data).tolist() == [0, 2, 3]
    assert found.notes["left_out"] == f"{plan.ensembles[0].members[1]}: no result"
    assert len(rows(folder / "tables" / "ensemble.csv")) == 3

    # the results come after all: nothing remains of the incomplete ones
    kept = {path: path.read_bytes() for path in folder.glob("correlation/*.h5")}
    fresh = tmp_path / "fresh" / "plan.json"
    write_plan(fresh, plan)
    synthetic.write_all(fresh)
    for path in lost(folder, plan):
        path.write_bytes((fresh.parent / path.parent.name / path.name).read_bytes())
    snakemake(*call)
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert "Missing runs" not in (folder / "figures" / "quality.html").read_text(encoding="utf-8")
    assert not any(row["missing"] for row in rows(folder / "tables" / "points.csv"))
    assert not read_result(ensemble, kind="ensemble").flagged
    assert "This report is incomplete" not in report.read_text(encoding="utf-8")


@pytest.mark.slow
def test_target_so_far_of_a_study_that_has_hardly_begun(
    snakemake: Run, plan: Plan, folder: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY, encoding="utf-8")
    for path in folder.glob("*/*.h5"):
        path.unlink()
    snakemake("so_far", "--cores", "1", "--configfile", str(study))
    table = rows(folder / "tables" / "points.csv")
    assert {row["missing"] for row in table} == {"waiting"}
    assert "has changed since" not in (folder / "report.html").read_text(encoding="utf-8")
    assert not list(folder.glob("*/*.h5"))
