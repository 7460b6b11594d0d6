"""Temperature scan of a strongly coupled chain, as an Arrhenius plot (arrhenius.svg).

With a coupling far above the hopping the carrier hops: ln(mu T^(3/2)) falls on a line in 1/T whose
slope is the activation energy, about eta/4 - v in Marcus theory. Prints the table (0.0039 to 0.0045
cm²/(V s), largest near 300 K because of the factor T^(-3/2)) and the activation energy: 328 cm⁻¹,
where eta/4 - v is 355 cm⁻¹.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt

import smallpolaron as sp

KB_CM = 0.695035  # Boltzmann constant, cm^-1 per K


def main(
    temperatures_K: Sequence[float] = (250, 300, 350, 400, 500), duration_fs: float = 500.0
) -> float:
    cold = sp.Model(
        lattice=sp.Lattice.ring(4),
        hopping_cm=20,
        temperature_K=300,
        coupling=sp.Local(sp.Debye(eta_cm=1500, gamma_cm=100)),
    )
    runs = [
        sp.mobility(cold.replace(temperature_K=T), duration_fs, accuracy=1e-3, progress=False)
        for T in temperatures_K
    ]
    table = sp.collect(runs)
    print(table[["temperature_K", "mobility", "mobility_error", "flagged"]])
    T, mu = table["temperature_K"], table["mobility"]
    slope, offset = np.polyfit(1 / T, np.log(mu * T**1.5), 1)
    activation_cm = -slope * KB_CM
    print(f"activation energy {activation_cm:.0f} cm⁻¹")

    figure, axes = plt.subplots()
    axes.errorbar(1000 / T, mu * T**1.5, yerr=table["mobility_error"] * T**1.5, fmt="o")
    label = f"$E_a$ = {activation_cm:.0f} cm$^{{-1}}$"
    axes.plot(1000 / T, np.exp(offset + slope / T), label=label)
    axes.set(xlabel="1000 K / T", ylabel=r"$\mu\,T^{3/2}$", yscale="log")
    axes.legend()
    figure.savefig("arrhenius.svg")
    plt.close(figure)
    return float(activation_cm)


if __name__ == "__main__":
    main()
