# The figures and Table 1 of Chem. Sci. 2024, 15, 16715. The points are found by the names of the
# grid blocks in study.yaml.
PREFIX, TITLE = "mori", "Mori paper"
SIZES, MAP, HELD_OUT = named("sizes"), named("map"), named("held_out")
CONVERGED_SIZE = with_sites(
    "sizes", 6
)  # Fig. 2: the ring on which the current has converged
FIGURE_BATH = (2, 1)  # Fig. 4: eta/v, gamma/v

FIGURES = {
    "fig1": (
        "fig1",
        BAND,
        {
            "mobility": of_points("mobility", SIZES),
            "population_kernel": of_starts("population_kernel", "sizes"),
        },
    ),
    "fig2": (
        "fig2",
        BAND,
        {
            kind: of_points(kind, CONVERGED_SIZE)
            for kind in ("correlation", "kernel", "mobility")
        },
    ),
    "fig3": ("fig3", PERCENT, {"augmented": of_points("augmented", MAP)}),
    "fig4": (
        "fig4",
        "",
        {
            "conductivity_models": of_points(
                "conductivity_models", with_bath("map", *FIGURE_BATH)
            )
        },
    ),
    "fig4_map": (
        "fig4_map",
        "",
        {"conductivity_models": of_points("conductivity_models", MAP)},
    ),
    "fig5": ("fig5", "", {"moments": of_points("moments", MAP)}),
    "fig6": (
        "fig6",
        "",
        {"moments": of_points("moments", MAP), "inverse": f"{PAPER}/inverse.h5"},
    ),
}


rule mori_inverse:
    input:
        moments=of_points("moments", MAP + HELD_OUT),
        mobility=of_points("mobility", MAP + HELD_OUT),
        kernel=of_points("kernel", MAP + HELD_OUT),
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
        files=options_of,
        point=HELD_OUT[0].id,
    message:
        "Emulators over the map, and the held-out point found back"
    shell:
        "python -m smallpolaron inverse {params.files} --held-out {params.point}"
        " --output {output.h5} --suggestion {output.suggestion} > {log} 2>&1"


rule mori_table1:
    input:
        mobility=of_points("mobility", SIZES),
        kernel=of_points("kernel", SIZES),
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
        files=options_of,
        benchmarks=BENCHMARKS,
        band=BAND,
    message:
        "Mori paper, Table 1"
    shell:
        "python -m papers mori2024.table1 {params.files}"
        " --benchmarks {params.benchmarks} {params.band}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


# The captions are ancient: a figure that is drawn again with the same numbers leaves the page as
# it is, which shows the figure itself.
rule mori_page:
    input:
        mobility=rules.mori_table1.input.mobility,
        kernel=rules.mori_table1.input.kernel,
        population_kernel=rules.mori_table1.input.population_kernel,
        conductivity_models=FIGURES["fig4"][2]["conductivity_models"],
        moments=of_points("moments", HELD_OUT),
        inverse=rules.mori_inverse.output.h5,
        captions=ancient(expand(f"{PAPER}/{{figure}}.txt", figure=FIGURES)),
        table=ancient(rules.mori_table1.output.page),
    output:
        page=f"{PAPER}/index.html",
        numbers=f"{PAPER}/comparison.csv",
    log:
        f"{LOGS}/paper/page.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        files=options_of,
        band=BAND,
    message:
        "Page of the Mori paper: {output.page}"
    shell:
        "python -m papers mori2024.page {params.files} {params.band}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


PAGES = [
    *rules.mori_table1.output,
    *rules.mori_page.output,
    *rules.mori_inverse.output,
]
