# The figures and Table 1 of Chem. Sci. 2024, 15, 16715: one rule, one script, one figure each. The
# points are found by the names of the grid blocks in config/mori2024.yaml.
FIGURE_SITES = 6  # Fig. 2: the ring on which the current has converged
FIGURE_BATH = (2, 1)  # Fig. 4: eta/v, gamma/v
PAPER_FIGURES = ("fig1", "fig2", "fig3", "fig4", "fig4_map", "fig5", "fig6")
HELD_OUT = named("held_out")


rule mori_fig1:
    input:
        mobility=of_points("mobility", named("sizes")),
        population_kernel=of_starts("population_kernel", "sizes"),
    output:
        paper_files("fig1"),
    log:
        f"{LOGS}/paper/fig1.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        band=STUDY.analysis.band_paper_units,
    message:
        "Mori paper, Fig. 1"
    shell:
        "python -m smallpolaron.studies.figures.mori_fig1"
        " --mobility {input.mobility} --population-kernel {input.population_kernel}"
        " --band-paper-units {params.band} --stem {params.stem} > {log} 2>&1"


rule mori_fig2:
    input:
        correlation=of_points("correlation", with_sites("sizes", FIGURE_SITES)),
        kernel=of_points("kernel", with_sites("sizes", FIGURE_SITES)),
        mobility=of_points("mobility", with_sites("sizes", FIGURE_SITES)),
    output:
        paper_files("fig2"),
    log:
        f"{LOGS}/paper/fig2.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        band=STUDY.analysis.band_paper_units,
    message:
        "Mori paper, Fig. 2"
    shell:
        "python -m smallpolaron.studies.figures.mori_fig2"
        " --correlation {input.correlation} --kernel {input.kernel}"
        " --mobility {input.mobility}"
        " --band-paper-units {params.band} --stem {params.stem} > {log} 2>&1"


rule mori_fig3:
    input:
        augmented=of_points("augmented", named("map")),
    output:
        paper_files("fig3"),
    log:
        f"{LOGS}/paper/fig3.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        percent=STUDY.analysis.band_percent,
    message:
        "Mori paper, Fig. 3"
    shell:
        "python -m smallpolaron.studies.figures.mori_fig3 --augmented {input.augmented}"
        " --band-percent {params.percent} --stem {params.stem} > {log} 2>&1"


rule mori_fig4:
    input:
        models=of_points("conductivity_models", with_bath("map", *FIGURE_BATH)),
    output:
        paper_files("fig4"),
    log:
        f"{LOGS}/paper/fig4.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
    message:
        "Mori paper, Fig. 4"
    shell:
        "python -m smallpolaron.studies.figures.mori_fig4"
        " --conductivity-models {input.models} --stem {params.stem} > {log} 2>&1"


rule mori_fig4_map:
    input:
        models=of_points("conductivity_models", named("map")),
    output:
        paper_files("fig4_map"),
    log:
        f"{LOGS}/paper/fig4_map.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
    message:
        "Drude-Smith over the map of the Mori paper"
    shell:
        "python -m smallpolaron.studies.figures.mori_fig4_map"
        " --conductivity-models {input.models} --stem {params.stem} > {log} 2>&1"


rule mori_fig5:
    input:
        moments=of_points("moments", named("map")),
    output:
        paper_files("fig5"),
    log:
        f"{LOGS}/paper/fig5.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
    message:
        "Mori paper, Fig. 5"
    shell:
        "python -m smallpolaron.studies.figures.mori_fig5"
        " --moments {input.moments} --stem {params.stem} > {log} 2>&1"


rule mori_inverse:
    input:
        moments=of_points("moments", named("map") + HELD_OUT),
        mobility=of_points("mobility", named("map") + HELD_OUT),
        kernel=of_points("kernel", named("map") + HELD_OUT),
    output:
        h5=f"{PAPER}/inverse.h5",
        suggestion=f"{PAPER}/next_points.yaml",
    log:
        f"{LOGS}/paper/inverse.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        numerics=NUMERICS_VERSION,
        point=HELD_OUT[0].id,
    message:
        "Emulators over the map, and the held-out point found back"
    shell:
        "python -m smallpolaron inverse --moments {input.moments}"
        " --mobility {input.mobility} --kernel {input.kernel} --held-out {params.point}"
        " --output {output.h5} --suggestion {output.suggestion} > {log} 2>&1"


rule mori_fig6:
    input:
        moments=of_points("moments", named("map")),
        inverse=rules.mori_inverse.output.h5,
    output:
        paper_files("fig6"),
    log:
        f"{LOGS}/paper/fig6.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
    message:
        "Mori paper, Fig. 6"
    shell:
        "python -m smallpolaron.studies.figures.mori_fig6 --moments {input.moments}"
        " --inverse {input.inverse} --stem {params.stem} > {log} 2>&1"


rule mori_table1:
    input:
        mobility=of_points("mobility", named("sizes")),
        kernel=of_points("kernel", named("sizes")),
        population_kernel=of_starts("population_kernel", "sizes"),
    output:
        numbers=f"{PAPER}/table1.csv",
        page=f"{PAPER}/table1.html",
    log:
        f"{LOGS}/paper/table1.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        benchmarks=BENCHMARKS,
        band=STUDY.analysis.band_paper_units,
    message:
        "Mori paper, Table 1"
    shell:
        "python -m smallpolaron.studies.figures.mori_table1"
        " --mobility {input.mobility} --kernel {input.kernel}"
        " --population-kernel {input.population_kernel}"
        " --benchmarks {params.benchmarks} --band-paper-units {params.band}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


# The captions are ancient: a figure that is drawn again with the same numbers leaves the page as
# it is, which shows the figure itself.
rule mori_page:
    input:
        mobility=rules.mori_table1.input.mobility,
        kernel=rules.mori_table1.input.kernel,
        population_kernel=rules.mori_table1.input.population_kernel,
        models=rules.mori_fig4.input.models,
        held_out=of_points("moments", HELD_OUT),
        inverse=rules.mori_inverse.output.h5,
        table=ancient(rules.mori_table1.output.page),
        captions=ancient(expand(f"{PAPER}/{{figure}}.txt", figure=PAPER_FIGURES)),
    output:
        page=f"{PAPER}/index.html",
        numbers=f"{PAPER}/comparison.csv",
    log:
        f"{LOGS}/paper/page.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        band=STUDY.analysis.band_paper_units,
    message:
        "Page of the Mori paper: {output.page}"
    shell:
        "python -m smallpolaron.studies.figures.mori_page"
        " --mobility {input.mobility} --kernel {input.kernel}"
        " --population-kernel {input.population_kernel}"
        " --conductivity-models {input.models} --moments {input.held_out}"
        " --inverse {input.inverse} --captions {input.captions}"
        " --band-paper-units {params.band}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


rule mori2024:
    input:
        expand(
            f"{PAPER}/{{figure}}.{{suffix}}",
            figure=PAPER_FIGURES,
            suffix=("pdf", "png", "csv", "txt"),
        ),
        rules.mori_table1.output,
        rules.mori_page.output,
        rules.mori_inverse.output,
