# Finite-size ladders: rings or chains of growing size, computed one after another until D has
# converged. After every size a checkpoint decides whether to climb on. A new plan makes the decisions
# anew: they take seconds, and the tolerance or the sizes may have changed.


checkpoint rung:
    input:
        mobility=rungs_up_to,
        plan=PLAN,
    output:
        json=f"{RESULTS}/ladder/{{ladder}}/{{size}}.json",
    log:
        f"{LOGS}/ladder/{{ladder}}/{{size}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        settings=STUDY.ladder.model_dump(),
    message:
        "Whether {wildcards.ladder} has converged by N = {wildcards.size}"
    shell:
        "python -m smallpolaron climb --plan {input.plan} --name {wildcards.ladder}"
        " --mobility {input.mobility} --output {output.json} > {log} 2>&1"


rule ladder:
    input:
        mobility=rungs_climbed,
        infinite_ring=infinite_ring,
        plan=PLAN,
    output:
        h5=f"{RESULTS}/ladder/{{ladder}}.h5",
    log:
        f"{LOGS}/ladder/{{ladder}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        settings=STUDY.ladder.model_dump(),
        files=options_of,
    message:
        "Limit of infinitely many sites of {wildcards.ladder}"
    shell:
        "python -m smallpolaron ladder --plan {input.plan} --name {wildcards.ladder}"
        " {params.files} --output {output.h5} > {log} 2>&1"


# Compute all ladders and nothing else. (With --until Snakemake stops after one size.)
rule ladders:
    input:
        LADDER_FILES,
