"""The same analyses of data of one's own: C(t) from any program, sigma(omega) from a measurement.

C(t) here is that of a damped oscillation with a known integral, sigma a Drude-Smith conductivity
(c = -0.7, tau = 100 fs) with 1 % noise. Prints the mobility, D of the memory kernel and what the
fit finds: 0.28565 cm²/(V s), 0.073846 Å²/fs (exactly 4e-3 · 60/(1 + 1.5²)), c = -0.698 ± 0.002.
"""

import numpy as np

import smallpolaron as sp


def main(duration_fs: float = 800.0) -> tuple[float, float, float]:
    # a classical correlation function in angstrom^2/fs^2
    t_fs = np.arange(0.0, duration_fs, 0.5)
    C = 4e-3 * np.exp(-t_fs / 60) * np.cos(t_fs / 40)
    own = sp.own_correlation(t_fs, C, temperature_K=300, kind="classical")
    kernel = sp.memory_kernel(t_fs, C)
    print(own.mobility())
    print(kernel)
    print(own.drude_smith().stored.notes["verdict"])

    f_THz = np.linspace(0.2, 2.5, 47)
    omega, k, c = 2e-3 * np.pi * f_THz, 1 / 100, -0.7
    sigma = (1 + c * k / (k - 1j * omega)) / (k - 1j * omega)
    error = np.full(47, 0.01 * np.max(np.abs(sigma)))
    noise = np.random.default_rng(0).normal(scale=error, size=(2, 47))
    fits = sp.fit_conductivity(f_THz, sigma + noise[0] + 1j * noise[1], error)
    print(fits)
    table = fits.to_dataframe().query("model == 'drude_smith'").set_index("quantity")
    return float(own.mobility()), float(kernel["D_kernel"]), float(table.loc["c", "value"])


if __name__ == "__main__":
    main()
