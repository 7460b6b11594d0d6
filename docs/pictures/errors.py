"""Estimated against true errors of D, for several accuracies.

Ring of six sites, η = 200 cm⁻¹, γ = 100 cm⁻¹, v = 50 cm⁻¹, 300 K. Bars: the estimate, by
source. Circles: how far D is from that of a run at accuracy 2e-4.
"""

from matplotlib.figure import Figure

import smallpolaron as sp

ACCURACIES = (2e-2, 1e-2, 5e-3, 2e-3)
REFERENCE = 2e-4
COLOURS = ("#0072B2", "#56B4E9", "#E69F00", "#009E73", "#CC79A7")


def draw() -> Figure:
    """Return the picture."""
    model = sp.Model(
        lattice=sp.Lattice.ring(6),
        hopping_cm=50,
        temperature_K=300,
        coupling=sp.Local(sp.Debye(eta_cm=200, gamma_cm=100)),
    )
    runs = [
        sp.current_correlation(model, 400, accuracy=each, progress=False)
        for each in (*ACCURACIES, REFERENCE)
    ]
    exact = runs.pop().mobility()["D"]
    figure = Figure(figsize=(6.2, 3.6), layout="constrained")
    axes = figure.subplots()
    below = [0.0] * len(runs)
    sources = [name for name in runs[0].errors("D") if name != "total"]
    for source, colour in zip(sources, COLOURS, strict=False):
        parts = [run.errors("D")[source] / exact for run in runs]
        axes.bar(range(len(runs)), parts, bottom=below, color=colour, label=source)
        below = [a + b for a, b in zip(below, parts, strict=True)]
    true = [abs(run.mobility()["D"] / exact - 1) for run in runs]
    axes.plot(range(len(runs)), true, "o", color="black", label="true")
    axes.set_xticks(range(len(runs)), [f"{each:g}" for each in ACCURACIES])
    axes.set(xlabel="accuracy asked for", ylabel="relative error of D")
    axes.legend(ncols=2, fontsize="small")
    return figure
