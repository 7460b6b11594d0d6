# The study, read and checked before anything runs, and the small functions the rules share.
import json
import shlex
import sys
from pathlib import Path

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
    from smallpolaron.studies.figures.systems import drawn, group, listed, numerics
    from smallpolaron.studies.jobs import jobs_of, left_out
    from smallpolaron.studies.ladder.climb import Tolerance
    from smallpolaron.studies.ladder.ladder_files import climbs_on, decided
    from smallpolaron.studies.physical_system import is_uniform
    from smallpolaron.studies.overrides import overridden
    from smallpolaron.studies.plan import plan_json, write_plan
    from smallpolaron.studies.problems import ConfigurationError
    from smallpolaron.studies.resources import LEAST_RANKS, estimate
    from smallpolaron.studies.study import plan_document
    from smallpolaron.studies.tables import upper_bound
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


def read_study():
    """Return the plan of the study, or leave with everything that is wrong with it."""
    if len(workflow.configfiles) > 1:
        sys.exit("give one --configfile: a study is one file")
    try:
        document = read_yaml(Path(workflow.configfiles[0]))
        return plan_document(overridden(document, workflow.config_settings.config))
    except ConfigurationError as error:
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
PLAN = f"{RESULTS}/plan.json"
ANALYSIS = STUDY.analysis.model_dump()


def renew_plan():
    """Bring a plan that is there up to date before Snakemake chooses its jobs.

    Jobs take the plan as ancient(), because a new list of points must not run computed points
    again. Snakemake does not consider jobs behind an ancient file that it is about to make.
    """
    path = Path(PLAN)
    # another run in this folder reads its points from the plan that is there
    locked = any(Path(".snakemake/locks").glob("*"))
    if (
        not path.exists()
        or locked
        or not workflow.is_main_process
        or workflow.output_settings.dryrun
    ):
        return
    if path.read_bytes() != plan_json(STUDY).encode():
        write_plan(path, STUDY)


renew_plan()


wildcard_constraints:
    point=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}",
    ladder=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}",
    ensemble_run=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}(__franck_condon|__marcus)?",
    size=r"\d+",
    start="franck_condon|marcus",
    system=r"[A-Za-z0-9._~+-]+",
