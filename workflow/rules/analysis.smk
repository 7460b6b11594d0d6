# What is derived from results: seconds each, run where Snakemake runs, also on a cluster.
# There is one rule for every kind in results/kinds.py that has a source.
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
        answers=ANSWERS,
        page=report(
            f"{FIGURES}/quality.html",
            caption="../report/quality.rst",
            category="Summary",
            labels={"result": "quality gates of every run"},
        ),
        numbers=f"{FIGURES}/quality.csv",
    log:
        f"{LOGS}/tables.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        criteria=ANALYSIS,
    message:
        "Tables of the study, its answers and quality gates"
    shell:
        "python -m smallpolaron tables --plan {input.plan} --output-folder $(dirname {output.points})"
        " --figures-folder $(dirname {output.page}) > {log} 2>&1"


for kind, files in {"ladder": LADDER_FILES, "ensemble": ENSEMBLE_FILES}.items():

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
