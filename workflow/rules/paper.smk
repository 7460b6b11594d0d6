# Which files the figures of a paper are drawn from, and what their rules write.
PAPER = f"{RESULTS}/paper"


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
        if not sizes or point.parameters["model"]["n_sites"] in sizes
    ]


def with_sites(name, n_sites):
    """Return the points of a size."""
    return [p for p in named(name) if p.parameters["model"]["n_sites"] == n_sites]


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
