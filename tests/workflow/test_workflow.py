"""The workflow as a user runs it: plans, refuses, computes, keeps and reports."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from smallpolaron.planning.batches import CRITERIA
from smallpolaron.planning.run import LOCK
from smallpolaron.planning.study import load_plan
from smallpolaron.study.plan import write_plan
from tests.workflow.conftest import ROOT, Run

TINY = str(ROOT / "config" / "tiny.yaml")


def test_dry_run_of_the_demo_shows_the_cost(snakemake: Run) -> None:
    done = snakemake("-n", "--quiet")
    assert re.search(r"Study demo: \d+ points in 2 physical systems; \d+ MPI jobs", done.stderr)
    assert "core-hours" in done.stderr
    assert "unknowns" in done.stderr
    assert len((done.stdout + done.stderr).splitlines()) < 60


def test_profile_slurm_plans_jobs_with_their_resources(snakemake: Run, tmp_path: Path) -> None:
    done = snakemake("--profile", "slurm", "-n", "-p")
    jobs = re.findall(
        r"(?:autocorrelation|Populations) of \S+.*"
        r"\(tasks=(\d+), mem_mb_per_cpu=(\d+), runtime=(\d+) min\)",
        done.stdout,
    )
    assert len(jobs) > 8
    for tasks, memory, minutes in jobs:
        assert int(tasks) >= 2
        assert int(memory) > 100
        assert int(minutes) >= 1
    calls = re.findall(r"srun --mpi=\w+ --cpus-per-task=1 -n (\d+) .* --ranks (\d+)", done.stdout)
    assert len(calls) == len(jobs)
    assert all(started == told for started, told in calls)
    assert not (tmp_path / "run" / "results").exists()


@pytest.mark.parametrize(("profile", "command"), [("slurm", "sbatch"), ("profiles/pbs", "qsub")])
def test_without_the_scheduler_nothing_is_submitted(
    snakemake: Run, profile: str, command: str
) -> None:
    if shutil.which(command):
        pytest.skip(f"there is a {command} on this machine")
    done = snakemake("--profile", profile, "--configfile", TINY, status=1)
    assert f"There is no {command} here" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("cores", ["1", "3"])
def test_local_jobs_use_no_more_ranks_than_cores(snakemake: Run, cores: str) -> None:
    plan = ("-n", "--cores", cores, "--configfile", TINY, "--until", "correlation")
    large = snakemake(*plan, "--config", 'resources={"unknowns_per_rank": 1, "max_ranks": 9}')
    small = snakemake(*plan)
    tasks = [set(map(int, re.findall(r"tasks=(\d+)", each.stdout))) for each in (large, small)]
    assert tasks == [{int(cores)}, {1}]


def test_configfile_replaces_the_demo(snakemake: Run) -> None:
    done = snakemake("-n", "--configfile", TINY)
    assert "Study tiny: 2 points in 1 physical systems" in done.stderr
    assert "eta_cm~323" not in done.stdout


def test_config_overrides_are_honoured_also_nested(snakemake: Run) -> None:
    changes = ["study=other", 'propagation={"tolerance": 2e-6}']
    before = {point.id for point in load_plan(TINY).points}
    done = snakemake("-n", "--configfile", TINY, "--until", "correlation", "--config", *changes)
    assert "Study other: 2 points" in done.stderr
    after = set(re.findall(r"autocorrelation of (\S+)", done.stdout))
    assert len(before) == len(after) == 2
    assert not before & after


def test_a_key_of_one_section_may_be_given_alone(snakemake: Run) -> None:
    named = ("-n", "--configfile", TINY, "--until", "correlation", "--config")
    alone, nested = (
        set(re.findall(r"autocorrelation of (\S+)", snakemake(*named, change).stdout))
        for change in ("temperature_K=250", 'model={"temperature_K": 250}')
    )
    assert alone == nested != {point.id for point in load_plan(TINY).points}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ('hierarchy={"dept": 3}', "hierarchy.dept"),
        ('bath={"eta_cm": 10}', "bath.eta_over_v"),
    ],
)
def test_a_bad_study_is_refused_before_any_job(
    snakemake: Run, tmp_path: Path, change: str, key: str
) -> None:
    done = snakemake("--cores", "1", "--configfile", TINY, "--config", change, status=1)
    assert key in done.stderr
    assert "Traceback" not in done.stderr
    assert "Job stats" not in done.stdout + done.stderr
    assert not (tmp_path / "run" / "results").exists()


def test_a_study_beyond_its_budget_is_refused_before_any_job(
    snakemake: Run, tmp_path: Path
) -> None:
    change = 'resources={"max_core_hours": 1e-4}'
    for target in ("all", "cost"):
        done = snakemake(target, "--cores", "1", "--configfile", TINY, "--config", change, status=1)
        assert "resources.max_core_hours = 0.0001: is too little: the 6 jobs" in done.stderr
        assert re.search(r"are expected to take [\d.]+ \(.+\) core-hours", done.stderr)
        assert "more than the budget of 0.0001; " in done.stderr
        assert "raise the budget" in done.stderr
        assert "Traceback" not in done.stderr
        assert "Job stats" not in done.stdout + done.stderr
    assert not (tmp_path / "run" / "results").exists()


def test_target_cost_prints_the_bill_and_computes_nothing(snakemake: Run, tmp_path: Path) -> None:
    done = snakemake("cost", "--cores", "1", "--configfile", TINY)
    assert "study tiny: 6 MPI jobs" in done.stdout
    assert "core-hours" in done.stdout
    results = tmp_path / "run" / "results"
    made = {path.name for path in results.rglob("*") if path.is_file()}
    assert made == {"cost.log", LOCK, CRITERIA}


def test_a_bad_file_is_refused_with_its_line(snakemake: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    text = Path(TINY).read_text(encoding="utf-8").replace("duration_fs:", "duration_days:")
    path.write_text(text, encoding="utf-8")
    line = 1 + text[: text.index("duration_days")].count("\n")
    done = snakemake("-n", "--configfile", str(path), status=1)
    assert f"bad.yaml:{line}: propagation.duration_days" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_submitted_job_takes_its_point_from_the_plan(snakemake: Run, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(Path(TINY).read_text(encoding="utf-8"), encoding="utf-8")
    plan = load_plan(study)
    write_plan(tmp_path / "run" / "results" / "tiny" / "plan.json", plan)
    study.write_text("study: tiny\nmodel: {n_sites: 7}\n", encoding="utf-8")
    name = plan.points[0].id
    job = ["-n", "--mode", "remote", "--configfile", str(study), "--target-jobs"]
    done = snakemake(*job, f"correlation:point={name}")
    assert f"autocorrelation of {name}" in done.stdout
    # the plan of another study does not count: the file itself is read, and refused
    refused = snakemake(*job, f"correlation:point={name}", "--config", "study=other", status=1)
    assert "The study cannot be run" in refused.stderr


def test_lint_finds_nothing(snakemake: Run) -> None:
    done = snakemake("--lint")
    assert "Lints for" not in done.stdout + done.stderr


def test_rules_are_formatted() -> None:
    command = [
        str(Path(sys.executable).with_name("snakefmt")),
        "--check",
        "Snakefile",
        "workflow",
        "papers",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_literal_profile_name_works_in_a_clone() -> None:
    link = ROOT / "slurm"
    assert link.is_symlink()
    assert link.readlink() == Path("profiles/slurm")
    assert not (ROOT / "profiles" / "default").exists()


@pytest.mark.slow
def test_tiny_study_from_the_file_to_the_report(snakemake: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run" / "results" / "tiny"
    local = ["--profile", "profiles/local", "--configfile", TINY]
    snakemake(*local)

    report = (folder / "report.html").read_text(encoding="utf-8")
    for words in ("running integral", "Memory kernel of the current", "Which runs can be trusted"):
        assert words in report
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?:", report)

    with (folder / "figures" / "quality.csv").open(encoding="utf-8") as stream:
        gates = list(csv.DictReader(stream))
    assert {row["point"] for row in gates if row["passed"] == "false"}  # too shallow to pass
    page = (folder / "figures" / "quality.html").read_text(encoding="utf-8")
    assert "✗ flagged" in page
    drawn = next(folder.glob("figures/*/current.csv"))
    with drawn.open(encoding="utf-8") as stream:
        assert "true" in {row["flagged"] for row in csv.DictReader(stream)}
    assert list((folder / "benchmarks" / "correlation").glob("*.jsonl"))

    again = snakemake(*local)
    assert "Nothing to be done" in again.stdout + again.stderr

    _changed_parameter_makes_new_files(snakemake, local, folder)


def _changed_parameter_makes_new_files(snakemake: Run, local: list[str], folder: Path) -> None:
    old = {path: path.stat().st_mtime_ns for path in (folder / "correlation").glob("*.h5")}
    change = ["--config", 'model={"temperature_K": 250}']
    snakemake(*local, "--until", "correlation", *change)
    new = set((folder / "correlation").glob("*.h5"))
    assert len(new) == 2 * len(old)
    assert all(path.stat().st_mtime_ns == time for path, time in old.items())
