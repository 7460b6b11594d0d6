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


def outlook():
    """Return what a run will cost, as text for a dry run."""
    # Snakemake tells its targets only once all rules are read
    asked = set(sys.argv[1:]) & set(paper_targets()) if STUDY.paper else ()
    behind = {
        target: {job.name for job in jobs_behind(target)} for target in sorted(asked)
    }
    count = len(SYSTEMS) + len(STUDY.ensembles)
    batches = STAGES.get("runs", {}).values()
    return outlook_text(
        STUDY, Path(RESULTS), count, RANKS_AT_LEAST, OVERHEAD_MB, behind, batches
    )


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
