# The figures of the anomalous transport paper (arXiv 2024): one rule, one script, one figure each.
# The points are found by the names of the grid blocks in config/anomalous2024.yaml.
STRONG = (6.46, 0.82)  # eta/v, gamma/v of Figs. 1 to 3: eta = 323, gamma = 41 cm^-1
WEAK = (0.6, 0.5)  # of Fig. S5: eta = 30, gamma = 25 cm^-1

SPREADING = ("chains", "wall", "rings", "sizes", "infinite")  # table of regimes
SMALL_CHAIN = 20  # sites of Figs. 2, S3 and S4
PAPER_FIGURES = (
    *("fig1", "fig2", "fig3", "fig4"),
    *("fig_s1", "fig_s2", "fig_s3", "fig_s4", "fig_s5"),
    "verdict",
)


rule anomalous_fig1:
    input:
        mobility=of_points("mobility", named("chains_current")),
        long=of_points("mobility", named("long_current")),
        reference=of_points("mobility", with_bath("infinite", *STRONG)),
        spreading=of_starts("spreading", "chains", (8, 16, 20)),
    output:
        paper_files("fig1"),
    log:
        f"{LOGS}/paper/fig1.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        percent=STUDY.analysis.band_percent,
    message:
        "Anomalous transport paper, Fig. 1"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_fig1"
        " --mobility {input.mobility} --long {input.long} --reference {input.reference}"
        " --spreading {input.spreading}"
        " --band-percent {params.percent} --stem {params.stem} > {log} 2>&1"


rule anomalous_fig2:
    input:
        spreading=of_starts("spreading", "chains", (20, 40))
        + of_starts("spreading", "wall"),
    output:
        paper_files("fig2"),
    log:
        f"{LOGS}/paper/fig2.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        percent=STUDY.analysis.band_percent,
    message:
        "Anomalous transport paper, Fig. 2"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_fig2"
        " --spreading {input.spreading}"
        " --band-percent {params.percent} --stem {params.stem} > {log} 2>&1"


rule anomalous_fig3:
    input:
        rings=of_points("mobility", named("rings_current")),
        infinite=of_points("mobility", with_bath("infinite", *STRONG)),
    output:
        paper_files("fig3"),
    log:
        f"{LOGS}/paper/fig3.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        band=STUDY.analysis.band_paper_units,
    message:
        "Anomalous transport paper, Fig. 3"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_rings"
        " --rings {input.rings} --infinite {input.infinite}"
        " --band-paper-units {params.band} --stem {params.stem} > {log} 2>&1"


rule anomalous_fig4:
    input:
        spreading=of_starts("spreading", "rings"),
        infinite=of_starts("spreading", "infinite"),
        mobility=of_points("mobility", named("infinite")),
    output:
        paper_files("fig4"),
    log:
        f"{LOGS}/paper/fig4.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        percent=STUDY.analysis.band_percent,
    message:
        "Anomalous transport paper, Fig. 4"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_fig4"
        " --spreading {input.spreading} --infinite {input.infinite}"
        " --mobility {input.mobility}"
        " --band-percent {params.percent} --stem {params.stem} > {log} 2>&1"


rule anomalous_fig_s1:
    input:
        correlation=of_points("correlation", named("chains_current")),
        long=of_points("correlation", named("long_current")),
        reference=of_points("mobility", with_bath("infinite", *STRONG)),
    output:
        paper_files("fig_s1"),
    log:
        f"{LOGS}/paper/fig_s1.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
    message:
        "Anomalous transport paper, Fig. S1"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_fig_s1"
        " --correlation {input.correlation} --long {input.long}"
        " --reference {input.reference} --stem {params.stem} > {log} 2>&1"


rule anomalous_fig_s2:
    input:
        spreading=of_starts("spreading", "chains"),
    output:
        paper_files("fig_s2"),
    log:
        f"{LOGS}/paper/fig_s2.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        percent=STUDY.analysis.band_percent,
    message:
        "Anomalous transport paper, Fig. S2"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_fig_s2"
        " --spreading {input.spreading}"
        " --band-percent {params.percent} --stem {params.stem} > {log} 2>&1"


rule anomalous_fig_s3:
    input:
        population=of_starts("population", "chains", (SMALL_CHAIN,)),
    output:
        paper_files("fig_s3"),
    log:
        f"{LOGS}/paper/fig_s3.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
    message:
        "Anomalous transport paper, Fig. S3"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_fig_s3"
        " --population {input.population} --stem {params.stem} > {log} 2>&1"


rule anomalous_fig_s4:
    input:
        population=of_starts("population", "wall", (SMALL_CHAIN,)),
        correlation=of_points("correlation", with_sites("chains_current", SMALL_CHAIN)),
    output:
        paper_files("fig_s4"),
    log:
        f"{LOGS}/paper/fig_s4.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
    message:
        "Anomalous transport paper, Fig. S4"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_fig_s4"
        " --population {input.population} --correlation {input.correlation}"
        " --stem {params.stem} > {log} 2>&1"


rule anomalous_fig_s5:
    input:
        rings=of_points("mobility", named("weak_current")),
        infinite=of_points("mobility", with_bath("infinite", *WEAK)),
    output:
        paper_files("fig_s5"),
    log:
        f"{LOGS}/paper/fig_s5.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        band=STUDY.analysis.band_paper_units,
    message:
        "Anomalous transport paper, Fig. S5"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_rings"
        " --rings {input.rings} --infinite {input.infinite}"
        " --band-paper-units {params.band} --stem {params.stem} > {log} 2>&1"


rule anomalous_verdict:
    input:
        mobility=of_points("mobility", named("infinite")),
        verdict=rules.verdict.output.h5,
    output:
        paper_files("verdict"),
    log:
        f"{LOGS}/paper/verdict.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        stem=stem,
        percent=STUDY.analysis.band_percent,
    message:
        "Anomalous transport paper: sizes and costs of all methods"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_verdict"
        " --mobility {input.mobility} --verdict {input.verdict}"
        " --band-percent {params.percent} --stem {params.stem} > {log} 2>&1"


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
        "python -m smallpolaron.studies.figures.anomalous_regimes"
        " --spreading {input.spreading}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


# The captions are ancient, as in the Mori paper: drawing a figure again leaves the page as it is.
rule anomalous_page:
    input:
        rings=of_points("mobility", named("rings_current")),
        weak=of_points("mobility", named("weak_current")),
        long=of_points("mobility", named("long_current")),
        infinite=of_points("mobility", named("infinite")),
        chains=of_starts("spreading", "chains"),
        wall=of_starts("spreading", "wall"),
        einstein=of_starts("spreading", "infinite"),
        table=ancient(rules.anomalous_regimes.output.page),
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
        percent=STUDY.analysis.band_percent,
    message:
        "Page of the anomalous transport paper: {output.page}"
    shell:
        "python -m smallpolaron.studies.figures.anomalous_page"
        " --rings {input.rings} --weak {input.weak} --long {input.long}"
        " --infinite {input.infinite} --chains {input.chains} --wall {input.wall}"
        " --einstein {input.einstein} --captions {input.captions}"
        " --band-paper-units {params.band} --band-percent {params.percent}"
        " --numbers {output.numbers} --page {output.page} > {log} 2>&1"


rule anomalous2024:
    input:
        expand(
            f"{PAPER}/{{figure}}.{{suffix}}",
            figure=PAPER_FIGURES,
            suffix=("pdf", "png", "csv", "txt"),
        ),
        rules.anomalous_regimes.output,
        rules.anomalous_page.output,
