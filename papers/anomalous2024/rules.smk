# The figures of the anomalous transport paper (arXiv 2024). The points are found by the names of
# the grid blocks in study.yaml.
PREFIX, TITLE = "anomalous", "Anomalous transport paper"
STRONG = (6.46, 0.82)  # eta/v, gamma/v of Figs. 1 to 3: eta = 323, gamma = 41 cm^-1
WEAK = (0.6, 0.5)  # of Fig. S5: eta = 30, gamma = 25 cm^-1
SMALL_CHAIN = 20  # sites of Figs. 2, S3 and S4
SPREADING = ("chains", "wall", "rings", "sizes", "infinite")  # table of regimes
CHAINS, LONG = named("chains_current"), named("long_current")
STRONG_INFINITE = of_points("mobility", with_bath("infinite", *STRONG))
INFINITE = of_points("mobility", named("infinite"))

FIGURES = {
    "fig1": (
        "fig1",
        PERCENT,
        {
            "mobility": of_points("mobility", CHAINS),
            "long": of_points("mobility", LONG),
            "reference": STRONG_INFINITE,
            "spreading": of_starts("spreading", "chains", (8, 16, 20)),
        },
    ),
    "fig2": (
        "fig2",
        PERCENT,
        {
            "spreading": of_starts("spreading", "chains", (20, 40))
            + of_starts("spreading", "wall")
        },
    ),
    "fig3": (
        "rings",
        BAND,
        {
            "rings": of_points("mobility", named("rings_current")),
            "infinite": STRONG_INFINITE,
        },
    ),
    "fig4": (
        "fig4",
        PERCENT,
        {
            "spreading": of_starts("spreading", "rings"),
            "infinite": of_starts("spreading", "infinite"),
            "mobility": INFINITE,
        },
    ),
    "fig_s1": (
        "fig_s1",
        "",
        {
            "correlation": of_points("correlation", CHAINS),
            "long": of_points("correlation", LONG),
            "reference": STRONG_INFINITE,
        },
    ),
    "fig_s2": ("fig_s2", PERCENT, {"spreading": of_starts("spreading", "chains")}),
    "fig_s3": (
        "fig_s3",
        "",
        {"population": of_starts("population", "chains", (SMALL_CHAIN,))},
    ),
    "fig_s4": (
        "fig_s4",
        "",
        {
            "population": of_starts("population", "wall", (SMALL_CHAIN,)),
            "correlation": of_points(
                "correlation", with_sites("chains_current", SMALL_CHAIN)
            ),
        },
    ),
    "fig_s5": (
        "rings",
        BAND,
        {
            "rings": of_points("mobility", named("weak_current")),
            "infinite": of_points("mobility", with_bath("infinite", *WEAK)),
        },
    ),
    "verdict": (
        "verdict.figure",
        PERCENT,
        {"mobility": INFINITE, "verdict": f"{TABLES}/verdict.h5"},
    ),
}


rule anomalous_regimes:
    input:
        spreading=[path for name in SPREADING for path in of_starts("spreading", name)],
    output:
        numbers=f"{PAPER}/regimes.csv",
        page=f"{PAPER}/regimes.html",
    log:
        f"{LOGS}/paper/regimes.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    message:
        "Regimes of all runs of populations: {output.page}"
    shell:
        "python -m papers anomalous2024.regimes --spreading {input.spreading}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


# The captions are ancient, as in the Mori paper: drawing a figure again leaves the page as it is.
rule anomalous_page:
    input:
        rings=of_points("mobility", named("rings_current")),
        weak=of_points("mobility", named("weak_current")),
        long=of_points("mobility", LONG),
        infinite=INFINITE,
        chains=of_starts("spreading", "chains"),
        wall=of_starts("spreading", "wall"),
        einstein=of_starts("spreading", "infinite"),
        captions=ancient(expand(f"{PAPER}/{{figure}}.txt", figure=FIGURES)),
        table=ancient(rules.anomalous_regimes.output.page),
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
        criteria=f"{BAND} {PERCENT}",
    message:
        "Page of the anomalous transport paper: {output.page}"
    shell:
        "python -m papers anomalous2024.page {params.files} {params.criteria}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


PAGES = [*rules.anomalous_regimes.output, *rules.anomalous_page.output]
