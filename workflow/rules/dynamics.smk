# The only heavy jobs. Their output is never overwritten: a point's identifier contains a hash of
# everything that decides its numbers. The plan is ancient(): it lists all points, and a new
# list must not make computed points run again.

MPI_JOBS = {
    "correlation": ("{point}", "", "Current autocorrelation of {wildcards.point}"),
    "population": (
        "{point}__{start}",
        lambda wildcards: f"--start {wildcards.start}",
        "Populations of {wildcards.point} from {wildcards.start}",
    ),
}

for job, (run, start, text) in MPI_JOBS.items():

    rule:
        name:
            job
        input:
            after_batch_of(f"{RESULTS}/{job}/{run}.h5"),
            plan=ancient(PLAN),
        output:
            h5=f"{RESULTS}/{job}/{run}.h5",
        log:
            f"{LOGS}/{job}/{run}.log",
        benchmark:
            f"{BENCHMARKS}/{job}/{run}.jsonl"
        conda:
            "../../envs/mpi.yaml"
        threads: lambda w: needs(w).tasks if LOCAL else 1
        resources:
            mpi=MPIEXEC,
            # locally Snakemake has limited threads to --cores
            tasks=lambda w, threads: threads if LOCAL else needs(w).tasks,
            mem_mb_per_cpu=lambda w, attempt: needs(w, attempt).mem_mb_per_cpu
            + OVERHEAD_MB,
            runtime=lambda w, attempt: needs(w, attempt).runtime_min,
        params:
            numerics=NUMERICS_VERSION,
            job=job,
            start=start,
        message:
            text
            + " (tasks={resources.tasks}, mem_mb_per_cpu={resources.mem_mb_per_cpu},"
            " runtime={resources.runtime} min)"
        shell:
            "{resources.mpi} -n {resources.tasks} python -m smallpolaron {params.job}"
            " --plan {input.plan} --point {wildcards.point} {params.start}"
            " --ranks {resources.tasks} --output {output.h5} > {log} 2>&1"
