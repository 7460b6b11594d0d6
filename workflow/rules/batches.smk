# Small steps in batches, each one process: docs/decisions/0032-batches.md. What the steps make is
# undeclared, so that a batch that is killed or fails keeps it. The checkpoint has Snakemake look
# again: what a batch could not make is left to the rules of single steps.
STAGES = batches_now()
BATCHES = {name: batch for stage in STAGES.values() for name, batch in stage.items()}
BATCHED = {step.output for batch in BATCHES.values() for step in batch.steps}


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
    log:
        f"{LOGS}/batches/{{stage}}-{{batch}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    message:
        "All batches of {wildcards.stage} have run"
    shell:
        "touch {output} > {log} 2>&1"
