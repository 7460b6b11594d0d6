# The first page begins with what the study answers, and the picture of its first system.
if REPORTS and Path(ANSWERS).exists():
    config["answers"] = first_page(read_answers(Path(ANSWERS)))
if len(SYSTEMS) > MOST_REPORTED:
    config["shown"] = MOST_REPORTED


rule figures:
    input:
        figure_files(),


# Snakemake writes its report in a run of its own; this rule is that run, so that any command that
# makes the study ends with the report, in the folder of the study.
rule report:
    input:
        rules.figures.input,
    output:
        html=f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        command=shlex.join(nested_command()),
    message:
        "Report {output.html}"
    shell:
        "{params.command} --report {output.html} figures > {log} 2>&1"
