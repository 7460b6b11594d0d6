# Which sizes of the finite-size ladders are computed.


def climbed(ladder):
    """Return the points of a ladder that are computed; Snakemake asks again after every size."""
    if SO_FAR:
        return decided(Path(RESULTS), ladder)[0]
    found = []
    for point, size in zip(ladder.rungs, ladder.sizes):
        found.append(point.id)
        decision = checkpoints.rung.get(ladder=ladder.name, size=size).output.json
        if not climbs_on(Path(decision)):
            break
    return found


def computed(points):
    """Return those of some points that are computed: sizes of a ladder as far as it is climbed."""
    wanted = {
        name
        for ladder in LADDERS.values()
        if any(rung.id in points for rung in ladder.rungs)
        for name in climbed(ladder)
    }
    return [point for point in points if point in POINTS or point in wanted]


def rungs_up_to(wildcards):
    """Return the mobility files of a ladder up to one size."""
    ladder = LADDERS[wildcards.ladder]
    count = ladder.sizes.index(int(wildcards.size)) + 1
    return point_files("mobility", [point.id for point in ladder.rungs[:count]])


def rungs_climbed(wildcards):
    return point_files("mobility", climbed(LADDERS[wildcards.ladder]))


def infinite_ring(wildcards):
    """Return the mobility file a ladder is compared with, if there is one."""
    check = LADDERS[wildcards.ladder].check
    return point_files("mobility", [check] if check else [])


def about_ladder(wildcards):
    """Return what the caption says about a ladder."""
    ladder = LADDERS[wildcards.ladder]
    system = next(s for s in SYSTEMS.values() if ladder.rungs[0].id in s.points)
    return systems.about_sizes(system, ladder, Tolerance.of(STUDY.ladder).text)
