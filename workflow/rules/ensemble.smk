# Disordered ensembles: averages over members, which are ordinary points with jobs of their own.


rule ensemble:
    input:
        members=members_of,
        plan=PLAN,
    output:
        h5=f"{RESULTS}/ensemble/{{ensemble_run}}.h5",
    log:
        f"{LOGS}/ensemble/{{ensemble_run}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
        name=lambda wildcards: ENSEMBLE_RUNS[wildcards.ensemble_run][0].name,
        protocol=lambda wildcards: ENSEMBLE_RUNS[wildcards.ensemble_run][1],
    message:
        "Averages over {wildcards.ensemble_run}"
    shell:
        "python -m smallpolaron ensemble --plan {input.plan} --name {params.name}"
        " --protocol {params.protocol} --output {output.h5} > {log} 2>&1"


# Compute all ensembles and nothing else.
rule ensembles:
    input:
        ENSEMBLE_FILES,
