# Which files the figures of a paper are drawn from, and what their rules write.


def paper_folder():
    """Return where the figures go: not over those of the paper if the study has been changed."""
    if STUDY.study != STUDY.paper or is_own(STUDY):
        return f"{RESULTS}/paper"
    folder = f"{RESULTS}/paper-{fingerprint(STUDY)}"
    if workflow.is_main_process:
        print(
            f"This study is not that of the paper {STUDY.paper}: figures go to {folder}",
            file=sys.stderr,
        )
    return folder


PAPER = paper_folder()


def named(name, protocol="current"):
    """Return the points of the blocks of a name that compute a protocol."""
    return [
        point
        for point in STUDY.points
        if point.group == name and protocol in point.protocols
    ]


def of_points(kind, points):
    """Return the files of one kind for some points, by the current."""
    return [f"{RESULTS}/{kind}/{point.id}.h5" for point in points]


def of_starts(kind, name, sizes=()):
    """Return the files of one kind of the blocks of a name from each start, of some sizes or all."""
    return [
        f"{RESULTS}/{kind}/{point.id}__{start}.h5"
        for start in ("marcus", "franck_condon")
        for point in named(name, start)
        if not sizes or point.parameters.n_sites in sizes
    ]


def with_sites(name, n_sites):
    """Return the points of a size."""
    return [p for p in named(name) if p.parameters.n_sites == n_sites]


def with_bath(name, eta_over_v, gamma_over_v):
    """Return the points of one bath."""
    return [
        p
        for p in named(name)
        if abs(p.derived["eta_over_v"] - eta_over_v) < 1e-9
        and abs(p.derived["gamma_over_v"] - gamma_over_v) < 1e-9
    ]


def paper_files(figure):
    """Return what a figure rule writes."""
    return multiext(
        f"{PAPER}/{figure}", pdf=".pdf", png=".png", numbers=".csv", caption=".txt"
    )


def stem(wildcards, output):
    """Return the path of a figure without its suffix."""
    return str(Path(output.pdf).with_suffix(""))


def jobs_behind(target):
    """Return the MPI jobs that a target of the paper needs.

    Results and what is derived from them have the name of their job; other files are followed to
    the rules that make them.
    """
    jobs = {Path(job.name).name: job for job in all_jobs(STUDY)}
    makers = {str(path): made for made in workflow.rules for path in made.output}
    found, waiting, seen = {}, [workflow.get_rule(target)], set()
    while waiting:
        current = waiting.pop()
        seen.add(current.name)
        for item in current.input:
            for path in map(Path, item({}) if callable(item) else [item]):
                maker = makers.get(str(path))
                if path.stem in jobs and path.suffix == ".h5":
                    found[path.stem] = jobs[path.stem]
                elif maker is not None and maker.name not in seen:
                    waiting.append(maker)
    return list(found.values())


def paper_targets():
    """Return the rules that draw or tabulate something of the paper, and the one of all."""
    start = STUDY.paper.rstrip("0123456789")
    names = [rule.name for rule in workflow.rules if rule.name.startswith(f"{start}_")]
    return [*names, STUDY.paper]


def prices():
    """Return the lines about what each target of the paper takes alone."""
    lines = ["", "targets, each with the jobs that it needs (they share most of them):"]
    lines.append(f"{'core-hours':>24}{'jobs':>6}  target")
    for name in paper_targets():
        items = bill(STUDY, jobs_behind(name))
        hours = hours_text(total(item.need for item in items))
        lines.append(f"{hours:>24}{len(items):>6}  {name}")
    return lines
