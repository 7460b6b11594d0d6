# The only heavy jobs. Their output is never overwritten: a point's identifier contains a hash of
# everything that decides its numbers. The plan is ancient(): it lists all points, and a new
# list must not make computed points run again.


rule correlation:
    input:
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/correlation/{{point}}.h5",
    log:
        f"{LOGS}/correlation/{{point}}.log",
    benchmark:
        f"{BENCHMARKS}/correlation/{{point}}.jsonl"
    conda:
        "../../envs/mpi.yaml"
    threads: mpi_threads
    resources:
        mpi=MPIEXEC,
        tasks=mpi_tasks,
        mem_mb_per_cpu=mpi_memory,
        runtime=mpi_runtime,
    params:
        numerics=NUMERICS_VERSION,
    message:
        "Current autocorrelation of {wildcards.point}"
        " (tasks={resources.tasks}, mem_mb_per_cpu={resources.mem_mb_per_cpu}, runtime={resources.runtime} min)"
    shell:
        "{resources.mpi} -n {resources.tasks}"
        " python -m smallpolaron correlation --plan {input.plan} --point {wildcards.point}"
        " --ranks {resources.tasks} --output {output.h5} > {log} 2>&1"


rule population:
    input:
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/population/{{point}}__{{start}}.h5",
    log:
        f"{LOGS}/population/{{point}}__{{start}}.log",
    benchmark:
        f"{BENCHMARKS}/population/{{point}}__{{start}}.jsonl"
    conda:
        "../../envs/mpi.yaml"
    threads: mpi_threads
    resources:
        mpi=MPIEXEC,
        tasks=mpi_tasks,
        mem_mb_per_cpu=mpi_memory,
        runtime=mpi_runtime,
    params:
        numerics=NUMERICS_VERSION,
    message:
        "Populations of {wildcards.point} from {wildcards.start}"
        " (tasks={resources.tasks}, mem_mb_per_cpu={resources.mem_mb_per_cpu}, runtime={resources.runtime} min)"
    shell:
        "{resources.mpi} -n {resources.tasks}"
        " python -m smallpolaron population --plan {input.plan} --point {wildcards.point}"
        " --start {wildcards.start} --ranks {resources.tasks} --output {output.h5} > {log} 2>&1"
