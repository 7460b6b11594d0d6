# What the study will take, before any of it is submitted: docs/cost.md.


rule cost:
    log:
        f"{LOGS}/cost.log",
    localrule: True
    message:
        "What the jobs of the study will take"
    run:
        tell_cost(Path(log[0]))
