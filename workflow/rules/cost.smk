# What the study will take, before any of it is submitted: docs/cost.md.


rule cost:
    log:
        f"{LOGS}/cost.log",
    localrule: True
    message:
        "What the jobs of the study will take"
    run:
        lines = list(bill_lines(STUDY.study, bill(STUDY, all_jobs(STUDY))))
        print("\n".join(lines))
        Path(log[0]).write_text("\n".join(lines) + "\n", encoding="utf-8")
