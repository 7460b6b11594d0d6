rule plan:
    output:
        plan=PLAN,
    log:
        f"{LOGS}/plan.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        content=STUDY.content(),
    message:
        "List of all points of the study"
    script:
        "../scripts/write_plan.py"
