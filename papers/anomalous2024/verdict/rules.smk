# Equilibrium against non-equilibrium: which method gives the diffusion constant where, at what cost.
# Of any study, not part of its report: ask for it with `snakemake verdict`.


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


rule verdict:
    input:
        plan=PLAN,
        results=verdict_inputs,
    output:
        h5=f"{TABLES}/verdict.h5",
        table=f"{TABLES}/verdict.csv",
        page=f"{TABLES}/verdict.html",
    log:
        f"{LOGS}/verdict.log",
    localrule: True
    conda:
        "../../../envs/analysis.yaml"
    params:
        criteria=ANALYSIS,
    message:
        "Equilibrium against non-equilibrium: {output.page}"
    shell:
        "python -m papers.anomalous2024.verdict --plan {input.plan} --output {output.h5}"
        " --table {output.table} --page {output.page} > {log} 2>&1"
