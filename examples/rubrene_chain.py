"""Mobility along a molecular chain whose hopping fluctuates, with what the vibrations assist.

Molecules 7.2 angstrom apart, as in rubrene, with a hopping of 20 meV (161.3 cm^-1). On every bond a
mode of 150 cm^-1, damped by 150 cm^-1, modulates the hopping (Peierls coupling) with a thermal
width of 50 cm^-1 at 300 K. The current has a part that these modes assist: C_JJ(0) is larger than
that of the hopping alone by 2 a^2 times the variance of the hopping. The warmer, the wider the
fluctuations: the mobility falls with temperature. The slow, wide modes of rubrene itself (50 cm^-1,
half of the hopping) are out of reach; docs/decisions/0029-couplings.md.

Takes about half a minute. Prints a line per temperature (31.8 ± 0.5 at 250 K, 18.6 ± 0.4 at 350 K)
and last the mobility at 300 K: 24.1 ± 0.5 cm^2/(V s).
"""

import numpy as np

import smallpolaron as sp

MODE_CM, WIDTH_CM, THERMAL_CM = 150.0, 50.0, 208.5  # w0; width at 300 K; k_B 300 K


def main(temperatures_K=(250, 300, 350), accuracy=1e-2, duration_fs=500.0):
    """Return the mobility at every temperature, cm^2/(V s)."""
    eta = 2 * WIDTH_CM**2 * np.tanh(MODE_CM / (2 * THERMAL_CM)) / MODE_CM
    mode = sp.Brownian(eta_cm=eta, gamma_cm=150, frequency_cm=MODE_CM)
    found = {}
    for temperature in temperatures_K:
        model = sp.Model(
            lattice=sp.Lattice.chain(spacing_A=7.2, window=55),
            hopping_cm=161.3,
            temperature_K=temperature,
            coupling=sp.Bond(mode),
        )
        run = sp.current_correlation(model, duration_fs, accuracy=accuracy, progress=False)
        found[temperature] = run.mobility().value("mobility")
        start = run["C_JJ"][0].real
        print(f"{temperature} K: mobility {found[temperature]}, C_JJ(0) {start:.4f} Å² fs⁻²")
    return found


if __name__ == "__main__":
    print(main()[300])
