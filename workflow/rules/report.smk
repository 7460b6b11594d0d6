rule figures:
    input:
        figure_files(),


rule report:
    input:
        rules.figures.input,
    output:
        html=f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    localrule: True
    params:
        study=STUDY.study,
    message:
        "Report {output.html}"
    run:
        make_report(output.html, log[0])
