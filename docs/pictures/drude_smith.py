"""An exact correlation function and its Drude–Smith fit, in time and in frequency.

Infinite chain with η = 100 cm⁻¹, γ = 50 cm⁻¹, v = 50 cm⁻¹ at 300 K. The fit has the freedom to
choose c and k; it takes what it can from the negative part, and misses the mobility at ω = 0.
"""

import numpy as np
from matplotlib.figure import Figure

import smallpolaron as sp

THZ = 1e3 / (2 * np.pi)  # per rad/fs


def draw() -> Figure:
    """Return the picture."""
    model = sp.Model(
        lattice=sp.Lattice.chain(),
        hopping_cm=50,
        temperature_K=300,
        coupling=sp.Local(sp.Debye(eta_cm=100, gamma_cm=50)),
    )
    run = sp.current_correlation(model, 600, accuracy=3e-3, progress=False)
    exact, fit = run.mobility(), run.drude_smith()
    c, k = fit["c"], fit["k"]
    f_THz = exact.omega * THZ
    inside = (f_THz >= 0) & (f_THz <= 8)
    fitted = (1 + c * k / (k - 1j * exact.omega)) / (k - 1j * exact.omega)
    scale = exact["C_kubo"][0] * exact["mobility"] / exact["D"]

    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(exact.time_fs, exact.C_kubo.real / exact.C_kubo[0].real, label="exact")
    left.plot(fit.time_fs, fit.fit, "--", label=f"fit: c = {c:.2f}, 1/k = {1 / k:.0f} fs")
    left.set(xlim=(0, 350), xlabel="t (fs)", ylabel="C(t)/C(0), Kubo transform")
    left.axhline(0, color="#999999", lw=0.6)
    left.legend()
    right.plot(f_THz[inside], exact.mobility_ac.real[inside], label="exact")
    right.plot(f_THz[inside], np.real(scale * fitted)[inside], "--", label="fit")
    right.set(xlabel="frequency (THz)", ylabel="Re μ(ω) (cm² V⁻¹ s⁻¹)", ylim=(0, None))
    right.legend()
    return figure
