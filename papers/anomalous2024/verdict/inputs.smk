# What the verdict on the methods is reached from.
from smallpolaron.study.physical_system import is_uniform


def verdict_inputs(wildcards):
    """Return the result files of every run on a lattice of equal sites, and what follows from them."""
    points = [
        point
        for point in computed(POINTS_AND_RUNGS)
        if is_uniform(POINTS_AND_RUNGS[point].parameters)
    ]
    found = [
        path
        for kind in ("correlation", "mobility")
        for path in point_files(kind, points)
    ]
    for kind in ("population", "spreading"):
        found += population_files(points, kind)
    return found
