# What every MPI job asks for, and what a dry run says about it.
# On this machine every MPI rank takes one core of --cores. On a cluster the scheduler counts
# tasks, and a task has one thread. There Snakemake knows a number of nodes (--jobs); the Snakemake
# inside a submitted job does not, but must find the same numbers as the one that submitted it.
LOCAL = workflow.resource_settings.nodes is None and not workflow.remote_exec
MPIEXEC = "python -m smallpolaron.launch" if LOCAL else "mpiexec"
STOPPED = []


def stop(number, frame):
    """End the run as Ctrl-C does, and note that somebody wants it to end."""
    STOPPED.append(number)
    raise KeyboardInterrupt


# A lost connection ends a run as Ctrl-C does: its jobs write checkpoints, and nothing stays locked.
# On a cluster that would cancel jobs that can go on without this process.
if workflow.is_main_process:
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    if LOCAL and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, stop)
# Two small jobs side by side finish sooner than one after the other on two ranks.
RANKS_AT_LEAST = 1 if LOCAL else LEAST_RANKS
# The two Snakemake processes inside a submitted job (350 MB measured) share the memory of the
# ranks on its first node, where there may be one rank only.
OVERHEAD_MB = 0 if LOCAL else 450


def needs(wildcards, attempt=1):
    """Return what the resource model asks for the job of a point."""
    protocol = getattr(wildcards, "start", "current")
    return estimate(
        POINTS_AND_RUNGS[wildcards.point].parameters,
        protocol,
        STUDY.resources,
        attempt,
        RANKS_AT_LEAST,
    )


def mpi_threads(wildcards):
    return needs(wildcards).tasks if LOCAL else 1


def mpi_tasks(wildcards, threads):
    # Locally Snakemake has limited threads to --cores.
    return threads if LOCAL else needs(wildcards).tasks


def mpi_memory(wildcards, attempt):
    return needs(wildcards, attempt).mem_mb_per_cpu + OVERHEAD_MB


def mpi_runtime(wildcards, attempt):
    return needs(wildcards, attempt).runtime_min


def jobs_of_study():
    """Return file, point, protocol and estimate of every MPI job that may be needed."""
    found = []
    for job in jobs_of(STUDY, Path(RESULTS)):
        asked = estimate(
            job.point.parameters, job.protocol, STUDY.resources, 1, RANKS_AT_LEAST
        )
        path = Path(f"{RESULTS}/{job.name}.h5")
        found.append((path, job.point, job.protocol, asked))
    return found


def outlook():
    """Return what a run will cost, as text for a dry run."""
    jobs = [job for job in jobs_of_study() if not job[0].exists()]
    # Snakemake tells its targets only once all rules are read
    asked = set(sys.argv[1:]) & set(paper_targets()) if STUDY.paper else ()
    if asked:
        names = {job.name for target in asked for job in jobs_behind(target)}
        jobs = [job for job in jobs if f"{job[0].parent.name}/{job[0].stem}" in names]
    hours = hours_text(total(job[3] for job in jobs))
    lines = [f"Target {target}:" for target in sorted(asked)]
    lines += [
        f"Study {STUDY.study}: {len(POINTS_AND_RUNGS)} points in "
        f"{len(SYSTEMS) + len(STUDY.ensembles)} physical systems; "
        f"{len(jobs)} MPI jobs to compute, about {hours} core-hours."
    ]
    climbing = [
        ladder for ladder in LADDERS.values() if not decided(Path(RESULTS), ladder)[1]
    ]
    rungs = {rung.id for ladder in climbing for rung in ladder.rungs} & RUNGS.keys()
    if climbing:
        open_ended = sum(job[1].id in rungs for job in jobs)
        lines.append(f"{upper_bound(open_ended, len(climbing))}.")
    needed = [(point.id, protocol, asked) for _, point, protocol, asked in jobs]
    return "\n".join([*lines, *need_lines(needed, OVERHEAD_MB)])


def tell_cost(log):
    """Print what the jobs of the study will take, also to a log."""
    lines = list(bill_lines(STUDY.study, bill(STUDY, all_jobs(STUDY))))
    if STUDY.paper:
        lines += prices()
    print("\n".join(lines))
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")


def check_scheduler():
    """Leave at once when jobs are to be submitted by a command that this machine does not have."""
    settings = workflow.executor_settings
    submit = getattr(settings, "submit_cmd", None) or ""
    if problem := missing_scheduler(workflow.executor_plugin.name, submit):
        sys.exit(problem)
