rule plan:
    output:
        plan=PLAN,
    log:
        f"{LOGS}/plan.log",
    localrule: True
    params:
        content=plan_text(),
    message:
        "List of all points of the study"
    run:
        write_plan(Path(output.plan), STUDY)
