"""Energy transfer in the FMO complex: seven pigments, each with a bath of its own.

Site energies and couplings of Adolphs and Renger, Biophys. J. 91, 2778 (2006), trimer of
Prosthecochloris aestuarii; Debye baths with a reorganisation energy of 35 cm^-1 and a relaxation
time of 50 fs, as Ishizaki and Fleming, PNAS 106, 17255 (2009). The excitation starts on pigment 1,
the baths unrelaxed. Prints the populations at 77 and 300 K and last that of pigment 3, next to the
reaction centre, after 1 ps: 0.279 ± 0.001 at 77 K, 0.213 ± 0.001 at 300 K. Draws all of
them into fmo.svg.

    python examples/fmo.py          # about 25 s on one core
"""

import argparse

import numpy as np

import smallpolaron as sp

ENERGIES_CM = (12410.0, 12530.0, 12210.0, 12320.0, 12480.0, 12630.0, 12440.0)
COUPLINGS_CM = (
    (-87.7, 5.5, -5.9, 6.7, -13.7, -9.9),
    (30.8, 8.2, 0.7, 11.8, 4.3),
    (-53.5, -2.2, -9.6, 6.0),
    (-70.7, -17.0, -63.3),
    (81.1, -1.3),
    (39.7,),
)
REORGANISATION_CM, RELAXATION_FS = 35.0, 50.0


def fmo(temperature_K: float) -> sp.Model:
    """Return the seven pigments at a temperature."""
    hopping = np.zeros((7, 7))
    for pigment, row in enumerate(COUPLINGS_CM):
        hopping[pigment, pigment + 1 :] = row
    bath = sp.Debye(eta_cm=2 * REORGANISATION_CM, gamma_cm=5308.837 / RELAXATION_FS)
    return sp.Model(
        lattice=sp.Lattice.cluster(hopping + hopping.T),
        hopping_cm=1.0,
        # the mean has no influence
        site_energies_cm=np.array(ENERGIES_CM) - min(ENERGIES_CM),
        temperature_K=temperature_K,
        coupling=sp.Local(bath),
    )


def main(duration_fs: float = 1000.0, accuracy: float = 1e-3) -> dict[int, float]:
    """Compute, print and draw; returns the last population of pigment 3 by temperature."""
    runs = {
        T: sp.populations(
            fmo(T),
            duration_fs,
            start_site=0,
            accuracy=accuracy,
            sample_fs=5.0,
        )
        for T in (77, 300)
    }
    trapped = {T: float(run.populations[-1, 2]) for T, run in runs.items()}
    if sp.rank() == 0:
        draw(runs)
        for T, run in runs.items():
            print(run)
            for at in range(0, len(run.time_fs), max(1, len(run.time_fs) // 5)):
                shown = " ".join(f"{p:.3f}" for p in run.populations[at])
                print(f"{T} K, {run.time_fs[at]:6.0f} fs: {shown}")
        ends = ", ".join(
            f"{value:.3f} ± {runs[T]['errors/populations/total']:.3f} at {T} K"
            for T, value in trapped.items()
        )
        print(f"population of pigment 3 after {duration_fs:g} fs: {ends}")
    return trapped


def draw(runs: dict[int, sp.Outcome]) -> None:
    """Draw the populations of all pigments, a panel per temperature."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axes, (T, run) in zip(figure.subplots(1, 2, sharey=True), runs.items(), strict=True):
        axes.plot(run.time_fs, run.populations, label=[f"{n}" for n in range(1, 8)])
        axes.set(title=f"{T} K", xlabel="t (fs)", ylabel="population")
    axes.legend(ncols=2, fontsize="small")
    figure.savefig("fmo.svg")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--duration-fs", type=float, default=1000.0)
    parser.add_argument("--accuracy", type=float, default=1e-3, help="of the populations")
    main(**vars(parser.parse_args()))
