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
# The others, one for each file of a kind: label, wildcard, what describes it.
OTHER_FIGURES = {
    "ladder": ("finite-size ladder", "{ladder}", about_ladder),
    "ensemble": ("disordered ensemble", "{ensemble_run}", about_run_of_ensemble),
}


for figure in [*SYSTEM_FIGURES, *OTHER_FIGURES]:
    if figure in SYSTEM_FIGURES:
        label, kinds, criteria = SYSTEM_FIGURES[figure]
        place, describe = f"{{system}}/{figure}", about
        files = {kind: files_of(kind) for kind in kinds}
    else:
        label, run, describe = OTHER_FIGURES[figure]
        place, criteria = f"{figure}/{run}", ""
        files = {figure: f"{RESULTS}/{place}.h5"}

    rule:
        name:
            f"figure_{figure}"
        input:
            **files,
        output:
            figure=report(
                f"{FIGURES}/{place}.svg",
                caption=f"../report/{figure}.rst",
                category="Figures by system",
                subcategory=title_of(describe),
                labels={"figure": label},
            ),
            numbers=f"{FIGURES}/{place}.csv",
        log:
            f"{LOGS}/figures/{place}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            about=describe,
            module=figure,
            files=options_of,
            criteria=criteria,
        message:
            "Figure {output.figure}"
        shell:
            "python -m smallpolaron.figures {params.module} {params.files}"
            " {params.criteria} --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule comparison:
    input:
        plan=PLAN,
        results=all_results,
    output:
        figure=report(
            f"{FIGURES}/comparison.html",
            caption="../report/comparison.rst",
            category="Summary",
            labels={"result": "numbers printed in the papers"},
        ),
        numbers=f"{FIGURES}/comparison.csv",
    log:
        f"{LOGS}/comparison.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    message:
        "Table: numbers printed in the papers"
    shell:
        "python -m papers shared.comparison --plan {input.plan}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule zoom:
    input:
        plan=PLAN,
        results=all_results,
    output:
        figure=report(
            f"{FIGURES}/zoom.html",
            caption="../report/zoom.rst",
            category="Summary",
            labels={"result": "curves to zoom into"},
        ),
    log:
        f"{LOGS}/zoom.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    message:
        "Curves to zoom into: {output.figure}"
    shell:
        "python -m smallpolaron.figures zoom --plan {input.plan} --figure {output.figure}"
        " > {log} 2>&1"
