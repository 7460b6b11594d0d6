# One figure, one rule, one file; beside each picture a CSV with the numbers drawn.


rule figure_current:
    input:
        correlation=files_of("correlation"),
        mobility=files_of("mobility"),
    output:
        figure=report(
            f"{FIGURES}/{{system}}/current.svg",
            caption="../report/current.rst",
            category="Figures by system",
            subcategory=system_title,
            labels=labels("current autocorrelation C_JJ"),
        ),
        numbers=f"{FIGURES}/{{system}}/current.csv",
    log:
        f"{LOGS}/figures/{{system}}/current.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        about=about,
    message:
        "Figure current of {wildcards.system}"
    shell:
        "python -m smallpolaron.studies.figures.current"
        " --correlation {input.correlation} --mobility {input.mobility}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule figure_memory_kernel:
    input:
        kernel=files_of("kernel"),
    output:
        figure=report(
            f"{FIGURES}/{{system}}/memory_kernel.svg",
            caption="../report/memory_kernel.rst",
            category="Figures by system",
            subcategory=system_title,
            labels=labels("memory kernel"),
        ),
        numbers=f"{FIGURES}/{{system}}/memory_kernel.csv",
    log:
        f"{LOGS}/figures/{{system}}/memory_kernel.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        about=about,
    message:
        "Figure memory_kernel of {wildcards.system}"
    shell:
        "python -m smallpolaron.studies.figures.memory_kernel"
        " --kernel {input.kernel}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule figure_cutoff:
    input:
        kernel=files_of("kernel"),
        mobility=files_of("mobility"),
    output:
        figure=report(
            f"{FIGURES}/{{system}}/cutoff.svg",
            caption="../report/cutoff.rst",
            category="Figures by system",
            subcategory=system_title,
            labels=labels("mobility against cutoff time"),
        ),
        numbers=f"{FIGURES}/{{system}}/cutoff.csv",
    log:
        f"{LOGS}/figures/{{system}}/cutoff.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        about=about,
        band=STUDY.analysis.band_paper_units,
    message:
        "Figure cutoff of {wildcards.system}"
    shell:
        "python -m smallpolaron.studies.figures.cutoff"
        " --kernel {input.kernel} --mobility {input.mobility}"
        " --band-paper-units {params.band}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule figure_finite_size:
    input:
        mobility=files_of("mobility"),
    output:
        figure=report(
            f"{FIGURES}/{{system}}/finite_size.svg",
            caption="../report/finite_size.rst",
            category="Figures by system",
            subcategory=system_title,
            labels=labels("finite-size convergence"),
        ),
        numbers=f"{FIGURES}/{{system}}/finite_size.csv",
    log:
        f"{LOGS}/figures/{{system}}/finite_size.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        about=about,
        band=STUDY.analysis.band_paper_units,
        percent=STUDY.analysis.band_percent,
    message:
        "Figure finite_size of {wildcards.system}"
    shell:
        "python -m smallpolaron.studies.figures.finite_size"
        " --mobility {input.mobility}"
        " --band-paper-units {params.band}"
        " --band-percent {params.percent}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule figure_drude_smith:
    input:
        drude_smith=files_of("drude_smith"),
        mobility=files_of("mobility"),
    output:
        figure=report(
            f"{FIGURES}/{{system}}/drude_smith.svg",
            caption="../report/drude_smith.rst",
            category="Figures by system",
            subcategory=system_title,
            labels=labels("Drude–Smith comparison"),
        ),
        numbers=f"{FIGURES}/{{system}}/drude_smith.csv",
    log:
        f"{LOGS}/figures/{{system}}/drude_smith.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        about=about,
    message:
        "Figure drude_smith of {wildcards.system}"
    shell:
        "python -m smallpolaron.studies.figures.drude_smith"
        " --drude-smith {input.drude_smith} --mobility {input.mobility}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule figure_conductivity:
    input:
        mobility=files_of("mobility"),
    output:
        figure=report(
            f"{FIGURES}/{{system}}/conductivity.svg",
            caption="../report/conductivity.rst",
            category="Figures by system",
            subcategory=system_title,
            labels=labels("AC conductivity"),
        ),
        numbers=f"{FIGURES}/{{system}}/conductivity.csv",
    log:
        f"{LOGS}/figures/{{system}}/conductivity.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        about=about,
    message:
        "Figure conductivity of {wildcards.system}"
    shell:
        "python -m smallpolaron.studies.figures.conductivity"
        " --mobility {input.mobility}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule figure_displacement:
    input:
        population=population_files_of,
    output:
        figure=report(
            f"{FIGURES}/{{system}}/displacement.svg",
            caption="../report/displacement.rst",
            category="Figures by system",
            subcategory=system_title,
            labels=labels("mean-squared displacement"),
        ),
        numbers=f"{FIGURES}/{{system}}/displacement.csv",
    log:
        f"{LOGS}/figures/{{system}}/displacement.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        about=about,
    message:
        "Figure displacement of {wildcards.system}"
    shell:
        "python -m smallpolaron.studies.figures.displacement"
        " --population {input.population}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule quality:
    input:
        plan=PLAN,
        results=all_results,
    output:
        figure=report(
            f"{FIGURES}/quality.html",
            caption="../report/quality.rst",
            category="Summary",
            labels={"result": "quality gates of every run"},
        ),
        numbers=f"{FIGURES}/quality.csv",
    log:
        f"{LOGS}/quality.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    message:
        "Table of the quality gates"
    shell:
        "python -m smallpolaron.studies.figures.quality --plan {input.plan}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"


rule comparison:
    input:
        plan=PLAN,
        results=all_results,
    output:
        figure=report(
            f"{FIGURES}/comparison.html",
            caption="../report/comparison.rst",
            category="Summary",
            labels={"result": "numbers printed in the papers"},
        ),
        numbers=f"{FIGURES}/comparison.csv",
    log:
        f"{LOGS}/comparison.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    message:
        "Table of numbers printed in the papers"
    shell:
        "python -m papers.shared.comparison --plan {input.plan}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"
