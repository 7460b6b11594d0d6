#!/bin/sh
# Prints what became of a PBS job, as Snakemake wants it: running, success or failed.
answer=$(qstat -x -f "$1" 2>&1)
state=$(printf '%s\n' "$answer" | sed -n 's/^ *job_state = //p')
code=$(printf '%s\n' "$answer" | sed -n 's/^ *Exit_status = //p')
case "$state/$code/$answer" in
    F/0/*) echo success ;;
    F/*) echo failed ;;
    # Forgotten by a server without history: Snakemake looks for the result, which a job writes
    # last and whole.
    *[Uu]"nknown Job"*) echo success ;;
    *) echo running ;;
esac
