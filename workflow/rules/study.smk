# The study, read and checked before anything runs, and the small functions the rules share.
import base64
import json
import shlex
import signal
import sys
from pathlib import Path
from textwrap import wrap

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
# The code beside this Snakefile is the code that runs, installed or not.
CODE = [str(ROOT / "src"), str(ROOT)]  # the package, and papers/
sys.path[:0] = CODE
shell.prefix(
    f"export PYTHONPATH={shlex.quote(':'.join(CODE))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
)

try:
    from smallpolaron import NUMERICS_VERSION
    from smallpolaron.api.answers import read_answers, study_answers
    from smallpolaron.launch import missing_scheduler
    from smallpolaron.planning.bill import all_jobs, bill, bill_lines, hours_text, total
    from smallpolaron.planning.run import begin_run, is_planned
    from smallpolaron.figures import systems
    from smallpolaron.planning import batches as batching
    from smallpolaron.planning.jobs import climbs_on, decided, left_out, show_finished
    from smallpolaron.results.kinds import KINDS, derived
    from smallpolaron.planning.climb import Tolerance
    from papers.shared.needs import check_paper, fingerprint, is_own
    from smallpolaron.study.overrides import overridden
    from smallpolaron.study.plan import PlanError, plan_json, read_plan, write_plan
    from smallpolaron.planning.present import absences, present
    from smallpolaron.support.problems import ConfigurationError
    from smallpolaron.planning.resources import LEAST_RANKS, estimate
    from smallpolaron.support.problems import StoreError
    from smallpolaron.planning.study import plan_document
    from smallpolaron.planning.outlook import outlook_text
    from smallpolaron.study.yamlfile import read_yaml
except ModuleNotFoundError as error:
    sys.exit(
        f"{sys.executable} cannot import {error.name!r}, which the workflow needs. Run "
        "'make setup' and use the snakemake of that environment, or install the package."
    )

# What a Snakemake inside this run is given with --config instead of the study file, which may be
# edited or removed meanwhile: see hand_over().
HANDED_OVER = ("plan", "study_file", "changes", "part")
INNER = set(workflow.config_settings.config) == set(HANDED_OVER)
# "whole", or in the runs of so_far.smk "derive" or "show": the study is then what there is of it.
# Never an empty text: Snakemake makes that null, and null "null", on the way to a submitted job.
PART = workflow.config_settings.config["part"] if INNER else "whole"
SO_FAR = PART != "whole"

# A file given with --configfile replaces the demo study; Snakemake would merge the two.
if not INNER and not workflow.configfiles:

    configfile:
        "config/config.yaml"
        if Path("config/config.yaml").exists()
        else str(ROOT / "config/config.yaml")


def study_source():
    """Return the study file and what --config changes in it."""
    given = workflow.config_settings.config
    if INNER:
        return Path(given["study_file"]), given["changes"]
    if len(workflow.configfiles) > 1:
        sys.exit("give one --configfile: a study is one file")
    return Path(workflow.configfiles[0]).absolute(), given


def plan_of(study):
    """Return where the plan of a study is."""
    return Path("results", str(study), "plan.json")


def document_now():
    """Return the study as its file has it now."""
    path, changes = study_source()
    return overridden(read_yaml(path), changes)


def read_study():
    """Return the plan of the study, or leave with everything that is wrong with it.

    A Snakemake inside a run reads the plan of that run: the study file may be another one by then,
    and to check and expand thousands of points takes seconds. A report on its own shows what has
    been computed.
    """
    try:
        if INNER:
            return read_plan(Path(workflow.config_settings.config["plan"]))
        document = document_now()
        planned = plan_of(document.data.get("study"))
        if (REPORTS or workflow.remote_exec) and planned.exists():
            return read_plan(planned)
        found = plan_document(document)
        check_paper(document, found)
        return found
    except (ConfigurationError, PlanError) as error:
        sys.exit(f"The study cannot be run:\n{error}")


def part_so_far():
    """Return the part of the study that there is."""
    results = plan_of(WHOLE.study).parent
    try:
        return present(WHOLE, results, analysed=PART == "show")
    except PlanError as error:
        sys.exit(f"The study cannot be shown:\n{error}")


def edited():
    """Return whether the study file now describes another study than the one of this run."""
    try:
        return plan_json(plan_document(document_now())) != plan_json(WHOLE)
    except ConfigurationError:
        return True


REPORTS = any(each.partition("=")[0] == "--report" for each in sys.argv)
WHOLE = read_study()
STUDY = part_so_far() if SO_FAR else WHOLE
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
    for system in systems.group(
        [(p.id, p.parameters) for p in POINTS_AND_RUNGS.values() if p.id not in MEMBERS]
    )
}

RESULTS = f"results/{STUDY.study}"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
FIGURES = f"{RESULTS}/figures"
TABLES = f"{RESULTS}/tables"
ANSWERS = f"{TABLES}/answers.json"
PLAN = str(plan_of(STUDY.study))
ANALYSIS = STUDY.analysis.model_dump()
DERIVED = derived()


RUN_FOLDER = Path(".snakemake", "smallpolaron", STUDY.study)
CHANGES_FILES = (
    workflow.is_main_process
    and not workflow.output_settings.dryrun
    and not INNER
    and not REPORTS
)


def handed_over(part=PART):
    """Return the --config arguments from which a Snakemake inside this run knows the study."""
    path, changes = study_source()
    values = (str(RUN_FOLDER / "plan.json"), str(path), dict(changes), part)
    return [f"{key}={json.dumps(value)}" for key, value in zip(HANDED_OVER, values)]


def hand_over():
    """Give the processes that Snakemake starts the plan of this run instead of the study file."""
    workflow.config_settings.configfiles = []
    workflow.config_settings.config_args = handed_over()


RUN_LOCK = None
if CHANGES_FILES:
    try:
        RUN_LOCK = begin_run(WHOLE, Path(RESULTS), RUN_FOLDER)
    except OSError as error:
        sys.exit(f"The study cannot be run:\n{error}")
if INNER or RUN_LOCK:
    hand_over()

EDITED = (
    "**The study file has changed since this was computed.** What is shown and stated here are "
    "the parameters of the results, not those that the file has now."
)
# What captions see: the study that is reported, whatever its file says now.
edits = EDITED if REPORTS and edited() else ""
config.clear()
config.update(study=STUDY.study, analysis=ANALYSIS, edited=edits)


def leave_if_run_otherwise():
    """Leave if another run has these results, from another folder or with another plan."""
    if (
        CHANGES_FILES
        and RUN_LOCK is None
        and not ("--nolock" in sys.argv and is_planned(WHOLE, Path(RESULTS)))
        and set(workflow.dag_settings.targets) != {"cost"}
    ):
        sys.exit(
            f"The study cannot be run:\nanother snakemake is running study '{STUDY.study}' with "
            "these results; wait until it has ended, or stop it, then run the same again"
        )


def tell_answers():
    """Say at the end of a run what its results say."""
    if not INNER and Path(PLAN).exists():
        # of the whole study they have just been written, of a part of it perhaps not
        whole = not workflow.dag_settings.targets and Path(ANSWERS).exists()
        answers = read_answers(Path(ANSWERS)) if whole else study_answers(Path(RESULTS))
        print(answers, file=sys.stderr)


def tell_if_edited():
    """Say at the end of a run that its results are not those of the study file any more."""
    if not INNER and edited():
        print(
            f"The study file {study_source()[0]} has changed since this run began. Results and "
            "report are of the study as it was; run the same again for the study as it is now.",
            file=sys.stderr,
        )


wildcard_constraints:
    batch="[0-9a-f]{12}",
    stage="runs|figures",
    point=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}",
    ladder=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}",
    ensemble_run=r"[A-Za-z0-9._~+-]+-[0-9a-f]{8}(__franck_condon|__marcus)?",
    size=r"\d+",
    start="franck_condon|marcus",
    system=r"[A-Za-z0-9._~+-]+",
