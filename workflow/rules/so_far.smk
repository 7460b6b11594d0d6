# Tables, figures and report of what there is of a study: when jobs have failed, and on request.
# Two runs within this one, with the rules of the MPI jobs left out: the first makes what follows
# from the results of those jobs, the second shows what has been made.


if SO_FAR:
    # for the first page of the report
    config["missing"] = absences(WHOLE, Path(RESULTS))

    rule derived:
        input:
            all_results,

else:

    rule so_far:
        input:
            PLAN,
        log:
            f"{LOGS}/so_far.log",
        localrule: True
        message:
            f"Tables, figures and report of what there is: {RESULTS}/report.html"
        run:
            if not show_finished(nested_command, Path(log[0])):
                sys.exit(f"Not all of it could be made, see {log[0]}")
