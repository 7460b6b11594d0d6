"""Mobility against the number of sites of a ring, and on the infinite chain.

η = 100 cm⁻¹, γ = 50 cm⁻¹ and a weakly coupled chain, η = 30 cm⁻¹, with the same γ; v = 50 cm⁻¹,
300 K, accuracy 1e-2. The band is the infinite chain with its error.
"""

from matplotlib.figure import Figure

import smallpolaron as sp

SIZES = range(3, 13)


def draw() -> Figure:
    """Return the picture."""
    figure = Figure(figsize=(6.2, 3.6), layout="constrained")
    axes = figure.subplots()
    for eta, colour in ((100, "#0072B2"), (30, "#D55E00")):
        chain = sp.Model(
            lattice=sp.Lattice.chain(),
            hopping_cm=50,
            temperature_K=300,
            coupling=sp.Local(sp.Debye(eta_cm=eta, gamma_cm=50)),
        )
        endless = _mobility(chain)
        rings = [_mobility(chain.replace(lattice=sp.Lattice.ring(n))) for n in SIZES]
        low, high = float(endless) - endless.error, float(endless) + endless.error
        axes.axhspan(low, high, color=colour, alpha=0.25, lw=0)
        values, errors = [float(each) for each in rings], [each.error for each in rings]
        axes.errorbar(SIZES, values, errors, fmt="o-", color=colour, label=f"η = {eta} cm⁻¹")
    axes.set(xlabel="sites of the ring", ylabel="mobility (cm² V⁻¹ s⁻¹)")
    axes.legend()
    return figure


def _mobility(model: sp.Model) -> sp.Value:
    return sp.mobility(model, 900, accuracy=1e-2, progress=False).value("mobility")
