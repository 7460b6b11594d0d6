# Seconds each: run where Snakemake runs, also on a cluster.


rule kernel:
    input:
        correlation=f"{RESULTS}/correlation/{{point}}.h5",
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/kernel/{{point}}.h5",
    log:
        f"{LOGS}/kernel/{{point}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
    message:
        "Memory kernel of {wildcards.point}"
    shell:
        "python -m smallpolaron kernel --plan {input.plan}"
        " --correlation {input.correlation} --output {output.h5} > {log} 2>&1"


rule mobility:
    input:
        correlation=f"{RESULTS}/correlation/{{point}}.h5",
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/mobility/{{point}}.h5",
    log:
        f"{LOGS}/mobility/{{point}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
    message:
        "Mobility of {wildcards.point}"
    shell:
        "python -m smallpolaron mobility --plan {input.plan}"
        " --correlation {input.correlation} --output {output.h5} > {log} 2>&1"


rule drude_smith:
    input:
        mobility=f"{RESULTS}/mobility/{{point}}.h5",
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/drude_smith/{{point}}.h5",
    log:
        f"{LOGS}/drude_smith/{{point}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
    message:
        "Drude-Smith fit of {wildcards.point}"
    shell:
        "python -m smallpolaron drude-smith --plan {input.plan}"
        " --mobility {input.mobility} --output {output.h5} > {log} 2>&1"


rule tables:
    input:
        plan=PLAN,
        results=all_results(),
    output:
        points=f"{TABLES}/points.csv",
        quality=f"{TABLES}/quality.csv",
        finite_size=f"{TABLES}/finite_size.csv",
    log:
        f"{LOGS}/tables.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        criteria=ANALYSIS,
    message:
        "Tables of the study"
    shell:
        "python -m smallpolaron tables --plan {input.plan} --output-folder $(dirname {output.points})"
        " > {log} 2>&1"
