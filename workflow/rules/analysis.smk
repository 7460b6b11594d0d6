# What is derived from results: seconds each, run where Snakemake runs, also on a cluster.
# There is one rule for every kind in studies/kinds.py that has a source.


def sources_of(kind):
    """Return the input files of the rule of a kind, by the options of its command."""
    if kind.files == "starts":
        return {kind.source: populations_of_kernel}
    found = {kind.source: f"{RESULTS}/{kind.source}/{kind.run}.h5"}
    return found | ({"partner": other_start} if kind.files == "partner" else {})


def start_site(wildcards):
    """Return the option that names the start of a point, for kinds made from several."""
    site = POINTS_AND_RUNGS[wildcards.point].parameters["start_site"]
    return f"--start-site {site}"


for kind in DERIVED.values():

    rule:
        name:
            kind.name
        input:
            **sources_of(kind),
            plan=ancient(PLAN),
        output:
            h5=f"{RESULTS}/{kind.name}/{kind.run}.h5",
        log:
            f"{LOGS}/{kind.name}/{kind.run}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            numerics=NUMERICS_VERSION,
            criteria=ANALYSIS,
            command=kind.command,
            files=options_of,
            start=start_site if kind.files == "starts" else "",
        message:
            f"{kind.title}: {{output.h5}}"
        shell:
            "python -m smallpolaron {params.command} --plan {input.plan} {params.files}"
            " {params.start} --output {output.h5} > {log} 2>&1"


rule tables:
    input:
        plan=PLAN,
        results=all_results,
    output:
        points=f"{TABLES}/points.csv",
        quality=f"{TABLES}/quality.csv",
        finite_size=f"{TABLES}/finite_size.csv",
    log:
        f"{LOGS}/tables.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        criteria=ANALYSIS,
    message:
        "Tables of the study"
    shell:
        "python -m smallpolaron tables --plan {input.plan} --output-folder $(dirname {output.points})"
        " > {log} 2>&1"


for kind, files in {"ladder": ladder_files(), "ensemble": ensemble_files()}.items():

    rule:
        name:
            f"{kind}_table"
        input:
            **{kind: files},
        output:
            table=f"{TABLES}/{kind}.csv",
        log:
            f"{LOGS}/{kind}_table.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            kind=kind,
            files=options_of,
        message:
            f"Table of every {kind}"
        shell:
            "python -m smallpolaron {params.kind}-table {params.files}"
            " --output {output.table} > {log} 2>&1"
