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


rule conductivity_models:
    input:
        mobility=f"{RESULTS}/mobility/{{point}}.h5",
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/conductivity_models/{{point}}.h5",
    log:
        f"{LOGS}/conductivity_models/{{point}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
    message:
        "Conductivity models of {wildcards.point}"
    shell:
        "python -m smallpolaron conductivity-models --plan {input.plan}"
        " --mobility {input.mobility} --output {output.h5} > {log} 2>&1"


rule augmented:
    input:
        correlation=f"{RESULTS}/correlation/{{point}}.h5",
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/augmented/{{point}}.h5",
    log:
        f"{LOGS}/augmented/{{point}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
    message:
        "Memory kernels of {wildcards.point} with derivatives of the current"
    shell:
        "python -m smallpolaron augmented --plan {input.plan}"
        " --correlation {input.correlation} --output {output.h5} > {log} 2>&1"


rule population_kernel:
    input:
        population=populations_of_kernel,
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/population_kernel/{{point}}__{{start}}.h5",
    log:
        f"{LOGS}/population_kernel/{{point}}__{{start}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
        start_site=lambda wildcards: POINTS_AND_RUNGS[wildcards.point].parameters[
            "start_site"
        ],
    message:
        "Population memory kernel of {wildcards.point}, {wildcards.start}"
    shell:
        "python -m smallpolaron population-kernel --plan {input.plan}"
        " --population {input.population} --start-site {params.start_site}"
        " --output {output.h5} > {log} 2>&1"


rule spreading:
    input:
        population=f"{RESULTS}/population/{{point}}__{{start}}.h5",
        partner=other_start,
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/spreading/{{point}}__{{start}}.h5",
    log:
        f"{LOGS}/spreading/{{point}}__{{start}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
    message:
        "Spreading of {wildcards.point}, {wildcards.start}"
    shell:
        "python -m smallpolaron spreading --plan {input.plan}"
        " --population {input.population} --partner {input.partner}"
        " --output {output.h5} > {log} 2>&1"


rule moments:
    input:
        mobility=f"{RESULTS}/mobility/{{point}}.h5",
        plan=ancient(PLAN),
    output:
        h5=f"{RESULTS}/moments/{{point}}.h5",
    log:
        f"{LOGS}/moments/{{point}}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        criteria=ANALYSIS,
    message:
        "Kernel moments of {wildcards.point}"
    shell:
        "python -m smallpolaron moments --plan {input.plan}"
        " --mobility {input.mobility} --output {output.h5} > {log} 2>&1"


rule tables:
    input:
        plan=PLAN,
        results=all_results,
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
