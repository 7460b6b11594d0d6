# The study, read and checked before anything runs, and the small functions the rules share.
import json
import shlex
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
# The code beside this Snakefile is the code that runs, installed or not.
sys.path.insert(0, str(ROOT / "src"))
shell.prefix(
    f"export PYTHONPATH={shlex.quote(str(ROOT / 'src'))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
)

try:
    from smallpolaron import NUMERICS_VERSION
    from smallpolaron.studies.cost.bill import (
        all_jobs,
        bill,
        bill_lines,
        hours_text,
        total,
    )
    from smallpolaron.studies.file_times import settle_future
    from smallpolaron.studies.figures.systems import drawn, group, listed, numerics
    from smallpolaron.studies.jobs import jobs_of, left_out
    from smallpolaron.studies.ladder.climb import Tolerance
    from smallpolaron.studies.ladder.ladder_files import climbs_on, decided
    from smallpolaron.studies.physical_system import is_uniform
    from smallpolaron.studies.papers import fingerprint, is_own
    from smallpolaron.studies.overrides import overridden
    from smallpolaron.studies.plan import PlanError, plan_json, read_plan, write_plan
    from smallpolaron.studies.present import absences, present
    from smallpolaron.studies.problems import ConfigurationError
    from smallpolaron.studies.resources import LEAST_RANKS, estimate
    from smallpolaron.studies.so_far import show, stage
    from smallpolaron.studies.store import StoreError
    from smallpolaron.studies.study import plan_document
    from smallpolaron.studies.tables import upper_bound
    from smallpolaron.studies.textfile import NotWritable
    from smallpolaron.studies.yamlfile import read_yaml
except ModuleNotFoundError as error:
    sys.exit(
        f"{sys.executable} cannot import {error.name!r}, which the workflow needs. Run "
        "'make setup' and use the snakemake of that environment, or install the package."
    )

# A file given with --configfile replaces the demo study; Snakemake would merge the two.
if not workflow.configfiles:

    configfile:
        "config/config.yaml"
        if Path("config/config.yaml").exists()
        else str(ROOT / "config/config.yaml")


# In the runs of so_far.smk only: "derive" or "show". The study is then what there is of it.
SO_FAR = stage()


def study_document():
    """Return the study file with what --config changes."""
    if len(workflow.configfiles) > 1:
        sys.exit("give one --configfile: a study is one file")
    document = read_yaml(Path(workflow.configfiles[0]))
    return overridden(document, workflow.config_settings.config)


def plan_of(study):
    """Return where the plan of a study is."""
    return Path("results", str(study), "plan.json")


def read_study():
    """Return the plan of the study, or leave with everything that is wrong with it.

    A submitted job reads the plan that it was submitted from: the study file may be another one
    when the job begins, and to check and expand thousands of points takes seconds.
    """
    try:
        document = study_document()
        planned = plan_of(document.data.get("study"))
        if workflow.remote_exec and planned.exists():
            return read_plan(planned)
        study = plan_document(document)
        if SO_FAR:
            return present(study, planned.parent, analysed=SO_FAR == "show")
        return study
    except (ConfigurationError, PlanError) as error:
        sys.exit(f"The study cannot be run:\n{error}")


STUDY = read_study()
POINTS = {point.id: point for point in STUDY.points}
# Sizes of ladders are computed as far as needed: ask climbing.smk which.
RUNGS = {point.id: point for point in STUDY.rungs}
LADDERS = {ladder.name: ladder for ladder in STUDY.ladders}
POINTS_AND_RUNGS = POINTS | RUNGS
ENSEMBLE_RUNS = {
    run: (ensemble, protocol)
    for ensemble in STUDY.ensembles
    for run, protocol in ensemble.run_names.items()
}
MEMBERS = {member for ensemble in STUDY.ensembles for member in ensemble.members}
SYSTEMS = {
    system.name: system
    for system in group(
        [(p.id, p.parameters) for p in POINTS_AND_RUNGS.values() if p.id not in MEMBERS]
    )
}

RESULTS = f"results/{STUDY.study}"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
FIGURES = f"{RESULTS}/figures"
TABLES = f"{RESULTS}/tables"
PLAN = str(plan_of(STUDY.study))
ANALYSIS = STUDY.analysis.model_dump()


def may_change_files():
    """Return whether this is a run that computes, and the only one in this folder."""
    # another run in this folder reads its points from the plan that is there
    locked = any(Path(".snakemake/locks").glob("*"))
    return (
        workflow.is_main_process
        and not workflow.output_settings.dryrun
        and not locked
        and not SO_FAR
    )


def renew_plan():
    """Bring a plan that is there up to date before Snakemake chooses its jobs.

    Jobs take the plan as ancient(), because a new list of points must not run computed points
    again. Snakemake does not consider jobs behind an ancient file that it is about to make.
    """
    path = Path(PLAN)
    if path.exists() and path.read_bytes() != plan_json(STUDY).encode():
        try:
            write_plan(path, STUDY)
        except NotWritable as error:
            sys.exit(f"The study cannot be run:\n{error}")


if may_change_files():
    renew_plan()
    settle_future(Path(RESULTS))


wildcard_constraints:
    point=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}",
    ladder=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}",
    ensemble_run=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}(__franck_condon|__marcus)?",
    size=r"\d+",
    start="franck_condon|marcus",
    system=r"[A-Za-z0-9._~+-]+",
