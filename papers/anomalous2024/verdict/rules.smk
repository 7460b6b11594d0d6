# Equilibrium against non-equilibrium: which method gives the diffusion constant where, at what cost.
# Of any study, not part of its report: ask for it with `snakemake verdict`.


rule verdict:
    input:
        plan=PLAN,
        results=verdict_inputs,
    output:
        h5=f"{TABLES}/verdict.h5",
        table=f"{TABLES}/verdict.csv",
        page=f"{TABLES}/verdict.html",
    log:
        f"{LOGS}/verdict.log",
    localrule: True
    conda:
        "../../../envs/analysis.yaml"
    params:
        criteria=ANALYSIS,
    message:
        "Equilibrium against non-equilibrium: {output.page}"
    shell:
        "python -m papers anomalous2024.verdict.table --plan {input.plan} --output {output.h5}"
        " --table {output.table} --page {output.page} > {log} 2>&1"
