"""Mobility of an anisotropic layer, from chains side by side to the square lattice.

Hopping v_x = 50 cm^-1 along x and v_y from 0 to v_x along y, sites 5 angstrom apart, Debye baths
of the sites (eta = 100 cm^-1, gamma = 50 cm^-1), 300 K. The tensor is diagonal: two runs
per ratio, one where the lattice is square. Hops across the chains raise mu_x as well.
Prints mu_x and mu_y by ratio, and last that mu_x of the square lattice is 1.14 times that of the
chain. Draws anisotropy.svg.

    python examples/anisotropy.py        # about 20 s on one core
"""

import argparse
from collections.abc import Sequence

import smallpolaron as sp


def main(
    ratios: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0), accuracy: float = 5e-3
) -> dict[float, tuple[sp.Value, sp.Value]]:
    """Compute, print and draw; returns the mobilities along x and y by ratio, cm^2/(V s)."""
    found = {}
    for ratio in ratios:
        model = sp.Model(
            lattice=sp.Lattice.square(5.0, ratio),
            hopping_cm=50,
            temperature_K=300,
            coupling=sp.Local(sp.Debye(eta_cm=100, gamma_cm=50)),
        )
        tensor = sp.mobility_tensor(model, 400, accuracy=accuracy, progress=False)
        found[ratio] = tensor.along("x"), tensor.along("y")
        if sp.rank() == 0:
            print(f"v_y/v_x = {ratio:g}: mu_x = {found[ratio][0]}, mu_y = {found[ratio][1]}")
    if sp.rank() == 0:
        draw(found)
        first, last = (float(found[ratio][0]) for ratio in (min(ratios), max(ratios)))
        print(f"mu_x from v_y/v_x = {min(ratios):g} to {max(ratios):g}: times {last / first:.3f}")
    return found


def draw(found: dict[float, tuple[sp.Value, sp.Value]]) -> None:
    """Draw both mobilities against the ratio of the hoppings."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(("along x", "along y")):
        values = [pair[place] for pair in found.values()]
        errors = [value.error for value in values]
        axes.errorbar(list(found), list(map(float, values)), errors, marker="o", label=name)
    axes.set(xlabel="v_y / v_x", ylabel="mobility (cm² V⁻¹ s⁻¹)", ylim=(0, None))
    axes.legend()
    figure.savefig("anisotropy.svg")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accuracy", type=float, default=5e-3, help="of C_JJ(t) over C_JJ(0)")
    main(**vars(parser.parse_args()))
