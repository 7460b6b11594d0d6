# The figures of the report, one rule each; beside each picture a CSV with the numbers drawn.
BAND = f"--band-paper-units {STUDY.analysis.band_paper_units}"
PERCENT = f"--band-percent {STUDY.analysis.band_percent}"

# By name: what the report calls it, the kinds of results it is drawn from, and criteria.
SYSTEM_FIGURES = {
    "current": ("current autocorrelation C_JJ", ("correlation", "mobility"), ""),
    "memory_kernel": ("memory kernel", ("kernel",), ""),
    "cutoff": ("mobility against cutoff time", ("kernel", "mobility"), BAND),
    "finite_size": ("finite-size convergence", ("mobility",), f"{BAND} {PERCENT}"),
    "drude_smith": ("Drude–Smith comparison", ("drude_smith", "mobility"), ""),
    "conductivity": ("AC conductivity", ("mobility",), ""),
    "displacement": ("mean-squared displacement", ("population",), ""),
}
# Those of one ladder or one ensemble, named by a wildcard of that name, with their caption.
RUN_FIGURES = {
    "ladder": ("finite-size ladder", "ladder", about_ladder),
    "ensemble": ("disordered ensemble", "ensemble_run", about_ensemble),
}
STUDY_TABLES = {
    "quality": ("smallpolaron.studies.figures.quality", "quality gates of every run"),
    "comparison": ("papers.shared.comparison", "numbers printed in the papers"),
}


for figure, (label, kinds, criteria) in SYSTEM_FIGURES.items():

    rule:
        name:
            f"figure_{figure}"
        input:
            **{kind: files_of(kind) for kind in kinds},
        output:
            figure=report(
                f"{FIGURES}/{{system}}/{figure}.svg",
                caption=f"../report/{figure}.rst",
                category="Figures by system",
                subcategory=system_title,
                labels=labels(label),
            ),
            numbers=f"{FIGURES}/{{system}}/{figure}.csv",
        log:
            f"{LOGS}/figures/{{system}}/{figure}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            about=about,
            module=figure,
            files=options_of,
            criteria=criteria,
        message:
            f"Figure {figure} of {{wildcards.system}}"
        shell:
            "python -m smallpolaron.studies.figures.{params.module} {params.files}"
            " {params.criteria} --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


for figure, (label, wildcard, describe) in RUN_FIGURES.items():

    rule:
        name:
            f"figure_{figure}"
        input:
            **{figure: f"{RESULTS}/{figure}/{{{wildcard}}}.h5"},
        output:
            figure=report(
                f"{FIGURES}/{figure}/{{{wildcard}}}.svg",
                caption=f"../report/{figure}.rst",
                category="Figures by system",
                subcategory=title_of(describe),
                labels=labels(label),
            ),
            numbers=f"{FIGURES}/{figure}/{{{wildcard}}}.csv",
        log:
            f"{LOGS}/figures/{figure}/{{{wildcard}}}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            about=describe,
            module=figure,
            files=options_of,
        message:
            f"Figure {figure} of {{wildcards.{wildcard}}}"
        shell:
            "python -m smallpolaron.studies.figures.{params.module} {params.files}"
            " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


for table, (module, label) in STUDY_TABLES.items():

    rule:
        name:
            table
        input:
            plan=PLAN,
            results=all_results,
        output:
            figure=report(
                f"{FIGURES}/{table}.html",
                caption=f"../report/{table}.rst",
                category="Summary",
                labels={"result": label},
            ),
            numbers=f"{FIGURES}/{table}.csv",
        log:
            f"{LOGS}/{table}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            module=module,
        message:
            f"Table: {label}"
        shell:
            "python -m {params.module} --plan {input.plan}"
            " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"
