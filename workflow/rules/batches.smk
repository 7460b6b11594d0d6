# Small steps in batches, each one process: docs/decisions/0032-batches.md. What the steps make is
# undeclared, so that a batch that is killed or fails keeps it. The checkpoint has Snakemake look
# again: what a batch could not make is left to the rules of single steps.
BATCHES_FILE = RUN_FOLDER / "batches.json"


def batches_now():
    """Return the batches of this run by stage: formed where it begins, read in its jobs."""
    if workflow.remote_exec:
        return read_batches(BATCHES_FILE)
    # the table of cost of a paper takes what each job used as a process of its own
    if STUDY.paper or not (RUN_LOCK or workflow.output_settings.dryrun):
        return {}
    drawings = [
        Drawing(name, s.name, criteria, {k: named_files(k, s.points) for k in kinds})
        for s in SYSTEMS.values()
        for name, (_, kinds, criteria) in SYSTEM_FIGURES.items()
    ]
    side_by_side = (workflow.resource_settings.cores or 1) if LOCAL else 1
    stages = form_stages(
        STUDY, Path(RESULTS), [] if LADDERS else drawings, side_by_side
    )
    if RUN_LOCK:
        write_batches(BATCHES_FILE, stages, Path(RESULTS, "batches"))
    return stages


STAGES = batches_now()
BATCHES = {name: batch for stage in STAGES.values() for name, batch in stage.items()}
BATCHED = {step.output for batch in BATCHES.values() for step in batch.steps}


def after(*stages):
    """Return nothing, once the batches of some stages have run: for input functions."""
    for stage in stages:
        if STAGES.get(stage) and not workflow.remote_exec:
            checkpoints.batches.get(stage=stage, batch=min(STAGES[stage]))
    return []


def after_batch_of(output):
    """Return an input function: wait for the batch that may make a file, if there is one."""
    return lambda w: (
        after("runs") if output.format(**dict(w.items())) in BATCHED else []
    )


rule batch:
    input:
        lambda w: after("runs") if w.batch in STAGES.get("figures", ()) else [],
        plan=ancient(PLAN),
    output:
        record=f"{RESULTS}/batches/{{batch}}.json",
    log:
        f"{LOGS}/batches/{{batch}}.log",
    conda:
        "../../envs/mpi.yaml"
    resources:
        mem_mb=lambda w, attempt: attempt * BATCHES[w.batch].memory_MB + OVERHEAD_MB,
        runtime=lambda w, attempt: attempt * BATCHES[w.batch].runtime_min,
    params:
        batches=str(BATCHES_FILE),
        steps=lambda w: len(BATCHES[w.batch].steps),
    message:
        "{params.steps} small steps (batch {wildcards.batch})"
    shell:
        "python -m smallpolaron.launch -n 1 python -m smallpolaron batch --batches {params.batches}"
        " --name {wildcards.batch} --output {output.record} > {log} 2>&1"


checkpoint batches:
    input:
        lambda w: [f"{RESULTS}/batches/{name}.json" for name in STAGES[w.stage]],
    output:
        f"{RESULTS}/batches/{{stage}}-{{batch}}.done",
    localrule: True
    message:
        "All batches of {wildcards.stage} have run"
    shell:
        "touch {output}"
