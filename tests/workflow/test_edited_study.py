"""A study file that is edited, renamed or removed during a run of it, or of another one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smallpolaron.archive.verify import verify
from smallpolaron.planning.run import LOCK
from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import read_result
from smallpolaron.study.plan import read_plan, write_plan
from smallpolaron.support.files import lock
from tests.workflow import synthetic
from tests.workflow.conftest import ROOT

STUDY = """\
study: edited
model: {topology: ring, n_sites: 4}
bath: {eta_over_v: 2, gamma_over_v: 1, terms: 0}
hierarchy: {depth: 10}
propagation: {duration_fs: 600}
protocols: [current]
"""
ANALYSIS = "analysis: {band_percent: 20}\n"


class Folder:
    """A folder in which a study with synthetic results is run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.study = path / "study.yaml"
        self.results = path / "results" / "edited"
        self.begun = path / ".snakemake" / "smallpolaron" / "edited" / "plan.json"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start snakemake and wait until it has read the study."""
        self.begun.unlink(missing_ok=True)
        command = [sys.executable, "-m", "snakemake", *arguments, "--directory", str(self.path)]
        command += ["--cores", "1", "--configfile", str(self.study), "--profile", "none"]
        environment = os.environ | {"XDG_CACHE_HOME": str(self.path / "cache")}
        environment["SNAKEMAKE_PROFILE"] = "absent"  # runs within the run need none
        run = subprocess.Popen(
            [*command, "--rerun-triggers", "mtime", "params", "input"],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        while not self.begun.exists() and run.poll() is None:
            time.sleep(0.05)
        return run

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run snakemake to its end and return what it printed."""
        return self.end(self.start(*arguments), status)

    def end(self, run: subprocess.Popen[str], status: int = 0) -> str:
        text = run.communicate(timeout=300)[0]
        assert run.returncode == status, text
        assert "Traceback" not in text
        return text

    @property
    def percents(self) -> set[float]:
        """The criterion by which the kernels were analysed."""
        found = map(read_result, (self.results / "kernel").glob("*.h5"))
        return {each.provenance["analysis"]["band_percent"] for each in found}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = Folder(tmp_path_factory.mktemp("finished"))
    folder.study.write_text(STUDY, encoding="utf-8")
    write_plan(folder.results / "plan.json", load_plan(folder.study))
    synthetic.write_all(folder.results / "plan.json")
    folder.run("figures")
    return folder


@pytest.fixture
def folder(finished: Folder, tmp_path: Path) -> Folder:
    return Folder(shutil.copytree(finished.path, tmp_path / "run"))


def change(before: str, after: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    return edit


@pytest.mark.slow
@pytest.mark.parametrize(
    "edit",
    [
        change("depth: 10", "depth: 9"),
        change("n_sites: 4", "n_sites: 4, temperature_K: 200"),
        change("study: edited", "study: renamed"),
        change("study: edited", "study: ["),
        Path.unlink,
    ],
    ids=["parameters", "temperature", "name", "broken", "removed"],
)
def test_the_report_shows_what_was_computed(folder: Folder, edit: Callable[[Path], None]) -> None:
    run = folder.start("report")
    edit(folder.study)
    text = folder.end(run)
    assert f"{folder.study} has changed since" in text
    report = (folder.results / "report.html").read_text(encoding="utf-8")
    assert "has changed since" in report
    assert "temperature 300 K" in report
    assert "temperature 200 K" not in report
    assert "hierarchy depth 10" in report
    assert "hierarchy depth 9" not in report
    assert not (folder.path / "results" / "renamed").exists()


@pytest.mark.slow
def test_the_report_of_an_unchanged_study_says_nothing_of_changes(folder: Folder) -> None:
    text = folder.run("report")
    assert "has changed since" not in text
    report = (folder.results / "report.html").read_text(encoding="utf-8")
    assert "has changed since" not in report
    assert "temperature 300 K" in report


@pytest.mark.slow
def test_what_there_is_of_a_study_that_is_edited(folder: Folder) -> None:
    for path in folder.results.glob("*/*.h5"):
        path.unlink()
    run = folder.start("so_far")
    change("n_sites: 4", "n_sites: 5")(folder.study)
    text = folder.end(run)
    assert f"{folder.study} has changed since" in text
    report = (folder.results / "report.html").read_text(encoding="utf-8")
    assert "This report is incomplete" in report
    assert "has changed since" in report
    assert read_plan(folder.begun).points[0].id in report
    assert load_plan(folder.study).points[0].id not in report


@pytest.mark.slow
def test_a_report_on_its_own_shows_what_was_computed(folder: Folder) -> None:
    change("n_sites: 4", "n_sites: 4, temperature_K: 200")(folder.study)
    run = folder.run("figures", "--report", str(folder.path / "own.html"))
    assert "does not exist" not in run
    assert "has changed since" in (folder.path / "own.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_edited_study_is_computed_beside_the_locks_of_another(folder: Folder) -> None:
    locks = folder.path / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.input.lock").write_text("results/other/plan.json\n", encoding="utf-8")
    (locks / "0.output.lock").write_text("results/other/kernel/a.h5\n", encoding="utf-8")
    assert folder.percents == {1.0}
    change("study: edited", f"{ANALYSIS}study: edited")(folder.study)
    folder.run("tables")
    assert read_plan(folder.results / "plan.json").analysis.band_percent == 20.0
    assert folder.percents == {20.0}
    assert all(each.state == "ok" for each in verify([folder.results]))


def test_the_first_plan_is_that_of_the_run(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.study.write_text(STUDY, encoding="utf-8")
    plan = folder.results / "plan.json"
    change = ["--config", 'model={"temperature_K": 250}', "analysis={band_percent: 3}"]
    run = folder.start(str(plan.relative_to(tmp_path)), *change)
    folder.study.unlink()
    folder.end(run)
    assert plan.read_bytes() == folder.begun.read_bytes()
    assert read_plan(plan).points[0].parameters.model.temperature_K == 250
    assert read_plan(plan).analysis.band_percent == 3


def test_a_study_that_is_being_run_is_not_run_with_another_plan(folder: Folder) -> None:
    held = lock(folder.results / LOCK)
    assert held is not None
    before = (folder.results / "plan.json").read_bytes()
    with held:
        assert "Nothing to be done" in folder.run("figures")
        change("study: edited", f"{ANALYSIS}study: edited")(folder.study)
        refused = folder.run("tables", status=1)
        assert "another snakemake is running study 'edited'" in refused
        assert "core-hours" in folder.run("cost")
    assert (folder.results / "plan.json").read_bytes() == before
    folder.run("tables")
    assert folder.percents == {20.0}


def test_verify_tells_results_of_other_criteria(folder: Folder) -> None:
    change("study: edited", f"{ANALYSIS}study: edited")(folder.study)
    write_plan(folder.results / "plan.json", load_plan(folder.study))
    states = {each.path.parent.name: each for each in verify([folder.results])}
    assert states["correlation"].state == "ok"
    assert states["kernel"].state == "outdated"
    assert "band_percent" in states["kernel"].detail
