# The figures of a paper, one rule each: FIGURES names module, options and files of every figure.

for figure, (module, criteria, files) in FIGURES.items():

    rule:
        name:
            f"{PREFIX}_{figure}"
        input:
            **files,
        output:
            paper_files(figure),
        log:
            f"{LOGS}/paper/{figure}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            module=f"{STUDY.paper}.{module}",
            files=options_of,
            criteria=criteria,
            stem=stem,
        message:
            f"{TITLE}, {figure}"
        shell:
            "python -m papers {params.module} {params.files} {params.criteria} --stem {params.stem}"
            " > {log} 2>&1"


# Everything of the paper.
rule:
    name:
        STUDY.paper
    input:
        expand(
            f"{PAPER}/{{figure}}.{{suffix}}",
            figure=FIGURES,
            suffix=("pdf", "png", "csv", "txt"),
        ),
        PAGES,
