# Which files belong to what; helpers of the figures and of the report.


def files_of(kind):
    """Return an input function: the files of one kind for the points of a system."""

    def found(wildcards):
        after("runs", "figures")
        return named_files(kind, computed(SYSTEMS[wildcards.system].points))

    return found


def named_files(kind, points):
    """Return the files of one kind for some points."""
    return (
        population_files(points) if kind == "population" else point_files(kind, points)
    )


def point_files(kind, points):
    return [
        f"{RESULTS}/{kind}/{p}.h5"
        for p in points
        if p in POINTS_AND_RUNGS and "current" in POINTS_AND_RUNGS[p].protocols
    ]


def population_files(points, kind="population"):
    return [
        f"{RESULTS}/{kind}/{point}__{start}.h5"
        for point in points
        for start in POINTS_AND_RUNGS[point].populations
    ]


def files_needed(kind):
    """Return an input function: the files of several points that one of a kind is made from."""

    def found(wildcards):
        point, start = POINTS_AND_RUNGS[wildcards.point], wildcards.get("start")
        try:
            points = kind.module.points_needed(
                STUDY.points, point, *([start] if start else [])
            )
        except StoreError as error:
            raise WorkflowError(f"No {kind.name}: {error}") from None
        end = f"__{start}" if start else ""
        return [f"{RESULTS}/{kind.source}/{p.id}{end}.h5" for p in points]

    return found


def tensor_files():
    from smallpolaron.derive.tensor_job import first_of_each

    return [f"{RESULTS}/tensor/{point.id}.h5" for point in first_of_each(STUDY.points)]


def other_start(wildcards):
    """Return the population file of the same point from the other start, if there is one."""
    own = f"{RESULTS}/population/{wildcards.point}__{wildcards.start}.h5"
    return [path for path in population_files([wildcards.point]) if path != own]


def sources_of(kind):
    """Return the input files of the rule of a kind, by the options of its command."""
    if kind.takes_many:
        return {kind.source: files_needed(kind)}
    found = {kind.source: f"{RESULTS}/{kind.source}/{kind.run}.h5"}
    return found | ({"partner": other_start} if kind.files == "partner" else {})


def start_site(wildcards):
    """Return the option that names the start of a point, for kinds made from several."""
    site = POINTS_AND_RUNGS[wildcards.point].parameters.start_site
    return f"--start-site {site}"


LADDER_FILES = [f"{RESULTS}/ladder/{ladder}.h5" for ladder in LADDERS]
ENSEMBLE_FILES = [f"{RESULTS}/ensemble/{run}.h5" for run in ENSEMBLE_RUNS]


def all_results(wildcards):
    """Return every result file of the study."""
    after("runs")
    kinds = [name for name, kind in KINDS.items() if kind.of_study]
    points = computed(POINTS_AND_RUNGS)
    found = [path for kind in kinds for path in point_files(kind, points)]
    found += population_files(points) + tensor_files()
    return found + LADDER_FILES + ENSEMBLE_FILES


# The figures of a system take 0.6 MB of a report, and a browser opens some tens of MB.
MOST_REPORTED = 50


def figure_files():
    """Return every figure of the study: those of each system and the tables of all.

    A report shows those of the first systems.
    """
    found = [f"{FIGURES}/quality.html", f"{FIGURES}/comparison.html"]
    if point_files("mobility", POINTS_AND_RUNGS):
        found.append(f"{FIGURES}/zoom.html")
    for system in list(SYSTEMS.values())[: MOST_REPORTED if REPORTS else None]:
        current = point_files("mobility", system.points)
        spreads = population_files(system.points)
        found += [
            f"{FIGURES}/{system.name}/{name}.svg"
            for name, (_, kinds, _) in SYSTEM_FIGURES.items()
            if (spreads if "population" in kinds else current)
        ]
    found += [f"{FIGURES}/ensemble/{run}.svg" for run in ENSEMBLE_RUNS]
    return found + [f"{FIGURES}/ladder/{ladder}.svg" for ladder in LADDERS]


def title_of(describe):
    """Return the title of a figure that some function describes."""
    return lambda wildcards: describe(wildcards)["title"]


def about(wildcards):
    """Return what a caption says about the runs of a system."""
    system = SYSTEMS[wildcards.system]
    points = [POINTS_AND_RUNGS[point] for point in system.points]
    return systems.about_runs(system, points, left_out(STUDY, Path(RESULTS)))


def options_of(wildcards, input):
    """Return the options by which a command gets its input files: --mobility FILE FILE ..."""
    return " ".join(
        f"--{kind.replace('_', '-')} {paths}"
        for kind, paths in input.items()
        if paths and kind not in ("plan", "table")
    )


NESTED = "--profile none --cores 1 --nolock".split()


def nested_command(part=PART):
    """Return the words of the command of a run of Snakemake for this study within this one.

    The part is "derive" or "show" in the runs of so_far.smk.
    """
    program = [sys.executable, "-m", "snakemake"]
    program += ["--snakefile", workflow.main_snakefile]
    return [*program, *NESTED, "--config", *handed_over(part)]


def members_of(wildcards):
    """Return the files of the members of an ensemble."""
    ensemble, protocol = ENSEMBLE_RUNS[wildcards.ensemble_run]
    if protocol == "current":
        kinds = ("correlation", "mobility")
        return [path for kind in kinds for path in point_files(kind, ensemble.members)]
    return [
        f"{RESULTS}/population/{point}__{protocol}.h5"
        for point in ensemble.members
        if point in POINTS_AND_RUNGS and protocol in POINTS_AND_RUNGS[point].protocols
    ]


def about_run_of_ensemble(wildcards):
    """Return what the caption says about an ensemble."""
    return systems.about_ensemble(*ENSEMBLE_RUNS[wildcards.ensemble_run])


def show_so_far():
    """Show what there is of a study of which jobs have failed."""
    asked = workflow.dag_settings.targets
    if (
        SO_FAR
        or workflow.remote_exec
        or not workflow.is_main_process
        or not Path(PLAN).exists()
    ):
        return
    # whoever stops a run does not wait for a report; Snakemake itself notes SIGTERM
    if STOPPED or getattr(workflow.scheduler, "_user_kill", None):
        return
    if asked and not {"all", "report"} & set(asked):
        return
    print("Not all jobs succeeded. Tables and report of what there is:", flush=True)
    log = Path(LOGS, "so_far.log")
    if show_finished(nested_command, log):
        print(f"{RESULTS}/report.html, {TABLES}/points.csv", flush=True)
    else:
        print(f"they could not be made, see {log}", flush=True)


def first_page(answers):
    """Return what the first page of the report says of the answers of the study."""
    systems = [
        {
            "mobilities": each.mobilities,
            "verdict": each.verdict,
            "system": each.system,
            "why": each.why,
        }
        for each in answers.systems
    ]
    return {
        "systems": systems,
        "tally": answers.tally,
        "picture": main_picture(answers),
    }


def main_picture(answers):
    """Return C_JJ and its integral of the first system that can be trusted, as a data URI.

    In lines, because those of a description may have 10,000 characters.
    """
    for each in sorted(answers.systems, key=lambda each: each.verdict != "trust"):
        for name, system in SYSTEMS.items():
            picture = Path(f"{FIGURES}/{name}/current.svg")
            if each.point in system.points and picture.exists():
                text = base64.b64encode(picture.read_bytes()).decode()
                return "\n   ".join(wrap(f"data:image/svg+xml;base64,{text}", 8000))
    return ""


BATCHES_FILE = RUN_FOLDER / "batches.json"


def batches_now():
    """Return the batches of this run by stage: formed where it begins, read in its jobs."""
    if workflow.remote_exec:
        return batching.read_batches(BATCHES_FILE)
    # the table of cost of a paper takes what each job used as a process of its own
    if STUDY.paper or not (RUN_LOCK or workflow.output_settings.dryrun):
        return {}
    drawings = [
        batching.Drawing(
            name, s.name, criteria, {k: named_files(k, s.points) for k in kinds}
        )
        for s in SYSTEMS.values()
        for name, (_, kinds, criteria) in SYSTEM_FIGURES.items()
    ]
    side_by_side = (workflow.resource_settings.cores or 1) if LOCAL else 1
    stages = batching.form_stages(
        STUDY, Path(RESULTS), [] if LADDERS else drawings, side_by_side
    )
    if RUN_LOCK:
        batching.write_batches(BATCHES_FILE, stages, Path(RESULTS, "batches"))
    return stages


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
