# Only for a study that has no plan yet: begin_run() has brought an older one up to date. Written
# where Snakemake runs, from the study as it has been read and checked there.
rule plan:
    output:
        plan=PLAN,
    log:
        f"{LOGS}/plan.log",
    localrule: True
    message:
        "List of all points of the study"
    run:
        write_plan(Path(output.plan), WHOLE)
        Path(log[0]).write_text(f"wrote {output.plan}\n", encoding="utf-8")
