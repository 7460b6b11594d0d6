"""The adaptive basis: its size in the course of a run, and against the number of sites.

Rings with η = 100 cm⁻¹, γ = 50 cm⁻¹, v = 50 cm⁻¹ at 300 K, accuracy 1e-2. Right: elements of
the largest basis of a run, beside those of a fixed hierarchy of depth 4 for the same sites and
exponentials, before any symmetry.
"""

from math import comb

from matplotlib.figure import Figure

import smallpolaron as sp

SIZES = (3, 4, 5, 6, 8, 10, 12)
DEPTH = 4


def draw() -> Figure:
    """Return the picture."""
    model = sp.Model(
        lattice=sp.Lattice.ring(3),
        hopping_cm=50,
        temperature_K=300,
        coupling=sp.Local(sp.Debye(eta_cm=100, gamma_cm=50)),
    )
    runs = {
        n: sp.current_correlation(
            model.replace(lattice=sp.Lattice.ring(n)), 600, accuracy=1e-2, progress=False
        )
        for n in SIZES
    }
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for n in (4, 6, 12):
        run = runs[n]
        left.plot(
            run["convergence/step_time_fs"], run["convergence/basis_size"], label=f"{n} sites"
        )
    left.set(xlabel="t (fs)", ylabel="elements", title="in the course of a run")
    left.legend()
    kept = [run["convergence/n_unknowns"] for run in runs.values()]
    terms = 1 + int(runs[3]["convergence/bath_terms"])
    fixed = [n * n * comb(terms * n + DEPTH, DEPTH) for n in SIZES]
    right.plot(SIZES, fixed, "s--", color="#6E6E6E", label=f"fixed, depth {DEPTH}")
    right.plot(SIZES, kept, "o-", color="#0072B2", label="adaptive")
    right.set(xlabel="sites", ylabel="elements", yscale="log", title="against the number of sites")
    right.legend()
    return figure
