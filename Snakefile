# From one study file to mobilities, figures and a report.
#
#   snakemake --profile profiles/local     on this machine
#   snakemake --profile slurm              on a cluster (docs/cluster.md)
#   snakemake -n --quiet                   what would be run
#   snakemake cost --profile profiles/local   what it will take (docs/cost.md)
#
# The study is config/config.yaml, or the file given with --configfile.
from snakemake.utils import min_version

min_version("9.20")


include: "workflow/rules/study.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/climbing.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/ladder.smk"
include: "workflow/rules/ensemble.smk"
include: "papers/anomalous2024/verdict/inputs.smk"
include: "papers/anomalous2024/verdict/rules.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/batches.smk"
include: "workflow/rules/so_far.smk"


if not SO_FAR:

    include: "workflow/rules/dynamics.smk"


if STUDY.paper and not SO_FAR:

    include: "papers/shared/points.smk"
    include: f"papers/{STUDY.paper}/rules.smk"
    include: "papers/shared/figures.smk"


if workflow.output_settings.dryrun:
    print(outlook(), file=sys.stderr)


# Snakemake keeps one of each.
onstart:
    leave_if_run_otherwise()
    check_scheduler()


onsuccess:
    tell_answers()
    tell_if_edited()


onerror:
    tell_if_edited()
    show_so_far()


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        rules.report.output.html,
        rules.tables.output,
        rules.ladder_table.output if LADDERS else [],
        rules.ensemble_table.output if ENSEMBLE_RUNS else [],
